import type { NativeId, Progress, Size } from '../../contract.ts'
import { gone, refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { type Domain, isRescued } from '../records/domain.ts'
import { volumeNamed } from '../records/volume.ts'
import { baseOf, imageOn, sweepImages } from '../storage/image-volume.ts'
import type { Host } from '../wire/host.ts'
import { CUT_POWER, DEFINE, DELETE_VOLUME, DOMAIN_XML, RESIZE_VOLUME, START } from '../wire/procedures.ts'
import { writeInto } from './note.ts'
import { homeOf, makeDisk } from './parts.ts'
import { withRoom } from './place.ts'
import { offShelf, stop, turnOn, withOurs } from './power.ts'

/* Servers that become other than they were made, in steps: what the next one is, the machine alone tells. */

const GIB = 1024 ** 3

/** VIR_DOMAIN_XML_SECURE and VIR_DOMAIN_XML_INACTIVE: all of what is kept. */
const WHOLE = 1 | 2

const KIB = 1024

/** A definition with another number of processors and another memory; all else stays to the letter. */
export const sized = (xml: string, { vcpus, ramMiB }: Pick<Size, 'vcpus' | 'ramMiB'>): string =>
  xml
    .replace(/<memory\b[^>]*>\d+<\/memory>/, `<memory unit='KiB'>${ramMiB * KIB}</memory>`)
    .replace(/<currentMemory\b[^>]*>\d+<\/currentMemory>/, `<currentMemory unit='KiB'>${ramMiB * KIB}</currentMemory>`)
    .replace(/<vcpu\b([^<>]*)>\d+<\/vcpu>/, (_, attributes: string) => {
      const kept = attributes.replace(/\scurrent=('[^']*'|"[^"]*")/, '')
      return `<vcpu${kept}>${vcpus}</vcpu>`
    })

/** The disk of its own that a server has; null: it boots from a volume. */
const rootOf = async (context: Context, host: Host, { note }: Domain) => {
  if (!note?.made) return null
  const { pool, nameOf } = await homeOf(context, host, note.mark, note.made.pool)
  return volumeNamed(host, pool.name, nameOf('root'))
}

const change = async (context: Context, host: Host, domain: Domain, size: Size): Promise<void> => {
  const root = await rootOf(context, host, domain)
  const capacity = size.diskGiB * GIB
  if (root && root.capacity < capacity) await host.call(RESIZE_VOLUME, { volume: root.ref, capacity, flags: 0 })
  const { xml } = await host.call(DOMAIN_XML, { domain: domain.ref, flags: WHOLE })
  await withRoom(context, host, domain, size, () => host.call(DEFINE, { xml: sized(xml, size), flags: 0 }))
  const { note } = domain
  if (note?.made) await writeInto(host, domain, { ...note, made: { ...note.made, size: size.native } })
}

/** Takes one step towards a size: processors, memory and disk change while the machine is off. */
export const resize = async (
  context: Context,
  id: NativeId,
  size: Size,
  power: 'running' | 'stopped',
): Promise<Progress> => {
  if (!context.options.sizes.some(({ name }) => name === size.native)) refuse('The cloud does not know this size.')
  let progress: Progress = 'going'
  await withOurs(context, id, async (host, domain) => {
    const { cpus, ramMiB, note } = domain
    const root = await rootOf(context, host, domain)
    const isSo =
      cpus === size.vcpus &&
      ramMiB === size.ramMiB &&
      (root?.capacity ?? Number.POSITIVE_INFINITY) >= size.diskGiB * GIB &&
      (note?.made?.size ?? size.native) === size.native
    if (isSo && domain.power === power) progress = 'done'
    else if (domain.power === 'stopped' && !isSo) await change(context, host, domain, size)
    // What is suspended has its memory in a file: it has to run, and shut down, first.
    else if (domain.power === 'stopped' || domain.power === 'suspended') await turnOn(host, domain)
    else if (domain.power !== 'changing') await stop(context, id, host, domain)
  })
  return progress
}

/** Takes one step towards a fresh disk of an image. Which rebuild the disk is of, the definition notes once it is made. */
export const rebuild = async (context: Context, id: NativeId, image: NativeId, token: string): Promise<Progress> => {
  let progress: Progress = 'going'
  await withOurs(context, id, async (host, domain) => {
    const { note, ref, power } = domain
    const made = note?.made ?? refuse('Only servers that were made here are rebuilt.')
    if (!made.image) refuse('The server boots from a volume.')
    if (isRescued(domain)) refuse('The server runs from another disk than its own.')
    if (made.rebuilt === token) {
      if (power === 'running') progress = 'done'
      else if (power === 'stopped') {
        await offShelf(context, host, domain)
        await host.call(START, { domain: ref, flags: 0 })
      }
      return
    }
    const fresh = await imageOn(context, host, baseOf(image))
    if (!fresh?.whole) throw gone(image)
    if (power !== 'stopped') return void (await host.call(CUT_POWER, { domain: ref, flags: 0 }))
    const home = await homeOf(context, host, note!.mark, made.pool)
    const before = await volumeNamed(host, home.pool.name, home.nameOf('root'))
    // Nothing else tells its size once it is gone.
    const { bytes = before?.capacity ?? 0, ...others } = made
    if (made.bytes === undefined) await writeInto(host, domain, { ...note!, made: { ...others, bytes } })
    if (before) await unlessGone(() => host.call(DELETE_VOLUME, { volume: before.ref, flags: 0 }))
    await makeDisk(host, home, 'root', Math.max(bytes, fresh.volume.capacity), fresh.volume.path)
    await writeInto(host, domain, { ...note!, made: { ...others, image, rebuilt: token } })
    await sweepImages(context, host)
  })
  return progress
}
