import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let demo: Client
let network: string
let subnet: string
let port: string
let router: string
let group: string
let address: string
let pool: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
  const made = async (path: string, resource: string, body: object) =>
    (await demo.post(`${V2}/${path}`, { [resource]: body })).body[resource].id
  const [external] = (await demo.get(`${V2}/networks?router:external=true`)).body.networks
  network = await made('networks', 'network', {})
  subnet = await made('subnets', 'subnet', { network_id: network, ip_version: 4, cidr: '10.0.0.0/24' })
  port = await made('ports', 'port', { network_id: network })
  router = await made('routers', 'router', {})
  group = await made('security-groups', 'security_group', { name: 'web' })
  pool = await made('subnetpools', 'subnetpool', { name: 'p', prefixes: ['10.0.0.0/8'] })
  address = await made('floatingips', 'floatingip', { floating_network_id: external.id })
})

const V2 = '/network/v2.0'
const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]

/** The tags of each kind of resource, and one of them. */
const places: [what: string, tags: () => string, red: () => string][] = [
  ['network', () => `${V2}/networks/${network}/tags`, () => `${V2}/networks/${network}/tags/red`],
  ['subnet', () => `${V2}/subnets/${subnet}/tags`, () => `${V2}/subnets/${subnet}/tags/red`],
  ['port', () => `${V2}/ports/${port}/tags`, () => `${V2}/ports/${port}/tags/red`],
  ['router', () => `${V2}/routers/${router}/tags`, () => `${V2}/routers/${router}/tags/red`],
  ['security_group', () => `${V2}/security-groups/${group}/tags`, () => `${V2}/security-groups/${group}/tags/red`],
  ['subnetpool', () => `${V2}/subnetpools/${pool}/tags`, () => `${V2}/subnetpools/${pool}/tags/red`],
  ['floatingip', () => `${V2}/floatingips/${address}/tags`, () => `${V2}/floatingips/${address}/tags/red`],
]

describe.each(places)('tags of a %s', (what, list, one) => {
  test('come and go, alone and together', async () => {
    const [tags, red] = [list(), one()]
    expect((await demo.put(red)).status).toBe(201)
    expect((await demo.put(red)).status).toBe(201)
    expect((await demo.get(red)).status).toBe(204)
    expect((await demo.get(tags)).body).toEqual({ tags: ['red'] })
    expect((await demo.get(tags.replace('/tags', ''))).body[what].tags).toEqual(['red'])
    expect((await demo.delete(red)).status).toBe(204)
    for (const gone of [await demo.get(red), await demo.delete(red)])
      expect(fault(gone)).toEqual([404, 'TagNotFound', 'Tag red could not be found.'])
    expect((await demo.put(tags, { tags: ['a', 'a', 'b'] })).body).toEqual({ tags: ['a', 'b'] })
    expect((await demo.delete(tags)).status).toBe(204)
    expect((await demo.get(tags)).body).toEqual({ tags: [] })
  })
})

test('tags are words, of what one owns', async () => {
  const tags = `${V2}/networks/${network}/tags`
  const bad = [
    {},
    { tags: 'x' },
    { tags: [1] },
    { tags: [''] },
    { tags: Array.from({ length: 51 }, (_, i) => `t${i}`) },
  ]
  for (const body of bad) expect((await demo.put(tags, body)).status).toBe(400)
  expect(fault(await demo.get(`${V2}/routers/x/tags`))).toEqual([404, 'RouterNotFound', 'Router x could not be found'])
  await plimsoll.newProject('other')
  expect(fault(await plimsoll.as('other').put(tags, { tags: ['mine'] }))[1]).toBe('NetworkNotFound')
  const many = await Promise.all(['a', 'b', 'c'].map((tag) => demo.put(`${tags}/${tag}`)))
  expect(many.map(({ status }) => status)).toEqual([201, 201, 201])
  expect((await demo.get(tags)).body.tags.toSorted()).toEqual(['a', 'b', 'c'])
})
