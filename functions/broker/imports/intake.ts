/** Nothing for so long, and a server is taken for gone, in milliseconds. */
const SILENCE = 60_000
/** So often is looked whether to go on waiting. */
const LOOK = 5_000
/** So much has to come in each such time of waiting, in bytes and milliseconds. */
const LEAST = 2 ** 20
const WINDOW = 60_000

type Piece = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>

/** A server that sends, and too slowly to wait for. */
export class Trickle extends Error {}

/** Data of an answer, handed out in parts that each end by themselves, however the answer ends: what came is kept. */
export class Intake {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #heed: (taken: number) => Promise<void>
  readonly #now: () => number
  /** Since the pace was looked at last. */
  #waited = 0
  #came = 0
  #reading: Promise<Piece> | null = null
  /** All that the server had to say was read. */
  ended = false
  /** Why it broke off; null: it did not. */
  broken: Error | null = null
  /** Bytes of the part that was handed out last. */
  taken = 0

  /** @param heed is told of each piece and while none comes, with the bytes of the part so far; what it throws ends the whole */
  constructor(data: ReadableStream<Uint8Array>, heed: (taken: number) => Promise<void>, now: () => number) {
    this.#reader = data.getReader()
    this.#heed = heed
    this.#now = now
  }

  /** The next part, of about so many bytes; it ends early when `over` says so. */
  part(most: number, over: () => boolean): ReadableStream<Uint8Array> {
    this.taken = 0
    return new ReadableStream<Uint8Array>({
      pull: async (to) => {
        if (this.ended || this.broken || this.taken >= most || (this.taken > 0 && over())) return to.close()
        try {
          const next = await this.#next(over)
          if (!next) return to.close()
          const { done, value } = next
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

  /** Null: it is `over`, and what is still awaited is the next part's. */
  async #next(over: () => boolean): Promise<Piece | null> {
    const began = this.#now()
    for (let silent = 0; ; silent += LOOK) {
      if (silent >= SILENCE) throw new Error(`Nothing came for ${SILENCE / 1000} seconds.`)
      this.#reading ??= this.#reader.read()
      const next = await within(this.#reading, LOOK)
      if (next) {
        this.#reading = null
        if (!next.done) this.#pace(next.value.length, this.#now() - began)
        return next
      }
      await this.#heed(this.taken)
      if (over()) return null
    }
  }

  /** What waits for the store is not the server's to answer for. */
  #pace(bytes: number, ms: number): void {
    this.#came += bytes
    this.#waited += ms
    if (this.#waited < WINDOW) return
    if (this.#came < (LEAST * this.#waited) / WINDOW)
      throw new Trickle(`The server sends less than ${LEAST / 2 ** 20} MiB a minute.`)
    this.#came = 0
    this.#waited = 0
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => {})
  }
}

/** What a promise gives; null: it did not yet. */
const within = async <T>(promise: Promise<T>, ms: number): Promise<T | null> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
