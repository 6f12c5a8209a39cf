import { leftOf, standingOf, type TokenFacts } from '../../../db/queries/identity/tokens.ts'
import { told } from '../../broker/notices/body.ts'
import { asking, heard, lookBehind, markOf, type Place, stayTuned } from '../../broker/notices/reading.ts'
import type { Context } from '../../context.ts'
import { counted } from './open-streams.ts'

/**
 * How often it is looked for events, and whether the token stands, in milliseconds: where the process says that something was told,
 * that is heard at once, and the looks are for the token.
 */
const LOOK = { unheard: 1_000, heard: 3_000 }
/** Between two looks there is so much time at least, however much is told. */
const APART = 100
/**
 * Where nothing happens a line comes so often, in milliseconds, so that nobody on the way takes the connection for dead. A Worker
 * is told that its reader left by nothing but what it writes then, and holds the place of another until it is.
 */
const HEARTBEAT = { node: 15_000, workers: 3_000 }
/** So many are told at once, and so many bytes wait for a reader. */
const PAGE = 50
const WAITING = 256 * 1024
/** A reader that has taken nothing of what waits for so long is gone. */
const PATIENCE = 30_000
/** A Worker may ask its database so often for one request; its clients come again. */
const LOOKS_OF_A_WORKER = 500

/** Whoever may read what is the project's; administrators alone what is another's. */
const READERS = ['reader', 'member', 'manager', 'admin']

/** Why a stream ended, as its last event says. */
const ENDS = {
  token: 'The token does not stand any more.',
  renew: 'Come again: a stream does not live longer here.',
  ending: 'Come again: the process is ending.',
}
type End = keyof typeof ENDS | 'left' | 'slow'

interface Wanted {
  projectId: string
  /** Null: from now on. */
  from: Place | null
  /** Null: all. */
  types: Set<string> | null
}

/** A stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) until its token ends, or its reader leaves. */
export const openStream = async (context: Context, { projectId, from, types }: Wanted): Promise<Response> => {
  const { alive, done } = counted(context, projectId)
  try {
    const found = await lookBehind(context, projectId, from, 0)
    const anew = await stayTuned(context, projectId, found.until)
    const place = from ?? (anew ? await lookBehind(context, projectId, null, 0) : found).place
    const teller = new Teller(context, { projectId, from: place, types }, alive)
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          teller.run(controller).finally(done)
        },
        cancel: () => {
          // A Worker does nothing more for a reader that left, so this is not left to what the teller is at.
          done()
          teller.leave()
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: WAITING }),
    )
    const headers = { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' }
    return new Response(body, { headers })
  } catch (error) {
    done()
    throw error
  }
}

const encoder = new TextEncoder()

/** Tells one reader. */
class Teller {
  readonly #context: Context
  readonly #alive: () => void
  readonly #wanted: Wanted
  #place: Place
  #left = false
  /** Something was told since the last look. */
  #rung = false
  #lookedAt = 0
  #wake: () => void = () => undefined
  #pause: Promise<void> | null = null
  #controller!: ReadableStreamDefaultController<Uint8Array>

  /** @param alive called at each look */
  constructor(context: Context, wanted: Wanted & { from: Place }, alive: () => void) {
    this.#context = context
    this.#alive = alive
    this.#wanted = wanted
    this.#place = wanted.from
  }

  leave(): void {
    this.#left = true
    this.#wake()
  }

  async run(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#controller = controller
    const deaf = this.#context.onTold?.(this.#wanted.projectId, () => {
      this.#rung = true
      this.#wake()
    })
    try {
      this.#event('ready', { project_id: this.#wanted.projectId }, markOf(this.#place))
      const end = await this.#tell()
      if (end === 'left') return
      if (end === 'slow') return controller.error(new Error('the reader of a stream of events takes nothing'))
      this.#event('end', { reason: end, message: ENDS[end] })
      controller.close()
    } catch (error) {
      this.#context.log('warn', 'a stream of events broke', { error: String(error) })
      if (!this.#left) controller.error(error)
    } finally {
      deaf?.()
    }
  }

  /** Until the next look is due, or something was told, or the reader left. */
  async #rest(): Promise<void> {
    await this.#listen()
    const early = this.#lookedAt + APART - this.#context.now()
    if (early > 0 && !this.#left) await this.#context.sleep(early)
  }

  /** One pause is under way at a time, however often it is cut short. */
  async #listen(): Promise<void> {
    if (this.#rung || this.#left) return
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#pause ??= this.#context.sleep(this.#context.onTold ? LOOK.heard : LOOK.unheard).then(() => {
      this.#pause = null
    })
    await Promise.race([this.#pause, woken])
  }

  /** Until there is a reason to end. */
  async #tell(): Promise<End> {
    const { now, settings } = this.#context
    let toldAt = now()
    let takenAt = now()
    for (let looks = 1; ; looks++) {
      if (this.#left) return 'left'
      if (this.#context.ending?.()) return 'ending'
      if (settings.runtime === 'workers' && looks > LOOKS_OF_A_WORKER) return 'renew'
      const room = (this.#controller.desiredSize ?? 0) > 0
      if (room) takenAt = now()
      else if (now() - takenAt > PATIENCE) return 'slow'
      this.#rung = false
      this.#lookedAt = now()
      this.#alive()
      const found = await this.#look(room ? PAGE : 0)
      if (!found) return 'token'
      if (this.#left) return 'left'
      if (room && this.#say(found)) toldAt = now()
      else if (room && now() - toldAt >= HEARTBEAT[settings.runtime]) {
        this.#write(': \n\n')
        toldAt = now()
      }
      if (found.notices.length < PAGE) await this.#rest()
    }
  }

  /** Whether the token stands, and what is behind the place; null: it does not. */
  async #look(limit: number) {
    const { db, caller, now } = this.#context
    const { projectId } = this.#wanted
    if (caller!.expiresAt <= now()) return null
    const token: TokenFacts = caller!
    const [standing, behind] = await db.batch([standingOf(db, token), asking(db, projectId, this.#place, limit)])
    const left = leftOf(standing, token) ?? []
    const roles = projectId === caller!.projectId ? READERS : ['admin']
    if (!roles.some((role) => left.includes(role))) return null
    const found = heard(this.#place, behind)
    await stayTuned(this.#context, projectId, found.until)
    return found
  }

  /** Says what was found; whether that was anything. */
  #say({ notices, gap, place }: ReturnType<typeof heard>): boolean {
    const { types } = this.#wanted
    const wanted = notices.filter(({ type }) => types?.has(type) ?? true)
    if (gap) this.#event('gap', { message: 'Something was told here that nobody knows any more.' })
    for (const notice of wanted) this.#event(notice.type, told(notice), markOf(notice))
    // A reader that comes again is not to be told anew what it did not want to hear.
    if (place.seq !== (wanted.at(-1)?.seq ?? this.#place.seq) || gap) this.#write(`id: ${markOf(place)}\n\n`)
    const said = gap || wanted.length > 0
    this.#place = place
    return said
  }

  #event(type: string, data: object, mark?: string): void {
    this.#write(`${mark === undefined ? '' : `id: ${mark}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  #write(text: string): void {
    this.#controller.enqueue(encoder.encode(text))
  }
}
