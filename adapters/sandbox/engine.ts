import type { Blobs, Connection, Json, Mark, NativeId, Surroundings } from '../contract.ts'
import { CloudError } from '../errors.ts'
import { outgoing, refusal, SandboxCrash } from './errors.ts'
import { errorBefore, nextTurn, truncate } from './faults.ts'
import { type Settings, settingsOf } from './options.ts'
import { Claims } from './records/claims.ts'
import type { Base } from './records/entities.ts'
import { Room } from './records/room.ts'
import { State } from './records/state.ts'

/** One call as the log keeps it. */
export interface LoggedCall {
  n: number
  method: string
  id: NativeId | null
  token: string | null
  at: number
  /** `ok`, an error code, or `crash`. */
  outcome: string
}
export const CALL_LOG = 'call-log/'

/** Whom a call is about, for the log. */
export interface About {
  id?: NativeId
  mark?: Mark
  /** Where it is made, and of which size. */
  zone?: string
  size?: string
}

/** Everything that the kinds share: settings, clock, memory, finite things, and the way in for every call. */
export class Engine {
  readonly connection: Connection
  readonly settings: Settings
  readonly state: State
  readonly claims: Claims
  readonly room: Room
  readonly #surroundings: Surroundings

  constructor(connection: Connection, surroundings: Surroundings) {
    this.connection = connection
    this.settings = settingsOf(connection.options)
    this.#surroundings = surroundings
    const now = () => this.now()
    const at = {
      cloud: connection.cloudId,
      account: accountOf(connection),
      now,
      tombstoneMs: this.settings.tombstone_ms,
    }
    this.state = new State(surroundings.store, at)
    this.claims = new Claims(this.state, now)
    this.room = new Room(this.claims, this.settings, now)
  }

  get blobs(): Blobs {
    return this.#surroundings.blobs
  }

  now(): number {
    return this.#surroundings.now() + this.settings.clock_skew_ms
  }

  /** Whether `find` and `list` show an object made at that time already. */
  visible(createdAt: number): boolean {
    return this.now() >= createdAt + this.settings.visibility_delay_ms
  }

  /**
   * Every method of the cloud passes here: it takes its time, goes wrong as the rules want it, and is logged.
   * `stillborn` tells a create that its object shall fail.
   */
  async call<T>(method: string, about: About, effect: (stillborn: boolean) => Promise<T>): Promise<T> {
    const { log_calls: kept, latency_ms: latency, faults } = this.settings
    const { n, rule } = await nextTurn(this.state, { method, zone: about.zone, size: about.size }, faults, kept > 0)
    const requestId = `req-sbx-${this.now().toString(36)}-${n}`
    const wait = latency + (rule?.fault === 'slow' ? (rule.delay_ms ?? 1000) : 0)
    if (wait > 0) await this.#surroundings.sleep(Math.min(wait, this.#surroundings.timeoutMs))
    let outcome = 'ok'
    let id = about.id ?? null
    try {
      const before = errorBefore(rule)
      if (before) throw before
      const result = truncate(await effect(rule?.fault === 'fails_later'), rule)
      id ??= (result as { id?: NativeId } | null | undefined)?.id ?? null
      if (rule?.fault === 'crash') throw new SandboxCrash(`The caller of ${method} died after the effect.`)
      if (rule?.fault === 'lost_answer' || wait > this.#surroundings.timeoutMs) {
        throw refusal('NoAnswer', 'The cloud did not answer in time.', { operatorMessage: `${method}: no answer` })
      }
      return result
    } catch (error) {
      const known = outgoing(error, requestId)
      outcome = known instanceof CloudError ? known.code : 'crash'
      throw known
    } finally {
      if (kept > 0) await this.#log({ n, method, id, token: about.mark?.token ?? null, at: this.now(), outcome })
    }
  }

  /** The log is a ring of keys: each call writes one small record, whatever the log's length. */
  async #log(call: LoggedCall): Promise<void> {
    const kept = this.settings.log_calls
    const key = `${this.state.cloud}/${CALL_LOG}${String(call.n % kept).padStart(6, '0')}`
    const round = Math.floor((call.n - (call.n % kept)) / kept)
    const expected = call.n % kept === 0 ? round - 1 : round
    const { store } = this.state
    if (await store.put(key, call as unknown as Json, expected)) return
    const found = await store.get(key)
    await store.put(key, call as unknown as Json, found?.version ?? 0)
  }
}

/** Projects may be mapped to accounts of their own; room and external addresses are the cloud's. */
export const accountOf = ({ mapping }: Pick<Connection, 'mapping'>): string =>
  typeof mapping.account === 'string' && mapping.account !== '' ? encodeURIComponent(mapping.account) : 'main'

/** `pending` while something changes by itself, `gone` once removed. */
export const healthOf = (
  entity: Pick<Base, 'readyAt' | 'goneAt' | 'fault'>,
  now: number,
): 'pending' | 'ready' | 'failed' | 'gone' => {
  if (entity.goneAt !== null) return now >= entity.goneAt ? 'gone' : 'pending'
  if (now < entity.readyAt) return 'pending'
  return entity.fault === null ? 'ready' : 'failed'
}
