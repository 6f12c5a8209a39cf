import { expect, it } from 'vitest'
import { lookOnly } from '../../../functions/broker/clouds/read-only.ts'
import { reconcile } from '../../../functions/broker/reconcile/reconcile.ts'
import { quotaDrift } from '../../support/in-step.ts'
import { newEstate } from './foreign.ts'

const NOVA = '/compute/v2.1'
const NEUTRON = '/network/v2.0'

it('a cloud that is connected read-only is adopted as a whole, listed everywhere, and changed by nobody', async () => {
  const estate = await newEstate({ read_only: true })
  const { plimsoll } = estate
  const [one, two] = [await estate.network('one'), await estate.network('two', '10.8.0.0/24')]
  const [first, second] = [await estate.server(one, 'first'), await estate.server(two, 'second')]
  const loose = await estate.make('volume', { name: 'loose', sizeGiB: 3, zone: 'a', type: null, source: null })
  await estate.strip('volume', loose)
  const admin = plimsoll.as('admin')
  const demo = plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.96, volume 3.70' })
  const project = plimsoll.projectId('demo')
  const before = await estate.last()
  expect(
    (await admin.post('/broker/v1/adopt', { cloud: 'sandbox', all: true, project_id: project, tag: true })).status,
  ).toBe(403)
  const { body } = await admin.post('/broker/v1/adopt', {
    cloud: 'sandbox',
    all: true,
    project_id: project,
    tag: false,
  })
  expect(body.refused).toEqual([])
  const names = async (path: string, key: string) =>
    (await demo.get(path)).body[key].map(({ name }: { name: string }) => name).sort()
  expect(await names(`${NOVA}/servers`, 'servers')).toEqual(['first', 'second'])
  expect(await names(`/volume/v3/${project}/volumes`, 'volumes')).toEqual(['first-data', 'loose', 'second-data'])
  expect(await names(`${NEUTRON}/networks?router:external=false`, 'networks')).toEqual(['one', 'two'])
  expect(await names(`${NEUTRON}/subnets`, 'subnets')).toEqual(['one-a', 'two-a'])
  expect(await names(`${NEUTRON}/ports`, 'ports')).toEqual(['first-eth0', 'second-eth0'])
  expect(
    (await names(`${NEUTRON}/security-groups`, 'security_groups')).filter((name: string) => name !== 'default'),
  ).toEqual(['db', 'db', 'web', 'web'])
  expect(await names('/image/v2/images', 'images')).toContain('sandbox-linux')

  const id = (native: string) =>
    body.adopted.find(({ native_id }: { native_id: string }) => native_id === native).resource_id
  const image = (await demo.get('/image/v2/images')).body.images[0].id
  const external = (await demo.get(`${NEUTRON}/networks?router:external=true`)).body.networks[0].id
  const calls: [string, string, unknown][] = [
    ['POST', `${NOVA}/servers/${id(first.machine)}/action`, { 'os-stop': null }],
    ['POST', `${NOVA}/servers/${id(first.machine)}/action`, { resize: { flavorRef: '2' } }],
    ['POST', `${NOVA}/servers/${id(first.machine)}/action`, { rebuild: { imageRef: image } }],
    ['DELETE', `${NOVA}/servers/${id(second.machine)}`, undefined],
    [
      'POST',
      `${NOVA}/servers/${id(first.machine)}/os-volume_attachments`,
      { volumeAttachment: { volumeId: id(loose) } },
    ],
    ['POST', `${NOVA}/servers`, { server: { name: 'x', flavorRef: '1', imageRef: image, networks: 'none' } }],
    [
      'POST',
      `${NOVA}/servers`,
      { server: { name: 'x', flavorRef: '1', imageRef: image, networks: [{ uuid: id(one.net) }] } },
    ],
    ['POST', `/volume/v3/${project}/volumes`, { volume: { size: 1 } }],
    ['DELETE', `/volume/v3/${project}/volumes/${id(loose)}`, undefined],
    ['POST', `/volume/v3/${project}/volumes/${id(loose)}/action`, { 'os-extend': { new_size: 9 } }],
    ['POST', `${NEUTRON}/floatingips`, { floatingip: { floating_network_id: external } }],
    ['DELETE', `${NEUTRON}/ports/${id(first.port)}`, undefined],
    ['PUT', `${NEUTRON}/ports/${id(first.port)}`, { port: { name: 'mine' } }],
    ['DELETE', `${NEUTRON}/subnets/${id(two.subnet)}`, undefined],
  ]
  for (const [method, path, sent] of calls) {
    const { status, body: said } = await demo.send(method, path, sent)
    expect({ status, said }, `${method} ${path}`).toMatchObject({
      status: expect.toSatisfy((n: number) => [403, 409].includes(n)),
    })
    if (!path.includes('subnets/') && !path.includes('ports/')) expect(status, JSON.stringify(said)).toBe(403)
  }
  for (let i = 0; i < 3; i++) {
    await plimsoll.settle()
    plimsoll.clock.advance(61_000)
    await reconcile(plimsoll.context(), 60_000)
  }
  expect(await estate.changesSince(before)).toEqual([])
  expect(await quotaDrift(plimsoll)).toEqual([])
  const handed = await admin.post('/broker/v1/release', { project_id: project })
  expect(handed.body.refused).toEqual([])
  expect(await estate.changesSince(before)).toEqual([])
  expect(await names(`${NOVA}/servers`, 'servers')).toEqual([])
})

it('whatever would change something throws without a call', async () => {
  const estate = await newEstate()
  const before = await estate.last()
  const cloud = lookOnly(estate.cloud, 'sandbox') as unknown as Record<string, Record<string, unknown>>
  let refused = 0
  for (const [kind, realm] of Object.entries(cloud))
    for (const [member, value] of Object.entries(realm))
      if (typeof value === 'function' && !['find', 'get', 'list', 'read', 'catalog', 'consoleLog'].includes(member)) {
        await expect((value as () => Promise<unknown>)(), `${kind}.${member}`).rejects.toThrow('connected read-only')
        refused++
      }
  expect(refused).toBeGreaterThan(50)
  expect(await estate.last()).toBe(before)
})

it('a server goes to another cloud, as long as there is one that may be changed', async () => {
  const { plimsoll } = await newEstate({ read_only: true })
  await plimsoll.addCloud({ name: 'open', type: 'sandbox' })
  const demo = plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.96' })
  const images = (await demo.get('/image/v2/images?name=sandbox-linux')).body.images
  const answers = []
  for (const { id } of images)
    answers.push(
      await demo.post(`${NOVA}/servers`, { server: { name: 'x', flavorRef: '1', imageRef: id, networks: 'none' } }),
    )
  await plimsoll.settle()
  expect(answers.map(({ status }) => status).sort()).toEqual([202, 403])
  const zone = await demo.post(`${NOVA}/servers`, {
    server: { name: 'x', flavorRef: '1', imageRef: images[0].id, networks: 'none', availability_zone: 'sandbox.a' },
  })
  expect([400, 403]).toContain(zone.status)
  const volume = await demo.post(`/volume/v3/${plimsoll.projectId('demo')}/volumes`, { volume: { size: 1 } })
  expect(volume.body.volume.availability_zone).toMatch(/^open/)
})
