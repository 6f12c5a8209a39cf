import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { KINDS } from '../../../adapters/contract.ts'
import { plantFaults } from '../../../adapters/sandbox/backdoor.ts'
import { claimUnits } from '../../../db/queries/line/sweeps.ts'
import { accounts } from '../../../functions/broker/reconcile/reconcile.ts'
import { loops } from '../../../functions/cron.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

interface Unit {
  cloud: string
  account: string
  kind: string
  why?: string
}

let plimsoll: Plimsoll
/** Every call to a cloud takes so long, in milliseconds. */
const start = async (latency_ms: number, ...names: string[]) => {
  plimsoll = await startPlimsoll({
    clouds: names.map((name) => ({ name, type: 'sandbox', options: { latency_ms } })),
    loops: loops.filter(({ name }) => name === 'converge'),
  })
  plimsoll.clock.advance(61_000)
}
const run = async (query = ''): Promise<{ units: Unit[]; skipped: Unit[] }> =>
  (await plimsoll.as('admin').post(`/broker/v1/reconcile${query}`)).body
const named = (units: Unit[]) => units.map(({ cloud, kind }) => `${cloud} ${kind}`)
const reasons = (units: Unit[]) => [...new Set(units.map(({ why }) => why))]
const written = () => plimsoll.db.all(sql`select * from sweeps order by kind`)

describe('a sweep that somebody asks for', () => {
  it('names every unit that it swept, when there is time for all', async () => {
    await start(0, 'one', 'two')
    const { units, skipped } = await run()
    expect(skipped).toEqual([])
    expect(named(units).sort()).toEqual(
      ['one', 'two'].flatMap((cloud) => KINDS.map((kind) => `${cloud} ${kind}`)).sort(),
    )
  })

  it.each(['', '?dry_run=true'])(
    'says what it had no time for, and begins with that the next time %s',
    async (query) => {
      await start(4_000, 'one')
      await run()
      const before = await written()
      const first = await run(query)
      expect(first.units.length + first.skipped.length).toBe(KINDS.length)
      expect(first.skipped.length).toBeGreaterThan(3)
      expect(reasons(first.skipped)).toEqual(['out_of_time'])
      const second = await run(query)
      const late = named(first.skipped)
      expect(named(second.units).slice(0, late.length)).toEqual(late)
      expect(new Set([...named(first.units), ...named(second.units)]).size, 'two calls reach them all').toBe(
        KINDS.length,
      )
      if (query) expect(await written()).toEqual(before)
    },
  )

  it('reaches every cloud in the end, however few units a call has time for', async () => {
    await start(9_000, 'one', 'two', 'three', 'four', 'five', 'six')
    const reached = new Set<string>()
    let calls = 0
    for (; reached.size < 6 * KINDS.length && calls < 60; calls++) {
      const { units, skipped } = await run()
      expect(units.length + skipped.length).toBe(6 * KINDS.length)
      for (const name of named(units)) {
        // What time is left in the last call goes to those who begin a second round.
        if (reached.size === 6 * KINDS.length) break
        expect(reached.has(name), `${name} again before its turn`).toBe(false)
        reached.add(name)
      }
    }
    expect(reached.size).toBe(6 * KINDS.length)
  })

  it('leaves alone what another process is sweeping', async () => {
    await start(0, 'one')
    await run()
    const [[account]] = [...(await accounts(plimsoll.context()))] as [[string, unknown]]
    const held = await claimUnits(plimsoll.db, account, {
      which: 'free',
      now: plimsoll.clock.now,
      leaseMs: 60_000,
    })
    await plimsoll.db.run(sql`update sweeps set lease_until = 0 where kind <> 'volume'`)
    expect(held).toHaveLength(KINDS.length)
    const { units, skipped } = await run()
    expect(units).toHaveLength(KINDS.length - 1)
    expect(skipped).toEqual([{ cloud: 'one', account, kind: 'volume', why: 'held' }])
    plimsoll.clock.advance(61_000)
    expect((await run()).skipped).toEqual([])
  })

  it.each(['', '?dry_run=true'])('says of what it is not connected to why it is not %s', async (query) => {
    await start(0, 'shut', 'strange', 'fine')
    await run()
    await plimsoll.db.run(sql`update clouds set closed_until = ${plimsoll.clock.now + 60_000} where name = 'shut'`)
    await plimsoll.db.run(sql`update clouds set type = 'of-another-version' where name = 'strange'`)
    const { units, skipped } = await run(query)
    expect(new Set(units.map(({ cloud }) => cloud))).toEqual(new Set(['fine']))
    const of = (cloud: string) => skipped.filter((unit) => unit.cloud === cloud)
    expect([of('shut').length, reasons(of('shut'))]).toEqual([KINDS.length, ['breaker_open']])
    expect([of('strange').length, reasons(of('strange'))]).toEqual([KINDS.length, ['not_connected']])
  })

  it('stops asking a cloud that has ceased to answer, and says what it did not ask for', async () => {
    await start(0, 'one')
    await plantFaults(plimsoll.host.cloudState, plimsoll.cloudId('one'), [
      { method: '*.list', fault: 'ambiguous_before' },
    ])
    const { units, skipped } = await run()
    expect(units).toHaveLength(3)
    expect([skipped.length, reasons(skipped)]).toEqual([KINDS.length - 3, ['breaker_open']])
    expect(named((await run()).units)).toEqual([])
  })
})

describe('a dry run', () => {
  it('of many calls forgets after a while where it stopped', async () => {
    await start(4_000, 'one')
    const first = await run('?dry_run=true')
    plimsoll.clock.advance(11 * 60_000)
    expect(named((await run('?dry_run=true')).units)).toEqual(named(first.units))
  })
})
