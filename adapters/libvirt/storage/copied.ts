import type { NativeId } from '../../contract.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import type { Domain } from '../records/domain.ts'
import { partsOf } from '../records/ids.ts'
import { machinesOn } from '../records/machine.ts'
import { type Volume, volumeNamed } from '../records/volume.ts'
import { isPart, markIn } from '../records/volume-name.ts'
import type { Host } from '../wire/host.ts'
import { type Copy, isMaking } from './copy.ts'
import { formatOf } from './format.ts'
import type { LiveDisk } from './mirror.ts'

/** From what a copy is made: its data are read by the machine that runs with it, if one does. */
export type Source = Pick<Copy, 'from' | 'live'>

/**
 * What is not open is read as what a pool finds in its bytes.
 * @throws `definitive` where that is not what it is: a guest may have written the head of an image, which names any file of the host
 */
export const assertIs = ({ format }: Volume, said: string): void => {
  if (format !== said) refuse('The volume has an image in its bytes that a guest may have written: it is not copied.')
}

/** A disk of a machine that runs, as a copy of it is made. */
export const liveDisk = ({ ref: domain, note }: Domain, target: string): LiveDisk => {
  const quiesce = note?.made?.agent?.quiesce
  return { domain, target, ...(quiesce && { quiesce }) }
}

/** A volume that is to be copied. @throws `definitive` for one that is not to be, or that runs in somebody else's server */
export const copiedVolume = async (context: Context, host: Host, id: NativeId): Promise<Source> => {
  const [pool = '', name = ''] = partsOf(id, 2)
  const from = isPart(name) ? null : await volumeNamed(host, pool, name)
  if (!from) throw gone(id)
  for (const { domain, disks } of await machinesOn(host)) {
    const disk = disks.find((each) => each.id === id)
    if (!disk || domain.ref.id < 0) continue
    assertOurs(domain.note?.mark, context.connection.deployment)
    return { from, live: liveDisk(domain, disk.target) }
  }
  assertIs(from, await formatOf(context, host, id, from, markIn(name, { host: host.name, pool })))
  return { from, live: null }
}

/** A snapshot that a volume is made of: nothing runs with one. @throws `not_found` where it is not there, or not whole */
export const copiedSnapshot = async (host: Host, id: NativeId): Promise<Source> => {
  const [pool = '', name = ''] = partsOf(id, 2)
  const isOne = markIn(name, { host: host.name, pool })?.kind === 'snapshot'
  const from = isOne && !(await isMaking(host, pool, name)) ? await volumeNamed(host, pool, name) : null
  if (!from) throw gone(id)
  return { from, live: null }
}
