import { CloudError } from '../../errors.ts'
import { orEarlier, unlessGone } from '../../shared/refusals.ts'
import { escapeXml, parseXml, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { type Volume, volumeNamed } from '../records/volume.ts'
import { makingName } from '../records/volume-name.ts'
import type { Host } from '../wire/host.ts'
import {
  CREATE_VOLUME,
  CREATE_VOLUME_FROM,
  DELETE_VOLUME,
  DOWNLOAD,
  type PoolRef,
  RESIZE_VOLUME,
  VOLUME_XML,
} from '../wire/procedures.ts'
import { endMirror, endMirrorsInto, type LiveDisk, mirrorOf, startMirror } from './mirror.ts'
import { quiesced, thawAll, thawLeft } from './quiesce.ts'

/*
 * A full copy of a volume takes as long as it takes, and libvirt goes on with it though nobody listens. A note beside it, an
 * empty volume, is there before the copy and goes when all of it is there: so what is on the host tells whether it is whole,
 * and any process goes on with it.
 */

/** A copy that is wanted. */
export interface Copy {
  pool: PoolRef
  name: string
  from: Volume
  /** The disk of a machine that runs with it, whose data only that machine can read; null: nothing does. */
  live: LiveDisk | null
  /** How large it is to be; absent: as large as what it is copied from. */
  bytes?: number
}
/** `broken`: nobody works on it any more, as it seems; it is begun anew where that is seen twice. */
export type Copying = 'whole' | 'going' | 'broken'

/** Copies are looked after so often. */
export const POLL_MS = 2_000

/** What libvirt gives a file once `qemu-img` has written all of it, and that writes none: no mask of rights ends in this one. */
const WRITTEN = '0700'
/** The share of a call's time for which a copy is waited for. */
const SHARE = 0.25

const permitted = '<permissions><mode>0700</mode></permissions>'
const xmlOf = (name: string, bytes: number, more: string): string =>
  `<volume><name>${escapeXml(name)}</name><capacity unit="bytes">${bytes}</capacity><allocation unit="bytes">0</allocation><target>${more}</target></volume>`

const deleted = async (host: Host, pool: string, name: string): Promise<void> => {
  const volume = await volumeNamed(host, pool, name)
  if (volume) await unlessGone(() => host.call(DELETE_VOLUME, { volume: volume.ref, flags: 0 }))
}

/** Whether a volume is a copy of which not all is there. */
export const isMaking = async (host: Host, pool: string, name: string): Promise<boolean> =>
  (await volumeNamed(host, pool, makingName(name))) !== null

/** Makes the last changes, and takes the note away. */
const finish = async (host: Host, copy: Copy, volume: Volume): Promise<Copying> => {
  const { bytes = 0, name } = copy
  if (bytes > volume.capacity) await host.call(RESIZE_VOLUME, { volume: volume.ref, capacity: bytes, flags: 0 })
  await removeNote(host, copy.pool.name, name)
  return 'whole'
}

/** An empty volume, unless it is there. @returns whether it was made now */
const makeEmpty = (host: Host, { pool }: Copy, xml: string): Promise<boolean> =>
  orEarlier(
    'VIR_ERR_STORAGE_VOL_EXIST',
    async () => {
      await host.call(CREATE_VOLUME, { pool, xml, flags: 0 })
      return true
    },
    async () => false,
  )

/** libvirt says that a file is in use in the words of QEMU alone. */
const isLocked = (error: CloudError): boolean => /Failed to get .*lock/s.test(error.detail.operatorMessage ?? '')

const beginCold = async ({ surroundings }: Context, host: Host, copy: Copy): Promise<Copying> => {
  const { pool, name, from } = copy
  const xml = xmlOf(name, from.capacity, `<format type="qcow2"/>${permitted}`)
  const written = host.call(CREATE_VOLUME_FROM, { pool, xml, from: from.ref, flags: 0 }).then(
    () => 'written' as const,
    (error: CloudError) => error,
  )
  const answer = await Promise.race([written, surroundings.sleep(SHARE * surroundings.timeoutMs).then(() => null)])
  if (answer === null) return 'going'
  const volume = await volumeNamed(host, pool.name, name)
  if (answer === 'written') return volume ? finish(host, copy, volume) : 'going'
  // Another process was faster.
  if (volume) return 'going'
  await removeNote(host, copy.pool.name, name)
  throw isLocked(answer) ? new CloudError('conflict', 'Something else on the cloud still uses this object.') : answer
}

const beginLive = async (host: Host, copy: Copy, live: LiveDisk): Promise<Copying> => {
  const { name, from } = copy
  if (await mirrorOf(host, live)) {
    await removeNote(host, copy.pool.name, name)
    throw new CloudError('conflict', 'Another copy of the disk is being made.')
  }
  if (!(await makeEmpty(host, copy, xmlOf(name, from.capacity, '<format type="qcow2"/>')))) return 'going'
  const volume = await volumeNamed(host, copy.pool.name, name)
  try {
    if (volume) await startMirror(host, live, volume.path)
    return 'going'
  } catch (error) {
    await deleted(host, copy.pool.name, name)
    await removeNote(host, copy.pool.name, name)
    throw error
  }
}

const isStillWritten = async (host: Host, { ref }: Volume): Promise<boolean> => {
  try {
    const flow = await host.open(DOWNLOAD, { volume: ref, offset: 0, length: 1, flags: 0 })
    while (await flow.receive());
    await flow.finish()
    return false
  } catch (error) {
    if (error instanceof CloudError && error.detail.cloudCode === 'VIR_ERR_OPERATION_INVALID') return true
    throw error
  }
}

const isWritten = async (host: Host, { ref }: Volume): Promise<boolean> => {
  const { xml } = await host.call(VOLUME_XML, { volume: ref, flags: 0 })
  return textOf(parseXml(xml), 'target', 'permissions', 'mode') === WRITTEN
}

/**
 * Takes one step towards a full copy; safe to repeat. @param seenBroken that a step before said so
 * @throws `conflict` while another copy is made of the disk of a machine that runs, or something unknown uses the volume
 */
export const copyStep = async (context: Context, host: Host, copy: Copy, seenBroken: boolean): Promise<Copying> => {
  const { pool, name, live } = copy
  // The note first: it goes only when all is there.
  const making = await isMaking(host, pool.name, name)
  const volume = await volumeNamed(host, pool.name, name)
  if (!making) {
    if (volume) return 'whole'
    await makeEmpty(host, copy, xmlOf(makingName(name), 0, '<format type="raw"/>'))
  }
  if (!volume) return live ? beginLive(host, copy, live) : beginCold(context, host, copy)
  const mirror = live && (await mirrorOf(host, live))
  if (mirror?.path === volume.path) {
    if (!mirror.ready) return 'going'
    // A copy of hours is not given up for a guest that is busy at its end.
    const ended = await quiesced(context, host, live!.domain, live!.quiesce, () => endMirror(host, live!))
    return ended ? finish(host, copy, volume) : 'going'
  }
  // Whoever ended the copy may have died before it said so to the guest.
  if (live?.quiesce) await thawLeft(context, host, live.domain)
  if (await isStillWritten(host, volume)) return 'going'
  // It may have come to its end between the two questions.
  if (await isWritten(host, volume)) return finish(host, copy, volume)
  if (!seenBroken) return 'broken'
  await deleted(host, copy.pool.name, name)
  return 'going'
}

/** Takes away a copy, whole or not. */
export const removeCopy = async (context: Context, host: Host, { ref, path }: Volume): Promise<void> => {
  await endMirrorsInto(host, path)
  // Whoever made it may have died before it said to the guest that it may go on.
  if (await isMaking(host, ref.pool, ref.name)) await thawAll(context, host)
  await unlessGone(() => host.call(DELETE_VOLUME, { volume: ref, flags: 0 }))
  await removeNote(host, ref.pool, ref.name)
}

/** Takes away what stands beside a copy while it is made. */
export const removeNote = (host: Host, pool: string, name: string): Promise<void> =>
  deleted(host, pool, makingName(name))
