import * as z from 'zod'
import { allClouds, mappingsOf } from '../../db/queries/clouds/clouds.ts'
import { cloudsWithRoom } from '../../db/queries/clouds/marks.ts'
import { policyOf, policyOfAll } from '../../db/queries/clouds/policies.ts'
import {
  decree,
  decreeForAll,
  generalFaults,
  homelessFaults,
  NO_POLICY,
  policyFaults,
  roomlessFaults,
} from '../broker/clouds/policy.ts'
import type { Context } from '../context.ts'
import { badRequest } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { noProject } from './lookup.ts'
import { type PolicyGiven, policyGiven, policyIn, policyView } from './policy-shape.ts'

const PATH = '/v1/projects/:project/policy'
const OF_ALL = '/v1/policy'

const looked = z.object({ own: z.enum(['true', 'false']).optional() })

/** Clouds of a project of which somebody says how much room they have. */
const sizedFor = async ({ db }: Context, mapped: { name: string; mapping: Record<string, unknown> }[]) => [
  ...(await cloudsWithRoom(db)),
  ...mapped.filter(({ mapping }) => mapping.room).map(({ name }) => name),
]

const refuseFaults = (faults: string[]): void => {
  if (faults.length) throw badRequest(faults.join(' '))
}

/** How administrators want the things of a project to be placed, and those of all. */
export const policyOperations: Operation[] = [
  operation({
    name: 'policy.get_default',
    method: 'GET',
    path: OF_ALL,
    who: 'admin',
    summary: 'How the things of projects are placed of which nothing is said.',
    status: 200,
    handle: async ({ context }) => ({ body: { policy: policyView(await policyOfAll(context.db)) } }),
  }),
  operation<PolicyGiven>({
    name: 'policy.put_default',
    method: 'PUT',
    path: OF_ALL,
    who: 'admin',
    summary:
      'Says how the things of projects are placed, in place of what was said before; what is said of one project stands above it, key by key.',
    status: 200,
    body: policyGiven,
    handle: async ({ context, body }) => {
      const said = policyIn(body)
      const policy = { ...NO_POLICY, ...said }
      refuseFaults([...generalFaults(said, await allClouds(context.db)), ...homelessFaults(policy)])
      refuseFaults(roomlessFaults(said, await cloudsWithRoom(context.db)))
      await decreeForAll(context, said)
      return { body: { policy: policyView(policy) } }
    },
  }),
  operation<unknown, z.infer<typeof looked>>({
    name: 'policy.get',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary:
      'How the things of a project are placed: by what was said of it, else of all, else as it is everywhere; with `own=true` what was said of it alone.',
    status: 200,
    query: looked as never,
    handle: async ({ context, params, query }) => {
      const [row] = await policyOf(context.db, params.project!)
      if (!row) throw noProject(params.project!)
      return { body: { policy: policyView(query.own === 'true' ? (row.said.own ?? {}) : row.policy) } }
    },
  }),
  operation<PolicyGiven>({
    name: 'policy.put',
    method: 'PUT',
    path: PATH,
    who: 'admin',
    summary:
      'Says how the things of a project are placed and what they may cost, in place of what was said before: the clouds in their order, up to which mark they are filled, whether and how far it spills, which zones are listed, and the weakest filters that a failover may end at.',
    status: 200,
    body: policyGiven,
    handle: async ({ context, params, body }) => {
      const project = params.project!
      const mapped = await mappingsOf(context.db, project)
      if (!mapped) throw noProject(project)
      const said = policyIn(body)
      const policy = { ...(await policyOfAll(context.db)), ...said }
      refuseFaults([...policyFaults(said, mapped, await allClouds(context.db)), ...homelessFaults(policy)])
      refuseFaults(roomlessFaults(said, await sizedFor(context, mapped)))
      await decree(context, project, said)
      return { body: { policy: policyView(policy) } }
    },
  }),
]
