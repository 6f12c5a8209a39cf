import type { NetworkSpec } from '../../../adapters/contract.ts'
import { type NetworkRow, networkById, noteNetwork } from '../../../db/queries/network/network.ts'
import { subnetsOn } from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import { type Need, steps } from '../line/steps.ts'

/** A network as something else needs it: in the account of its owner. */
export const networkNeed = ({ id, projectId }: Pick<NetworkRow, 'id' | 'projectId'>): Need => ({
  kind: 'network',
  resourceId: id,
  projectId,
})

/** Networks have no address range of their own; a cloud may want one that is wide enough for their subnets. */
export const networkSteps = steps<NetworkRow, NetworkSpec>({
  kind: 'network',
  returns: true,
  realm: (cloud) => cloud.network,
  load: ({ db }, { resourceId }) => networkById(db, everyProject, resourceId),
  needs: () => [],
  spec: async ({ db }, { id, name }, { cloudId }) => ({
    name: name || id,
    cidrs: (await subnetsOn(db, id, cloudId)).map(({ cidr }) => cidr),
  }),
  observe: ({ db }, { id, status }, _, { health }) =>
    status === 'ERROR' && health === 'ready' ? [noteNetwork(db, id, 'ACTIVE')] : [],
  failed: ({ db }, { id }, { phase }) => (phase === 'bound' ? [] : [noteNetwork(db, id, 'ERROR')]),
})
