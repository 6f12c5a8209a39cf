import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import { loops, runCron } from '../../../../functions/cron.ts'
import { newWorld, type World } from '../../compute/servers/world.ts'

/** One request as the receiver had it. */
export interface Arrival {
  at: number
  url: string
  id: string
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into bodies freely
  body: any
  redirect: string | undefined
}

/** What sends webhooks, and nothing else of the cron. */
const SENDING = loops.filter(({ name }) => name === 'webhooks')

type Says = (arrival: Arrival) => Response | Promise<Response>

/** A world in which requests to hooks.test arrive here. */
export const newReceiver = async () => {
  const arrivals: Arrival[] = []
  const receiver = {
    arrivals,
    says: (() => new Response(null, { status: 204 })) as Says,
    /** Status and resource of what arrived, in its order. */
    statuses: (resource?: string): string[] =>
      arrivals.flatMap(({ body }) =>
        body.type === 'server.status' && (!resource || body.resource.id === resource) ? [body.data.status] : [],
      ),
  }
  const receive: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers)
    const text = String(init?.body)
    const arrival = {
      ...{ at: world.plimsoll.clock.now, url: String(input), id: headers.get('webhook-id') ?? '', headers, text },
      ...{ body: JSON.parse(text), redirect: init?.redirect },
    }
    arrivals.push(arrival)
    return receiver.says(arrival)
  }
  const world: World = await newWorld({ fetch: receive, settings: { webhookHosts: ['hooks.test'] } })
  const { plimsoll, demo } = world
  return {
    ...{ world, plimsoll, demo, receiver },
    /** Makes a webhook; gives it with its secret. */
    hook: async (more: object = {}) => {
      const webhook = { name: 'hook', url: 'https://hooks.test/in', ...more }
      const answer = await demo.post('/broker/v1/webhooks', { webhook })
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body))
      return answer.body.webhook
    },
    shown: async (id: string) => (await demo.get(`/broker/v1/webhooks/${id}`)).body.webhook,
    deliveries: async (id: string, query = '') =>
      (await demo.get(`/broker/v1/webhooks/${id}/deliveries${query}`)).body.deliveries,
    /** Lets time pass, with what the cron sends every so often. */
    pass: async (seconds: number, each = 60) => {
      for (let left = seconds; left > 0; left -= each) {
        plimsoll.clock.advance(Math.min(left, each) * 1000)
        await plimsoll.runDeferred()
        await runCron(plimsoll.host, 25_000, SENDING)
      }
    },
  }
}

/** What a receiver that has the secret makes of a request. */
export const signatureOf = (secret: string, { headers, text }: Arrival): string => {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const signed = `${headers.get('webhook-id')}.${headers.get('webhook-timestamp')}.${text}`
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}
