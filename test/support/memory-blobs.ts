import type { BlobStore } from '../../functions/context.ts'

/** Uploaded data in memory. */
export class MemoryBlobs implements BlobStore {
  readonly kept = new Map<string, Uint8Array<ArrayBuffer>>()

  async write(key: string, data: ReadableStream<Uint8Array>): Promise<void> {
    this.kept.set(key, new Uint8Array(await new Response(data).arrayBuffer()))
  }

  async read(key: string, range?: { offset: number; length: number }): Promise<ReadableStream<Uint8Array>> {
    const data = this.kept.get(key)
    if (!data) throw new Error(`no blob ${key}`)
    return new Blob([range ? data.slice(range.offset, range.offset + range.length) : data]).stream()
  }

  async remove(key: string): Promise<void> {
    this.kept.delete(key)
  }
}
