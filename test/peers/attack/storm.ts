import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'

type Step = (title: string, run: () => Promise<string>) => Promise<void>

const MIB = 2 ** 20

/** What a stranger does to stop a broker: bodies without an end, patterns that explode, logins by the hundred. */
export const storm = async ({ url }: Broker, stranger: Api, step: Step): Promise<void> => {
  await step('a login of 400 MB in chunks is cut at the limit', async () => {
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (sent >= 400 * MIB) return controller.close()
        sent += MIB / 4
        controller.enqueue(new Uint8Array(MIB / 4).fill(0x20))
      },
    })
    const status = await fetch(`${url}/identity/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
      duplex: 'half',
      signal: AbortSignal.timeout(30_000),
    } as RequestInit).then(
      ({ status }) => status,
      // The connection may be closed before the answer is read: bytes are still on their way.
      () => 413,
    )
    if (status !== 413) throw new Error(`answered ${status}`)
    if (sent > 64 * MIB) throw new Error(`${sent / MIB} MiB were taken`)
    return `${(sent / MIB).toFixed(1)} MiB were taken`
  })

  await step('patterns that explode are answered like others', async () => {
    const patterns = [
      '(((){999}){999}){999}',
      '(a+)+$',
      '^(([a-z])+.)+[A-Z]([a-z])+$',
      `(${'a|'.repeat(3_000)}b)*c`,
      '(?:a{1000}){1000}',
    ]
    const times: number[] = []
    for (const pattern of patterns)
      for (const key of ['name', 'ip', 'ip6']) {
        const started = performance.now()
        const { status } = await stranger.call('GET', `/compute/v2.1/servers?${key}=${encodeURIComponent(pattern)}`)
        times.push(performance.now() - started)
        if (status >= 500) throw new Error(`${key}=${pattern} gave ${status}`)
      }
    return `the slowest took ${Math.max(...times).toFixed(0)} ms`
  })

  await step('a hundred wrong logins at once do not keep others from reading', async () => {
    const user = { name: 'flooded', domain: { id: 'default' }, password: 'wrong' }
    const auth = { identity: { methods: ['password'], password: { user } } }
    const logins = Array.from({ length: 100 }, async () => {
      const response = await fetch(`${url}/identity/v3/auth/tokens`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ auth }),
        signal: AbortSignal.timeout(120_000),
      })
      await response.text()
      return { status: response.status, later: response.headers.get('retry-after') }
    })
    const reads: number[] = []
    let flooding = true
    const answers = Promise.all(logins).finally(() => {
      flooding = false
    })
    while (flooding) {
      const started = performance.now()
      const { status } = await stranger.call('GET', '/compute/v2.1/servers')
      if (status !== 200) throw new Error(`a read gave ${status}`)
      reads.push(performance.now() - started)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const refused = await answers
    const other = refused.filter(({ status }) => status !== 401 && status !== 429)
    if (other.length > 0) throw new Error(`answers of ${other.map(({ status }) => status)}`)
    const impatient = refused.filter(({ status, later }) => status === 429 && !later)
    if (impatient.length > 0) throw new Error('429 without Retry-After')
    const median = reads.toSorted((a, b) => a - b)[Math.floor(reads.length / 2)]!
    const count = (wanted: number) => refused.filter(({ status }) => status === wanted).length
    return `401: ${count(401)}, 429: ${count(429)}; ${reads.length} reads beside, median ${median.toFixed(0)} ms`
  })
}
