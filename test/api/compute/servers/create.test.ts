import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { at, NOVA, newWorld, type World } from './world.ts'

let w: World
beforeEach(async () => {
  w = await newWorld()
})
const message = (answer: { body: Record<string, { message: string }> }) => Object.values(answer.body)[0]!.message
const nobody = '11111111-2222-4333-8444-555555555555'

describe('a server is refused for', () => {
  test.each<[string, Record<string, unknown>, number, RegExp]>([
    ['an image that is a number', { imageRef: -1 }, 400, /imageRef/],
    ['no image', { imageRef: undefined }, 400, /Missing imageRef attribute/],
    ['an unknown image', { imageRef: nobody }, 400, /Can not find requested image/],
    ['a flavor that is a number', { flavorRef: -1 }, 400, /Flavor -1 could not be found/],
    ['a flavor that no text is made of', { flavorRef: { toString: 1 } }, 400, /an object where a text is told/],
    ['an unknown flavor', { flavorRef: 'x' }, 400, /Flavor x could not be found/],
    ['no name', { name: '' }, 400, /should be non-empty/],
    ['a name that is a number', { name: 12345 }, 400, /is not of type 'string'/],
    ['a long name', { name: 'x'.repeat(256) }, 400, /too long/],
    ['metadata that is too long', { metadata: { a: 'x'.repeat(256) } }, 400, /too long/],
    ['metadata with strange keys', { metadata: { ä: 'b' } }, 400, /./],
    ['an address that is none', { accessIPv6: '2001:2001::3.' }, 400, /ipv6/],
    ['an unknown key', { key_name: 'x' }, 400, /^Invalid key_name provided\.$/],
    ['an unknown group', { security_groups: [{ name: 'x' }] }, 400, /Security group x not found/],
    ['an unknown zone', { availability_zone: 'nova' }, 400, /^The requested availability zone is not available$/],
    ['a host', { availability_zone: 'sandbox:host' }, 400, /hosts/],
    ['an unknown network', { networks: [{ uuid: nobody }] }, 400, /Network .* could not be found/],
    ['an unknown port', { networks: [{ port: nobody }] }, 400, /Port id .* could not be found/],
    ['a network that is none', { networks: [{ uuid: 'a-b' }] }, 400, /'a-b' is not a 'uuid'/],
    ['a device tag', { networks: [{ uuid: nobody, tag: 'nic1' }] }, 400, /Device tags/],
    ['no networks at all', { networks: undefined }, 400, /networks/],
    ['more than there are', { min_count: 3, max_count: 2 }, 400, /min_count must be <= max_count/],
    ['an own host', { host: 'x' }, 400, /hosts/],
    ['certificates', { trusted_image_certificates: ['x'] }, 400, /certificates/],
    ['user data that is no base64', { user_data: 'a' }, 400, /base64/],
    ['long user data', { user_data: 'YWJj'.repeat(17_000) }, 400, /too long/],
    ['a hostname for several', { hostname: 'one', max_count: 2 }, 400, /single hostname/],
    ['an address for several', { networks: 'replaced', max_count: 2 }, 400, /single instance/],
    ['a group of hosts', {}, 400, /Instance group .* could not be found/],
    ['an unknown word', { unknown: 1 }, 400, /Additional properties are not allowed \('unknown' was unexpected\)/],
    [
      'a volume to boot from',
      { block_device_mapping_v2: [{ uuid: nobody, boot_index: 0, source_type: 'volume', destination_type: 'volume' }] },
      400,
      /failed to get volume/,
    ],
    [
      'a blank disk',
      { block_device_mapping_v2: [{ boot_index: -1, source_type: 'blank', destination_type: 'local' }] },
      400,
      /not offered/,
    ],
    [
      'an unknown volume',
      {
        block_device_mapping_v2: [{ uuid: nobody, boot_index: -1, source_type: 'volume', destination_type: 'volume' }],
      },
      400,
      /Volume .* could not be found/,
    ],
  ])('%s', async (what, more, status, words) => {
    const networks = more.networks === 'replaced' ? [{ uuid: w.network, fixed_ip: '10.0.0.77' }] : undefined
    const server = {
      name: 'one',
      flavorRef: '1',
      imageRef: w.image,
      networks: [{ uuid: w.network }],
      ...more,
      ...(networks ? { networks } : {}),
    }
    const hints = what === 'a group of hosts' ? { 'os:scheduler_hints': { group: nobody } } : {}
    const answer = await w.newest.post(`${NOVA}/servers`, { server, ...hints })
    expect([answer.status, message(answer)]).toEqual([status, expect.stringMatching(words)])
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toEqual([])
  })

  test('words of other versions', async () => {
    for (const [version, field, value] of [
      ['2.18', 'description', 'x'],
      ['2.51', 'tags', ['a']],
      ['2.57', 'personality', []],
      ['2.89', 'hostname', 'x'],
    ] as const)
      expect((await w.boot({ [field]: value }, w.demo.with(at(version)))).status).toBe(400)
  })

  test('more than the quota allows, with numbers', async () => {
    await w.admin.put(`${NOVA}/os-quota-sets/${w.plimsoll.projectId('demo')}`, { quota_set: { instances: 2 } })
    const three = await w.boot({ min_count: 3 })
    expect(three.status).toBe(403)
    expect(message(three)).toBe('Quota exceeded for instances: Requested 3, but already used 0 of 2 instances')
    expect((await w.boot({ min_count: 1, max_count: 3 })).status).toBe(202)
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toHaveLength(2)
    expect((await w.boot()).status).toBe(403)
  })

  test('more than any quota allows, before one of them is planned', async () => {
    const many = await w.boot({ min_count: 1_000_000_000, max_count: 2_000_000_000 })
    expect(many.status).toBe(403)
    expect(message(many)).toBe(
      'Quota exceeded for instances: Requested 1000000000, but already used 0 of 100 instances',
    )
  })

  test('more ports than the quota allows', async () => {
    await w.admin.put(`/network/v2.0/quotas/${w.plimsoll.projectId('demo')}`, { quota: { port: 2 } })
    const three = await w.boot({ min_count: 3 })
    expect(three.status).toBe(403)
    expect(message(three)).toBe('Maximum number of ports exceeded')
    expect((await w.boot({ min_count: 1, max_count: 3 })).status).toBe(202)
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toHaveLength(2)
  })

  test('more ports than its cloud plugs into a server, at once or one by one', async () => {
    const networks = (count: number) => Array.from({ length: count }, () => ({ uuid: w.network }))
    const many = await w.boot({ networks: networks(33) })
    expect(many.status).toBe(409)
    expect(message(many)).toBe('Cloud sandbox takes 32 ports of a server at most.')
    const { id } = (await w.boot({ networks: networks(32) })).body.server
    await w.plimsoll.settle()
    const one = await w.demo.post(`${NOVA}/servers/${id}/os-interface`, { interfaceAttachment: {} })
    expect(one.status).toBe(409)
    expect(message(one)).toBe('The cloud takes 32 ports of a server at most.')
  })

  test('what somebody else owns', async () => {
    await w.plimsoll.newProject('other', { clouds: ['sandbox'] })
    const other = w.plimsoll.as('other').with(at('2.96'))
    expect((await w.boot({}, other)).status).toBe(400)
    const id = await w.running()
    for (const path of [
      '',
      '/ips',
      '/metadata',
      '/os-interface',
      '/os-instance-actions',
      '/tags',
      '/os-volume_attachments',
      '/os-security-groups',
    ])
      expect((await other.get(`${NOVA}/servers/${id}${path}`)).status).toBe(404)
    expect((await other.delete(`${NOVA}/servers/${id}`)).status).toBe(404)
    expect((await other.get(`${NOVA}/servers/detail`)).body.servers).toEqual([])
  })
})

