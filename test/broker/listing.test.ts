import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import type { Mark, Realm, VolumeSeen } from '../../adapters/contract.ts'
import { callLog, plant, plantFaults, remembered, vanish } from '../../adapters/sandbox/backdoor.ts'
import type { FaultRule } from '../../adapters/sandbox/faults.ts'
import { claimUnits } from '../../db/queries/line/sweeps.ts'
import { connectCloud } from '../../functions/broker/clouds/clouds.ts'
import { listOn } from '../../functions/broker/clouds/listing.ts'
import { digest } from '../../functions/broker/line/digest.ts'
import { accounts, LEASE, reconcile } from '../../functions/broker/reconcile/reconcile.ts'
import type { Account } from '../../functions/broker/reconcile/sweep.ts'
import { sweepUnits } from '../../functions/broker/reconcile/sweep-units.ts'
import { loops } from '../../functions/cron.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'

const MINUTE = 60_000
const idle = { loops: loops.filter(({ name }) => name === 'converge') }
/** Each call takes a second, so that a turn of some seconds has time for some pages. */
const SLOW = { volume_ms: 0, log_calls: 500, latency_ms: 1_000 }

interface Report {
  listed: number
  known: number
  missing: number
  orphans: number
  complete: boolean
  calls: number
}

/** The unit that lists volumes; all others are not due for an hour. */
const volumesOf = (plimsoll: Plimsoll) => {
  const { db, clock, host } = plimsoll
  const cloudId = plimsoll.cloudId('sandbox')
  const unit = async () => {
    const row = await db.get<{ listing: string | null; report: string | null }>(
      sql`select listing, report from sweeps where kind = 'volume'`,
    )
    return {
      listing: row?.listing ? JSON.parse(row.listing) : null,
      report: row?.report ? (JSON.parse(row.report) as Report) : null,
    }
  }
  return {
    unit,
    alone: async () => {
      await reconcile(plimsoll.context(), 0)
      await db.run(sql`update sweeps set due_at = ${clock.now + 60 * MINUTE}, lease_until = 0 where kind <> 'volume'`)
      await db.run(
        sql`update sweeps set report = null, listing = null, due_at = 0, lease_until = 0 where kind = 'volume'`,
      )
    },
    /** Turns of the cron until the listing is at its end; tells how many objects it had shown after each. */
    toTheEnd: async (budgetMs: number, between: (turn: number) => Promise<void> | void = () => {}) => {
      const turns: number[] = []
      await db.run(sql`update sweeps set report = null, due_at = 0 where kind = 'volume'`)
      for (let turn = 1; turn <= 40 && !(await unit()).report; turn++) {
        await reconcile(plimsoll.context(), budgetMs)
        turns.push((await unit()).listing?.kept ?? 0)
        await between(turn)
      }
      const { report } = await unit()
      return { turns, report: report! }
    },
    parts: () =>
      db.all<{ bytes: number; listing: string }>(sql`select length(shown) as bytes, listing from listing_parts`),
    lists: async () =>
      (await callLog(host.cloudState, cloudId)).filter(({ method }) => method === 'volume.list').length,
    vanish: (id: string) => vanish(host.cloudState, cloudId, 'volume', id),
    faults: (...rules: FaultRule[]) => plantFaults(host.cloudState, cloudId, rules),
    ids: async () => (await remembered(host.cloudState, cloudId, 'volume')).map(({ id }) => id),
  }
}

const sevenVolumes = async () => {
  const options = { ...SLOW, page_size: 2 }
  const plimsoll = await startPlimsoll({ clouds: [{ name: 'sandbox', type: 'sandbox', options }], ...idle })
  const path = `/volume/v3/${plimsoll.projectId('demo')}/volumes`
  for (let i = 0; i < 7; i++) await plimsoll.as('demo').post(path, { volume: { size: 1 } })
  await plimsoll.settle()
  plimsoll.clock.advance(10 * MINUTE)
  const volumes = volumesOf(plimsoll)
  await volumes.alone()
  return { plimsoll, volumes }
}

