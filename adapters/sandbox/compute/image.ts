import { createHash } from 'node:crypto'
import {
  type Blobs,
  type ImageData,
  type ImageRealm,
  type ImageSeen,
  type ImageSpec,
  isTask,
  type Outcome,
} from '../../contract.ts'
import { type Engine, healthOf } from '../engine.ts'
import { noSuch, refusal } from '../errors.ts'
import { builtIn } from '../records/catalog.ts'
import type { Entities } from '../records/entities.ts'
import { realm, referred, refuseUnsettled, seenOf } from '../records/realm.ts'

type Image = Entities['image']

/** Whatever there is: no guest ever looks inside. */
export const IMAGE_FORMATS = [
  ...['raw', 'qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'iso', 'ploop'].map((disk) => `${disk}/bare`),
  'vmdk/ova',
]

/** Reads all of the data, as a cloud that boots it would, and keeps what tells it from any other. */
const madeOfData = async (blobs: Blobs, data: ImageData) => {
  if (!IMAGE_FORMATS.includes(data.format)) throw refusal('InvalidValue', `The cloud takes no image of ${data.format}.`)
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of await blobs.read(data.blob)) {
    hash.update(chunk)
    sizeBytes += chunk.length
  }
  if (sizeBytes !== data.sizeBytes)
    throw refusal('InvalidValue', `The data has ${sizeBytes} bytes and should have ${data.sizeBytes}.`)
  const { arch, os, minDiskGiB } = data
  return { sha256: hash.digest('hex'), sizeBytes, arch, os, minDiskGiB }
}

/** Images: the catalogue, which belongs to nobody, and those made from servers. */
export const images = (engine: Engine): ImageRealm => {
  const { state, settings } = engine
  const view = (
    { arch, minDiskGiB, sizeBytes, os, createdAt, id }: Image,
    seen: ReturnType<typeof seenOf>,
  ): ImageSeen => {
    const description = settings.images.find(({ name }) => `sbx-img-${name}` === id)?.description
    return { ...seen, arch, minDiskGiB, sizeBytes, os, createdAt: new Date(createdAt).toISOString(), description }
  }
  const own = realm<'image', ImageSpec, ImageSeen>(engine, {
    kind: 'image',
    readyMs: settings.image_ms,
    removeMs: settings.delete_ms,
    async draft(spec) {
      const { name, source } = spec
      if (!source) throw refusal('InvalidValue', 'An image is made of a server, a volume or data.')
      if (source.kind === 'data') return { name, spec, ...(await madeOfData(engine.blobs, source)) }
      if (source.kind === 'volume') {
        const volume = await referred(engine, 'volume', source.id)
        refuseUnsettled(engine, volume)
        const { sizeGiB: minDiskGiB } = volume.spec
        const { arch } = source
        return { name, spec, sha256: null, arch, minDiskGiB, sizeBytes: minDiskGiB * 2 ** 30, os: 'linux' as const }
      }
      const server = await referred(engine, 'server', source.id)
      refuseUnsettled(engine, server)
      const size = settings.sizes.find((each) => each.name === server.size)
      const minDiskGiB = size?.disk_gib || 1
      const arch = size?.arch ?? 'x86_64'
      return { name, spec, sha256: null, arch, minDiskGiB, sizeBytes: minDiskGiB * 2 ** 28, os: 'linux' as const }
    },
    view,
    async revise(entity, spec) {
      return { ...entity, name: spec.name }
    },
    read: async ({ name, spec }) => ({ name, source: spec?.source ?? null }),
  })

  /** Making an image is a long operation: until it is over there is only a task to ask after. */
  const asTask = (seen: ImageSeen, readyAt: number): Outcome<ImageSeen> =>
    seen.health === 'pending'
      ? {
          task: { image: seen.id },
          pollAfterMs: Math.max(0, readyAt - engine.now()),
          share: Math.min(1, Math.max(0, 1 - (readyAt - engine.now()) / settings.image_ms)),
        }
      : seen

  return {
    ...own,
    async create(spec, mark) {
      const made = await own.create(spec, mark)
      return isTask(made) ? made : asTask(made, engine.now() + settings.image_ms)
    },
    poll: (task) => {
      const id = String((task as { image?: string } | null)?.image)
      return engine.call('image.poll', { id }, async () => {
        const image = await state.lookup('image', id)
        if (!image || healthOf(image, engine.now()) === 'gone') throw noSuch('image', id)
        return asTask(view(image, seenOf(engine, image)), image.readyAt)
      })
    },
    get: (id) => {
      const known = settings.images.find(({ name }) => `sbx-img-${name}` === id)
      if (!known) return own.get(id)
      return engine.call('image.get', { id }, async () => view(builtIn(known), seenOf(engine, builtIn(known))))
    },
    remove: async (id, mark) => {
      if (!settings.images.some(({ name }) => `sbx-img-${name}` === id)) return own.remove(id, mark)
      throw refusal('NotYours', 'An image of the catalogue cannot be removed.')
    },
    catalog: (cursor) =>
      engine.call('image.catalog', {}, async () => {
        const from = cursor === undefined ? 0 : Number(cursor)
        const to = from + settings.page_size
        const items = settings.images.slice(from, to).map((each) => view(builtIn(each), seenOf(engine, builtIn(each))))
        return { items, next: to < settings.images.length ? String(to) : undefined, complete: true }
      }),
  }
}
