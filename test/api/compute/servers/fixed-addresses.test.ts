import { beforeEach, describe, expect, test } from 'vitest'
import { remembered } from '../../../../adapters/sandbox/backdoor.ts'
import { narrowCloudType } from '../../../support/narrow-cloud.ts'
import { NOVA, newWorld, type World } from './world.ts'

const V2 = '/network/v2.0'
let w: World
let id: string
beforeEach(async () => {
  w = await newWorld()
  id = await w.running()
})

const addresses = async (): Promise<string[]> =>
  Object.values((await w.demo.get(`${NOVA}/servers/${id}/ips`)).body.addresses as Record<string, { addr: string }[]>)
    .flat()
    .map(({ addr }) => addr)
const port = async () => (await w.demo.get(`${V2}/ports?device_id=${id}`)).body.ports[0]

describe('a further address of a server', () => {
  test('is of its own network, reaches the cloud, and goes again', async () => {
    const [first] = await addresses()
    expect((await w.act(id, { addFixedIp: { networkId: w.network } }, w.demo)).status).toBe(202)
    const two = await addresses()
    expect(two).toHaveLength(2)
    expect(two).toContain(first)
    await w.plimsoll.settle()
    const { mac_address } = await port()
    const onCloud = async () => {
      const ports = await remembered(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), 'port')
      return ports.find(({ spec }) => spec.mac === mac_address)?.spec.addresses.map(({ address }) => address)
    }
    expect(await onCloud()).toEqual([first, two.find((each) => each !== first)])
    const second = two.find((each) => each !== first)!
    expect((await w.act(id, { removeFixedIp: { address: second } }, w.demo)).status).toBe(202)
    await w.plimsoll.settle()
    expect(await addresses()).toEqual([first])
    expect(await onCloud()).toEqual([first])
  })

  test('is one of two that were asked for at once, and neither is lost', async () => {
    const wish = { addFixedIp: { networkId: w.network } }
    const answers = await Promise.all([w.act(id, wish, w.demo), w.act(id, wish, w.demo)])
    expect(answers.map(({ status }) => status)).toEqual([202, 202])
    expect(new Set(await addresses()).size).toBe(3)
  })

  test('is of the subnet in which its port lies, where a cloud lets a port be in one alone', async () => {
    narrowCloudType()
    w = await newWorld({ clouds: [{ name: 'ec2', type: 'narrow' }] })
    const { network } = (await w.demo.post(`${V2}/networks`, { network: { name: 'two' } })).body
    const subnet = async (cidr: string): Promise<string> => {
      const wish = { network_id: network.id, ip_version: 4, cidr }
      return (await w.demo.post(`${V2}/subnets`, { subnet: wish })).body.subnet.id
    }
    const [first, second] = [await subnet('10.9.0.0/24'), await subnet('10.9.1.0/24')]
    const lying = { network_id: network.id, fixed_ips: [{ subnet_id: second }] }
    const made = (await w.demo.post(`${V2}/ports`, { port: lying })).body.port
    id = await w.running({ networks: [{ port: made.id }] })
    expect((await w.act(id, { addFixedIp: { networkId: network.id } }, w.demo)).status).toBe(202)
    const both = await addresses()
    expect(both.map((each) => each.startsWith('10.9.1.'))).toEqual([true, true])
    const { fixed_ips } = await port()
    const change = { port: { fixed_ips: [...fixed_ips, { subnet_id: first }] } }
    const { status, body } = await w.demo.put(`${V2}/ports/${made.id}`, change)
    expect([status, body.NeutronError.message]).toEqual([
      409,
      'Cloud ec2 takes ports in 1 subnet at most, and one is in 2.',
    ])
    expect(await addresses()).toEqual(both)
  })

  test('leaves the first where it is, in whatever order a client gives both back', async () => {
    const { id: portId, fixed_ips } = await port()
    const [{ subnet_id, ip_address }] = fixed_ips
    const taken = new Set([ip_address])
    const lower = [11, 12].map((last) => ip_address.replace(/\d+$/, `${last}`)).find((each) => !taken.has(each))!
    const higher = [98, 99].map((last) => ip_address.replace(/\d+$/, `${last}`)).find((each) => !taken.has(each))!
    for (const other of [lower, higher]) {
      const both = [
        { subnet_id, ip_address: other },
        { subnet_id, ip_address },
      ]
      const change = { port: { fixed_ips: both } }
      expect((await w.demo.put(`${V2}/ports/${portId}`, change)).status).toBe(200)
      await w.plimsoll.settle()
      expect(new Set(await addresses())).toEqual(new Set([ip_address, other]))
    }
    const change = { port: { fixed_ips: [{ subnet_id, ip_address: lower }] } }
    expect((await w.demo.put(`${V2}/ports/${portId}`, change)).status).toBe(409)
  })

  test('is refused where there is nothing to add it to, or to take it from', async () => {
    const [first] = await addresses()
    const said = async (body: Record<string, unknown>) => {
      const answer = await w.act(id, body, w.demo)
      return [answer.status, (Object.values(answer.body)[0] as { message: string }).message]
    }
    expect(await said({ addFixedIp: { networkId: crypto.randomUUID() } })).toEqual([
      404,
      `Network could not be found for instance ${id}.`,
    ])
    expect(await said({ removeFixedIp: { address: '10.99.99.99' } })).toEqual([
      400,
      'Specified fixed address not assigned to instance',
    ])
    expect(await said({ removeFixedIp: { address: first } })).toEqual([
      409,
      expect.stringContaining('cannot change while a server holds the port'),
    ])
    expect((await w.act(id, { addFixedIp: {} }, w.demo)).status).toBe(400)
    expect((await w.act(id, { removeFixedIp: { address: 'nonsense' } }, w.demo)).status).toBe(400)
    expect((await w.act(id, { addFixedIp: { networkId: w.network } }, w.newest)).status).toBe(404)
  })
})
