import {
  listNamespaces,
  MOST_ITEMS,
  NAMESPACE_SORT,
  type NamespaceRow,
  namespaceNamed,
  namespaceWith,
} from '../../../db/queries/image/metadefs.ts'
import { projectOf } from '../../broker/block-storage/volume.ts'
import {
  changeNamespace,
  createNamespace,
  type ItemWish,
  type NamespaceWish,
  removeNamespace,
} from '../../broker/image/metadefs.ts'
import { Refused } from '../../broker/line/refused.ts'
import { badRequest, conflict, Fault, forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { limitOf } from '../image-filters.ts'
import { guarded, type NamespaceFields, namespaceFields } from './fields.ts'
import { namespaceView, wholeView } from './view.ts'

/** The namespace of the path; 404 in Glance's words. */
export const namespaceOf = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<NamespaceRow> => {
  const row = await namespaceNamed(context.db, context.scope, params.namespace!)
  if (!row) throw notFound(`Metadata definition namespace=${params.namespace} was not found.`)
  return row
}

/** The same with what is in it, of one kind, or the one of a name. */
export const namespaceAnd = async (
  { context, params }: Pick<Input, 'context' | 'params'>,
  of?: Parameters<typeof namespaceWith>[3],
) => {
  const found = await namespaceWith(context.db, context.scope, params.namespace!, of)
  if (!found) throw notFound(`Metadata definition namespace=${params.namespace} was not found.`)
  return found
}

export const TOO_MANY = new Fault(413, `A namespace has ${MOST_ITEMS} definitions at most.`)

/** 403 for what is protected. */
export const refuseProtected = ({ namespace, protected: kept }: NamespaceRow): void => {
  if (kept) throw forbidden(`Metadata definition namespace ${namespace} is protected and cannot be deleted.`)
}

export const directionOf = (queries: URLSearchParams): 'asc' | 'desc' => {
  const direction = queries.get('sort_dir') ?? 'desc'
  if (direction !== 'asc' && direction !== 'desc') throw badRequest(`Invalid sort direction: ${direction}`)
  return direction
}

const list = async ({ context, queries }: Input) => {
  const visibility = queries.get('visibility') ?? undefined
  if (visibility !== undefined && !['public', 'private'].includes(visibility))
    throw badRequest(`Invalid visibility value: ${visibility}`)
  const key = queries.get('sort_key') ?? 'created_at'
  if (!NAMESPACE_SORT.some((each) => each === key)) throw badRequest(`Sort key supplied was not valid: ${key}`)
  const descending = directionOf(queries) === 'desc'
  const sort = [...new Set([key, 'namespace'])].map((each) => ({ key: each, descending }))
  const marker = queries.get('marker')
  const marked = marker === null ? null : await namespaceNamed(context.db, context.scope, marker)
  if (marker !== null && !marked) throw notFound(`Metadata definition namespace=${marker} was not found.`)
  const types = queries.get('resource_types')
  const filter = { visibility, resourceTypes: types === null ? undefined : types.split(',') }
  const slice = { sort, limit: limitOf(queries), marker: marked?.id }
  const rows = (await listNamespaces(context.db, context.scope, filter, slice)) ?? []
  const href = (search: URLSearchParams) => `/v2/metadefs/namespaces${search.size ? `?${search}` : ''}`
  const rest = new URLSearchParams(queries)
  rest.delete('marker')
  const next = new URLSearchParams(rest)
  if (rows.length) next.set('marker', rows.at(-1)!.row.namespace)
  return {
    body: {
      namespaces: rows.map(({ row, types }) => namespaceView(row, types)),
      first: href(rest),
      ...(rows.length && rows.length === limitOf(queries) ? { next: href(next) } : {}),
      schema: '/v2/schemas/metadefs/namespaces',
    },
  }
}

const show = async (input: Input) => {
  const { row, items } = await namespaceAnd(input)
  const type = input.queries.get('resource_type')
  const on = items.find(({ kind, name }) => kind === 'resource_type' && name === type)
  return { body: wholeView(row, items, typeof on?.body.prefix === 'string' ? on.body.prefix : '') }
}

const wishOf = (body: NamespaceFields, input: Input): NamespaceWish => ({
  namespace: body.namespace,
  projectId: body.owner ?? projectOf(input.context),
  displayName: body.display_name ?? null,
  description: body.description ?? null,
  visibility: body.visibility ?? 'private',
  protected: body.protected ?? false,
})

const itemsIn = ({ properties, objects, tags, resource_type_associations }: NamespaceFields): ItemWish[] => {
  const listed = (kind: ItemWish['kind'], each: { name: string } & Record<string, unknown>): ItemWish => {
    const { name, created_at, updated_at, self, schema, ...body } = each
    return { kind, name, body }
  }
  return [
    ...Object.entries(properties ?? {}).map(([name, { name: _, ...body }]) => ({
      ...{ kind: 'property' as const, name },
      body,
    })),
    ...(objects ?? []).map((each) => listed('object', each)),
    ...(tags ?? []).map(({ name }) => ({ kind: 'tag' as const, name, body: {} })),
    ...(resource_type_associations ?? []).map((each) => listed('resource_type', each)),
  ]
}

const create = async (input: Input<NamespaceFields>) => {
  const { row, items } = await createNamespace(input.context, wishOf(input.body, input), itemsIn(input.body))
  const body = wholeView(row, items)
  return { body, headers: { Location: body.self } }
}

const refuse = (error: unknown, { body }: Input): Fault | undefined => {
  if (!(error instanceof Refused)) return undefined
  const { refusal } = error
  if (refusal.kind === 'guard' && refusal.what === 'metadefs-full') return TOO_MANY
  if (refusal.kind !== 'taken') return undefined
  const { namespace } = body as NamespaceFields
  if (refusal.columns.includes('metadef_namespaces.namespace'))
    return conflict(`The metadata definition namespace=${namespace} already exists.`)
  return conflict(`A name is given twice in namespace=${namespace}.`)
}

const KEPT = ['self', 'schema', 'created_at', 'updated_at']
const body = guarded(namespaceFields, KEPT)
const one = '/v2/metadefs/namespaces/:namespace'

/** https://docs.openstack.org/api-ref/image/v2/metadefs-index.html */
export const namespaceOperations: Operation[] = [
  operation({
    name: 'metadef_namespace.list',
    method: 'GET',
    path: '/v2/metadefs/namespaces',
    who: 'reader',
    summary: 'Namespaces of definitions: public ones, and those of the project.',
    status: 200,
    handle: list,
  }),
  operation<NamespaceFields>({
    name: 'metadef_namespace.create',
    method: 'POST',
    path: '/v2/metadefs/namespaces',
    who: 'admin',
    summary: 'Makes a namespace, with what is to be in it.',
    status: 201,
    body,
    handle: create,
    refuse,
  }),
  operation({
    name: 'metadef_namespace.show',
    method: 'GET',
    path: one,
    who: 'reader',
    summary: 'A namespace with all that is in it; `resource_type` puts the prefix of that type before names.',
    status: 200,
    handle: show,
  }),
  operation<NamespaceFields>({
    name: 'metadef_namespace.update',
    method: 'PUT',
    path: one,
    who: 'admin',
    summary: 'Says anew what a namespace is; what is in it stays.',
    status: 200,
    body,
    handle: async (input) => {
      const row = await namespaceOf(input)
      return { body: namespaceView(await changeNamespace(input.context, row, wishOf(input.body, input)), []) }
    },
    refuse,
  }),
  operation({
    name: 'metadef_namespace.delete',
    method: 'DELETE',
    path: one,
    who: 'admin',
    summary: 'Deletes a namespace with all that is in it, unless it is protected.',
    status: 204,
    handle: async (input) => {
      const row = await namespaceOf(input)
      refuseProtected(row)
      await removeNamespace(input.context, row)
      return {}
    },
  }),
]
