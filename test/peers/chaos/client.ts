import type { Answer } from '../support/api.ts'
import type { Victim } from './broker.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Statuses after which a client asks again, as every OpenStack client does for these. */
const AGAIN = new Set([429, 500, 502, 503, 504])

class Unanswered extends Error {}

/**
 * A client that does not give up: every request is repeated, word for word and with the same key, until there is an
 * answer. What the answer says is the caller's business.
 */
export class Client {
  readonly #broker: Victim
  readonly #name: 'admin' | 'demo'
  #token = ''
  projectId = ''
  /** Requests that had to be repeated, and answers that should not be. */
  repeated = 0
  readonly failures: string[] = []

  constructor(broker: Victim, name: 'admin' | 'demo') {
    this.#broker = broker
    this.#name = name
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const key: Record<string, string> = method === 'POST' ? { 'Idempotency-Key': crypto.randomUUID() } : {}
    const until = Date.now() + 180_000
    for (let attempt = 0; Date.now() < until; attempt++) {
      if (attempt) {
        this.repeated++
        await pause(Math.min(2_000, 100 * 2 ** attempt))
      }
      if (!this.#token && !(await this.#logIn())) continue
      const answer = await this.#send(method, path, body, { 'X-Auth-Token': this.#token, ...key })
      if (!answer) continue
      if (answer.status === 500) this.failures.push(`${method} ${path}: ${JSON.stringify(answer.body).slice(0, 300)}`)
      if (answer.status === 401) this.#token = ''
      else if (!AGAIN.has(answer.status)) return answer
    }
    throw new Unanswered(`${method} ${path} was not answered in three minutes`)
  }

  /** As `call`; throws unless it succeeds. */
  async must(method: string, path: string, body?: unknown): Promise<Answer['body']> {
    const answer = await this.call(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  /** Asks again until `done` says so of the answer; null if it does not within the time. */
  async until(path: string, done: (answer: Answer) => boolean, ms: number): Promise<Answer | null> {
    for (const end = Date.now() + ms; ; ) {
      const answer = await this.call('GET', path)
      if (done(answer)) return answer
      if (Date.now() > end) return null
      await pause(500)
    }
  }

  async #send(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Answer | null> {
    try {
      const response = await fetch(this.#broker.url + path, {
        method,
        headers: { ...headers, ...(body ? { 'Content-Type': 'application/json' } : {}) },
        signal: AbortSignal.timeout(30_000),
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      const text = await response.text()
      this.lastToken = response.headers.get('x-subject-token') ?? this.lastToken
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      return { status: response.status, body: isJson ? JSON.parse(text) : text }
    } catch {
      // Refused, reset, cut off: nobody knows what became of it.
      return null
    }
  }
  private lastToken = ''

  async #logIn(): Promise<boolean> {
    const domain = { id: 'default' }
    const user = { name: this.#name, domain, password: this.#broker.passwords[this.#name] }
    const identity = { methods: ['password'], password: { user } }
    const auth = { identity, scope: { project: { name: this.#name, domain } } }
    const answer = await this.#send('POST', '/identity/v3/auth/tokens', { auth }, {})
    if (answer?.status !== 201) return false
    this.#token = this.lastToken
    this.projectId = answer.body.token.project.id
    return true
  }
}
