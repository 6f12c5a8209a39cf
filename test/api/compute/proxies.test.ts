import { beforeEach, describe, expect, test } from 'vitest'
import type { Client } from '../../support/harness.ts'
import { at, NOVA, newWorld, type World } from './servers/world.ts'

const NEUTRON = '/network/v2.0'

let w: World
beforeEach(async () => {
  w = await newWorld()
})

const said = (answer: { status: number; body: Record<string, { message: string }> }) => [
  answer.status,
  Object.values(answer.body)[0]!.message,
]
const nobody = '11111111-2222-4333-8444-555555555555'

/** Every way that a client of before takes, with whether it exists to its last version. */
const WAYS = [
  '/os-security-groups',
  '/os-floating-ips',
  '/os-floating-ip-pools',
  '/os-networks',
  '/os-tenant-networks',
  '/os-volumes',
  '/os-volumes/detail',
  '/os-snapshots',
  '/os-snapshots/detail',
]

describe('what Nova did for other services', () => {
  test.each(WAYS)('%s is there up to 2.35, and not from 2.36 on', async (path) => {
    const seen = await Promise.all(
      ['2.1', '2.35', '2.36', '2.96'].map((version) => w.demo.get(`${NOVA}${path}`, at(version))),
    )
    expect(seen.map(({ status }) => status)).toEqual([200, 200, 404, 404])
  })

  test.each([
    '/os-agents',
    '/os-cells',
    '/os-certificates',
    '/os-cloudpipe',
    '/os-fixed-ips',
    '/os-floating-ip-dns',
    '/os-floating-ips-bulk',
    '/os-fping',
    '/os-security-group-default-rules',
  ])('%s is gone, whatever version is spoken', async (path) => {
    expect((await w.demo.get(`${NOVA}${path}`)).status).toBe(410)
    expect((await w.newest.get(`${NOVA}${path}`)).status).toBe(410)
    expect((await w.demo.post(`${NOVA}${path}`, {})).status).toBe(410)
  })

  test('networks are neither made nor deleted by Nova any more', async () => {
    const network = { label: 'x' }
    expect((await w.admin.post(`${NOVA}/os-networks`, { network })).status).toBe(410)
    expect((await w.admin.post(`${NOVA}/os-tenant-networks`, { network })).status).toBe(410)
    expect((await w.admin.delete(`${NOVA}/os-networks/${w.network}`)).status).toBe(410)
    expect((await w.admin.delete(`${NOVA}/os-tenant-networks/${w.network}`)).status).toBe(410)
  })
})

