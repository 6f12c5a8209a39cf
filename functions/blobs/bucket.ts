import type { R2Bucket } from '@cloudflare/workers-types'
import { CloudError } from '../../adapters/errors.ts'
import type { BlobStore, KeptBlob } from '../context.ts'

/** Parts of an upload are all of this size but the last. At least 5 MiB: https://developers.cloudflare.com/r2/objects/multipart-objects/ */
const PART = 8 * 2 ** 20

/** Blobs as objects of an R2 bucket. What a broken write leaves there R2 throws away itself, after a week. */
export class BucketBlobs implements BlobStore {
  readonly #bucket: R2Bucket

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket
  }

  /** A body of unknown length comes to a bucket in parts, of which one at a time is held in memory. */
  async write(key: string, data: ReadableStream<Uint8Array>): Promise<void> {
    const parts = inParts(data)[Symbol.asyncIterator]()
    let part = await parts.next()
    if (part.done || part.value.length < PART) {
      await this.#bucket.put(key, part.value ?? new Uint8Array())
      return
    }
    const upload = await this.#bucket.createMultipartUpload(key)
    try {
      const done = []
      for (let number = 1; !part.done; number++) {
        done.push(await upload.uploadPart(number, part.value))
        part = await parts.next()
      }
      await upload.complete(done)
    } catch (error) {
      await upload.abort().catch(() => {})
      throw error
    }
  }

  async read(key: string, range?: { offset: number; length: number }): Promise<ReadableStream<Uint8Array>> {
    if (range?.length === 0) return new Blob([]).stream()
    const found = await this.#bucket.get(key, range ? { range } : {})
    if (!found)
      throw new CloudError('definitive', 'The data of the image is not there any more.', {
        operatorMessage: `no blob ${key}`,
      })
    return found.body as unknown as ReadableStream<Uint8Array>
  }

  async remove(key: string): Promise<void> {
    await this.#bucket.delete(key)
  }

  async list(after?: string): Promise<{ blobs: KeptBlob[]; next?: string }> {
    const page = await this.#bucket.list(after === undefined ? {} : { startAfter: after })
    const blobs = page.objects.map(({ key, uploaded }) => ({ key, writtenAt: uploaded.getTime() }))
    return page.truncated && blobs.length ? { blobs, next: blobs.at(-1)!.key } : { blobs }
  }
}

/** Cuts a stream into pieces of `PART` bytes; the last may be shorter. */
async function* inParts(data: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
  let part = new Uint8Array(PART)
  let filled = 0
  for await (const chunk of data)
    for (let rest = chunk; rest.length; ) {
      const taken = rest.subarray(0, PART - filled)
      part.set(taken, filled)
      filled += taken.length
      rest = rest.subarray(taken.length)
      if (filled < PART) continue
      yield part
      part = new Uint8Array(PART)
      filled = 0
    }
  if (filled) yield part.subarray(0, filled)
}