describe('what is understood', () => {
  test('several at once, by number', async () => {
    const created = await w.boot({ name: 'web', min_count: 2, return_reservation_id: true })
    expect(created.body).toEqual({ reservation_id: expect.stringMatching(/^r-[0-9a-f]{8}$/) })
    await w.plimsoll.settle()
    const { body } = await w.newest.get(
      `${NOVA}/servers/detail?sort_key=display_name&sort_dir=asc&reservation_id=${created.body.reservation_id}`,
    )
    expect(body.servers.map(({ name, status }: Record<string, string>) => [name, status])).toEqual([
      ['web-1', 'ACTIVE'],
      ['web-2', 'ACTIVE'],
    ])
    const addresses = body.servers.map(
      (s: { addresses: { private: { addr: string }[] } }) => s.addresses.private[0]!.addr,
    )
    expect(new Set(addresses).size).toBe(2)
  })

  test('several at once have their places in the request, for administrators, who may ask and sort by them', async () => {
    await w.boot({ name: 'web', min_count: 3 })
    await w.running({ name: 'alone' })
    const administrator = w.plimsoll.as('admin').with(at('2.96'))
    const placed = async (asked: string) => {
      const { body } = await administrator.get(`${NOVA}/servers/detail?all_tenants=1&${asked}`)
      return body.servers.map((s: Record<string, unknown>) => [s.name, s['OS-EXT-SRV-ATTR:launch_index']])
    }
    const order = 'sort_key=launch_index&sort_dir=desc&sort_key=display_name&sort_dir=asc'
    expect(await placed(order)).toEqual([
      ['web-3', 2],
      ['web-2', 1],
      ['alone', 0],
      ['web-1', 0],
    ])
    expect(await placed('launch_index=1')).toEqual([['web-2', 1]])
  })

  test('a zone, a key, groups, user data, addresses, tags and a description', async () => {
    const key = await w.demo.post(`${NOVA}/os-keypairs`, { keypair: { name: 'mine' } })
    expect(key.status).toBe(200)
    await w.demo.post('/network/v2.0/security-groups', { security_group: { name: 'web' } })
    const id = await w.running({
      name: 'Wéb 1',
      availability_zone: 'sandbox.b',
      key_name: 'mine',
      security_groups: [{ name: 'web' }, { name: 'default' }],
      user_data: 'I2Nsb3VkLWNvbmZpZw==',
      networks: [{ uuid: w.network, fixed_ip: '10.0.0.99' }],
      accessIPv4: '1.1.1.1',
      accessIPv6: '2001:0DB8:0000::0001',
      tags: ['a', 'b'],
      description: 'of the web',
      config_drive: true,
    })
    expect(await w.server(id)).toMatchObject({
      name: 'Wéb 1',
      'OS-EXT-AZ:availability_zone': 'sandbox.b',
      pinned_availability_zone: 'sandbox.b',
      key_name: 'mine',
      'OS-EXT-SRV-ATTR:hostname': 'wb-1',
      addresses: { private: [{ addr: '10.0.0.99' }] },
      accessIPv4: '1.1.1.1',
      accessIPv6: '2001:db8::1',
      tags: ['a', 'b'],
      description: 'of the web',
      config_drive: 'True',
    })
    const groups = await w.newest.get(`${NOVA}/servers/${id}/os-security-groups`)
    expect(groups.body.security_groups.map(({ name }: { name: string }) => name)).toContain('web')
    const console = await w.act(id, { 'os-getConsoleOutput': {} })
    expect(console.status).toBe(200)
  })

  test('no networks, the only network, and one of several', async () => {
    const none = await w.running({ networks: 'none' })
    expect((await w.server(none)).addresses).toEqual({})
    const auto = await w.running({ networks: 'auto' })
    expect(Object.keys((await w.server(auto)).addresses)).toEqual(['private'])
    const old = await w.boot({ networks: undefined }, w.demo)
    expect(old.status).toBe(202)
    const second = await w.demo.post('/network/v2.0/networks', { network: { name: 'second' } })
    await w.demo.post('/network/v2.0/subnets', {
      subnet: { network_id: second.body.network.id, ip_version: 4, cidr: '10.1.0.0/24' },
    })
    const ambiguous = await w.boot({ networks: 'auto' })
    expect([ambiguous.status, message(ambiguous)]).toEqual([
      409,
      'Multiple possible networks found, use a Network ID to be more specific.',
    ])
    const bare = await w.demo.post('/network/v2.0/networks', { network: { name: 'bare' } })
    expect(message(await w.boot({ networks: [{ uuid: bare.body.network.id }] }))).toMatch(/requires a subnet/)
    const both = await w.running({ networks: [{ uuid: second.body.network.id }, { uuid: w.network }] })
    expect(Object.keys((await w.server(both)).addresses)).toEqual(['second', 'private'])
  })

  test('a port that the user brings stays his', async () => {
    const port = (await w.demo.post('/network/v2.0/ports', { port: { network_id: w.network } })).body.port
    const id = await w.running({ networks: [{ port: port.id }] })
    const plugged = (await w.demo.get(`/network/v2.0/ports/${port.id}`)).body.port
    expect(plugged).toMatchObject({ device_id: id, device_owner: 'compute:nova', status: 'ACTIVE' })
    expect((await w.server(id)).addresses.private[0].addr).toBe(port.fixed_ips[0].ip_address)
    const again = await w.boot({ networks: [{ port: port.id }] })
    expect(again.status).toBe(409)
    expect((await w.boot({ networks: [{ port: port.id }, { port: port.id }] })).status).toBe(400)
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    const free = (await w.demo.get(`/network/v2.0/ports/${port.id}`)).body.port
    expect(free).toMatchObject({ device_id: '', status: 'DOWN', fixed_ips: port.fixed_ips })
    expect((await w.server(await w.running({ networks: [{ port: port.id }] }))).status).toBe('ACTIVE')
  })

  test('a volume that is there, attached when it runs', async () => {
    const volume = (await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 1, availability_zone: 'sandbox.a' } }))
      .body.volume
    await w.plimsoll.settle()
    const root = {
      uuid: w.image,
      boot_index: 0,
      source_type: 'image',
      destination_type: 'local',
      delete_on_termination: true,
    }
    const data = {
      uuid: volume.id,
      boot_index: -1,
      source_type: 'volume',
      destination_type: 'volume',
      delete_on_termination: true,
    }
    const id = await w.running({ block_device_mapping_v2: [root, data] })
    expect(await w.server(id)).toMatchObject({
      status: 'ACTIVE',
      'OS-EXT-AZ:availability_zone': 'sandbox.a',
      'os-extended-volumes:volumes_attached': [{ id: volume.id, delete_on_termination: true }],
    })
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect((await w.demo.get(`${w.cinder}/volumes/${volume.id}`)).status).toBe(404)
  })

  test('what it names taken, it is the same server when it is asked for again and its answer was lost', async () => {
    const { volume } = (await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 1 } })).body
    const { port } = (await w.demo.post('/network/v2.0/ports', { port: { network_id: w.network } })).body
    await w.plimsoll.settle()
    const root = { uuid: w.image, boot_index: 0, source_type: 'image', destination_type: 'local' }
    const data = { uuid: volume.id, boot_index: -1, source_type: 'volume', destination_type: 'volume' }
    const server = {
      ...{ name: 'one', flavorRef: '1', imageRef: w.image, block_device_mapping_v2: [root, data] },
      networks: [{ port: port.id }, { uuid: w.network, fixed_ip: '10.0.0.77' }],
    }
    const post = () => w.demo.post(`${NOVA}/servers`, { server }, { 'Idempotency-Key': 'once' })
    const first = await post()
    expect(first.status).toBe(202)
    await w.plimsoll.db.run(sql`update repeatables set answer = null`)
    const again = await post()
    expect([again.status, again.body.server.id]).toEqual([202, first.body.server.id])
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toHaveLength(1)
  })

  test('a volume that cannot be attached: refused, and nothing is made', async () => {
    const { volume } = (await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 1 } })).body
    await w.plimsoll.settle()
    const readonly = { 'os-update_readonly_flag': { readonly: true } }
    expect((await w.demo.post(`${w.cinder}/volumes/${volume.id}/action`, readonly)).status).toBe(202)
    const root = { uuid: w.image, boot_index: 0, source_type: 'image', destination_type: 'local' }
    const data = { uuid: volume.id, boot_index: -1, source_type: 'volume', destination_type: 'volume' }
    const answer = await w.boot({ block_device_mapping_v2: [root, data] })
    expect([answer.status, message(answer)]).toEqual([400, expect.stringMatching(/read-only/)])
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toEqual([])
    expect((await w.demo.get(`${w.cinder}/volumes/${volume.id}`)).body.volume.status).toBe('available')
  })
})

