import type { D1Database } from '@cloudflare/workers-types'
import { createWebhook } from '../../../functions/broker/notices/webhook.ts'
import type { Dice } from '../dice.ts'
import type { World } from '../world.ts'

/** Where the simulated receiver is; `world.ts` lets webhooks go there. */
export const EAR = 'hooks.sim'

interface Arrival {
  id: string
  server: string
  status: string
}

/** What servers were, one after the other, written down by the database itself (`snapshot.ts`). */
const WAS = `select s.server, s.status from sim_statuses s order by s.n`

/** A receiver of webhooks, which is away now and then, and hears what it does not answer. */
export class Ear {
  readonly heard: Arrival[] = []
  /** It answers everything from now on. */
  calm = false
  readonly #dice: Dice

  constructor(dice: Dice) {
    this.#dice = dice
  }

  /** Makes the webhook that is listened at: of every change of a status. */
  async listen(world: World): Promise<void> {
    await createWebhook(world.context(world.slots[0]!), world.projectId, {
      ...{ name: 'ear', url: `https://${EAR}/`, types: ['server.status'], enabled: true },
    })
  }

  readonly fetch: typeof fetch = async (_, init) => {
    const roll = this.calm ? 1 : this.#dice.below(100) / 100
    if (roll < 0.1) throw new TypeError('fetch failed')
    const { id, resource, data } = JSON.parse(String(init?.body))
    this.heard.push({ id, server: resource.id, status: data.status })
    if (roll < 0.15) throw new TypeError('terminated')
    return new Response(null, { status: roll < 0.2 ? 500 : 204 })
  }

  /** What was told otherwise than it was: of each server every status in its order, and nothing else. */
  async faults(d1: D1Database): Promise<string[]> {
    const told = this.heard.filter(({ id }, i) => this.heard.findIndex((other) => other.id === id) === i)
    const { results } = await d1.prepare(WAS).all<{ server: string; status: string }>()
    const [was, said] = [results, told].map((all) =>
      Map.groupBy<string, { server: string; status: string }>(all, ({ server }) => server),
    )
    return [...new Set([...was!.keys(), ...said!.keys()])].flatMap((server) => {
      const [really, heard] = [was!, said!].map((of) => (of.get(server) ?? []).map(({ status }) => status).join())
      return really === heard ? [] : [`a server was ${really}, and was told to be ${heard}`]
    })
  }
}
