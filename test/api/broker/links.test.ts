import { beforeEach, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let admin: Client
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'dc1', type: 'sandbox' },
      { name: 'away', type: 'sandbox' },
      { name: 'far', type: 'sandbox', projects: [] },
    ],
  })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
})

const PATH = '/broker/v1/links'
const V2 = '/network/v2.0'
const put = (...links: object[]) => admin.put(PATH, { links })
const pair = (one: string, other: string, reach: string) => ({ clouds: [one, other], reach })
const errorOf = ({ status, body }: { status: number; body: { error: { message: string } } }) => [
  status,
  body.error.message,
]

test('nothing is claimed until somebody says what leads where', async () => {
  expect((await admin.get(PATH)).body).toEqual({
    links: [pair('away', 'dc1', 'none'), pair('away', 'far', 'none'), pair('dc1', 'far', 'none')],
  })
  const said = await put(pair('dc1', 'away', 'routed'), pair('far', 'away', 'public'), pair('dc1', 'far', 'none'))
  expect([said.status, said.body.links]).toEqual([
    200,
    [pair('away', 'dc1', 'routed'), pair('away', 'far', 'public'), pair('dc1', 'far', 'none')],
  ])
  expect((await admin.get(PATH)).body).toEqual(said.body)
  expect((await put(pair('dc1', 'away', 'public'))).body.links).toEqual([
    pair('away', 'dc1', 'public'),
    pair('away', 'far', 'none'),
    pair('dc1', 'far', 'none'),
  ])
})

test('is for administrators, and of two clouds that there are', async () => {
  expect((await demo.get(PATH)).status).toBe(403)
  expect((await demo.put(PATH, { links: [] })).status).toBe(403)
  expect(errorOf(await put(pair('dc1', 'moon', 'routed')))).toEqual([400, 'links: there is no cloud named moon'])
  expect(errorOf(await put(pair('dc1', 'dc1', 'routed')))[1]).toMatch(/dc1 is one cloud/)
  expect(errorOf(await put(pair('dc1', 'far', 'routed'), pair('far', 'dc1', 'public')))[1]).toBe(
    'links: dc1 and far are named twice',
  )
  expect((await put(pair('dc1', 'far', 'wired'))).status).toBe(400)
})

test('goes with its cloud', async () => {
  await put(pair('dc1', 'far', 'routed'))
  expect((await admin.delete('/broker/v1/clouds/far')).status).toBe(204)
  expect((await admin.get(PATH)).body.links).toEqual([pair('away', 'dc1', 'none')])
})

test('a project is told of its own clouds', async () => {
  await put(pair('dc1', 'away', 'routed'))
  const path = `/broker/v1/projects/${plimsoll.projectId('demo')}/network-plan`
  expect((await demo.get(path)).body.reach).toEqual([pair('away', 'dc1', 'routed')])
  expect((await admin.get(path)).body.reach).toEqual([pair('away', 'dc1', 'routed')])
  await plimsoll.newProject('stranger')
  expect((await plimsoll.as('stranger').get(path)).status).toBe(404)
})

test('a network on several clouds shows what leads between them, and a port what it can reach', async () => {
  const network = (await demo.post(`${V2}/networks`, { network: {} })).body.network
  expect(network['plimsoll:reach']).toEqual([])
  const lie = async (cloud: string, cidr: string): Promise<string> => {
    const segment = { network_id: network.id, network_type: 'flat', physical_network: `${cloud}.a` }
    const { id } = (await demo.post(`${V2}/segments`, { segment })).body.segment
    const subnet = { network_id: network.id, ip_version: 4, cidr, segment_id: id }
    return (await demo.post(`${V2}/subnets`, { subnet })).body.subnet.id
  }
  const here = await lie('dc1', '10.0.0.0/24')
  const reachOf = async (what: string, id: string) =>
    Object.values<Record<string, unknown>>((await demo.get(`${V2}/${what}/${id}`)).body)[0]!['plimsoll:reach']
  const port = async () =>
    (await demo.post(`${V2}/ports`, { port: { network_id: network.id, fixed_ips: [{ subnet_id: here }] } })).body.port
  const first = await port()
  expect([await reachOf('networks', network.id), first['plimsoll:reach']]).toEqual([[], []])
  await lie('away', '10.0.1.0/24')
  expect(await reachOf('networks', network.id)).toEqual([pair('away', 'dc1', 'none')])
  expect(await reachOf('ports', first.id)).toEqual([{ cloud: 'away', reach: 'none' }])
  await put(pair('dc1', 'away', 'routed'))
  expect(await reachOf('networks', network.id)).toEqual([pair('away', 'dc1', 'routed')])
  expect((await port())['plimsoll:reach']).toEqual([{ cloud: 'away', reach: 'routed' }])
  const [listed] = (await demo.get(`${V2}/ports?id=${first.id}`)).body.ports
  expect(listed['plimsoll:reach']).toEqual([{ cloud: 'away', reach: 'routed' }])
})
