import type { ImageSeen, Mark, NativeId, Outcome } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { parseXml, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import type { HostOption } from '../options.ts'
import { domainOf } from '../records/domain.ts'
import { everywhere } from '../records/everywhere.ts'
import { partsOf } from '../records/ids.ts'
import { type Volume, volumeAt, volumeNamed } from '../records/volume.ts'
import { imageBase, imageName } from '../records/volume-name.ts'
import { assertIs, copiedVolume, liveDisk, type Source } from '../storage/copied.ts'
import { copyStep, POLL_MS, removeNote } from '../storage/copy.ts'
import { type ImageVolume, imageOn, imagesPool } from '../storage/image-volume.ts'
import { type Host, onHost } from '../wire/host.ts'
import { VOLUME_XML } from '../wire/procedures.ts'
import { piecesOf } from '../wire/transfer.ts'
import { begin, FIRST, finish, send, takers } from './image-upload.ts'

/*
 * An image of what is on a host is a full copy there first. The other hosts get that as they get what is uploaded, a range at a
 * time, by way of whoever asks.
 */

/** An image of a server or a volume, and how far it is: plain JSON, which is the task too. */
interface Wish {
  of: { kind: 'server' | 'volume'; id: NativeId }
  mark: Mark
  broken: boolean
  /** The other host that gets it now; null: it is not whole on its own. */
  turn: number | null
  offset: number
}

const GIB = 1024 ** 3

const later = ({ of, mark, broken, turn, offset }: Wish): Outcome<ImageSeen> => ({
  task: { imageOf: { of: { ...of }, mark: { ...mark }, broken, turn, offset } },
  pollAfterMs: turn === null ? POLL_MS : 0,
})

/** An image of something in a task of an image's. */
export const copyIn = (task: unknown): Wish | undefined => (task as { imageOf?: Wish }).imageOf

/** The disk that a server boots from, as it is copied. */
const rootOf = async ({ connection }: Context, host: Host, id: NativeId): Promise<Source> => {
  const domain = await domainOf(host, partsOf(id, 1)[0]!)
  if (!domain) throw gone(id)
  assertOurs(domain.note?.mark, connection.deployment)
  const root = domain.disks.find((disk) => disk.root)
  const place = root?.place
  const ref = place && ('pool' in place ? { pool: place.pool, name: place.volume } : await volumeAt(host, place.path))
  const from: Volume | null = ref ? await volumeNamed(host, ref.pool, ref.name) : null
  if (!root || !from) return refuse('The server boots from a disk that is no volume of a pool: no image is made of it.')
  if (domain.ref.id >= 0) return { from, live: liveDisk(domain, root.target) }
  assertIs(from, root.format)
  return { from, live: null }
}

const bytesOf = async (host: Host, { volume }: ImageVolume): Promise<number> => {
  const { xml } = await host.call(VOLUME_XML, { volume: volume.ref, flags: 0 })
  return Number(textOf(parseXml(xml), 'physical') ?? 0)
}

/** Images of servers and of volumes. @param seen what is there once it is whole */
export const imageCopies = (context: Context, seen: (base: string) => Promise<ImageSeen | null>) => {
  const home = ({ of }: Wish): HostOption => {
    const name = of.id.split('/', 1)[0]
    const option = context.options.hosts.find((host) => host.name === name)
    if (!option) throw gone(of.id)
    return option
  }
  const copy = async (wish: Wish): Promise<Outcome<ImageSeen>> => {
    const copying = await onHost(context, home(wish), async (host) => {
      const { ref: pool } = await imagesPool(host, context)
      const base = imageBase(wish.mark)
      if ((await imageOn(context, host, base))?.whole) return 'whole'
      const { kind, id } = wish.of
      const source = await (kind === 'server' ? rootOf(context, host, id) : copiedVolume(context, host, id))
      const bytes = Math.ceil(source.from.capacity / GIB) * GIB
      const name = imageName(base, { host: host.name, pool: pool.name })
      return copyStep(context, host, { pool, name, bytes, ...source }, wish.broken)
    })
    if (copying !== 'whole') return later({ ...wish, broken: copying === 'broken' })
    return spread({ ...wish, turn: 0, offset: 0 })
  }
  /** Brings it to the next host that has it not. */
  const spread = async (wish: Wish): Promise<Outcome<ImageSeen>> => {
    const own = home(wish)
    const base = imageBase(wish.mark)
    const turn = wish.turn ?? 0
    const option = takers(context).filter(({ name }) => name !== own.name)[turn]
    if (!option) {
      const made = await seen(base)
      if (made?.health === 'ready') return made
      throw new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
        operatorMessage: `the image ${wish.mark.resource} is not whole on every host`,
      })
    }
    const offset = await onHost(context, own, async (from) => {
      const image = await imageOn(context, from, base)
      if (!image?.whole) throw gone(wish.mark.resource)
      const sizeBytes = await bytesOf(from, image)
      const bytes = async (at: number, length: number) => piecesOf(from, image.volume.ref, at, length)
      return onHost(context, option, async (host) => {
        await begin(context, host, wish.mark, sizeBytes)
        const there = await imageOn(context, host, base)
        if (!there || there.whole) return null
        const at = Math.max(FIRST, wish.offset)
        const sent = at < sizeBytes ? await send(context, host, there, { bytes, sizeBytes, offset: at }) : at
        if (sent < sizeBytes) return sent
        await finish(context, host, there, { bytes, sizeBytes, minDiskGiB: 0 })
        return null
      })
    })
    return later(offset === null ? { ...wish, turn: turn + 1, offset: 0 } : { ...wish, turn, offset })
  }
  return {
    create: (of: Wish['of'], mark: Mark) => copy({ of, mark, broken: false, turn: null, offset: 0 }),
    poll: (wish: Wish) => (wish.turn === null ? copy(wish) : spread(wish)),
    /** Of a copy that never was only the note is left. */
    async removeRest(mark: Mark): Promise<void> {
      await everywhere(context, async (host) => {
        const { ref: pool } = await imagesPool(host, context)
        await removeNote(host, pool.name, imageName(imageBase(mark), { host: host.name, pool: pool.name }))
      })
    },
  }
}
