import type { Dice } from './dice.ts'
import type { Scheduler } from './scheduler.ts'
import type { Slot, World } from './world.ts'

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: stories reach into bodies freely
  body: any
}

/** Tries of one request, counting those that a dying process never answered. */
const TRIES = 5

/** Somebody with a token, who asks again when nobody answers, under the same key. */
export class Client {
  readonly world: World
  readonly dice: Dice
  readonly #scheduler: Scheduler
  readonly #token: string
  readonly #fault: (what: string) => void
  #requests = 0

  constructor(world: World, scheduler: Scheduler, token: string, fault: (what: string) => void) {
    this.world = world
    this.dice = scheduler.dice
    this.#scheduler = scheduler
    this.#token = token
    this.#fault = fault
  }

  post(path: string, body: unknown): Promise<Answer | null> {
    return this.#persist('POST', path, body)
  }
  put(path: string, body: unknown): Promise<Answer | null> {
    return this.#persist('PUT', path, body)
  }
  get(path: string): Promise<Answer | null> {
    return this.#persist('GET', path)
  }
  delete(path: string): Promise<Answer | null> {
    return this.#persist('DELETE', path)
  }

  /** Thinks for a while. */
  pause(most = 2_000): Promise<void> {
    return this.#scheduler.sleep(null, this.dice.below(most))
  }

  /** A name that no other request uses: more than one row of that name is one too many. */
  name(): string {
    return `only-${this.dice.uuid().slice(0, 8)}`
  }

  /** Reads until it is so, or for a few tries. */
  async until(path: string, done: (body: Answer['body']) => boolean, tries = 8): Promise<boolean> {
    for (let i = 0; i < tries; i++) {
      const answer = await this.get(path)
      if (answer?.status === 200 && done(answer.body)) return true
      if (answer?.status === 404) return false
      await this.pause(4_000)
    }
    return false
  }

  async #persist(method: string, path: string, body?: unknown): Promise<Answer | null> {
    const key = `key-${this.#requests++}-${this.dice.uuid()}`
    for (let i = 0; i < TRIES; i++) {
      const answer = await this.#send(this.dice.pick(this.world.slots), method, path, body, key)
      if (answer && answer.status !== 503) return answer
      // Not everybody asks again.
      if (this.dice.chance(0.2)) return null
      await this.pause()
    }
    return null
  }

  async #send(slot: Slot, method: string, path: string, body: unknown, key: string): Promise<Answer | null> {
    const request = new Request(`http://plimsoll.test${path}`, {
      method,
      headers: {
        'X-Auth-Token': this.#token,
        'Content-Type': 'application/json',
        'OpenStack-API-Version': 'compute 2.79',
        ...(method === 'POST' ? { 'Idempotency-Key': key } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const serve = async () => {
      const response = await slot.fetch(request)
      const text = await response.text()
      return { status: response.status, body: text === '' ? null : JSON.parse(text) }
    }
    const answer = await Promise.race([serve(), slot.life.ended])
    if (answer === 'dead') return null
    if (answer.status === 500) this.#fault(`500: ${method} ${path.replace(/[0-9a-f-]{32,36}/g, '…')}`)
    return answer
  }
}
