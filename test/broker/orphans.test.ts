import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { disown, remembered } from '../../adapters/sandbox/backdoor.ts'
import { reconcile } from '../../functions/broker/reconcile/reconcile.ts'
import { loops } from '../../functions/cron.ts'
import { createVolume } from '../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

describe('an object with our mark that no binding accounts for', () => {
  let plimsoll: Plimsoll
  const store = () => plimsoll.host.cloudState
  const live = async () => {
    const { now } = plimsoll.clock
    const all = await remembered(store(), plimsoll.cloudId('sandbox'), 'volume')
    return all.filter(({ goneAt }) => goneAt === null || goneAt > now)
  }
  const newVolume = () => createVolume(plimsoll, plimsoll.as('demo'))
  /** The rows are lost, the volume stays. */
  const lose = (id: string) =>
    plimsoll.db.batch([
      plimsoll.db.run(sql`delete from bindings where resource_id = ${id}`),
      plimsoll.db.run(sql`delete from volumes where id = ${id}`),
    ])
  const sweep = async (after = MINUTE) => {
    plimsoll.clock.advance(after)
    const reports = await reconcile(plimsoll.context(), 60_000)
    return reports.find(({ kind }) => kind === 'volume')!
  }
  /** The cron runs every minute, so that nothing looks like a gap. */
  const minutes = async (n: number) => {
    for (let i = 0; i < n; i++) await sweep()
  }
  const orphans = () => plimsoll.db.all<{ sweeps: number }>(sql`select * from orphans`)

  beforeEach(async () => {
    plimsoll = await startPlimsoll({ loops: loops.filter(({ name }) => name === 'converge') })
    await plimsoll.db.run(sql`update clouds set created_at = created_at - ${2 * DAY}`)
    await sweep()
  })

  it('is removed after two sweeps and ten minutes, not sooner', async () => {
    await lose(await newVolume())
    await minutes(10)
    expect(await live()).toHaveLength(1)
    expect(await orphans()).toHaveLength(1)
    await minutes(2)
    expect(await live()).toHaveLength(0)
    expect(await orphans()).toHaveLength(0)
  })

  it('is removed though something else was handed back', async () => {
    const resource_ids = [await newVolume()]
    const { body } = await plimsoll.as('admin').post('/broker/v1/release', { resource_ids })
    expect(body.released).toHaveLength(1)
    await lose(await newVolume())
    await minutes(13)
    expect(await live()).toHaveLength(1)
  })

  it('is only reported in the first day of its cloud', async () => {
    await plimsoll.db.run(sql`update clouds set created_at = ${plimsoll.clock.now}`)
    await lose(await newVolume())
    await minutes(13)
    expect(await live()).toHaveLength(1)
    expect((await orphans())[0]!.sweeps).toBe(13)
  })

  it('is left alone without our mark, or with the mark of another deployment', async () => {
    const [first, second] = [await newVolume(), await newVolume()]
    const [one, two] = await live()
    await disown(store(), plimsoll.cloudId('sandbox'), 'volume', one!.id, null)
    await disown(store(), plimsoll.cloudId('sandbox'), 'volume', two!.id, {
      ...two!.mark!,
      deployment: 'somebody-else',
    })
    await lose(first)
    await lose(second)
    await minutes(13)
    expect(await live()).toHaveLength(2)
    expect(await orphans()).toHaveLength(0)
  })

  it('is not an orphan while the call that made it still waits for its answer', async () => {
    const id = await newVolume()
    await plimsoll.db.run(
      sql`update bindings set phase = 'calling', native_id = null, due_at = null where resource_id = ${id}`,
    )
    await minutes(13)
    expect(await live()).toHaveLength(1)
    expect(await orphans()).toHaveLength(0)
  })

  it('stays when too many appear at once: then it is the database that is wrong', async () => {
    const ids: string[] = []
    for (let i = 0; i < 12; i++) ids.push(await newVolume())
    for (const id of ids) await lose(id)
    await minutes(13)
    expect(await live()).toHaveLength(12)
    expect(plimsoll.logged.some(({ message }) => message.startsWith('too many orphans'))).toBe(true)
  })

  describe('and was only to help with the making of a server', () => {
    /** So many volumes, as a cloud would mark them that makes servers with their help. */
    const helpers = async (n: number, resource: string, token: string) => {
      for (let i = 0; i < n; i++) await lose(await newVolume())
      for (const { id, mark } of await live())
        await disown(store(), plimsoll.cloudId('sandbox'), 'volume', id, { ...mark!, for: 'server', resource, token })
    }
    it('goes however many there are, and is never taken for a resource', async () => {
      await helpers(12, crypto.randomUUID(), crypto.randomUUID())
      await sweep(30 * MINUTE)
      await minutes(13)
      expect((await live()).length).toBeLessThan(12)
      await minutes(13)
      expect(await live()).toHaveLength(0)
      expect(await orphans()).toHaveLength(0)
      expect(plimsoll.logged.filter(({ message }) => /too many|adopted/.test(message))).toEqual([])
    })

    it('stays as long as that is made', async () => {
      const demo = plimsoll.as('demo')
      const image = (await demo.get('/image/v2/images?name=sandbox-linux')).body.images[0].id
      const server = { name: 's', flavorRef: '1', imageRef: image, networks: 'none' }
      const { id } = (
        await demo.with({ 'OpenStack-API-Version': 'compute 2.96' }).post('/compute/v2.1/servers', { server })
      ).body.server
      await plimsoll.settle()
      const [binding] = await plimsoll.db.all<{ token: string }>(
        sql`select token from bindings where kind = 'server' and resource_id = ${id}`,
      )
      await helpers(1, id, binding!.token)
      await minutes(20)
      expect(await live()).toHaveLength(1)
      expect(await orphans()).toHaveLength(0)
      await demo.delete(`/compute/v2.1/servers/${id}`)
      await plimsoll.settle()
      await minutes(20)
      expect(await live()).toHaveLength(0)
    })
  })

  it('is taken back by its mark when it was made while this database was not kept', async () => {
    await sweep()
    // An hour of work that the restored copy has never heard of.
    plimsoll.clock.advance(30 * MINUTE)
    const id = await newVolume()
    await lose(id)
    await sweep(30 * MINUTE)
    await minutes(13)
    expect(await live()).toHaveLength(1)
    expect(await orphans()).toHaveLength(0)
    const { status, body } = await plimsoll.as('demo').get(`/volume/v3/${plimsoll.projectId('demo')}/volumes/${id}`)
    expect([status, body.volume?.status]).toEqual([200, 'available'])
  })
})
