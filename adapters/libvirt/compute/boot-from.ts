import type { NativeId, Progress } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { escapeXml } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { partsOf } from '../records/ids.ts'
import { machinesOn } from '../records/machine.ts'
import { volumeNamed } from '../records/volume.ts'
import { markIn } from '../records/volume-name.ts'
import { formatOf } from '../storage/format.ts'
import type { Host } from '../wire/host.ts'
import { CUT_POWER, DEFINE, DOMAIN_XML, START } from '../wire/procedures.ts'
import { withOurs } from './power.ts'

/** VIR_DOMAIN_XML_SECURE and VIR_DOMAIN_XML_INACTIVE: all of what is kept. */
const WHOLE = 1 | 2

/** A volume as the definition of a machine names it. */
const sourceOf = (id: NativeId): RegExp => {
  const [pool, name] = partsOf(id, 2).map((part) => escapeXml(part!).replaceAll(/[.+*?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`<source pool=(['"])${pool}\\1 volume=(['"])${name}\\2`)
}

/** The volume, if it may take the place of another. @throws `conflict` while another server has it */
const assertFits = async (context: Context, host: Host, server: NativeId, id: NativeId, format: string) => {
  const [pool = '', name = ''] = partsOf(id, 2)
  const volume = id.split('/', 1)[0] === host.name ? await volumeNamed(host, pool, name) : null
  if (!volume) throw gone(id)
  const holder = (await machinesOn(host)).find(({ disks }) => disks.some((disk) => disk.id === id))
  if (holder && holder.id !== server) throw new CloudError('conflict', 'The volume is attached to another server.')
  const own = await formatOf(context, host, id, volume, markIn(name, { host: host.name, pool }))
  if (own !== format) refuse(`The server boots from a volume that is ${format}, and this one is ${own}.`)
}

/** Takes one step towards booting from another volume: off, the one in place of the other, and the power that is wanted. */
export const bootFrom = async (
  context: Context,
  id: NativeId,
  volume: NativeId,
  power: 'running' | 'stopped',
): Promise<Progress> => {
  let progress: Progress = 'going'
  await withOurs(context, id, async (host, { ref, power: is }) => {
    const machine = (await machinesOn(host)).find((each) => each.id === id)
    const root = machine?.disks.find((disk) => disk.root)
    const before = root?.id ?? refuse('The server boots from a disk of its own.')
    if (before === volume && is === power) progress = 'done'
    else if (before === volume && is === 'stopped') await host.call(START, { domain: ref, flags: 0 })
    else if (is !== 'stopped') await host.call(CUT_POWER, { domain: ref, flags: 0 })
    else {
      await assertFits(context, host, id, volume, root!.format)
      const { xml } = await host.call(DOMAIN_XML, { domain: ref, flags: WHOLE })
      const old = sourceOf(before)
      if (!old.test(xml)) refuse('The disk that the server boots from is named by its path on the host.')
      const [pool = '', name = ''] = partsOf(volume, 2)
      const fresh = `<source pool='${escapeXml(pool)}' volume='${escapeXml(name)}'`
      await host.call(DEFINE, { xml: xml.replace(old, () => fresh), flags: 0 })
    }
  })
  return progress
}
