import * as z from 'zod'
import { allClouds, mappingsOf } from '../../db/queries/clouds/clouds.ts'
import { policyOf } from '../../db/queries/clouds/policies.ts'
import type { Policy } from '../../db/schema/index.ts'
import { FILTERS } from '../broker/clouds/filters.ts'
import { decree, NO_POLICY, policyFaults } from '../broker/clouds/policy.ts'
import { badRequest } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { noProject } from './lookup.ts'

/** Zones of clouds have a dot in their names, so that this one is never taken for one of theirs. */
const zoneName = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/, 'must be letters, digits, inner dashes and underscores')

const given = z.strictObject({
  policy: z.strictObject({
    chain: z.array(z.string().min(1).max(64)).min(1).max(64).nullable().optional(),
    zones: z.enum(['all', 'policy']).optional(),
    zone_name: zoneName.optional(),
    min_filters: z.enum(FILTERS).optional(),
  }),
}) as unknown as z.ZodType<{ policy: Partial<Policy> }>

const PATH = '/v1/projects/:project/policy'

/** How administrators want the things of a project to be placed. */
export const policyOperations: Operation[] = [
  operation({
    name: 'policy.get',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary: 'How the things of a project are placed: by what was said of it, else as it is everywhere.',
    status: 200,
    handle: async ({ context, params }) => {
      const [row] = await policyOf(context.db, params.project!)
      if (!row) throw noProject(params.project!)
      return { body: { policy: { ...NO_POLICY, ...row.policy } } }
    },
  }),
  operation<{ policy: Partial<Policy> }>({
    name: 'policy.put',
    method: 'PUT',
    path: PATH,
    who: 'admin',
    summary:
      'Says how the things of a project are placed, in place of what was said before: the clouds in their order, which zones are listed, and the weakest filters that a failover may end at.',
    status: 200,
    body: given,
    handle: async ({ context, params, body }) => {
      const project = params.project!
      const mapped = await mappingsOf(context.db, project)
      if (!mapped) throw noProject(project)
      const policy = { ...NO_POLICY, ...body.policy }
      const faults = policyFaults(policy, mapped, await allClouds(context.db))
      if (faults.length) throw badRequest(faults.join(' '))
      await decree(context, project, policy)
      return { body: { policy } }
    },
  }),
]
