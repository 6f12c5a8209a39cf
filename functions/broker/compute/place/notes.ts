import { whyNoWayOut } from '../../network/pools/way-out.ts'
import { bootDisk } from '../disks/disk.ts'
import type { Because } from './explanation.ts'
import { growsFor } from './grow.ts'
import { type Ground, nameOf } from './rules.ts'

/* What is to be known of clouds where a server may go, though none of it keeps the server from there. */

/** Notes on clouds, given by their ids. */
export const notesOn = (ground: Ground, cloudIds: string[]): Because[] =>
  cloudIds.flatMap((id) => [...conversionOn(ground, id), ...noWayOutOn(ground, id)])

/** What it costs to bring its image there, beyond the copying. */
const conversionOn = ({ found, understood: { image, disks } }: Ground, id: string): Because[] => {
  const conversion = found.conversions[id]
  if (!image || bootDisk(disks) || conversion === undefined) return []
  return [{ rule: 'conversion', reason: `${nameOf(found, id)} takes image ${image.id} once it is ${conversion}.` }]
}

/** The plan wants a way out for its networks wherever they grow, and the cloud has none. */
const noWayOutOn = ({ found, understood: { nics }, adapters }: Ground, id: string): Because[] => {
  if (!found.plan?.egress || !nics.some((nic) => growsFor(nic, found))) return []
  const adapter = adapters.get(found.clouds.find((cloud) => cloud.id === id)?.type ?? '')
  const why = adapter ? whyNoWayOut(adapter) : null
  return why === null ? [] : [{ rule: 'egress', reason: `${nameOf(found, id)} gives its networks no way out: ${why}` }]
}
