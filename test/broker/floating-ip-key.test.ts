import { expect, test } from 'vitest'
import { plantFaults } from '../../adapters/sandbox/backdoor.ts'
import { startPlimsoll } from '../support/harness.ts'
import { outOfStep } from '../support/in-step.ts'

const PATH = '/network/v2.0/floatingips'

test('a floating IP that was refused keeps nothing, its key included: who asks again asks anew', async () => {
  const plimsoll = await startPlimsoll()
  const demo = plimsoll.as('demo').with({ 'Idempotency-Key': 'the-same-key' })
  const external = (await demo.get('/network/v2.0/networks?router:external=true')).body.networks[0].id
  const wish = { floatingip: { floating_network_id: external } }
  const { cloudState } = plimsoll.host
  const cloudId = plimsoll.cloudId('sandbox')

  await plantFaults(cloudState, cloudId, [{ method: 'floating_ip.create', fault: 'capacity' }])
  const refused = await demo.post(PATH, wish)
  expect(refused.status).toBe(409)
  expect(refused.body.NeutronError.type).toBe('IpAddressGenerationFailure')
  expect((await demo.get(PATH)).body.floatingips).toEqual([])

  await plantFaults(cloudState, cloudId, [])
  const made = await demo.post(PATH, wish)
  expect(made.status).toBe(201)
  expect(made.body.floatingip.floating_ip_address).toMatch(/^203\.0\.113\./)
  // From now on the key stands for this one.
  expect((await demo.post(PATH, wish)).body.floatingip.id).toBe(made.body.floatingip.id)
  await plimsoll.settle()
  expect(await outOfStep(plimsoll)).toEqual([])
})
