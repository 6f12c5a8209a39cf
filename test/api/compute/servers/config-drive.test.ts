import { eq } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import type { ServerSpec } from '../../../../adapters/contract.ts'
import { bindings } from '../../../../db/schema/index.ts'
import { NOVA, newWorld, type World } from './world.ts'

let w: World
beforeEach(async () => {
  w = await newWorld()
})

/** What the cloud was asked for. */
const asked = async (id: string): Promise<ServerSpec> => {
  const [binding] = await w.plimsoll.db.select().from(bindings).where(eq(bindings.resourceId, id))
  return binding!.frozen as unknown as ServerSpec
}

test('a config drive says who the server is, where it stands in its networks, and what its user told it', async () => {
  await w.demo.put(`/network/v2.0/subnets/${w.subnet}`, { subnet: { dns_nameservers: ['192.0.2.53'] } })
  await w.demo.put(`/network/v2.0/networks/${w.network}`, { network: { mtu: 1330 } })
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6XHBU2Zc0mD3nSbqN1oUuq2yHfE1tT1wWv5gq0m8aB me@example'
  await w.demo.post(`${NOVA}/os-keypairs`, { keypair: { name: 'mine', public_key: key } })
  const id = await w.running({
    ...{ config_drive: true, key_name: 'mine', metadata: { role: 'db' }, user_data: btoa('#!/bin/sh\n') },
  })
  const server = await w.server(id)
  expect(server).toMatchObject({ status: 'ACTIVE', config_drive: 'True' })
  const { drive } = await asked(id)
  expect(drive?.metaData).toMatchObject({
    ...{ uuid: id, name: 'one', hostname: 'one', project_id: w.plimsoll.projectId('demo'), meta: { role: 'db' } },
    availability_zone: server['OS-EXT-AZ:availability_zone'],
    public_keys: { mine: expect.stringContaining('ssh-ed25519') },
  })
  const [address] = Object.values(server.addresses).flat() as Record<string, string>[]
  const { ports } = (await w.demo.get(`/network/v2.0/ports?device_id=${id}`)).body
  expect(drive?.networkData).toEqual({
    links: [
      {
        ...{ id: expect.any(String), vif_id: ports[0].id, type: 'phy', mtu: 1330 },
        ethernet_mac_address: address!['OS-EXT-IPS-MAC:mac_addr'],
      },
    ],
    networks: [
      {
        ...{ id: 'network0', type: 'ipv4', link: `tap${ports[0].id.slice(0, 11)}`, network_id: w.network },
        ...{ ip_address: address!.addr, netmask: '255.255.255.0' },
        routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.0.1' }],
        services: [{ type: 'dns', address: '192.0.2.53' }],
      },
    ],
    services: [{ type: 'dns', address: '192.0.2.53' }],
  })
  w.plimsoll.clock.advance(60_000)
  const { output } = (await w.act(id, { 'os-getConsoleOutput': {} })).body
  expect(output).toMatch(/config-2: openstack\/latest\/meta_data\.json, \d+ bytes/)
  expect(output).toMatch(/config-2: openstack\/latest\/user_data, 10 bytes/)
})

test('a server that asks for none has none', async () => {
  const id = await w.running()
  expect(await w.server(id)).toMatchObject({ config_drive: '' })
  expect((await asked(id)).drive).toBeNull()
})
