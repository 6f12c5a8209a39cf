import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { passwordsIn } from '../runtime/passwords.ts'

// biome-ignore lint/suspicious/noExplicitAny: a client takes answers as they come
export type Json = any

/** What the person is told, without a stack. */
export class Refused extends Error {}

/** How long anything may take, in milliseconds. */
const PATIENCE = 120_000

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The OpenStack API of a running broker, by `fetch` alone. */
export class Client {
  /** Stops what waits, but for the cleaning up. */
  interrupted = false
  readonly origin: string
  readonly #folder = process.env.PLIMSOLL_DATA || './.plimsoll'
  #token = ''

  /** @param url the broker's; absent: where `clouds.yaml` in its data folder says that it is */
  constructor(url = process.env.PLIMSOLL_URL) {
    const known = /auth_url: *['"]?(\S+?)\/identity/.exec(this.#read('clouds.yaml'))?.[1]
    this.origin = (url ?? known ?? 'http://127.0.0.1:8787').replace(/\/+$/, '')
  }

  async send(method: string, path: string, body?: Json): Promise<{ status: number; body: Json; headers: Headers }> {
    // From this microversion on the project may be left out of volume URLs.
    const headers: Record<string, string> = { 'OpenStack-API-Version': 'volume 3.67' }
    if (this.#token) headers['X-Auth-Token'] = this.#token
    if (body) headers['Content-Type'] = 'application/json'
    const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) }
    const answer = await fetch(this.origin + path, init).catch(() => {
      throw new Refused(`nobody answers at ${this.origin}; start the broker with npm start, or name it with --url`)
    })
    const text = await answer.text()
    const isJson = /json/.test(answer.headers.get('content-type') ?? '')
    return { status: answer.status, body: isJson ? JSON.parse(text) : text, headers: answer.headers }
  }

  /** As `send`, but only success will do. */
  async must(method: string, path: string, body?: Json): Promise<Json> {
    const answer = await this.send(method, path, body)
    if (answer.status < 300) return answer.body
    const [fault] = Object.values((answer.body ?? {}) as Record<string, Json>)
    throw new Refused(
      `${method} ${path} is answered with ${answer.status}: ${fault?.message ?? JSON.stringify(answer.body)}`,
    )
  }

  /** Asks until `state` answers true (a 404 is null), and shows what it answers until then. */
  async wait(path: string, state: (body: Json) => string | true): Promise<void> {
    let last = ''
    for (const until = Date.now() + PATIENCE; Date.now() < until; await pause(300)) {
      if (this.interrupted) throw new Refused('interrupted')
      const { status, body } = await this.send('GET', path)
      const now = state(status === 404 ? null : body)
      if (now === true) return
      if (now !== last) process.stdout.write(`${now.toLowerCase()} … `)
      last = now
      if (/error/i.test(now))
        throw new Refused(`it ended in ${now}: ${body?.server?.fault?.message ?? 'no reason is given'}`)
    }
    throw new Refused(`it is still ${last} after ${PATIENCE / 1000} s`)
  }

  /** Deletes, again while something still uses it, until it is gone. */
  async remove(path: string): Promise<void> {
    for (const until = Date.now() + PATIENCE; ; await pause(500)) {
      const { status, body } = await this.send('DELETE', path)
      if (status === 404) return
      if (status < 300) break
      if (status !== 409 || Date.now() > until) throw new Refused(`${path} stays: ${status} ${JSON.stringify(body)}`)
    }
    await this.wait(path, (body) => body === null || (body.server ?? body.volume)?.status || 'deleting')
  }

  async logIn(): Promise<void> {
    const password = process.env.PLIMSOLL_DEMO_PASSWORD || passwordsIn(this.#read('clouds.yaml')).demo
    if (!password)
      throw new Refused(`no password for user demo in ${this.#folder}; set PLIMSOLL_DATA or PLIMSOLL_DEMO_PASSWORD`)
    const domain = { id: 'default' }
    const identity = { methods: ['password'], password: { user: { name: 'demo', domain, password } } }
    const auth = { identity, scope: { project: { name: 'demo', domain } } }
    const { status, headers } = await this.send('POST', '/identity/v3/auth/tokens', { auth })
    if (status !== 201) throw new Refused(`user demo cannot log in at ${this.origin} (${status})`)
    this.#token = headers.get('x-subject-token') ?? ''
  }

  #read(name: string): string {
    const path = join(this.#folder, name)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
}