describe('security groups by Nova', () => {
  const GROUPS = `${NOVA}/os-security-groups`
  const RULES = `${NOVA}/os-security-group-rules`
  const made = async (name: string): Promise<string> => {
    const answer = await w.demo.post(GROUPS, { security_group: { name, description: `of ${name}` } })
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body.security_group.id
  }

  test('are the same rows as those of Neutron, with rules for what comes in', async () => {
    const id = await made('web')
    const asked = { parent_group_id: id, ip_protocol: 'tcp', from_port: 80, to_port: '443', cidr: '10.0.0.7/8' }
    const rule = await w.demo.post(RULES, { security_group_rule: asked })
    expect([rule.status, rule.body.security_group_rule]).toEqual([
      200,
      {
        id: expect.any(String),
        parent_group_id: id,
        ip_protocol: 'tcp',
        from_port: 80,
        to_port: 443,
        group: {},
        ip_range: { cidr: '10.0.0.7/8' },
      },
    ])
    const { security_group: group } = (await w.demo.get(`${GROUPS}/${id}`)).body
    const tenant_id = w.plimsoll.projectId('demo')
    expect(group).toEqual({ id, name: 'web', description: 'of web', tenant_id, rules: [rule.body.security_group_rule] })
    const { security_group: same } = (await w.demo.get(`${NEUTRON}/security-groups/${id}`)).body
    expect(same.security_group_rules).toHaveLength(3)
    const { security_groups: listed } = (await w.demo.get(GROUPS)).body
    expect(listed.map(({ name }: { name: string }) => name)).toEqual(['default', 'web'])
    const page = (await w.demo.get(`${GROUPS}?limit=1&offset=1`)).body.security_groups
    expect(page).toEqual([group])
  })

  test('let in what is in a group, by its name, with all ports of its protocol', async () => {
    const [web, db] = [await made('web'), await made('db')]
    const asked = { parent_group_id: db, ip_protocol: 'TCP', group_id: web }
    const { security_group_rule: rule } = (await w.demo.post(RULES, { security_group_rule: asked })).body
    const tenant_id = w.plimsoll.projectId('demo')
    const all = { from_port: 1, to_port: 65535, ip_protocol: 'tcp' }
    expect(rule).toMatchObject({ ...all, group: { name: 'web', tenant_id }, ip_range: {} })
    expect((await w.demo.get(`${GROUPS}/${db}`)).body.security_group.rules).toEqual([rule])
    expect((await w.demo.delete(`${RULES}/${rule.id}`)).status).toBe(202)
    expect(said(await w.demo.delete(`${RULES}/${rule.id}`))).toEqual([404, `Rule (${rule.id}) not found`])
    expect((await w.demo.get(`${GROUPS}/${db}`)).body.security_group.rules).toEqual([])
  })

  test.each([
    [
      { ip_protocol: 'tcp', from_port: 0, to_port: 80 },
      'Invalid port range 0:80. Valid TCP ports should be between 1-65535',
    ],
    [
      { ip_protocol: 'udp', from_port: 9, to_port: 8 },
      'Invalid port range 9:8. Former value cannot be greater than the later',
    ],
    [
      { ip_protocol: 'icmp', from_port: -2, to_port: 0 },
      'Invalid port range -2:0. For ICMP, the type:code must be valid',
    ],
    [{ ip_protocol: 'gre', from_port: 1, to_port: 2 }, 'Invalid IP protocol gre.'],
    [{ ip_protocol: { toString: 1 }, from_port: 1, to_port: 2 }, 'Invalid IP protocol {"toString":1}.'],
    [{ ip_protocol: 'tcp', from_port: 1, to_port: 2, cidr: { toString: 1 } }, 'Invalid cidr {"toString":1}.'],
    [{ ip_protocol: 'tcp', from_port: 'a', to_port: 2 }, 'Invalid input received: To and From ports must be integers'],
    [{ ip_protocol: 'tcp', from_port: 1, to_port: 2, cidr: '10.0.0.0/33' }, 'Invalid cidr 10.0.0.0/33.'],
    [{ ip_protocol: 'tcp', from_port: 1, to_port: 2, cidr: '10.0.0.0/0' }, 'Bad prefix for network in cidr 10.0.0.0/0'],
    [{}, 'Not enough parameters to build a valid rule.'],
    [{ parent_group_id: 'web' }, 'Security group id should be uuid'],
  ])('refuse the rule %j in the words of Nova', async (more, words) => {
    const asked = { parent_group_id: await made('web'), ...more }
    expect(said(await w.demo.post(RULES, { security_group_rule: asked }))).toEqual([400, words])
  })

  test('are renamed and deleted, and refused in the words of Nova', async () => {
    const id = await made('web')
    const renamed = await w.demo.put(`${GROUPS}/${id}`, { security_group: { name: 'www', description: 'new' } })
    expect([renamed.status, renamed.body.security_group.name]).toEqual([200, 'www'])
    const silent = await w.demo.put(`${GROUPS}/${id}`, { security_group: { name: 'www', description: '' } })
    expect([silent.status, silent.body.security_group.description]).toEqual([200, ''])
    for (const [group, words] of [
      [{ name: 'x'.repeat(256), description: 'x' }, 'Invalid input for field/attribute name.'],
      [{ name: 7, description: 'x' }, 'Invalid input for field/attribute name.'],
      [{ name: 'x' }, 'description'],
    ] as const) {
      const answer = await w.demo.post(GROUPS, { security_group: group })
      expect(answer.status).toBe(400)
      expect(said(answer)[1]).toContain(words)
    }
    await w.running({ security_groups: [{ name: 'www' }] })
    expect(said(await w.demo.delete(`${GROUPS}/${id}`))).toEqual([400, `Security Group ${id} in use.`])
    expect(said(await w.demo.get(`${GROUPS}/${nobody}`))).toEqual([404, `Security group ${nobody} not found.`])
    const other = await made('other')
    expect((await w.demo.delete(`${GROUPS}/${other}`)).status).toBe(202)
    expect((await w.demo.get(`${GROUPS}/${other}`)).status).toBe(404)
  })
})

