import { sql } from 'drizzle-orm'
import type { Json } from '../../../../adapters/contract.ts'
import { runCron } from '../../../../functions/cron.ts'
import type { Answer, Start } from '../../../support/harness.ts'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

const BURSTS = '/broker/v1/bursts'
export const message = (answer: Answer): string => (Object.values(answer.body)[0] as { message: string }).message

/** A world with bursts in it. */
export interface Bursting extends World {
  /** Asks for a burst of the smallest flavor. */
  ask(more?: Record<string, unknown>): Promise<Answer>
  /** The same, brought to rest; gives its id. */
  burst(more?: Record<string, unknown>): Promise<string>
  show(id: string): Promise<Answer['body']>
  members(id: string): Promise<Answer['body'][]>
  /** Lets so many seconds pass, and then the cron work until everything is at rest. */
  pass(seconds?: number, turns?: number): Promise<void>
  decree(policy: Record<string, Json>): Promise<void>
  /** The servers that Nova lists, by name. */
  servers(): Promise<Record<string, Answer['body']>>
}

export const usd = (amount: string) => ({ amount, currency: 'USD' })

/** One embedded cloud, a network, an image, and a project that may have bursts. */
export const newBursting = async (start: Start = {}): Promise<Bursting> => {
  const world = await newWorld({ settings: { publicUrl: 'https://broker.example' }, ...start })
  const { plimsoll, demo, image, network, newest, admin } = world
  const pass = async (seconds = 0, turns = 1) => {
    plimsoll.clock.advance(seconds * 1000)
    for (let turn = 0; turn < turns; turn++) {
      plimsoll.clock.advance(31_000)
      await plimsoll.db.run(sql`delete from leases`)
      await runCron(plimsoll.host)
      await plimsoll.settle()
    }
  }
  const ask = (more: Record<string, unknown> = {}) =>
    demo.post(BURSTS, { name: 'farm', count: { min: 1, max: 3 }, flavor: '1', image, networks: [network], ...more })
  const show = async (id: string) => (await demo.get(`${BURSTS}/${id}`)).body.burst
  return {
    ...world,
    ask,
    show,
    pass,
    burst: async (more = {}) => {
      const answer = await ask(more)
      if (answer.status !== 202) throw new Error(JSON.stringify(answer.body))
      await plimsoll.settle()
      return answer.body.burst.id
    },
    members: async (id) => (await demo.get(`${BURSTS}/${id}/members`)).body.members,
    decree: async (policy) => {
      const answer = await admin.put(`/broker/v1/projects/${plimsoll.projectId('demo')}/policy`, { policy })
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
    },
    servers: async () => {
      const { body } = await newest.get(`${NOVA}/servers/detail`)
      return Object.fromEntries(body.servers.map((server: { name: string }) => [server.name, server]))
    },
  }
}
