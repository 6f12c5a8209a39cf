import type { NetworkSeen, NetworkSpec } from '../../../adapters/contract.ts'
import { noteChange } from '../../../db/queries/line/drift.ts'
import {
  isWayOut,
  type NetworkRow,
  type NetworkView,
  networkById,
  noteNetwork,
} from '../../../db/queries/network/network.ts'
import { noteSegmentation } from '../../../db/queries/network/segments.ts'
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
export const networkSteps = steps<NetworkView, NetworkSpec, NetworkSeen>({
  kind: 'network',
  returns: true,
  realm: (cloud) => cloud.network,
  load: ({ db }, { resourceId }) => networkById(db, everyProject, resourceId),
  needs: () => [],
  spec: async ({ db }, network, { cloudId }) => ({
    name: network.name || network.id,
    cidrs: (await subnetsOn(db, network.id, cloudId)).map(({ cidr }) => cidr),
    ...(network.external && !isWayOut(network) ? { external: true as const } : {}),
  }),
  observe: ({ db, now }, { id, projectId, status, segments }, { cloudId }, { health, segmentationId: told }) => {
    const here = segments.filter((each) => each.cloudId === cloudId)
    const known = here.find(({ segmentationId }) => segmentationId !== null)?.segmentationId
    const change = {
      ...({ kind: 'network', resourceId: id, cloudId, projectId, what: 'segmentation', firstSeenAt: now() } as const),
      ...{ intent: String(known), observed: String(told) },
    }
    return [
      ...(status === 'ERROR' && health === 'ready' ? [noteNetwork(db, id, 'ACTIVE')] : []),
      ...(told !== undefined && here.some(({ segmentationId }) => segmentationId !== told)
        ? [noteSegmentation(db, id, cloudId, told)]
        : []),
      // Somebody gave it another VLAN: what is on it reaches others than before.
      ...(told !== undefined && known != null && known !== told ? noteChange(db, change) : []),
    ]
  },
  failed: ({ db }, { id }, { phase }) => (phase === 'bound' ? [] : [noteNetwork(db, id, 'ERROR')]),
})
