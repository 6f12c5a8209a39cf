/** What some work said to vCenter, and what it took to say it. */
export interface Traffic {
  /** Requests by method of the API. */
  calls: Record<string, number>
  /** Bytes of bodies. */
  sent: number
  received: number
  ms: number
  /** Of this process alone. */
  cpuMs: number
}

const METHOD = /Body><(\w+)/

/** A way to vCenter that counts what goes over it. */
export class Wire {
  #traffic = nothing()
  /** Called at every answer, before it is read. */
  heard = (): void => {}
  /** When a method was last asked for (`performance.now()`). */
  readonly askedAt = new Map<string, number>()

  readonly fetch: typeof fetch = async (input, init) => {
    const traffic = this.#traffic
    const body = typeof init?.body === 'string' ? init.body : ''
    const method = METHOD.exec(body)?.[1] ?? init?.method ?? 'GET'
    this.askedAt.set(method, performance.now())
    traffic.calls[method] = (traffic.calls[method] ?? 0) + 1
    traffic.sent += Buffer.byteLength(body)
    const response = await fetch(input, init)
    const answer = await response.arrayBuffer()
    traffic.received += answer.byteLength
    this.heard()
    return new Response(answer.byteLength ? answer : null, response)
  }

  /** Counts what `work` does. One work at a time. */
  async of(work: () => Promise<unknown>): Promise<Traffic> {
    const traffic = nothing()
    this.#traffic = traffic
    const from = process.cpuUsage()
    const started = performance.now()
    await work()
    traffic.ms = performance.now() - started
    const { user, system } = process.cpuUsage(from)
    traffic.cpuMs = (user + system) / 1000
    this.#traffic = nothing()
    return traffic
  }
}

export const callsOf = ({ calls }: Pick<Traffic, 'calls'>): number =>
  Object.values(calls).reduce((sum, n) => sum + n, 0)

const nothing = (): Traffic => ({ calls: {}, sent: 0, received: 0, ms: 0, cpuMs: 0 })
