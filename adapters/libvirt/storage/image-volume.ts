import type { Mark, NativeId } from '../../contract.ts'
import { child, parseXml, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { partsOf } from '../records/ids.ts'
import { orNull, stoppedPoolsOn, type Volume, volumeNamed, volumesOn } from '../records/volume.ts'
import { baseIn, goneName, imageName, markIn } from '../records/volume-name.ts'
import type { Host } from '../wire/host.ts'
import { CREATE_VOLUME, DELETE_VOLUME, LIST_VOLUMES, type PoolRef, VOLUME_XML } from '../wire/procedures.ts'
import { isMaking, removeCopy } from './copy.ts'
import { filesOn } from './pool.ts'

const GIB = 1024 ** 3

/** An image is on all hosts; no host has this name. */
const EVERYWHERE = '*'
export const imageId = (base: string): NativeId => `${EVERYWHERE}/${base}`
/** What the volumes of an image are called but for their ends; empty: the id is none of an image. */
export const baseOf = (id: NativeId): string => (id.startsWith(`${EVERYWHERE}/`) ? partsOf(id, 1)[0]! : '')

/** What one host has of an image. */
export interface ImageVolume {
  base: string
  mark: Mark
  volume: Volume
  pool: PoolRef
  /** All of its data is there: what is sent has its head last, and ends in a disk of whole GiB; what is copied has a note until then. */
  whole: boolean
  bytes: number
  /** In milliseconds since 1970. */
  changedAt: number
}

const read = async (host: Host, pool: PoolRef, name: string): Promise<ImageVolume | null> => {
  const place = { host: host.name, pool: pool.name }
  const base = baseIn(name, place)
  const volume = base === null ? null : await volumeNamed(host, pool.name, name)
  if (base === null || !volume) return null
  const { xml } = await host.call(VOLUME_XML, { volume: volume.ref, flags: 0 })
  const root = parseXml(xml)
  const changed = textOf(child(root, 'target', 'timestamps'), 'mtime')
  return {
    base,
    mark: markIn(name, place)!,
    volume,
    pool,
    whole:
      volume.format === 'qcow2' &&
      volume.capacity > 0 &&
      volume.capacity % GIB === 0 &&
      !(await isMaking(host, pool.name, name)),
    bytes: Number(textOf(root, 'allocation') ?? 0),
    changedAt: Math.floor(Number(changed ?? 0) * 1000),
  }
}

/** The pool of a host in which its images are. */
export const imagesPool = (host: Host, { options }: Pick<Context, 'options'>) =>
  filesOn(host, options.imagePool ?? options.pool)

/** An image on a host; null: it has none, or nobody is to have it any more. */
export const imageOn = async (context: Context, host: Host, base: string): Promise<ImageVolume | null> => {
  const { ref: pool } = await imagesPool(host, context)
  const name = imageName(base, { host: host.name, pool: pool.name })
  if (await volumeNamed(host, pool.name, goneName(name))) return null
  return read(host, pool, name)
}

/** All images on a host. */
export const imagesOn = async (context: Context, host: Host): Promise<ImageVolume[]> => {
  const { ref: pool } = await imagesPool(host, context)
  const { items } = await host.call(LIST_VOLUMES, { pool, wanted: 1, flags: 0 })
  const names = new Set(items.map(({ name }) => name))
  const found: ImageVolume[] = []
  for (const name of names) {
    const image = names.has(goneName(name)) ? null : await read(host, pool, name)
    if (image) found.push(image)
  }
  return found
}

/** Removes it, or lets it go with the last disk that stands on it: until then a note beside it says that nobody has it. */
export const removeImage = async (context: Context, host: Host, { volume, pool }: ImageVolume): Promise<void> => {
  // What is in a pool that is not started may stand on it.
  const used =
    (await stoppedPoolsOn(host)).length > 0 || (await volumesOn(host)).some(({ backing }) => backing === volume.path)
  if (!used) return removeCopy(context, host, volume)
  const xml = `<volume><name>${goneName(volume.ref.name)}</name><capacity>0</capacity><target><format type="raw"/></target></volume>`
  await host.call(CREATE_VOLUME, { pool, xml, flags: 0 })
}

/** Removes the images of a host that nobody has any more, and on which nothing stands now. */
export const sweepImages = async (context: Context, host: Host): Promise<void> => {
  const { ref: pool } = await imagesPool(host, context)
  const { items } = await host.call(LIST_VOLUMES, { pool, wanted: 1, flags: 0 })
  const notes = items.filter(({ name }) => items.some((image) => goneName(image.name) === name))
  if (!notes.length || (await stoppedPoolsOn(host)).length) return
  const backings = new Set((await volumesOn(host)).map(({ backing }) => backing))
  for (const note of notes) {
    const image = items.find(({ name }) => goneName(name) === note.name)!
    if (backings.has((await orNull(volumeNamed(host, pool.name, image.name)))?.path ?? null)) continue
    await host.call(DELETE_VOLUME, { volume: image, flags: 0 })
    await host.call(DELETE_VOLUME, { volume: note, flags: 0 })
  }
}
