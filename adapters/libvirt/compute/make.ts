import type { Mark, ServerSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import type { GuestPort } from '../../shared/guest-network.ts'
import { gone, refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import type { Note } from '../marks.ts'
import { cardXml } from '../network/card.ts'
import { guestPort } from '../network/guest-port.ts'
import { type Domain, domainOf } from '../records/domain.ts'
import { partsOf } from '../records/ids.ts'
import { machinesOn } from '../records/machine.ts'
import { volumeNamed } from '../records/volume.ts'
import { markIn } from '../records/volume-name.ts'
import { formatOf } from '../storage/format.ts'
import { baseOf, imageOn } from '../storage/image-volume.ts'
import type { Host } from '../wire/host.ts'
import { CUT_POWER, DEFINE, DOMAIN_CAPABILITIES, GET_NODE_INFO, START, UNDEFINE } from '../wire/procedures.ts'
import { domainXml } from './definition.ts'
import { agentIn, hardwareOf } from './hardware.ts'
import { logFile, makeLog } from './log.ts'
import { archIn } from './node.ts'
import { writeInto } from './note.ts'
import { homeOf, makeDisk, makeFile, removeParts } from './parts.ts'
import { assertRoom } from './place.ts'
import { configDrive, seedImage } from './seed.ts'

/*
 * A server begins as a definition, which carries its mark and all that is still to be done: its disk, its power. The discs for its
 * guest are written before: whoever may look at a host reads definitions, and what a guest is told is between it and its owner.
 * Each is done once however often it is asked for, and when all is done the definition says so.
 */

const GIB = 1024 ** 3

/** What is still to be made of a server, told in its own definition so that any process goes on with it. */
interface Making {
  /** The image below its disk, and the bytes of the disk, 0 for as many as the image has; null: it has no disk of its own. */
  root: { image: string; bytes: number } | null
}

/** What asks a host what it can do takes a second and more, and is always answered the same. */
const KNOWN_MS = 3_600_000

/** Whether the processor of the host runs guests. It is asked of QEMU itself: that the device is there says little. */
const isAccelerated = async ({ connection, surroundings }: Context, host: Host, arch: string): Promise<boolean> => {
  const { cache, now } = surroundings
  const key = `libvirt/kvm/${connection.cloudId}/${host.name}`
  const known = cache.get(key)
  if (known && known.until > now()) return known.value as boolean
  const asked = { emulator: null, arch, machine: null, type: 'kvm', flags: 0 }
  const value = await host.call(DOMAIN_CAPABILITIES, asked).then(
    () => true,
    (error) => {
      if (error instanceof CloudError && error.code === 'definitive') return false
      throw error
    },
  )
  cache.set(key, { value, until: now() + KNOWN_MS })
  return value
}

/** The volume that a server boots from, as it goes into its machine. */
const bootVolume = async (context: Context, host: Host, id: string) => {
  const [pool = '', name = ''] = partsOf(id, 2)
  const volume = await volumeNamed(host, pool, name)
  if (!volume) throw gone(id)
  const mark = markIn(name, { host: host.name, pool })
  return { volume: volume.ref, format: await formatOf(context, host, id, volume, mark) }
}

/** @throws `conflict` while an earlier machine of the same server is there */
export const define = async (context: Context, host: Host, spec: ServerSpec, mark: Mark): Promise<Domain> => {
  const uuid = mark.resource
  const earlier = await domainOf(host, uuid)
  if (earlier?.note?.mark.token === mark.token) return earlier
  if (earlier) throw new CloudError('conflict', 'Another machine has the id of this server.')
  const arch = archIn(await host.call(GET_NODE_INFO, null))
  const size = context.options.sizes.find(({ name }) => name === spec.size.native)
  if (size && size.arch !== arch) refuse(`The size is for ${size.arch}, and the zone has ${arch}.`)
  if ((await machinesOn(host)).some(({ ports }) => ports.some(({ id }) => spec.ports.includes(id))))
    throw new CloudError('conflict', 'The port is plugged into another server.')
  const { card } = hardwareOf(spec, arch)
  const cards: string[] = []
  const ports: GuestPort[] = []
  for (const port of spec.ports) {
    cards.push(await cardXml(host, port, card))
    ports.push(await guestPort(host, port))
  }
  const home = await homeOf(context, host, mark)
  const image = spec.image ? await imageOn(context, host, baseOf(spec.image)) : null
  if (spec.image && !image) throw gone(spec.image)
  if (image && spec.size.diskGiB > 0 && spec.size.diskGiB * GIB < image.volume.capacity)
    refuse(`The image needs a root disk of ${Math.ceil(image.volume.capacity / GIB)} GiB.`)
  const { name, metadata } = spec
  const agent = agentIn(spec)
  const making: Making = {
    root: image && { image: spec.image, bytes: spec.size.diskGiB * GIB || image.volume.capacity },
  }
  const note: Note = {
    mark,
    host: host.name,
    name,
    metadata,
    made: {
      size: spec.size.native,
      image: spec.image,
      configDrive: spec.configDrive,
      pool: home.pool.name,
      ...(spec.group ? { group: spec.group.id } : {}),
      ...(agent ? { agent } : {}),
    },
    making,
  }
  const pool = home.pool.name
  const part = (which: 'root' | 'seed' | 'drive') => ({ pool, name: home.nameOf(which) })
  await makeFile(host, home, 'seed', seedImage(spec, uuid, ports))
  const drive = configDrive(spec)
  if (drive) await makeFile(host, home, 'drive', drive)
  const xml = domainXml({
    spec,
    uuid,
    arch,
    accelerated: await isAccelerated(context, host, arch),
    note,
    cards,
    root: spec.boot ? await bootVolume(context, host, spec.boot.volume) : { volume: part('root'), format: 'qcow2' },
    discs: [part('seed'), ...(drive ? [part('drive')] : [])],
    log: logFile(home.folder, uuid),
  })
  await withFirmware(() => host.call(DEFINE, { xml, flags: 0 }))
  const made = await domainOf(host, uuid)
  return made ?? Promise.reject(gone(uuid))
}

/** Does all that is still to be done for a server. Safe to repeat, and beside another process that does it too. */
export const complete = async (context: Context, host: Host, domain: Domain): Promise<void> => {
  const { ref, note, power } = domain
  const making = note?.making as Making | undefined
  if (!note || !making) return
  const { mark } = note
  if (power === 'stopped') {
    const home = await homeOf(context, host, mark, note.made?.pool)
    const present = making.root && (await volumeNamed(host, home.pool.name, home.nameOf('root')))
    if (!present) await assertRoom(context, host, domain)
    if (making.root) {
      const image = await imageOn(context, host, baseOf(making.root.image))
      if (!image && !present) refuse('The image of the server is not on its host any more.')
      if (image && !present) await makeDisk(host, home, 'root', making.root.bytes, image.volume.path)
    }
    await makeLog(host, home.folder, mark)
    await withFirmware(() => unlessRunning(() => host.call(START, { domain: ref, flags: 0 })))
  }
  const { making: _, ...done } = note
  const now = await domainOf(host, ref.uuid)
  if (now) await writeInto(host, now, done)
}

/** libvirt says that there is no UEFI, as it says much else, by an operation that failed. */
const withFirmware = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const words = error instanceof CloudError ? error.detail.operatorMessage : undefined
    if (words && /Unable to find any firmware|no suitable firmware/i.test(words))
      refuse('The image says hw_firmware_type=uefi, and the host has no such firmware (OVMF).')
    throw error
  }
}

/** That another process was faster is what was wanted. */
const unlessRunning = async (start: () => Promise<unknown>): Promise<void> => {
  try {
    await start()
  } catch (error) {
    if (!(error instanceof CloudError && error.detail.cloudCode === 'VIR_ERR_OPERATION_INVALID')) throw error
  }
}

/** Saved memory, what is known of snapshots and checkpoints, and variables of the firmware go with a domain. */
const WITH_ALL = 1 | 2 | 4 | 16

/** Takes away a machine, and what it had for itself. */
export const unmake = async (context: Context, host: Host, { ref, power, persistent, note }: Domain): Promise<void> => {
  if (power !== 'stopped' && power !== 'suspended')
    await unlessGone(() => host.call(CUT_POWER, { domain: ref, flags: 0 }))
  // Its definition goes last: as long as that is there, somebody knows of the rest.
  await removeParts(context, host, ref.uuid, note?.made?.pool)
  if (persistent) await unlessGone(() => host.call(UNDEFINE, { domain: ref, flags: WITH_ALL }))
}
