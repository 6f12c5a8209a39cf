import { expect, test } from 'vitest'
import { bindingsOf } from '../../db/queries/line/bindings.ts'
import { convergeDue } from '../../functions/broker/converge/converge.ts'
import { startPlimsoll } from '../support/harness.ts'

test('a network goes as soon as the last port on it has gone, however long it was refused before', async () => {
  const faults = [{ method: 'port.remove', fault: 'throttled', count: 1, retry_after_ms: 20_000 }]
  const plimsoll = await startPlimsoll({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { faults } }] })
  const demo = plimsoll.as('demo')
  const network = (await demo.post('/network/v2.0/networks', { network: {} })).body.network.id
  const subnet = { network_id: network, ip_version: 4, cidr: '10.0.0.0/24' }
  await demo.post('/network/v2.0/subnets', { subnet })
  const { images } = (await demo.get('/image/v2/images')).body
  const server = { name: 's', flavorRef: '1', imageRef: images[0].id, networks: [{ uuid: network }] }
  const { id } = (await demo.post('/compute/v2.1/servers', { server })).body.server
  await plimsoll.settle()
  expect((await demo.get(`/compute/v2.1/servers/${id}`)).body.server.status).toBe('ACTIVE')
  const [{ id: port }] = (await demo.get(`/network/v2.0/ports?device_id=${id}`)).body.ports

  const phaseOf = async (resource: string) => (await bindingsOf(plimsoll.db, resource))[0]?.phase
  const work = async (done: () => Promise<boolean>): Promise<number> => {
    const from = plimsoll.clock.now
    while (!(await done())) {
      if (plimsoll.clock.now > from + 60_000) throw new Error('not within a minute')
      plimsoll.clock.advance(500)
      await convergeDue(plimsoll.context(), 1_000)
    }
    return plimsoll.clock.now
  }
  await demo.delete(`/compute/v2.1/servers/${id}`)
  await work(async () => (await demo.get(`/compute/v2.1/servers/${id}`)).status === 404)
  expect((await demo.delete(`/network/v2.0/networks/${network}`)).status).toBe(204)
  const portGone = await work(async () => (await phaseOf(port)) === 'gone')
  expect(await phaseOf(network)).toBe('deleting')
  // First its subnet has to; left to their own pauses both would take a minute.
  expect((await work(async () => (await phaseOf(network)) === 'gone')) - portGone).toBeLessThan(12_000)
})
