import { adapterFor } from '../../../adapters/registry.ts'
import { zonesOfProject } from '../../../db/queries/network/zones.ts'
import type { Context } from '../../context.ts'
import { NetworkRefused } from './network-refusal.ts'

export interface NamedHome {
  cloudId: string
  cloudName: string
  /** Null where subnets have no zone. */
  zone: string | null
}

/** What zones stand for that a wish names, of those that its project may use. Throws `AvailabilityZoneNotFound`. */
export const homesNamed = async (context: Context, projectId: string, hints: string[]): Promise<NamedHome[]> => {
  if (!hints.length) return []
  const zones = await zonesOfProject(context.db, projectId)
  const homes: NamedHome[] = []
  for (const hint of hints) {
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
