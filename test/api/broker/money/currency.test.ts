import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { runCron } from '../../../../functions/cron.ts'
import { NOVA, newWorld } from '../../compute/servers/world.ts'

test('the currency stays as long as somebody can ask what something cost in it', async () => {
  const sizes = [{ name: 'one', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: 1 }]
  const w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes } }] })
  const euros = () => w.admin.put('/broker/v1/rates', { rates: { currency: 'EUR' } })
  const id = await w.running({ networks: 'none' })
  w.plimsoll.clock.advance(7_200_000)
  await w.newest.delete(`${NOVA}/servers/${id}`)
  await w.plimsoll.settle()
  expect((await euros()).status).toBe(409)
  // By then its row is swept away.
  for (let days = 0; days < 9; days++) {
    w.plimsoll.clock.advance(86_400_000)
    await runCron(w.plimsoll.host)
  }
  expect(await w.plimsoll.db.all(sql`select id from servers`)).toEqual([])
  expect((await euros()).status).toBe(409)
})
