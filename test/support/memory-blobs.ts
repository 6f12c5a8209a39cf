import { CloudError } from '../../adapters/errors.ts'
import type { BlobStore, KeptBlob } from '../../functions/context.ts'

/** Uploaded data in memory. */
export class MemoryBlobs implements BlobStore {
  readonly kept = new Map<string, Uint8Array<ArrayBuffer>>()
  readonly #writtenAt = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  async write(key: string, data: ReadableStream<Uint8Array>): Promise<void> {
    this.kept.set(key, new Uint8Array(await new Response(data).arrayBuffer()))
    this.#writtenAt.set(key, this.#now())
  }

  async read(key: string, range?: { offset: number; length: number }): Promise<ReadableStream<Uint8Array>> {
    const data = this.kept.get(key)
    if (!data) throw new CloudError('definitive', 'The data of the image is not there any more.')
    return new Blob([range ? data.slice(range.offset, range.offset + range.length) : data]).stream()
  }

  async remove(key: string): Promise<void> {
    this.kept.delete(key)
    this.#writtenAt.delete(key)
  }

  async list(after = ''): Promise<{ blobs: KeptBlob[]; next?: string }> {
    const found = [...this.#writtenAt].filter(([key]) => key > after).sort()
    return { blobs: found.map(([key, writtenAt]) => ({ key, writtenAt })) }
  }
}
