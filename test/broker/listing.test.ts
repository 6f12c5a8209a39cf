import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { callLog, remembered, vanish } from '../../adapters/sandbox/backdoor.ts'
import { reconcile } from '../../functions/broker/reconcile.ts'
import { loops } from '../../functions/cron.ts'
import { startPlimsoll } from '../support/harness.ts'

const MINUTE = 60_000

it('a listing that does not fit into one turn goes on where it stopped, and is judged as a whole', async () => {
  // Each call takes a second, so that a turn of a second has time for one page.
  const options = { page_size: 2, volume_ms: 0, log_calls: 500, latency_ms: 1_000 }
  const plimsoll = await startPlimsoll({
    clouds: [{ name: 'sandbox', type: 'sandbox', options }],
    loops: loops.filter(({ name }) => name === 'converge'),
  })
  const path = `/volume/v3/${plimsoll.projectId('demo')}/volumes`
  for (let i = 0; i < 7; i++) await plimsoll.as('demo').post(path, { volume: { size: 1 } })
  await plimsoll.settle()
  const store = plimsoll.host.cloudState
  const cloudId = plimsoll.cloudId('sandbox')
  const [first] = await remembered(store, cloudId, 'volume')
  plimsoll.clock.advance(10 * MINUTE)
  await vanish(store, cloudId, 'volume', first!.id)

  const volumeUnit = () =>
    plimsoll.db.get<{ listing: string | null; report: string | null }>(
      sql`select listing, report from sweeps where kind = 'volume'`,
    )
  await plimsoll.db.run(sql`update sweeps set due_at = ${plimsoll.clock.now + 60 * MINUTE} where kind <> 'volume'`)
  await reconcile(plimsoll.context(), 0)
  await plimsoll.db.run(sql`update sweeps set due_at = ${plimsoll.clock.now + 60 * MINUTE} where kind <> 'volume'`)
  await plimsoll.db.run(sql`update sweeps set report = null, due_at = 0, lease_until = 0 where kind = 'volume'`)

  const turns: number[] = []
  for (let turn = 0; turn < 10 && !(await volumeUnit())?.report; turn++) {
    await reconcile(plimsoll.context(), 900)
    const kept = (await volumeUnit())?.listing
    turns.push(kept ? JSON.parse(kept).sightings.length : 0)
  }
  expect(turns.length, `what was kept after each turn: ${turns}`).toBeGreaterThan(1)
  expect(turns.at(-1)).toBe(0)
  expect(JSON.parse((await volumeUnit())!.report!)).toMatchObject({
    listed: 6,
    known: 7,
    missing: 1,
    complete: true,
    calls: 4,
  })
  const lists = (await callLog(store, cloudId)).filter(({ method }) => method === 'volume.list')
  expect(lists.length, 'no page is asked for twice').toBe(4)
})
