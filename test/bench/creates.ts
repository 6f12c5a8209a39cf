import { timed } from './load.ts'
import { type Estate, settle } from './reads/estate.ts'
import type { Table } from './table.ts'
import type { World } from './world.ts'

const NETWORK = '/network/v2.0'

/** What a create costs, in time and, for each thing that a server can be made of, in trips. */
export const benchCreates = async (world: World, estate: Estate, table: Table): Promise<void> => {
  const { counter, send } = world
  const post = (server: object) => () =>
    send('POST', '/compute/v2.1/servers', estate.token, { server }, { 'OpenStack-API-Version': 'compute 2.96' })
  const plain = post(estate.wish.server)
  await plain()
  const plainMs = await timed(20, plain)
  const all = Object.entries(await wishes(world, estate))
  const measured = all.map(([of, server]) => ({ of, server: async () => server, most: 2 }))
  // Last: from then on there are more clouds.
  const over4 = { of: 'a routed network over 4 clouds', server: () => spanning(world, estate), most: 3 }
  for (const { of, server: wished, most } of [...measured, over4]) {
    const server = await wished()
    const what = `POST /servers, ${of}`
    const { database, writes, ...trips } = await counter.of(post(server))
    const reads = database - writes
    table.row(what, of === PLAIN ? `${plainMs.toFixed(1)} ms` : '', '', { database, writes, ...trips })
    table.target(`${what}: 1 batch that writes`, writes === 1, `${writes}`)
    table.target(`${what}: ${most} round trips that read at most`, reads <= most, `${reads}`)
    table.target(`${what}: 0 cloud calls before the answer`, trips.cloud === 0, `${trips.cloud}`)
  }
  world.deferred.length = 0
}

const PLAIN = 'its network and group named'

/** Servers to ask for, by what they are made of. */
const wishes = async (world: World, { token, projectId, wish, named }: Estate): Promise<Record<string, object>> => {
  const { networks, security_groups, ...bare } = wish.server
  const network = networks[0]!.uuid
  const call = async (method: string, path: string, body?: object) =>
    (await (await world.send(method, path, token, body)).json()) as Record<string, { id: string; status: string }>
  const { port } = await call('POST', `${NETWORK}/ports`, { port: { network_id: network } })
  const { volume } = await call('POST', `/volume/v3/${projectId}/volumes`, { volume: { size: 1 } })
  const stands = async () => (await call('GET', `/volume/v3/${projectId}/volumes/${volume!.id}`)).volume!.status
  await settle(world, async () => (await stands()) === 'available')
  const root = { uuid: wish.server.imageRef, source_type: 'image', destination_type: 'local', boot_index: 0 }
  const data = { uuid: volume!.id, source_type: 'volume', destination_type: 'volume', boot_index: -1 }
  return {
    [PLAIN]: wish.server,
    'its group by id': { ...bare, networks, security_groups: [{ name: named['security-groups'] }] },
    'its key': { ...bare, networks, key_name: named['os-keypairs'] },
    'its port': { ...bare, networks: [{ port: port!.id }] },
    'its volume': { ...bare, networks, block_device_mapping_v2: [root, data] },
    'its address': { ...bare, networks: [{ uuid: network, fixed_ip: '10.9.1.7' }] },
    'its zone and tags': { ...bare, networks, availability_zone: 'sandbox.a', tags: ['bench'] },
    'all of these': {
      ...{ ...bare, security_groups, networks: [{ uuid: network, fixed_ip: '10.9.1.8' }] },
      ...{ key_name: named['os-keypairs'], availability_zone: 'sandbox.a', tags: ['bench'] },
    },
  }
}

/** A server on a network with a segment and a subnet on each of four clouds. */
const spanning = async (world: World, { token, admin, projectId, wish }: Estate): Promise<object> => {
  const call = async (method: string, path: string, body: object, as = token) => {
    const answer = await world.send(method, path, as, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as Record<string, { id: string }>
  }
  const { network } = await call('POST', `${NETWORK}/networks`, { network: { name: 'spanning' } })
  for (const [i, name] of ['sandbox', 'second', 'third', 'fourth'].entries()) {
    if (i) {
      await call('POST', '/broker/v1/clouds', { cloud: { name, type: 'sandbox', position: i } }, admin)
      await call('PUT', `/broker/v1/projects/${projectId}/clouds/${name}`, { mapping: {} }, admin)
      for (let work = world.deferred.shift(); work; work = world.deferred.shift()) await work()
    }
    const place = { network_id: network!.id, network_type: 'vlan', physical_network: `${name}.a` }
    const { segment } = await call('POST', `${NETWORK}/segments`, { segment: place })
    const subnet = { network_id: network!.id, segment_id: segment!.id, ip_version: 4, cidr: `10.${240 + i}.0.0/16` }
    await call('POST', `${NETWORK}/subnets`, { subnet })
  }
  return { ...wish.server, networks: [{ uuid: network!.id }] }
}
