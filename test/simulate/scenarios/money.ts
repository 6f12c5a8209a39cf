import { plantFaults } from '../../../adapters/sandbox/backdoor.ts'
import { allClouds } from '../../../db/queries/clouds/clouds.ts'
import { refreshInventory } from '../../../functions/broker/clouds/inventory.ts'
import { settleDue } from '../../../functions/broker/money/settle.ts'
import type { Stage } from '../stage.ts'
import type { Scenario } from './props.ts'

const usd = (micros: number) => ({ micros, currency: 'USD' })

/** Tells a story of a cloud that sells one size (or of two such), and a project with a policy, which it has no longer than that. */
const selling = async (
  stage: Stage,
  price: number | undefined,
  policy: Record<string, unknown>,
  story: () => Promise<void>,
  both = false,
): Promise<string[]> => {
  const size = { name: 'one', vcpus: 1, ram_mib: 1024, disk_gib: 20, ...(price === undefined ? {} : { price }) }
  await stage.open({ profile: 'token', sizes: [size], disk_price: 0.001 }, [], both)
  for (const cloud of await allClouds(stage.context(0).db)) await refreshInventory(stage.context(0), cloud)
  const { d1, projectId } = stage.world
  const decree = (said: string | null) =>
    d1.prepare('update projects set policy = ? where id = ?').bind(said, projectId).run()
  await decree(JSON.stringify(policy))
  try {
    await story()
    return await stage.judge()
  } finally {
    await decree(null)
  }
}

const create = async (stage: Stage, n: 0 | 1): Promise<number> => {
  const server = { name: `of-${n}`, flavorRef: '1', imageRef: stage.world.image, networks: 'none' }
  return (await stage.ask(n, 'POST', '/compute/v2.1/servers', { server })).status
}

/**
 * Money for one server. It is bought, and the database is put back as it was half an hour before; then, after `meanwhile`, a
 * second one is asked for. What is spent is what the clouds have. A cloud that is switched off would never be listed: both are on.
 */
const restored = (stage: Stage, meanwhile: () => Promise<unknown>): Promise<string[]> =>
  selling(
    stage,
    0.01,
    { max_hourly_cost: usd(15_000) },
    async () => {
      await stage.minutes(2)
      stage.expect((await create(stage, 0)) === 202, 'the first is not bought')
      await stage.settle()
      const { d1 } = stage.world
      await d1.batch([
        d1.prepare("delete from bindings where kind = 'server'"),
        ...['servers', 'server_actions', 'meters', 'journal'].map((table) => d1.prepare(`delete from ${table}`)),
        d1.prepare("update quotas set used = 0 where resource in ('instances', 'cores', 'ram')"),
      ])
      stage.scheduler.pass(20 * 60_000)
      await meanwhile()
      const status = await create(stage, 0)
      stage.expect(status === 409, `a server is bought before anybody looked: ${status}`)
      await stage.minutes(3)
      const again = await create(stage, 0)
      stage.expect(again === 403, `what was found is not counted: ${again}`)
      const many = (await stage.live('server')).length
      stage.expect(many === 1, `the clouds have ${many} servers, and there is money for one`)
    },
    true,
  )

/** What projects may spend. */
export const money: Record<string, Scenario> = {
  /** One process has seen that there is money for one server; another spends it before the first writes. */
  'two at the last of the money': (stage) =>
    selling(stage, 0.01, { max_hourly_cost: usd(15_000) }, async () => {
      const { reached, release } = stage.hold(0, /insert into "servers"/)
      const first = create(stage, 0)
      await reached
      const second = await create(stage, 1)
      release()
      const statuses = [await first, second]
      stage.expect(statuses.join() === '403,202', `one of both is refused: ${statuses.join()}`)
      await stage.settle()
    }),

  /** The same of volumes: there is money for ten GiB. */
  'two volumes at the last of the money': (stage) =>
    selling(stage, 0.01, { max_hourly_cost: usd(15_000) }, async () => {
      const volume = { size: 10, availability_zone: 'sandbox.a' }
      const make = async (n: 0 | 1) =>
        (await stage.ask(n, 'POST', `/volume/v3/${stage.world.projectId}/volumes`, { volume })).status
      const { reached, release } = stage.hold(0, /insert into "volumes"/)
      const first = make(0)
      await reached
      const second = await make(1)
      release()
      const statuses = [await first, second]
      stage.expect(statuses.join() === '403,202', `one of both is refused: ${statuses.join()}`)
      await stage.settle()
    }),

  /** Nobody knows what the only size costs, and there is a limit. */
  'no price, and a limit': (stage) =>
    selling(stage, undefined, { max_hourly_cost: usd(1_000_000) }, async () => {
      stage.expect((await create(stage, 0)) === 403, 'what is unpriced is bought under a limit')
    }),

  /** Nobody has noticed yet that the database is an older one. */
  'an older database, and little money': (stage) => restored(stage, async () => {}),

  /** It is noticed, and the cloud does not say what it has. */
  'an older database, and a cloud that says nothing': (stage) =>
    restored(stage, async () => {
      const faults = [{ method: 'server.list', fault: 'throttled' as const, count: 1 }]
      await plantFaults(stage.memory, stage.world.cloudId, faults)
      await stage.sweep()
    }),

  /** The clock is set back by half an hour that was charged, and in it what runs is stopped and started. */
  'a clock that is set back': (stage) =>
    selling(stage, 0.01, {}, async () => {
      const { scheduler } = stage
      const began = scheduler.now
      const server = { name: 'of-0', flavorRef: '1', imageRef: stage.world.image, networks: 'none' }
      const { id } = (await stage.send(0, 'POST', '/compute/v2.1/servers', { server })).server
      await stage.settle()
      scheduler.pass(3_660_000)
      await settleDue(stage.context(0), 5_000)
      const charged = scheduler.now
      scheduler.now -= 1_800_000
      for (const action of ['os-stop', 'os-start']) {
        await stage.send(0, 'POST', `/compute/v2.1/servers/${id}/action`, { [action]: null })
        await stage.settle()
      }
      scheduler.pass(3_660_000)
      await settleDue(stage.context(0), 5_000)
      const [row] = (await stage.world.d1.prepare('select sum(ms) as ms from costs').all<{ ms: number }>()).results
      const most = Math.max(charged, scheduler.now) - began
      stage.expect(row!.ms <= most, `${row!.ms} ms of one server are charged, and it was there for ${most}`)
    }),

  /** A budget for an hour and a half, and two servers: none of it is spent yet. */
  'nothing spent yet': (stage) =>
    selling(stage, 0.01, { budget: { ...usd(15_000), period: 'month', at_100: 'refuse' } }, async () => {
      const statuses = [await create(stage, 0), await create(stage, 1)]
      stage.expect(statuses.join() === '202,403', `an hour of the first is kept: ${statuses.join()}`)
      await stage.settle()
    }),
}
