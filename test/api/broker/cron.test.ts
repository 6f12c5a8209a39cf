import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { cloudByName } from '../../../db/queries/clouds/clouds.ts'
import { connectCloud } from '../../../functions/broker/clouds/clouds.ts'
import { openCredentials } from '../../../functions/broker/clouds/seal.ts'
import { type Loop, runCron } from '../../../functions/cron.ts'
import { sweepLeftovers } from '../../../functions/janitor.ts'
import { WrongKey } from '../../../functions/runtime/deployment.ts'
import { openHost } from '../../../functions/runtime/host.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
})

describe('a loop', () => {
  const counted = (name: string, everySeconds: number) => {
    const loop: Loop & { runs: number } = {
      name,
      everySeconds,
      runs: 0,
      run: async () => {
        loop.runs++
      },
    }
    return loop
  }

  test('runs in one place at a time, and when its turn has come', async () => {
    const loop = counted('often', 60)
    await Promise.all([runCron(plimsoll.host, 1000, [loop]), runCron(plimsoll.host, 1000, [loop])])
    expect(loop.runs).toBe(1)
    plimsoll.clock.advance(59_999)
    expect(await runCron(plimsoll.host, 1000, [loop])).toEqual([])
    plimsoll.clock.advance(1)
    expect(await runCron(plimsoll.host, 1000, [loop])).toEqual(['often'])
  })

  test('is not tried while its turn has not come, however many there are', async () => {
    const rarely = Array.from({ length: 5 }, (_, index) => counted(`rarely ${index}`, 600))
    const { host } = plimsoll
    expect(await runCron(host, 1000, rarely)).toHaveLength(5)
    const asked = vi.spyOn(host.db, 'all')
    expect(await runCron(host, 1000, rarely)).toEqual([])
    expect(asked).toHaveBeenCalledTimes(1)
  })

  test('runs on when the clock is set back, by whatever it was put off before', async () => {
    const often = counted('often', 60)
    const rarely = counted('rarely', 600)
    for (const back of [3_600_000, 86_400_000, 400 * 86_400_000]) {
      plimsoll.clock.advance(1_000_000)
      expect(await runCron(plimsoll.host, 1000, [often, rarely])).toEqual(['often', 'rarely'])
      plimsoll.clock.advance(-back)
      expect(await runCron(plimsoll.host, 1000, [often, rarely])).toEqual(['often', 'rarely'])
      expect(await runCron(plimsoll.host, 1000, [often, rarely])).toEqual([])
    }
    // One that is held by a process whose clock is a little ahead is held.
    await plimsoll.db.run(sql`update leases set until = ${plimsoll.clock.now + 65_000} where name = 'often'`)
    expect(await runCron(plimsoll.host, 1000, [often])).toEqual([])
  })

  test('finds what is due when the clock is set back: resources, sweeps, and clouds that were left alone', async () => {
    plimsoll = await startPlimsoll()
    const { db, clock } = plimsoll
    const volumes = `/volume/v3/${plimsoll.projectId('demo')}/volumes`
    const { id } = (await plimsoll.as('demo').post(volumes, { volume: { size: 1 } })).body.volume
    const ahead = clock.now + 30_000
    await db.run(sql`update bindings set due_at = ${ahead}, lease_until = ${ahead} where resource_id = ${id}`)
    await db.run(sql`update clouds set closed_until = ${ahead}, inventory_due_at = ${ahead}`)
    clock.advance(-86_400_000)
    for (let round = 0; round < 10; round++) {
      await runCron(plimsoll.host)
      clock.advance(1_000)
    }
    expect((await plimsoll.as('demo').get(`${volumes}/${id}`)).body.volume.status).toBe('available')
    await db.run(sql`update sweeps set due_at = ${ahead}, lease_until = ${ahead}`)
    await runCron(plimsoll.host)
    const far = clock.now + 600_000
    expect((await db.all(sql`select kind from sweeps`)).length).toBeGreaterThan(0)
    expect(await db.all(sql`select name from clouds where closed_until > ${far} or inventory_due_at > ${far}`)).toEqual(
      [],
    )
    expect(await db.all(sql`select kind from sweeps where due_at > ${far} or lease_until > ${far}`)).toEqual([])
  })

  test('asks a cloud anew for what it remembered when the clock was set back', async () => {
    plimsoll = await startPlimsoll()
    const { cloudId, clock, host, projectId } = plimsoll
    const connected = () => connectCloud(host, cloudId('sandbox'), projectId('demo'))
    const before = await connected()
    clock.advance(-500)
    expect(await connected()).toBe(before)
    clock.advance(-86_400_000)
    expect(await connected()).not.toBe(before)
  })

  test('that fails is logged, and keeps no other from its turn', async () => {
    const after = counted('after', 0)
    const broken: Loop = { name: 'broken', everySeconds: 0, run: () => Promise.reject(new Error('out of luck')) }
    expect(await runCron(plimsoll.host, 1000, [broken, after])).toEqual(['after'])
    expect(plimsoll.logged.at(-1)).toMatchObject({ level: 'error', fields: { loop: 'broken' } })
    expect(await runCron(plimsoll.host, 1000, [broken, after])).toEqual(['after'])
  })

  test('does not begin when the budget is spent', async () => {
    const slow: Loop = { name: 'slow', everySeconds: 0, run: async () => plimsoll.clock.advance(2000) }
    const after = counted('after', 0)
    expect(await runCron(plimsoll.host, 1000, [slow, after])).toEqual(['slow'])
    expect(await runCron(plimsoll.host, 1000, [after, slow])).toEqual(['after', 'slow'])
  })
})

