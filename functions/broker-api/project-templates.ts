import * as z from 'zod'
import { templateOf } from '../../db/queries/clouds/templates.ts'
import { domainById } from '../../db/queries/identity/domains.ts'
import { setTemplate, templateFaults, unsetTemplate } from '../broker/clouds/templates.ts'
import type { Context } from '../context.ts'
import { dictionary } from '../http/dictionary.ts'
import { badRequest, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { cloudNamed, iso } from './lookup.ts'
import { policyGiven, policyIn, policyView } from './policy-shape.ts'

const PATH = '/v1/domains/:domain/project-template'

const MOST_CLOUDS = 64
const name = z.string().min(1).max(64)
const given = z.strictObject({
  project_template: z.strictObject({
    clouds: dictionary(name, dictionary(z.string(), z.json())).refine(
      (all) => Object.keys(all).length <= MOST_CLOUDS,
      `has more than ${MOST_CLOUDS} keys`,
    ),
    quotas: dictionary(
      name,
      z
        .int()
        .min(-1)
        .max(2 ** 31 - 1),
    ),
    policy: policyGiven.shape.policy.optional(),
    most_projects: z.int().min(0).max(100_000),
  }),
})

const assertDomain = async ({ db }: Context, id: string): Promise<void> => {
  if (!(await domainById(db, id))) throw notFound(`There is no domain ${id}.`)
}

const none = (domain: string) => notFound(`Domain ${domain} has no template: its new projects begin with nothing.`)

const view = (row: NonNullable<Awaited<ReturnType<typeof templateOf>>>) => ({
  project_template: {
    domain_id: row.domainId,
    clouds: Object.fromEntries(row.clouds.map(({ name, mapping }) => [name, mapping])),
    quotas: row.quotas,
    policy: policyView(row.policy),
    most_projects: row.mostProjects,
    created_at: iso(row.createdAt),
  },
})

/** The template of a domain as it is shown; 404 for none, and for no such domain. */
const shown = async (context: Context, domain: string) => {
  const row = await templateOf(context.db, domain)
  if (row) return view(row)
  await assertDomain(context, domain)
  throw none(domain)
}

/** What each new project of a domain begins with: the clouds that it reaches, its limits, and its policy. */
export const projectTemplateOperations: Operation[] = [
  operation({
    name: 'project_template.get',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary: 'What each new project of a domain begins with; 404 where that is nothing.',
    status: 200,
    handle: async ({ context, params }) => ({ body: await shown(context, params.domain!) }),
  }),
  operation({
    name: 'project_template.put',
    method: 'PUT',
    path: PATH,
    who: 'admin',
    summary:
      'Says what each new project of a domain begins with: the clouds that it reaches and as what (`{project_id}` in a mapping is its own), its limits, its policy, and how many projects there may be. Not without limits, and on clouds with prices not without a budget.',
    status: 200,
    body: given,
    handle: async ({ context, params, body: { project_template: asked } }) => {
      const domain = params.domain!
      await assertDomain(context, domain)
      const named = await Promise.all(
        Object.entries(asked.clouds).map(
          async ([cloud, mapping]) => [await cloudNamed(context, cloud), mapping] as const,
        ),
      )
      const template = {
        mostProjects: asked.most_projects,
        clouds: new Map(named),
        quotas: asked.quotas,
        policy: policyIn({ policy: asked.policy ?? {} }),
      }
      const faults = await templateFaults(context, template)
      if (faults.length) throw badRequest(faults.join(' '))
      await setTemplate(context, domain, template)
      return { body: await shown(context, domain) }
    },
  }),
  operation({
    name: 'project_template.delete',
    method: 'DELETE',
    path: PATH,
    who: 'admin',
    summary: 'New projects of a domain begin with nothing again; those that are there keep what they have.',
    status: 204,
    handle: async ({ context, params }) => {
      await assertDomain(context, params.domain!)
      if (!(await templateOf(context.db, params.domain!))) throw none(params.domain!)
      await unsetTemplate(context, params.domain!)
      return {}
    },
  }),
]