it('a listing that does not fit into one turn goes on where it stopped, and is judged as a whole', async () => {
  const { volumes } = await sevenVolumes()
  await volumes.vanish((await volumes.ids())[0]!)
  const { turns, report } = await volumes.toTheEnd(900)
  expect(turns).toEqual([2, 4, 6, 0])
  expect(report).toMatchObject({ listed: 6, known: 7, missing: 1, complete: true, calls: 4 })
  expect(await volumes.lists(), 'no page is asked for twice').toBe(4)
})

it('a page that may lack something keeps the whole listing from saying that anything is missing', async () => {
  const { volumes } = await sevenVolumes()
  await volumes.faults({ method: 'volume.list', fault: 'truncated_list', after: 1, count: 1 })
  const { turns, report } = await volumes.toTheEnd(900)
  expect(turns).toHaveLength(4)
  expect(report).toMatchObject({ known: 7, missing: 0, orphans: 0, complete: false })
  expect(report.listed).toBeLessThan(7)
})

it('a page that the cloud has no time for costs that page alone', async () => {
  const { plimsoll, volumes } = await sevenVolumes()
  await volumes.faults({ method: 'volume.list', fault: 'throttled', after: 2, count: 1 })
  await volumes.toTheEnd(900)
  expect((await volumes.unit()).report).toMatchObject({ error: expect.any(String), complete: false })
  expect((await volumes.unit()).listing).toMatchObject({ kept: 4, calls: 2 })
  plimsoll.clock.advance(MINUTE)
  const { report } = await volumes.toTheEnd(60_000)
  expect(report).toMatchObject({ listed: 7, known: 7, missing: 0, complete: true, error: null, calls: 4 })
  expect(await volumes.lists(), 'and nothing else is asked for again').toBe(5)
})

it('a cursor that waited for too long is not trusted: the listing begins again', async () => {
  const { plimsoll, volumes } = await sevenVolumes()
  await reconcile(plimsoll.context(), 900)
  const { listing } = await volumes.unit()
  plimsoll.clock.advance(11 * MINUTE)
  await reconcile(plimsoll.context(), 900)
  const anew = (await volumes.unit()).listing
  expect([listing.kept, anew.kept, anew.id === listing.id]).toEqual([2, 2, false])
  await volumes.toTheEnd(60_000)
  expect((await volumes.unit()).report).toMatchObject({ listed: 7, known: 7, missing: 0, complete: true })
})

it('whoever lost the unit to another process adds nothing to the listing of that one', async () => {
  const { plimsoll, volumes } = await sevenVolumes()
  const context = plimsoll.context()
  await reconcile(context, 900)
  // One takes the unit and is held up, until its lease is over and another goes on with the listing.
  const [[account, seen]] = (await accounts(context)) as unknown as [[string, Account]]
  const held = await claimUnits(plimsoll.db, account, { which: 'due', now: plimsoll.clock.now, leaseMs: LEASE })
  plimsoll.clock.advance(LEASE + 1)
  await reconcile(context, 900)
  const ahead = await volumes.unit()
  expect(ahead.listing).toMatchObject({ kept: 4, parts: 2 })
  // It lists the same page, and the one after it.
  await sweepUnits(context, seen, held, plimsoll.clock.now + 1_900, {})
  expect(await volumes.unit()).toEqual(ahead)
  expect(await volumes.parts()).toHaveLength(2)
  const { report } = await volumes.toTheEnd(900)
  expect(report).toMatchObject({ listed: 7, known: 7, missing: 0, complete: true })
})

