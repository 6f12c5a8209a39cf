import { expect, test } from 'vitest'
import { NOVA, newWorld } from './world.ts'

test('a server on a way out is for administrators, and they are told what it lacks', async () => {
  const world = await newWorld()
  const { networks } = (await world.demo.get('/network/v2.0/networks?router:external=true')).body
  const on = { networks: [{ uuid: networks[0].id }] }
  const asked = await world.boot(on)
  expect([asked.status, asked.body.forbidden.message]).toEqual([
    403,
    `It is not allowed to create an interface on external network ${networks[0].id}`,
  ])
  const byAdmin = await world.boot(on, world.admin.with({ 'OpenStack-API-Version': 'compute 2.96' }))
  expect([byAdmin.status, byAdmin.body.badRequest.message]).toEqual([
    400,
    `Network ${networks[0].id} requires a subnet in order to boot instances on.`,
  ])
  const server = await world.running()
  const attached = await world.newest.post(`${NOVA}/servers/${server}/os-interface`, {
    interfaceAttachment: { net_id: networks[0].id },
  })
  expect([attached.status, attached.body.forbidden?.message]).toEqual([
    403,
    `It is not allowed to create an interface on external network ${networks[0].id}`,
  ])
})
