import type { Dice } from './dice.ts'
import type { Fates } from './fates.ts'
import type { Scheduler } from './scheduler.ts'
import type { Strangers } from './strangers.ts'
import type { Slot, Who, World } from './world.ts'

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: stories reach into bodies freely
  body: any
}

/** Where a story takes place. */
export interface Scene {
  world: World
  scheduler: Scheduler
  strangers: Strangers
  fates: Fates
  /** Two clouds take part. */
  both: boolean
  /** Says what must not be. */
  fault(what: string): void
}

/** Tries of one request, counting those that a dying process never answered. */
const TRIES = 5
/** Of the requests that made something: asked again, by somebody who is not sure. */
const UNSURE = 0.1

/** Somebody with a token, who asks again when nobody answers, under the same key. */
export class Client {
  readonly scene: Scene
  readonly world: World
  readonly dice: Dice
  readonly #token: string
  #requests = 0

  constructor(scene: Scene, who: Who = 'demo') {
    this.scene = scene
    this.world = scene.world
    this.dice = scene.scheduler.dice
    this.#token = scene.world.token(who)
  }

  post(path: string, body: unknown): Promise<Answer | null> {
    return this.#persist('POST', path, body)
  }
  put(path: string, body: unknown): Promise<Answer | null> {
    return this.#persist('PUT', path, body)
  }
  patch(path: string, body: unknown): Promise<Answer | null> {
    return this.#persist('PATCH', path, body)
  }
  get(path: string): Promise<Answer | null> {
    return this.#persist('GET', path)
  }
  delete(path: string): Promise<Answer | null> {
    return this.#persist('DELETE', path)
  }

  /** Thinks for a while. */
  pause(most = 2_000): Promise<void> {
    return this.scene.scheduler.sleep(null, this.dice.below(most))
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
      const answer = await this.#send(method, path, body, key)
      if (answer && answer.status !== 503) {
        if (method !== 'POST' || answer.status >= 300) return answer
        this.scene.fates.acknowledged(idOf(answer))
        if (this.dice.chance(UNSURE)) this.#compare(answer, await this.#send(method, path, body, key), path)
        return answer
      }
      // Not everybody asks again.
      if (this.dice.chance(0.2)) return null
      await this.pause()
    }
    return null
  }

  /** The same request has the same answer, and made what the first one made. */
  #compare(first: Answer, again: Answer | null, path: string): void {
    if (!again || again.status === 503) return
    if (again.status !== first.status || idOf(again) !== idOf(first))
      this.scene.fault(`asked twice: POST ${general(path)}: ${first.status} and ${again.status}`)
  }

  async #send(method: string, path: string, body: unknown, key: string): Promise<Answer | null> {
    const slot: Slot = this.dice.pick(this.world.slots)
    const request = new Request(`http://plimsoll.test${path}`, {
      method,
      headers: {
        'X-Auth-Token': this.#token,
        'Content-Type': method === 'PATCH' ? 'application/openstack-images-v2.1-json-patch' : 'application/json',
        'OpenStack-API-Version': 'compute 2.79',
        ...(method === 'POST' ? { 'Idempotency-Key': key } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const serve = async () => {
      const response = await slot.fetch(request)
      const text = await response.text()
      // Glance words its refusals in HTML.
      const json = response.headers.get('Content-Type')?.includes('json')
      return { status: response.status, body: json && text !== '' ? JSON.parse(text) : null }
    }
    const answer = await Promise.race([serve(), slot.life.ended])
    if (answer === 'dead') return null
    if (answer.status === 500) this.scene.fault(`500: ${method} ${general(path)}`)
    return answer
  }
}

/** Of what was made, if something was. */
const idOf = ({ body }: Answer): string | undefined => body && (Object.values(body)[0] as { id?: string } | null)?.id

const general = (path: string): string => path.replace(/[0-9a-f-]{32,36}/g, '…')