it('ten thousand objects are listed over many turns while others come and go', async () => {
  const MANY = 10_000
  const options = { ...SLOW, page_size: 500 }
  const plimsoll = await startPlimsoll({ clouds: [{ name: 'sandbox', type: 'sandbox', options }], ...idle })
  const { db, clock, host } = plimsoll
  const cloudId = plimsoll.cloudId('sandbox')
  const project = plimsoll.projectId('demo')
  const named = (n: number, more = '') => `sbx-vol-${String(n).padStart(5, '0')}${more}`
  const put = async (id: string) => {
    const [token, resource] = [`token-${id}`, `volume-${id}`]
    const mark: Mark = { deployment: host.deployment.id, project, kind: 'volume', resource, token, epoch: 1 }
    const spec = { name: id, sizeGiB: 1, zone: 'a', type: null, source: null }
    const times = { createdAt: 0, readyAt: 0, fault: null, goneAt: null }
    const base = { kind: 'volume' as const, id, name: id, mark, asked: '', zone: 'a', ...times }
    await plant(host.cloudState, cloudId, { ...base, spec, type: 'standard', hold: null })
  }
  for (let n = 0; n < MANY; n++) await put(named(n))
  const realm = (await connectCloud(host, cloudId, project)).cloud.volume!
  const bind = async (seen: VolumeSeen[], at: number) => {
    const rows = seen.map((each) => [each.mark!.resource, each.mark!.token, each.id, digest(each)])
    await db.run(sql`insert into bindings (kind, resource_id, cloud_id, project_id, token, phase, native_id, observed, bound_at, created_at, updated_at)
      select 'volume', value->>0, ${cloudId}, ${project}, value->>1, 'bound', value->>2, value->>3, ${at}, 0, 0 from json_each(${JSON.stringify(rows)})`)
  }
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await realm.list(cursor)
    await bind(page.items, 1)
    cursor = page.next
  }
  const volumes = volumesOf(plimsoll)
  await volumes.alone()
  const before = await volumes.lists()

  let most = 0
  const { turns, report } = await volumes.toTheEnd(2_500, async (turn) => {
    const parts = await volumes.parts()
    most = Math.max(most, ...parts.map(({ bytes }) => bytes))
    clock.advance(2 * MINUTE)
    if (turn !== 2) return
    // Three thousand have been shown. One of them goes, and one of the others.
    await volumes.vanish(named(100))
    await volumes.vanish(named(9_000))
    // Some come: without a row in both halves, and with one that is younger than the listing.
    await put(named(50, '-lost'))
    await put(named(9_500, '-lost'))
    await put(named(9_600, '-new'))
    await bind([(await realm.get(named(9_600, '-new')))!], clock.now)
  })
  expect(turns).toEqual([1_500, 3_000, 4_500, 6_000, 7_500, 9_000, 0])
  expect(report).toMatchObject({ complete: true, listed: MANY - 1 + 2, known: MANY, missing: 1, orphans: 1 })
  expect((await volumes.lists()) - before, 'no page is asked for twice').toBe(21)
  expect(most, 'bytes of the largest row').toBeLessThan(500_000)
  const missing = () =>
    db.all<{ id: string; missing: number }>(
      sql`select native_id as id, missing from bindings where missing > 0 order by native_id`,
    )
  expect(await missing()).toEqual([{ id: named(9_000), missing: 1 }])

  // The next one shows what this one could not.
  const second = await volumes.toTheEnd(60_000)
  expect(second.report).toMatchObject({ complete: true, listed: MANY + 1, known: MANY + 1, missing: 2, orphans: 2 })
  expect(await missing()).toEqual([
    { id: named(100), missing: 1 },
    { id: named(9_000), missing: 2 },
  ])
  expect(await volumes.parts(), 'nothing is left of a listing that is at its end').toEqual([])
}, 60_000)

it('what was made after the cloud was looked at is not judged by that look', async () => {
  let now = 100 * MINUTE
  const looks = [now - 5_000, undefined]
  const list = async (cursor?: string) => {
    now += 1_000
    const seenAt = looks[cursor ? 1 : 0]
    return { items: [], complete: true, ...(cursor ? {} : { next: 'more' }), ...(seenAt ? { seenAt } : {}) }
  }
  const context = { now: () => now, newId: () => crypto.randomUUID() }
  const listing = await listOn({ list } as unknown as Realm<unknown>, context, Number.POSITIVE_INFINITY, null)
  expect(listing).toMatchObject({ calls: 2, startedAt: 100 * MINUTE - 5_000 })
})
