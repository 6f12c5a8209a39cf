import type { ImageData, ImageSeen, Mark, Outcome } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { orEarlier, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import type { HostOption } from '../options.ts'
import { everywhere } from '../records/everywhere.ts'
import { imageBase, imageName } from '../records/volume-name.ts'
import { type ImageVolume, imageOn, imagesPool } from '../storage/image-volume.ts'
import { diskBytesIn, HEAD } from '../storage/qcow2.ts'
import { type Host, onHost } from '../wire/host.ts'
import { CREATE_VOLUME, DELETE_VOLUME, POOL_INFO, REFRESH_POOL, RESIZE_VOLUME } from '../wire/procedures.ts'
import { writeInto } from '../wire/transfer.ts'

/*
 * Every host has every image, as what a server's disk stands on has to be beside it. The data goes to one host after another,
 * a range at a time, so that any process goes on with it; its head comes last, so that what is there tells whether it is whole.
 */

/** An upload as it was asked for, and how far it is: plain JSON, which is the task too. */
interface Wish {
  data: ImageData
  mark: Mark
  /** The host that gets the data now. */
  turn: number
  offset: number
}

const GIB = 1024 ** 3
/** The part at the beginning that is written last. */
export const FIRST = 65_536
/** The share of a call's time for which data is sent. */
const SHARE = 0.5

/** Data of an image, so much from there on. */
export type Bytes = (offset: number, length: number) => Promise<AsyncIterable<Uint8Array>>

const later = ({ data, mark, turn, offset }: Wish, hosts: number): Outcome<ImageSeen> => ({
  task: { upload: { data: { ...data }, mark: { ...mark }, turn, offset } },
  pollAfterMs: 0,
  share: Math.min(1, (turn + offset / data.sizeBytes) / hosts),
})

/** An upload in a task of an image's. */
export const uploadIn = (task: unknown): Wish | undefined => (task as { upload?: Wish }).upload

/** Bytes of the disk inside of the data. @throws `definitive` for what is not taken */
const inspected = async ({ surroundings }: Context, { blob, format, sizeBytes }: ImageData): Promise<number> => {
  if (format !== 'qcow2/bare') refuse(`This cloud takes no images of format ${format}.`)
  const stream = await surroundings.blobs.read(blob, { offset: 0, length: Math.min(HEAD, sizeBytes) })
  return diskBytesIn(new Uint8Array(await new Response(stream).arrayBuffer()))
}

/** A place for the data, unless there is one. @throws `definitive` where there is no room for it */
export const begin = async (context: Context, host: Host, mark: Mark, sizeBytes: number): Promise<void> => {
  const { ref: pool } = await imagesPool(host, context)
  const base = imageBase(mark)
  if (await imageOn(context, host, base)) return
  const { available } = await host.call(POOL_INFO, { pool })
  if (available < sizeBytes) refuse('The cloud has no room for an image of this size.')
  const name = imageName(base, { host: host.name, pool: pool.name })
  const xml = `<volume><name>${name}</name><capacity unit="bytes">${sizeBytes}</capacity><allocation unit="bytes">0</allocation><target><format type="raw"/></target></volume>`
  await orEarlier(
    'VIR_ERR_STORAGE_VOL_EXIST',
    () => host.call(CREATE_VOLUME, { pool, xml, flags: 0 }),
    async () => null as never,
  )
}

/** Sends what there is time for; gives the offset from which to go on. */
export const send = async (
  { surroundings }: Context,
  host: Host,
  { volume }: ImageVolume,
  { bytes, sizeBytes, offset }: { bytes: Bytes; sizeBytes: number; offset: number },
): Promise<number> => {
  const { now, timeoutMs } = surroundings
  const until = now() + SHARE * timeoutMs
  const rest = await bytes(offset, sizeBytes - offset)
  return offset + (await writeInto(host, volume.ref, offset, rest, () => now() < until))
}

/** The head, after which it is an image, and a disk of whole GiB, after which it is whole. */
export const finish = async (
  context: Context,
  host: Host,
  { volume, pool, base }: ImageVolume,
  { bytes, sizeBytes, minDiskGiB }: { bytes: Bytes; sizeBytes: number; minDiskGiB: number },
): Promise<void> => {
  await writeInto(host, volume.ref, 0, await bytes(0, Math.min(FIRST, sizeBytes)))
  await host.call(REFRESH_POOL, { pool, flags: 0 })
  const image = await imageOn(context, host, base)
  if (image?.volume.format !== 'qcow2' || image.volume.backing !== null) {
    await host.call(DELETE_VOLUME, { volume: volume.ref, flags: 0 })
    refuse('The cloud does not see an image in the data.')
  }
  const capacity = Math.max(minDiskGiB, Math.ceil(image!.volume.capacity / GIB)) * GIB
  if (capacity > image!.volume.capacity) await host.call(RESIZE_VOLUME, { volume: volume.ref, capacity, flags: 0 })
}

/** Hosts that are to have images; one that takes no servers has those that it has. */
export const takers = ({ options }: Context): HostOption[] => options.hosts.filter(({ maintenance }) => !maintenance)

/** Images out of uploaded data. @param seen what is there once it is whole */
export const uploads = (context: Context, seen: (base: string) => Promise<ImageSeen | null>) => {
  const step = async (wish: Wish): Promise<Outcome<ImageSeen>> => {
    const hosts = takers(context)
    const option = hosts[wish.turn]
    if (!option) {
      const made = await seen(imageBase(wish.mark))
      if (made?.health === 'ready') return made
      throw new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
        operatorMessage: `the image ${wish.mark.resource} is not whole on every host`,
      })
    }
    const offset = await onHost(context, option, async (host) => {
      const image = await imageOn(context, host, imageBase(wish.mark))
      if (!image || image.whole) return null
      const from = Math.max(FIRST, wish.offset)
      const { blob, sizeBytes, minDiskGiB } = wish.data
      const bytes: Bytes = (offset, length) => context.surroundings.blobs.read(blob, { offset, length })
      const sent = from < sizeBytes ? await send(context, host, image, { bytes, sizeBytes, offset: from }) : from
      if (sent < sizeBytes) return sent
      await finish(context, host, image, { bytes, sizeBytes, minDiskGiB })
      return null
    })
    return offset === null
      ? later({ ...wish, turn: wish.turn + 1, offset: 0 }, hosts.length)
      : later({ ...wish, offset }, hosts.length)
  }
  return {
    async create(data: ImageData, mark: Mark): Promise<Outcome<ImageSeen>> {
      await inspected(context, data)
      const { down } = await everywhere(context, async (host) => {
        if (takers(context).some(({ name }) => name === host.name)) await begin(context, host, mark, data.sizeBytes)
      })
      const missed = down.find(({ maintenance }) => !maintenance)
      if (missed)
        throw new CloudError('throttled', 'The cloud takes no images while one of its hosts does not answer.', {
          operatorMessage: `Host ${missed.name} does not answer: put it into maintenance, and the others take images.`,
        })
      return later({ data, mark, turn: 0, offset: 0 }, takers(context).length)
    },
    poll: step,
  }
}
