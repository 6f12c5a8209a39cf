import { createHash } from 'node:crypto'
import type { ImageLimit } from '../../../db/queries/image/image-usage.ts'
import { type ImageRow, touchUpload } from '../../../db/queries/image/images.ts'
import type { Context } from '../../context.ts'
import { Refused } from '../line/refused.ts'
import { ImageRefused } from './image.ts'
import { Inspector, mismatch, virtualSizeOf } from './image-format.ts'

/** How often an upload says that it goes on, in milliseconds. */
const BEAT = 30_000

export interface Upload {
  data: ReadableStream<Uint8Array> | null
  /** Bytes that were announced; null: unknown. */
  length: number | null
  /** It stays apart until it is imported. */
  staged: boolean
}

/** How much more the project may have, and by which limit. */
export interface Room {
  bytes: number
  limit: ImageLimit
}

/** What an image is worth knowing when its data is there. */
export type Found = Pick<ImageRow, 'sizeBytes' | 'virtualSizeBytes' | 'checksum' | 'hashAlgo' | 'hashValue'>

/** Refuses data over the cap of this installation. */
export const tooLarge = ({ settings }: Context): ImageRefused =>
  new ImageRefused({ kind: 'too-large', limit: settings.imageSizeCap, worker: settings.runtime === 'workers' })

/** So much of what was refused is read and forgotten, so that its sender hears why; then the connection is cut. */
const PATIENCE = 256 * 2 ** 20
const exhaust = async (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> => {
  try {
    for (let left = PATIENCE; left > 0; ) {
      const { done, value } = await reader.read()
      if (done) return
      left -= value.length
    }
    await reader.cancel()
  } catch {
    // The sender has left.
  }
}

/** Counts, hashes and looks at data on its way, and stops what will not do as soon as that is known. */
export class Meter {
  readonly #context: Context
  readonly #image: ImageRow
  readonly #upload: Upload
  readonly #key: string
  readonly #room: Room
  readonly #inspector = new Inspector()
  readonly #md5 = createHash('md5')
  readonly #sha512 = createHash('sha512')
  #beatAt: number
  #looked = false
  /** Why the data was refused or broke off; null: nothing was wrong with it. */
  fault: ImageRefused | Refused | null = null

  constructor(context: Context, image: ImageRow, upload: Upload, key: string, room: Room) {
    this.#context = context
    this.#image = image
    this.#upload = upload
    this.#key = key
    this.#room = room
    this.#beatAt = context.now()
  }

  through(data: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = data.getReader()
    return new ReadableStream<Uint8Array>({
      pull: async (to) => {
        try {
          const { done, value } = await reader.read().catch(() => this.#fail({ kind: 'incomplete' }))
          if (!done) {
            await this.#take(value)
            to.enqueue(value)
            return
          }
          this.#complete()
          to.close()
        } catch (error) {
          to.error(error)
          void exhaust(reader)
        }
      },
      // Not awaited: the answer is for now, and the sender reads it when all is sent.
      cancel: () => void exhaust(reader),
    })
  }

  async #take(chunk: Uint8Array): Promise<void> {
    const { imageSizeCap } = this.#context.settings
    this.#inspector.take(chunk)
    if (this.#inspector.size > imageSizeCap) this.#fail(tooLarge(this.#context).refusal)
    if (this.#inspector.size > this.#room.bytes) this.#overflow()
    if (this.#inspector.knowsHead && !this.#looked) this.#look()
    this.#md5.update(chunk)
    this.#sha512.update(chunk)
    const now = this.#context.now()
    if (now - this.#beatAt < BEAT) return
    this.#beatAt = now
    if (!(await touchUpload(this.#context.db, this.#image.id, this.#key, now))) this.#fail({ kind: 'vanished' })
  }

  /** What is staged is judged when it is imported: its formats may not be known yet. */
  #look(): void {
    this.#looked = true
    const { imageFormatsChecked } = this.#context.settings
    const found = this.#upload.staged ? null : this.#inspector.inspect()
    const reason = found && mismatch(this.#image, found, imageFormatsChecked)
    if (reason) this.#fail({ kind: 'mismatch', reason })
  }

  #complete(): void {
    const { length } = this.#upload
    if (length !== null && length !== this.#inspector.size) this.#fail({ kind: 'incomplete' })
    // Some formats have their mark at the end.
    this.#look()
  }

  #overflow(): never {
    const { limit: resource } = this.#room
    this.fault = new Refused({
      kind: 'quota',
      resource,
      projectId: this.#image.projectId ?? '',
      asked: this.#inspector.size,
    })
    throw this.fault
  }

  #fail(refusal: ImageRefused['refusal']): never {
    this.fault = new ImageRefused(refusal)
    throw this.fault
  }

  end(): Found {
    return {
      sizeBytes: this.#inspector.size,
      virtualSizeBytes: this.#upload.staged ? null : virtualSizeOf(this.#image, this.#inspector.inspect()),
      checksum: this.#md5.digest('hex'),
      hashAlgo: 'sha512',
      hashValue: this.#sha512.digest('hex'),
    }
  }
}