describe('public addresses by Nova', () => {
  const ADDRESSES = `${NOVA}/os-floating-ips`
  const ready = async (): Promise<string> => {
    const { networks } = (await w.demo.get(`${NEUTRON}/networks?router:external=True`)).body
    const router = (
      await w.demo.post(`${NEUTRON}/routers`, {
        router: { name: 'r', external_gateway_info: { network_id: networks[0].id } },
      })
    ).body.router
    await w.demo.put(`${NEUTRON}/routers/${router.id}/add_router_interface`, { subnet_id: w.subnet })
    return networks[0].name
  }
  const act = (id: string, body: Record<string, unknown>, client: Client = w.demo) => w.act(id, body, client)

  test('are taken of a pool, lead to a server and away again, and are given back', async () => {
    const pool = await ready()
    expect((await w.demo.get(`${NOVA}/os-floating-ip-pools`)).body.floating_ip_pools).toContainEqual({ name: pool })
    const taken = await w.demo.post(ADDRESSES, { pool })
    expect(taken.status, JSON.stringify(taken.body)).toBe(200)
    const { floating_ip: address } = taken.body
    expect(address).toEqual({ id: expect.any(String), ip: expect.any(String), instance_id: null, fixed_ip: null, pool })
    const server = await w.running()
    expect((await act(server, { addFloatingIp: { address: address.ip } })).status).toBe(202)
    await w.plimsoll.settle()
    const { fixed_ip, instance_id } = (await w.demo.get(`${ADDRESSES}/${address.id}`)).body.floating_ip
    expect(instance_id).toBe(server)
    const { addresses } = await w.server(server)
    const all = (Object.values(addresses).flat() as { addr: string }[]).map(({ addr }) => addr)
    expect(all).toEqual(expect.arrayContaining([fixed_ip, address.ip]))
    expect((await act(server, { addFloatingIp: { address: address.ip } })).status, 'it is here already').toBe(202)
    expect((await act(server, { removeFloatingIp: { address: address.ip } })).status).toBe(202)
    expect(said(await act(server, { removeFloatingIp: { address: address.ip } }))).toEqual([
      409,
      `Floating IP ${address.ip} is not associated with instance ${server}.`,
    ])
    expect((await w.demo.get(ADDRESSES)).body.floating_ips).toEqual([address])
    expect((await w.demo.delete(`${ADDRESSES}/${address.id}`)).status).toBe(202)
    expect(said(await w.demo.get(`${ADDRESSES}/${address.id}`))).toEqual([
      404,
      `Floating IP not found for ID ${address.id}`,
    ])
  })

  test('are moved from one server to another', async () => {
    const pool = await ready()
    const { floating_ip: address } = (await w.demo.post(ADDRESSES, { pool })).body
    const [one, other] = [await w.running(), await w.running()]
    const shown = async (id: string) =>
      (Object.values((await w.server(id)).addresses).flat() as { addr: string }[]).map(({ addr }) => addr)
    for (const [here, elsewhere] of [
      [one, other],
      [other, one],
    ] as const) {
      expect((await act(here, { addFloatingIp: { address: address.ip } })).status).toBe(202)
      await w.plimsoll.settle()
      const { instance_id, fixed_ip } = (await w.demo.get(`${ADDRESSES}/${address.id}`)).body.floating_ip
      expect(instance_id).toBe(here)
      expect(await shown(here)).toEqual(expect.arrayContaining([fixed_ip, address.ip]))
      expect(await shown(elsewhere)).not.toContain(address.ip)
      const floating = (await w.demo.get(`${NEUTRON}/floatingips/${address.id}`)).body.floatingip
      expect(floating).toMatchObject({ status: 'ACTIVE', fixed_ip_address: fixed_ip })
    }
    expect(said(await act(one, { removeFloatingIp: { address: address.ip } }))).toEqual([
      409,
      `Floating IP ${address.ip} is not associated with instance ${one}.`,
    ])
  })

  test('are refused where there is no such pool, address, or address of the server', async () => {
    await ready()
    const server = await w.running()
    expect(said(await w.demo.post(ADDRESSES, { pool: 'nowhere' }))).toEqual([404, 'Floating IP pool not found.'])
    expect(said(await act(server, { addFloatingIp: { address: '192.0.2.99' } }))).toEqual([
      404,
      'Floating IP 192.0.2.99 not found.',
    ])
    const { floating_ip: address } = (await w.demo.post(ADDRESSES, {})).body
    const elsewhere = { address: address.ip, fixed_address: '10.255.0.1' }
    expect(said(await act(server, { addFloatingIp: elsewhere }))).toEqual([
      400,
      'Specified fixed address not assigned to instance',
    ])
    expect((await act(server, { addFloatingIp: { address: 'x' } })).status).toBe(400)
    expect((await act(server, { addFloatingIp: { address: address.ip } }, w.newest)).status).toBe(404)
  })
})

