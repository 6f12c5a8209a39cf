import type { NativeId, Progress } from '../../contract.ts'
import { gone, refuse, unlessGone } from '../../shared/refusals.ts'
import { child, escapeXml, parseXml } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import type { Rescued } from '../marks.ts'
import type { Domain } from '../records/domain.ts'
import { type Volume, volumeNamed } from '../records/volume.ts'
import { baseOf, imageOn, sweepImages } from '../storage/image-volume.ts'
import type { Host } from '../wire/host.ts'
import { DEFINE, DELETE_VOLUME, DOMAIN_XML } from '../wire/procedures.ts'
import { writeInto } from './note.ts'
import { homeOf, makeDisk } from './parts.ts'
import { stop, turnOn, withOurs } from './power.ts'

/*
 * A server that is rescued has a disk of an image in the place of its own, which is its second meanwhile. How its own one was
 * is noted before anything changes, to the letter, so that whoever comes upon it can put it back.
 */

/** VIR_DOMAIN_XML_SECURE and VIR_DOMAIN_XML_INACTIVE: all of what is kept. */
const WHOLE = 1 | 2

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz']
const END = '</disk>'

/** Each disk of a definition as it is written there. */
const disksIn = (xml: string): string[] => {
  const devices = xml.slice(xml.lastIndexOf('<devices>'))
  return devices.split(END).flatMap((before) => {
    const start = before.lastIndexOf('<disk ')
    return start < 0 ? [] : [before.slice(start) + END]
  })
}

const targetIn = (disk: string): string | undefined => child(parseXml(disk), 'target')?.attributes.get('dev')

/** An element of a disk as it is written there; empty: it has none. */
const elementIn = (disk: string, name: string): string => {
  const start = disk.indexOf(`<${name} `)
  return start < 0 ? '' : disk.slice(start, disk.indexOf('/>', start) + 2)
}

const keptXml = async (host: Host, { ref }: Domain): Promise<string> =>
  (await host.call(DOMAIN_XML, { domain: ref, flags: WHOLE })).xml

/** What its own disk is, and is called as long as another one has its place. @throws `definitive` for one without a disk */
const noted = (xml: string, { disks, targets }: Domain, token: string): Rescued => {
  const root = disks.find((disk) => disk.root)
  const disk = disksIn(xml).find((each) => targetIn(each) === root?.target)
  if (!root || !disk) return refuse('The server has no disk that another one could stand in for.')
  const bus = root.target.slice(0, -1)
  const target = LETTERS.map((letter) => bus + letter).find((each) => !targets.includes(each))
  return { token, target: target ?? refuse('The server has as many disks as it can have.'), disk }
}

/** The disk that stands in for another one, in its place, and that one as the second. */
const standIn = ({ disk, target }: Rescued, { ref }: Volume): string => {
  const own = targetIn(disk)
  const [boot, address] = [elementIn(disk, 'boot'), elementIn(disk, 'address')]
  const name = elementIn(disk, 'target')
  const second = [boot, address].filter((part) => part !== '').reduce((left, part) => left.replace(part, ''), disk)
  return [
    '<disk type="volume" device="disk"><driver name="qemu" type="qcow2" discard="unmap"/>',
    `<source pool="${escapeXml(ref.pool)}" volume="${escapeXml(ref.name)}"/>${name}${boot}${address}</disk>`,
    second.replace(name, () => name.replace(`'${own}'`, `'${target}'`)),
  ].join('')
}

/** Whether the machine is defined with the disk that stands in. */
const stands = ({ disks }: Domain, name: string): boolean =>
  disks.some(({ place }) => place !== null && 'volume' in place && place.volume === name)

const removeVolume = async (host: Host, volume: Volume | null): Promise<void> => {
  if (volume) await unlessGone(() => host.call(DELETE_VOLUME, { volume: volume.ref, flags: 0 }))
}

/** Takes one step towards running from a fresh disk of an image. */
export const rescue = async (context: Context, id: NativeId, image: NativeId, token: string): Promise<Progress> => {
  let progress: Progress = 'going'
  await withOurs(context, id, async (host, domain) => {
    const note = domain.note!
    const home = await homeOf(context, host, note.mark, note.made?.pool)
    const name = home.nameOf('rescue')
    const isOurs = note.rescued?.token === token
    if (!isOurs && stands(domain, name)) refuse('The server runs from another disk than its own already.')
    if (isOurs && stands(domain, name)) {
      if (domain.power === 'running') progress = 'done'
      else if (domain.power === 'stopped') await turnOn(host, domain)
      return
    }
    if (domain.power !== 'stopped') return stop(context, id, host, domain)
    const fresh = await imageOn(context, host, baseOf(image))
    if (!fresh?.whole) throw gone(image)
    const xml = await keptXml(host, domain)
    const rescued = isOurs ? note.rescued! : noted(xml, domain, token)
    if (!isOurs) {
      await removeVolume(host, await volumeNamed(host, home.pool.name, name))
      await writeInto(host, domain, { ...note, rescued })
    }
    const disk = await makeDisk(host, home, 'rescue', fresh.volume.capacity, fresh.volume.path)
    const defined = await keptXml(host, domain)
    await host.call(DEFINE, { xml: defined.replace(rescued.disk, () => standIn(rescued, disk)), flags: 0 })
    await turnOn(host, domain)
  })
  return progress
}

/** Takes one step towards running from its own disk again. */
export const unrescue = async (context: Context, id: NativeId): Promise<Progress> => {
  let progress: Progress = 'going'
  await withOurs(context, id, async (host, domain) => {
    const { rescued, ...note } = domain.note!
    if (domain.power !== 'stopped' && rescued) return stop(context, id, host, domain)
    if (rescued) {
      const home = await homeOf(context, host, note.mark, note.made?.pool)
      const name = home.nameOf('rescue')
      if (stands(domain, name)) {
        const xml = await keptXml(host, domain)
        const [first, second] = [targetIn(rescued.disk), rescued.target].map((target) =>
          disksIn(xml).find((disk) => targetIn(disk) === target),
        )
        if (!first || !second) return refuse('Somebody took a disk of the server away.')
        await host.call(DEFINE, { xml: xml.replace(second, '').replace(first, () => rescued.disk), flags: 0 })
      }
      await removeVolume(host, await volumeNamed(host, home.pool.name, name))
      await writeInto(host, domain, note)
      await sweepImages(context, host)
    }
    if (domain.power === 'running') progress = 'done'
    else if (domain.power === 'stopped') await turnOn(host, domain)
  })
  return progress
}
