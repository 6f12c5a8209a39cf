import { expect, test } from 'vitest'
import { bindings } from '../../../db/schema/index.ts'
import { startPlimsoll } from '../../support/harness.ts'

const V2 = '/network/v2.0'
test('groups that name each other go with their network', async () => {
  const plimsoll = await startPlimsoll()
  const demo = plimsoll.as('demo')
  const network = (await demo.post(`${V2}/networks`, { network: { name: 'n' } })).body.network.id
  await demo.post(`${V2}/subnets`, { subnet: { network_id: network, ip_version: 4, cidr: '10.0.0.0/24' } })
  const ids: string[] = []
  for (const name of ['a', 'b'])
    ids.push((await demo.post(`${V2}/security-groups`, { security_group: { name } })).body.security_group.id)
  for (const [x, y] of [
    [0, 1],
    [1, 0],
  ] as const)
    await demo.post(`${V2}/security-group-rules`, {
      security_group_rule: { security_group_id: ids[x], remote_group_id: ids[y], direction: 'ingress' },
    })
  const image = (await demo.get('/compute/v2.1/images')).body.images[0].id
  const s = await demo.post('/compute/v2.1/servers', {
    server: {
      name: 's',
      flavorRef: '1',
      imageRef: image,
      networks: [{ uuid: network }],
      security_groups: [{ name: 'a' }],
    },
  })
  await plimsoll.settle()
  await demo.delete(`/compute/v2.1/servers/${s.body.server.id}`)
  await plimsoll.settle()
  expect((await demo.delete(`${V2}/networks/${network}`)).status).toBe(204)
  await plimsoll.settle()
  const left = (await plimsoll.db.select().from(bindings)).filter((b) => b.phase !== 'gone' && b.kind !== 'image')
  expect(left).toEqual([])
})