test('networks by Nova are ids and names', async () => {
  const { networks } = (await w.demo.get(`${NOVA}/os-networks`)).body
  const mine = networks.find(({ id }: { id: string }) => id === w.network)
  expect(mine).toMatchObject({ id: w.network, label: expect.any(String), cidr: null, gateway: null })
  expect(mine.mtu).toBeUndefined()
  expect((await w.admin.get(`${NOVA}/os-networks/${w.network}`)).body.network).toHaveProperty('mtu', null)
  const { network } = (await w.demo.get(`${NOVA}/os-tenant-networks/${w.network}`)).body
  expect(network).toEqual({ id: w.network, cidr: 'None', label: mine.label })
  expect(said(await w.demo.get(`${NOVA}/os-networks/${nobody}`))).toEqual([404, 'Network not found'])
})

describe('volumes by Nova', () => {
  const VOLUMES = `${NOVA}/os-volumes`
  const SNAPSHOTS = `${NOVA}/os-snapshots`

  test('are made, shown as they are in a server, copied and deleted', async () => {
    const asked = { display_name: 'v', display_description: 'mine', size: '2', metadata: { a: 'b' } }
    const made = await w.demo.post(VOLUMES, { volume: asked })
    expect(made.status, JSON.stringify(made.body)).toBe(200)
    const { volume } = made.body
    expect(made.headers.get('Location')).toMatch(new RegExp(`/os-volumes/${volume.id}$`))
    await w.plimsoll.settle()
    const seen = async () => (await w.demo.get(`${VOLUMES}/${volume.id}`)).body.volume
    expect(await seen()).toEqual({
      ...volume,
      status: 'available',
      size: 2,
      attachments: [{}],
      displayName: 'v',
      displayDescription: 'mine',
      metadata: { a: 'b' },
      snapshotId: null,
    })
    const server = await w.running()
    await w.newest.post(`${NOVA}/servers/${server}/os-volume_attachments`, {
      volumeAttachment: { volumeId: volume.id },
    })
    await w.plimsoll.settle()
    expect((await seen()).attachments).toEqual([
      { id: volume.id, volumeId: volume.id, serverId: server, device: expect.any(String) },
    ])
    expect((await w.demo.delete(`${VOLUMES}/${volume.id}`)).status).toBe(400)

    const copy = await w.demo.post(SNAPSHOTS, { snapshot: { volume_id: volume.id, display_name: 's', force: true } })
    expect(copy.status, JSON.stringify(copy.body)).toBe(200)
    await w.plimsoll.settle()
    const { snapshots } = (await w.demo.get(`${SNAPSHOTS}/detail`)).body
    expect(snapshots).toEqual([
      {
        ...copy.body.snapshot,
        volumeId: volume.id,
        status: 'available',
        size: 2,
        displayName: 's',
        displayDescription: null,
      },
    ])
    const { volume: second } = (await w.demo.post(VOLUMES, { volume: { snapshot_id: copy.body.snapshot.id } })).body
    expect(second).toMatchObject({ size: 2, snapshotId: copy.body.snapshot.id })
    await w.plimsoll.settle()
    expect((await w.demo.delete(`${VOLUMES}/${second.id}`)).status).toBe(202)
    expect((await w.demo.delete(`${SNAPSHOTS}/${copy.body.snapshot.id}`)).status).toBe(202)
    await w.plimsoll.settle()
    expect((await w.demo.get(SNAPSHOTS)).body.snapshots).toEqual([])
    const { volumes } = (await w.demo.get(`${VOLUMES}?limit=1`)).body
    expect(volumes.map(({ id }: { id: string }) => id)).toEqual([volume.id])
  })

  test('are refused where something that they are made of is not there', async () => {
    for (const [volume, status] of [
      [{ display_name: 'v' }, 400],
      [{ size: 0 }, 400],
      [{ size: 1, snapshot_id: nobody }, 404],
      [{ size: 1, volume_type: 'gold' }, 404],
      [{ size: 1, availability_zone: 'moon' }, 400],
      [{ size: 1, colour: 'red' }, 400],
    ] as const)
      expect((await w.demo.post(VOLUMES, { volume })).status, JSON.stringify(volume)).toBe(status)
    expect((await w.demo.get(`${VOLUMES}/${nobody}`)).status).toBe(404)
    expect((await w.demo.get(`${SNAPSHOTS}/${nobody}`)).status).toBe(404)
  })
})
