import type { ImageRealm, ImageSeen, ImageSpec, Mark, NativeId } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { markedRealm } from '../../shared/realm.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { everywhere, pageOf } from '../records/everywhere.ts'
import { imageBase } from '../records/volume-name.ts'
import { baseOf, type ImageVolume, imageId, imageOn, imagesOn, removeImage } from '../storage/image-volume.ts'
import { GET_NODE_INFO } from '../wire/procedures.ts'
import { copyIn, imageCopies } from './image-copy.ts'
import { uploadIn, uploads } from './image-upload.ts'
import { archIn } from './node.ts'

const GIB = 1024 ** 3

/** What the hosts have of an image, together. */
interface Found extends ImageVolume {
  arch: 'x86_64' | 'aarch64'
}

const together = (found: Found[]): Found => ({ ...found[0]!, whole: found.every(({ whole }) => whole) })

/**
 * An image is a volume of a pool of files, the same on every host, and its name is its mark. There is no catalogue: what is not
 * uploaded, or made here, is not there.
 */
export const image = (context: Context): ImageRealm => {
  const { connection, options } = context
  const seenOf = ({ base, mark, whole, volume, bytes, changedAt, arch }: Found): ImageSeen => ({
    id: imageId(base),
    ...(mark.deployment === connection.deployment ? { mark } : {}),
    health: whole ? 'ready' : 'pending',
    arch,
    minDiskGiB: Math.ceil(volume.capacity / GIB),
    sizeBytes: bytes,
    os: null,
    createdAt: new Date(changedAt).toISOString(),
  })
  const raw = async (id: NativeId): Promise<Found | null> => {
    const base = baseOf(id)
    if (!base) return null
    const { found, down } = await everywhere(context, async (host) => {
      const own = await imageOn(context, host, base)
      return own && { ...own, arch: archIn(await host.call(GET_NODE_INFO, null)) }
    })
    const own = found.flatMap(({ answer }) => answer ?? [])
    if (own.length) return together(own)
    if (!down.length) return null
    throw new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
      operatorMessage: `Host ${down[0]!.name} does not answer.`,
      part: down[0]!.name,
    })
  }
  const whole = async (base: string) => {
    const found = await raw(imageId(base))
    return found && seenOf(found)
  }
  const upload = uploads(context, whole)
  const copies = imageCopies(context, whole)
  const realm = markedRealm<ImageSpec, ImageSeen, Found>(
    connection,
    {
      raw,
      markOf: ({ mark }) => mark,
      one: seenOf,
      async find(mark: Mark) {
        const found = await raw(imageId(imageBase(mark)))
        // One that takes several steps is nobody's before the last: who asks for it again goes on with it.
        return found?.whole ? seenOf(found) : null
      },
      async list() {
        const page = await pageOf(context, async (host) => {
          const arch = archIn(await host.call(GET_NODE_INFO, null))
          return (await imagesOn(context, host)).map((own) => ({ ...own, arch }))
        })
        const bases = Map.groupBy(page.items, ({ base }) => base)
        return { ...page, items: [...bases.values()].map((own) => seenOf(together(own))) }
      },
    },
    {
      once: 'unique',
      settleMs: options.settleMs,
      async create({ source }, mark) {
        if (source === null) return refuse('Nobody knows any more what the image was made of.')
        const present = await raw(imageId(imageBase(mark)))
        if (present?.whole) return seenOf(present)
        if (source.kind === 'data') return upload.create(source, mark)
        return copies.create({ kind: source.kind, id: source.id }, mark)
      },
      poll: (task) => {
        const [wish, copy] = [uploadIn(task), copyIn(task)]
        if (copy) return copies.poll(copy)
        return wish ? upload.poll(wish) : refuse('Nobody knows any more what this task was.')
      },
      removeRest: (mark) => copies.removeRest(mark),
      async remove({ base }) {
        const { down } = await everywhere(context, async (host) => {
          const own = await imageOn(context, host, base)
          if (own) await removeImage(context, host, own)
        })
        if (down.length)
          throw new CloudError('conflict', 'A host of the cloud does not answer.', {
            operatorMessage: `Host ${down[0]!.name} does not answer, and has the image.`,
          })
      },
    },
  )
  return { ...realm, catalog: async () => ({ items: [], complete: true }) }
}
