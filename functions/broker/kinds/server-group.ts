import type { ServerGroupSpec } from '../../../adapters/contract.ts'
import { groupBelow } from '../../../db/queries/compute/server-groups.ts'
import { type Need, steps } from '../line/steps.ts'

type Loaded = Awaited<ReturnType<typeof groupBelow>>[number]

/** A server group as its servers need it. A cloud whose servers are told enough has no such kind. */
export const serverGroupNeed = (groupId: string, projectId: string): Need => ({
  kind: 'server_group',
  resourceId: groupId,
  projectId,
  ifOffered: true,
})

/** Groups of servers, made where the first server of one is. One that its user deleted stays while it has servers. */
export const serverGroupSteps = steps<Loaded, ServerGroupSpec>({
  kind: 'server_group',
  realm: (cloud) => cloud.server_group,
  load: async ({ db }, { resourceId }) => (await groupBelow(db, resourceId))[0] ?? null,
  needs: () => [],
  spec: (_, { name, policy, maxServerPerHost }) => ({ name, policy, mostPerHost: maxServerPerHost }),
})
