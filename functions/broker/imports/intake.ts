/** Nothing for so long, and a server is taken for gone, in milliseconds. */
const SILENCE = 60_000

/** Data of an answer, handed out in parts that each end by themselves, however the answer ends: what came is kept. */
export class Intake {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #heed: (taken: number) => Promise<void>
  /** All that the server had to say was read. */
  ended = false
  /** Why it broke off; null: it did not. */
  broken: Error | null = null
  /** Bytes of the part that was handed out last. */
  taken = 0

  /** @param heed is told of each piece, with the bytes of the part so far; what it throws ends the whole */
  constructor(data: ReadableStream<Uint8Array>, heed: (taken: number) => Promise<void>) {
    this.#reader = data.getReader()
    this.#heed = heed
  }

  /** The next part, of about so many bytes; it ends early when `over` says so. */
  part(most: number, over: () => boolean): ReadableStream<Uint8Array> {
    this.taken = 0
    return new ReadableStream<Uint8Array>({
      pull: async (to) => {
        if (this.ended || this.broken || this.taken >= most || (this.taken > 0 && over())) return to.close()
        try {
          const { done, value } = await this.#next()
          if (done) {
            this.ended = true
            return to.close()
          }
          this.taken += value.length
          await this.#heed(this.taken)
          to.enqueue(value)
        } catch (error) {
          this.broken = error instanceof Error ? error : new Error(String(error))
          to.close()
        }
      },
    })
  }

  async #next() {
    let timer: ReturnType<typeof setTimeout> | undefined
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Nothing came for ${SILENCE / 1000} seconds.`)), SILENCE)
    })
    try {
      return await Promise.race([this.#reader.read(), silence])
    } finally {
      clearTimeout(timer)
    }
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => {})
  }
}
