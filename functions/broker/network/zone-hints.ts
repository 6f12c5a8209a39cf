import { adapterFor } from '../../../adapters/registry.ts'
import { policyOf } from '../../../db/queries/clouds/policies.ts'
import { zonesOfProject } from '../../../db/queries/network/segments.ts'
import type { Context } from '../../context.ts'
import { freeZone } from '../clouds/policy.ts'
import { NetworkRefused } from './network-refusal.ts'

export interface NamedHome {
  cloudId: string
  cloudName: string
  /** Null where subnets have no zone. */
  zone: string | null
}

/** What zones stand for that a wish names, of those that its project may use; the one that leaves the choice says nothing. Throws `AvailabilityZoneNotFound`. */
export const homesNamed = async (context: Context, projectId: string, hints: string[]): Promise<NamedHome[]> => {
  if (!hints.length) return []
  const [zones, [said]] = await Promise.all([zonesOfProject(context.db, projectId), policyOf(context.db, projectId)])
  const homes: NamedHome[] = []
  for (const hint of hints) {
    if (hint === freeZone(said?.policy ?? null)) continue
    const found = zones.find(({ cloudName, zone }) => `${cloudName}.${zone}` === hint)
    if (!found)
      throw new NetworkRefused({
        kind: 'missing',
        type: 'AvailabilityZoneNotFound',
        reason: `AvailabilityZone ${hint} could not be found.`,
      })
    const zonal = (await adapterFor(found.type))?.zonalSubnets === true
    homes.push({ cloudId: found.cloudId, cloudName: found.cloudName, zone: zonal ? found.zone : null })
  }
  return homes
}
