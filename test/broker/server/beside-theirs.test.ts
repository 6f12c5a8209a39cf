import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import { runCron } from '../../../functions/cron.ts'
import { NOVA, newWorld } from '../../api/compute/servers/world.ts'
import { outOfStep } from '../../support/in-step.ts'

/* What is in a server of ours, and is somebody else's, does not keep that server, and is left alone. */

test.each(['volume', 'port'] as const)('a server goes though a %s is in it that is only looked at', async (what) => {
  const w = await newWorld()
  const { plimsoll, demo, newest, cinder } = w
  const id = await w.running({ availability_zone: 'sandbox.a' })
  const servers = `${NOVA}/servers/${id}`
  if (what === 'volume') {
    const { body } = await demo.post(`${cinder}/volumes`, { volume: { size: 1, availability_zone: 'sandbox.a' } })
    await plimsoll.settle()
    const volumeAttachment = { volumeId: body.volume.id, delete_on_termination: true }
    expect((await newest.post(`${servers}/os-volume_attachments`, { volumeAttachment })).status).toBe(200)
  } else {
    const { body } = await demo.post('/network/v2.0/ports', { port: { network_id: w.network } })
    const answer = await newest.post(`${servers}/os-interface`, { interfaceAttachment: { port_id: body.port.id } })
    expect(answer.status).toBe(200)
  }
  await plimsoll.settle()
  // As they are after an adoption without a tag.
  const kinds = what === 'volume' ? ['volume', 'attachment'] : ['interface']
  await plimsoll.db.run(
    sql`update bindings set ownership = 'foreign' where kind in (${sql.join(
      kinds.map((kind) => sql`${kind}`),
      sql`, `,
    )})`,
  )
  expect((await newest.delete(servers)).status).toBe(204)
  await plimsoll.settle()
  expect((await newest.get(servers)).status).toBe(404)
  if (what === 'volume') {
    const [volume] = (await demo.get(`${cinder}/volumes/detail`)).body.volumes
    expect(volume).toMatchObject({ status: 'available', attachments: [] })
    const there = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'volume')
    expect(there.filter(({ goneAt }) => goneAt === null)).toHaveLength(1)
  } else expect((await demo.get('/network/v2.0/ports')).body.ports).toMatchObject([{ device_id: '' }])
  expect(await outOfStep(plimsoll, 'sandbox')).toEqual([])
})

test('what bars the end of a server is said of it, and when it is gone the server goes', async () => {
  const w = await newWorld()
  const { plimsoll, newest, admin } = w
  const id = await w.running()
  const fault = async () => {
    const { body } = await admin.get(`/broker/v1/bindings?resource_id=${id}&kind=server`)
    return body.bindings[0]?.error?.message ?? null
  }
  expect((await newest.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
  await plimsoll.db.run(sql`update bindings set ownership = 'releasing' where kind = 'port'`)
  for (let turn = 0; turn < 4; turn++) {
    plimsoll.clock.advance(61_000)
    await runCron(plimsoll.host)
    await plimsoll.runDeferred()
  }
  expect(await fault()).toBe('It is being handed back.')
  await plimsoll.db.run(sql`update bindings set ownership = 'ours' where kind = 'port'`)
  plimsoll.clock.advance(61_000)
  await plimsoll.settle()
  expect((await newest.get(`${NOVA}/servers/${id}`)).status).toBe(404)
  expect(await outOfStep(plimsoll, 'sandbox')).toEqual([])
})