describe('the order in which disks boot', () => {
  const volume = async () => {
    const made = await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 1 } })
    await w.plimsoll.settle()
    return made.body.volume.id as string
  }
  const image = (boot_index: number) => ({ uuid: w.image, boot_index, source_type: 'image', destination_type: 'local' })
  const data = async (boot_index: number | null) => ({
    uuid: await volume(),
    boot_index,
    source_type: 'volume',
    destination_type: 'volume',
  })

  test('goes on from the root: a volume with index 1 is a disk like the others', async () => {
    const mapped = await data(1)
    const id = await w.running({ block_device_mapping_v2: [image(0), mapped] })
    expect((await w.server(id))['os-extended-volumes:volumes_attached']).toMatchObject([{ id: mapped.uuid }])
  })

  test.each([
    ['leaves one out', [0, 2]],
    ['names one twice', [0, 1, 1]],
  ])('%s: refused', async (_, indexes) => {
    const [root, ...others] = indexes
    const mapped = await Promise.all(others.map((index) => data(index)))
    const answer = await w.boot({ block_device_mapping_v2: [image(root!), ...mapped] })
    expect([answer.status, message(answer)]).toEqual([
      400,
      'Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.',
    ])
  })
})

describe('where it goes when nobody says', () => {
  const attach = (server: string, volume: string) =>
    w.newest.post(`${NOVA}/servers/${server}/os-volume_attachments`, { volumeAttachment: { volumeId: volume } })
  const volume = async () => {
    const made = await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 1 } })
    await w.plimsoll.settle()
    return made.body.volume.id as string
  }

  test('a volume made before any server meets the first one, whatever the load of the zones', async () => {
    w = await newWorld({
      clouds: [
        {
          name: 'sandbox',
          type: 'sandbox',
          options: {
            zones: [
              { name: 'a', vcpus: 8, ram_mib: 16384, disk_gib: 500 },
              { name: 'b', vcpus: 64, ram_mib: 131072, disk_gib: 500 },
            ],
          },
        },
      ],
    })
    const first = await volume()
    expect((await attach(await w.running(), first)).status).toBe(200)
  })

  test('servers and volumes meet, whichever comes first', async () => {
    for (let n = 0; n < 8; n++) {
      const early = n % 2 ? await volume() : null
      const server = await w.running()
      expect((await attach(server, early ?? (await volume()))).status).toBe(200)
    }
  })

  test('a volume follows the newest server into the zone that was named for it', async () => {
    const zones = (await w.newest.get(`${NOVA}/os-availability-zone`)).body.availabilityZoneInfo
    const last = zones.at(-1).zoneName as string
    const server = await w.running({ availability_zone: last })
    const made = await volume()
    await w.plimsoll.settle()
    expect((await w.demo.get(`${w.cinder}/volumes/${made}`)).body.volume.availability_zone).toBe(last)
    expect((await attach(server, made)).status).toBe(200)
  })

  test('a volume comes into the zone where the network of its project lies, where there is nothing else to be near', async () => {
    const zones = (await w.newest.get(`${NOVA}/os-availability-zone`)).body.availabilityZoneInfo
    const last = zones.at(-1).zoneName as string
    const first = await w.running({ availability_zone: last })
    await w.demo.delete(`${NOVA}/servers/${first}`)
    await w.plimsoll.settle()
    const made = await volume()
    await w.plimsoll.settle()
    expect((await w.demo.get(`${w.cinder}/volumes/${made}`)).body.volume.availability_zone).toBe(last)
    expect((await attach(await w.running(), made)).status).toBe(200)
  })
})

test('an administrator makes a server on a network of his own, and on one that is shared', async () => {
  const NETWORK = '/network/v2.0'
  const made = await w.admin.post(`${NETWORK}/networks`, { network: { name: 'own' } })
  const network = made.body.network.id as string
  await w.admin.post(`${NETWORK}/subnets`, { subnet: { network_id: network, ip_version: 4, cidr: '10.9.0.0/24' } })
  await w.plimsoll.mapTo('sandbox', 'admin')
  const answer = await w.boot({ networks: [{ uuid: network }] }, w.admin.with(at('2.96')))
  expect(answer).toMatchObject({ status: 202 })
})
