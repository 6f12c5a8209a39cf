import type { Ref } from '../../db/queries/line/bindings.ts'
import { everyProject, type Scope } from '../../db/scope.ts'
import { projectOf } from '../broker/block-storage/volume.ts'
import type { Context } from '../context.ts'
import { isTrue } from '../http/boolean.ts'
import { badRequest } from '../http/fault.ts'
import type { Input, Operation } from '../http/operation.ts'

/** From here on the project may be left out of the URL. */
const WITHOUT_PROJECT = 67

/**
 * Every route with the project in its path, as Cinder always had it, and since 3.67 without. The pattern is Cinder's own
 * (`project_id_regex`): no resource is called like that. https://docs.openstack.org/api-ref/block-storage/v3/#api-versions
 */
export const inProject = (operations: Operation[]): Operation[] =>
  operations.flatMap((operation) => [
    {
      ...operation,
      path: `/v3/:project_id{[0-9a-f-]+}${operation.path}`,
      handle: (input) => operation.handle(forProject(input)),
    },
    {
      ...operation,
      name: `${operation.name}_without_project`,
      path: `/v3${operation.path}`,
      since: Math.max(operation.since ?? 0, WITHOUT_PROJECT),
    },
  ])

/** The project of the path is that of the token; an admin may look into another. */
const forProject = (input: Input): Input => {
  const { params, context } = input
  const asked = params.project_id!
  if (asked === context.caller?.projectId) return input
  if (!context.caller?.isAdmin) throw badRequest('Malformed request url')
  return { ...input, context: { ...context, scope: { projectId: asked } } }
}

/** Whose resources a list shows: the project's own, all for an admin who asks for them. */
export const listScope = (context: Context, query: Record<string, string | undefined>): Scope => {
  if (!context.caller?.isAdmin || !isTrue(query.all_tenants)) return { projectId: projectOf(context) }
  return query.project_id ? { projectId: query.project_id } : everyProject
}

/** URL of the version, with the project if the request had it: what links to resources start with. */
export const linksTo = ({ base, params }: Input, collection: string, id: string) => {
  const project = params.project_id ? `/${params.project_id}` : ''
  return [
    { rel: 'self', href: `${base}/v3${project}/${collection}/${id}` },
    { rel: 'bookmark', href: `${base}${project}/${collection}/${id}` },
  ]
}

const MOST = 10
/** What is read while it is under way is driven on, after the answer. */
export const pursue = (context: Context, refs: (Ref & { dueAt: number | null })[]): void => {
  const now = context.now()
  const due = refs.filter(({ dueAt }) => dueAt !== null && dueAt <= now).slice(0, MOST)
  for (const { kind, resourceId, cloudId, scope } of due)
    context.defer(() => context.converge(context, { kind, resourceId, cloudId, scope }))
}
