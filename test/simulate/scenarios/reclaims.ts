import { reclaim } from '../../../adapters/sandbox/backdoor.ts'
import { allClouds } from '../../../db/queries/clouds/clouds.ts'
import { refreshInventory } from '../../../functions/broker/clouds/inventory.ts'
import { Stage } from '../stage.ts'
import type { Scenario } from './props.ts'

const MOVABLE = { 'plimsoll:movable': 'true' }

/** A cloud (or two) that sells one size, as spot first; what is told of the policy is true no longer than the story. */
const selling = async (
  stage: Stage,
  sold: { price?: number; zones?: string[] },
  policy: Record<string, unknown>,
  story: () => Promise<void>,
  both = false,
): Promise<string[]> => {
  const size = { name: 'one', vcpus: 1, ram_mib: 1024, disk_gib: 20, spot_price: 0.01, ...sold }
  await stage.open({ profile: 'token', sizes: [size] }, [], both)
  for (const cloud of await allClouds(stage.context(0).db)) await refreshInventory(stage.context(0), cloud)
  const { d1, projectId, image, otherId } = stage.world
  // Somebody said that the other cloud has the image, too.
  await d1
    .prepare(
      "update bindings set phase = 'bound', want = 'present', named = 1 where kind = 'image' and resource_id = ? and cloud_id = ?",
    )
    .bind(image, otherId)
    .run()
  const decree = (said: string | null) =>
    d1.prepare('update projects set policy = ? where id = ?').bind(said, projectId).run()
  await decree(JSON.stringify({ spot: 'preferred', ...policy }))
  try {
    await story()
    return await stage.judge()
  } finally {
    await decree(null)
  }
}

const newServer = async (stage: Stage, metadata: Record<string, string>): Promise<string> => {
  const server = { name: 'only-one', flavorRef: '1', imageRef: stage.world.image, networks: 'none', metadata }
  const { id } = (await stage.send(0, 'POST', '/compute/v2.1/servers', { server })).server
  await stage.settle()
  return id
}

/** The machines that there are, as they were bought. */
const bought = async (stage: Stage): Promise<string> =>
  (await stage.live('server')).map((each) => (each.kind === 'server' ? (each.spec.option ?? 'on-demand') : '')).join()

/** Its cloud takes the one machine back, and shows that. */
const takeBack = async (stage: Stage): Promise<void> => {
  const [machine] = await stage.live('server')
  await reclaim(stage.memory, stage.world.cloudId, machine!.id, stage.scheduler.now)
  stage.scheduler.pass(1_000)
  await stage.sweep()
}

/** With this begins what becomes of one that was taken back: what would stay behind. */
const BEGINS = /from interfaces where server_id/
/** So many steps after it a process is killed: the batch that ends the one and begins the other, and the first call for that. */
const STEPS = 40

/** What becomes of servers that their cloud takes back. */
export const reclaims: Record<string, Scenario> = {
  /** Nobody agreed to more. */
  'taken back': (stage) =>
    selling(stage, {}, {}, async () => {
      await newServer(stage, {})
      stage.expect((await bought(stage)) === 'spot', 'it is not bought as spot')
      await takeBack(stage)
      await stage.settle()
      await stage.minutes(6)
      stage.expect((await stage.live('server')).length === 0, 'a server is made anew, and nobody agreed to that')
      const ended =
        "select count(*) as n from servers where status = 'ERROR' and cloud_id is null and terminated_at is not null"
      stage.expect((await stage.count(ended)) === 1, 'it is not told that it is gone')
      stage.expect(
        (await stage.count('select count(*) as n from meters where ended_at is null')) === 0,
        'what is gone costs more',
      )
    }),

  /** Thrice, and then it is bought for good. */
  'taken back again and again': (stage) =>
    selling(stage, { price: 0.02 }, {}, async () => {
      await newServer(stage, MOVABLE)
      const all = [await bought(stage)]
      for (let time = 0; time < 3; time++) {
        // What was taken is asked for again.
        await stage.minutes(4)
        await takeBack(stage)
        await stage.settle()
        all.push(await bought(stage))
      }
      stage.expect(all.join() === 'spot,spot,spot,on-demand', `it is bought as ${all.join()}`)
    }),

  /** A process is killed at each step of putting another machine in the place of one, which the next cloud has; another goes on. */
  async 'taken back, and killed'({ world }) {
    for (let dieAt = 1; dieAt <= STEPS; dieAt++) {
      const stage = new Stage(world)
      const found = await selling(
        stage,
        { zones: ['a'] },
        // What has no price is not bought: there is no other offer on the first cloud.
        { max_hourly_cost: { micros: 15_000, currency: 'USD' } },
        async () => {
          await newServer(stage, MOVABLE)
          await takeBack(stage)
          await stage.settleKilled(BEGINS, dieAt)
          stage.expect(
            (await bought(stage)) === 'spot',
            `killed at ${dieAt}: not one machine, but ${await bought(stage)}`,
          )
          const elsewhere = `select count(*) as n from servers where status = 'ACTIVE' and cloud_id = '${world.otherId}'`
          stage.expect((await stage.count(elsewhere)) === 1, `killed at ${dieAt}: it is not on the other cloud`)
        },
        true,
      )
      if (found.length) return found
    }
    return []
  },
}
