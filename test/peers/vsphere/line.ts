/** The line between the adapter and vCenter: it counts calls, and loses what it is told to. */
export interface Line {
  fetch: typeof fetch
  /** Methods in the order in which they were asked for. */
  asked: string[]
  bytes: number
  /**
   * `answer`: the call takes effect and nobody hears of it; `call`: it never arrives; `garbage`: a proxy's page comes
   * instead of the answer.
   */
  lose(method: string, what: 'answer' | 'call' | 'garbage', times?: number): void
  clear(): void
}

export const line = (): Line => {
  let rules: { method: string; what: 'answer' | 'call' | 'garbage'; left: number }[] = []
  const made: Line = {
    asked: [],
    bytes: 0,
    lose: (method, what, times = 1) => rules.push({ method, what, left: times }),
    clear() {
      rules = []
    },
    async fetch(input, init) {
      const method = /<soapenv:Body><(\w+)/.exec(String(init?.body))?.[1] ?? ''
      made.asked.push(method)
      const rule = rules.find((each) => each.left > 0 && (each.method === '*' || each.method === method))
      if (rule) rule.left--
      if (rule?.what === 'call') throw new TypeError('fetch failed')
      const answer = await fetch(input, init)
      const body = await answer.arrayBuffer()
      made.bytes += body.byteLength
      if (rule?.what === 'answer') throw new TypeError('terminated')
      if (rule?.what === 'garbage') return new Response('<!doctype html><title>502</title>', { status: 502 })
      return new Response(body, { status: answer.status, headers: answer.headers })
    },
  }
  return made
}