describe('the janitor', () => {
  test('throws away what nobody can ask for any more, and nothing else', async () => {
    const { db, clock } = plimsoll
    const day = 86_400_000
    const tables = ['revoked_tokens', 'journal', 'bindings', 'volumes']
    const keys = async () => {
      const found: Record<string, string[]> = {}
      for (const table of tables) {
        const column = { revoked_tokens: 'audit_id', journal: 'action', bindings: 'resource_id', volumes: 'id' }[table]!
        const rows = await db.all<{ key: string }>(sql.raw(`select ${column} as key from ${table} order by 1`))
        found[table] = rows.map(({ key }) => key)
      }
      return found
    }
    const now = clock.now
    await db.run(sql`insert into revoked_tokens values ('old', ${now - 1}), ('new', ${now + 1})`)
    for (const [action, at] of [
      ['old', now - 91 * day],
      ['new', now],
    ] as const)
      await db.run(
        sql`insert into journal (at, request_id, action, kind, resource_id) values (${at}, 'r', ${action}, 'k', 'x')`,
      )
    for (const [id, phase, deletedAt] of [
      ['old', 'gone', now - 8 * day],
      ['leftover', 'deleting', now - 8 * day],
      ['new', 'gone', now - day],
      ['alive', 'bound', null],
    ] as const) {
      await db.run(sql`insert into volumes (id, project_id, user_id, size_gib, volume_type, cloud_id, zone, created_at, updated_at, deleted_at)
        values (${id}, 'p', 'u', 1, 'default', 'c', 'a', 0, 0, ${deletedAt})`)
      await db.run(sql`insert into bindings (kind, resource_id, cloud_id, project_id, phase, token, created_at, updated_at)
        values ('volume', ${id}, 'c', 'p', ${phase}, 't', 0, ${deletedAt ?? 0})`)
    }
    await sweepLeftovers(plimsoll.context())
    expect(await keys()).toEqual({
      revoked_tokens: ['new'],
      journal: ['new'],
      bindings: ['alive', 'leftover', 'new'],
      volumes: ['alive', 'leftover', 'new'],
    })
  })

  test('seals everything anew under a new key, so that the old one can go', async () => {
    const { host } = plimsoll
    const credentials = { access_key_id: 'a', secret_access_key: 'b' }
    await plimsoll
      .as('admin')
      .post('/broker/v1/clouds', { cloud: { name: 'east', type: 'aws', region: 'us-east-1', credentials } })
    const withKeys = (...secretKeys: Uint8Array[]) =>
      openHost({ ...host, settings: { ...host.settings, secretKeys }, d1: host.d1, cloudState: host.cloudState })
    const [old] = host.settings.secretKeys as [Uint8Array]
    const fresh = new Uint8Array(32).fill(7)
    await expect(withKeys(fresh)).rejects.toBeInstanceOf(WrongKey)
    const both = await withKeys(fresh, old)
    await sweepLeftovers({ ...plimsoll.context(), ...both })
    const alone = await withKeys(fresh)
    expect(alone.deployment).toEqual(host.deployment)
    expect(openCredentials(alone, (await cloudByName(alone.db, 'east'))!)).toEqual(credentials)
    await expect(withKeys(old)).rejects.toBeInstanceOf(WrongKey)
  })
})
