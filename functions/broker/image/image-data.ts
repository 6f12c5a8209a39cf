import {
  abandonUploads,
  blobsInUse,
  giveUpload,
  type ImageRead,
  type ImageRow,
  imageMoved,
  updateImage,
  uploadLost,
} from '../../../db/queries/image/images.ts'
import type { BlobStore, Context } from '../../context.ts'
import { commit, guard, type Write } from '../line/commit.ts'
import { Refused } from '../line/refused.ts'
import { ImageRefused, mayChange } from './image.ts'
import { inspectImage, mismatch, virtualSizeOf } from './image-format.ts'
import { Meter, tooLarge, type Upload } from './image-meter.ts'
import { roomFor, withinImageLimits } from './image-quota.ts'

/** Data of images that pass through the broker: into its store when they are uploaded, out of it when they are read. */

/** An upload that has said nothing for so long is taken for dead, in milliseconds. */
const SILENCE = 15 * 60_000
/** Blobs that nobody names are kept for so long: the row that names one is written after it. */
const GRACE = 3_600_000

/**
 * Streams data into the store and makes the image active with it, or leaves it `uploading` to be imported. Whatever goes
 * wrong, the image waits for data again and nothing is kept. Throws `ImageRefused`, `Refused`.
 */
export const receiveData = async (context: Context, image: ImageRead, upload: Upload): Promise<void> => {
  const store = admissible(context, image, upload)
  const { db } = context
  const key = `${image.id}.${context.newId()}`
  const { status, action } = upload.staged
    ? ({ status: 'uploading', action: 'stage' } as const)
    : ({ status: 'saving', action: 'upload' } as const)
  const now = Math.max(context.now(), image.updatedAt + 1)
  const total = upload.staged ? 'image_stage_total' : 'image_size_total'
  const owner = image.projectId!
  const amounts = { image_count_uploading: 1, [total]: upload.length ?? 0 }
  await commit(context, { action, kind: 'image', resourceId: image.id }, [
    guard(context, 'image-moved', imageMoved(image.id, image.updatedAt)),
    ...withinImageLimits(context, owner, amounts, image.id),
    updateImage(db, image.id, { status, blob: key, updatedAt: now }),
  ])
  const room = { bytes: await roomFor(context, owner, total), limit: total } as const
  const meter = new Meter(context, image, upload, key, room)
  try {
    await store.write(key, meter.through(upload.data ?? new Blob([]).stream()))
    const found = meter.end()
    await commit(context, { action: `${action}.end`, kind: 'image', resourceId: image.id }, [
      guard(context, 'upload-lost', uploadLost(image.id, key)),
      ...withinImageLimits(context, owner, { [total]: found.sizeBytes ?? 0 }, image.id),
      updateImage(db, image.id, { ...found, ...(upload.staged ? {} : { status: 'active' }), updatedAt: context.now() }),
    ])
  } catch (error) {
    const given = await giveUpload(db, image.id, key, context.now())
    // What cannot be removed now is named by nobody, and goes later; so does what the answer alone was lost of.
    if (given.length) await store.remove(key).catch(() => {})
    throw meter.fault ?? worded(error)
  }
}

/** Says before a byte is read what will not do. */
const admissible = (context: Context, image: ImageRead, { length, staged }: Upload): BlobStore => {
  if (!mayChange(context, image)) throw new ImageRefused({ kind: 'foreign', projectId: image.projectId })
  const to = staged ? 'uploading' : 'saving'
  if (image.status !== 'queued') throw new ImageRefused({ kind: 'transition', from: image.status, to })
  if (!staged) refuseWithoutFormats(image)
  if (!context.blobs) throw new ImageRefused({ kind: 'no-store' })
  if ((length ?? 0) > context.settings.imageSizeCap) throw tooLarge(context)
  return context.blobs
}

/** Throws `ImageRefused` (`formats`) where data could not be looked at. */
export const refuseWithoutFormats = ({ diskFormat, containerFormat }: ImageRow): void => {
  const missing = [...(diskFormat ? [] : ['disk_format']), ...(containerFormat ? [] : ['container_format'])]
  if (missing.length) throw new ImageRefused({ kind: 'formats', missing })
}

const worded = (error: unknown): unknown => {
  if (error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'upload-lost')
    return new ImageRefused({ kind: 'vanished' })
  return (error as { code?: string }).code === 'ENOSPC' ? new ImageRefused({ kind: 'full' }) : error
}

/** So much of the two ends of a blob tells its format. */
const HEAD = 64 * 1024
const TAIL = 512

/** Makes an image of what was staged for it, with `also` in the batch. Throws `ImageRefused`, after which it waits for other data. */
export const importStaged = async (context: Context, image: ImageRead, also: Write[] = []): Promise<ImageRead> => {
  if (!mayChange(context, image)) throw new ImageRefused({ kind: 'foreign', projectId: image.projectId })
  const { blob, sizeBytes } = image
  if (image.status !== 'uploading' || !blob || sizeBytes === null) throw new ImageRefused({ kind: 'unstaged' })
  refuseWithoutFormats(image)
  if (!context.blobs) throw new ImageRefused({ kind: 'no-store' })
  const part = async (offset: number, length: number) =>
    new Uint8Array(await new Response(await context.blobs!.read(blob, { offset, length })).arrayBuffer())
  const head = await part(0, Math.min(HEAD, sizeBytes))
  const from = Math.max(0, sizeBytes - TAIL)
  const found = inspectImage(head, await part(from, sizeBytes - from), sizeBytes)
  const reason = mismatch(image, found, context.settings.imageFormatsChecked)
  if (reason) {
    const given = await giveUpload(context.db, image.id, blob, context.now())
    if (given.length) await context.blobs.remove(blob)
    throw new ImageRefused({ kind: 'mismatch', reason })
  }
  const virtualSizeBytes = virtualSizeOf(image, found)
  const owner = image.projectId!
  const amounts = { image_size_total: sizeBytes }
  const updatedAt = Math.max(context.now(), image.updatedAt + 1)
  await commit(context, { action: 'import', kind: 'image', resourceId: image.id }, [
    guard(context, 'image-moved', imageMoved(image.id, image.updatedAt)),
    ...withinImageLimits(context, owner, amounts, image.id),
    updateImage(context.db, image.id, { virtualSizeBytes, status: 'active', updatedAt }),
    ...also,
  ])
  return { ...image, virtualSizeBytes, status: 'active', updatedAt }
}

/** The uploaded data of an image or a range of it, in bytes; null: what there is of it is inside a cloud. */
export const dataOf = async (
  context: Context,
  { blob }: ImageRow,
  range?: { offset: number; length: number },
): Promise<ReadableStream<Uint8Array> | null> => (blob && context.blobs ? context.blobs.read(blob, range) : null)

/** Removes data that no image names any more, and lets images wait again whose upload died with its process. */
export const sweepBlobs = async (context: Context): Promise<void> => {
  const { db, blobs, conversion } = context
  if (!('lacking' in conversion)) await conversion.keep((keys) => blobsInUse(db, keys))
  if (!blobs) return
  const now = context.now()
  await abandonUploads(db, now - SILENCE, now)
  let after: string | undefined
  do {
    const page = await blobs.list(after)
    const old = page.blobs.filter(({ writtenAt }) => writtenAt < now - GRACE).map(({ key }) => key)
    const used = await blobsInUse(db, old)
    for (const key of old) if (!used.has(key)) await blobs.remove(key)
    after = page.next
  } while (after !== undefined)
}
