import { describe, expect, it } from 'vitest'
import type { Kind, Mark, PortSpec, SecurityRule, Seen } from '../../../adapters/contract.ts'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { cardXml } from '../../../adapters/libvirt/network/card.ts'
import { readOptions } from '../../../adapters/libvirt/options.ts'
import { onHost } from '../../../adapters/libvirt/wire/host.ts'
import { estate, IDS } from './estate.ts'
import { connection, OPTIONS, surroundings } from './scripted.ts'

const markFor = (kind: Kind, token: string): Mark => ({
  deployment: 'd1',
  project: 'p1',
  kind,
  resource: `r-${token}`,
  token,
  epoch: 9,
})
const CIDR = '10.40.0.0/24'
const any = { protocol: null, min: null, max: null, cidr: null, group: null }
const ssh: SecurityRule = { direction: 'ingress', family: 4, ...any, protocol: 'tcp', min: 22, max: 22 }

const rack = (options: Record<string, unknown> = {}) => {
  const host = estate()
  const around = surroundings(async () => host.line())
  const linked = connection({ options: { ...OPTIONS, ...options } as typeof OPTIONS })
  const cloud = libvirt.connect(linked, around)
  const made = async (kind: 'network' | 'subnet' | 'security_group' | 'port', spec: object, token: string) =>
    (await cloud[kind]!.create(spec as never, markFor(kind, token))) as Seen
  const subnetSpec = (network: string, change: object = {}) => ({
    name: 's',
    network,
    cidr: CIDR,
    gateway: '10.40.0.1',
    zone: 'kvm1',
    dhcp: true,
    dnsServers: [],
    ...change,
  })
  const ground = async () => {
    const network = (await made('network', { name: 'n', cidrs: [CIDR] }, 'net')).id
    const subnet = (await made('subnet', subnetSpec(network), 'sub')).id
    const group = (await made('security_group', { name: 'g', description: '', network, rules: [] }, 'group')).id
    const portSpec = (last: number, change: Partial<PortSpec> = {}): PortSpec => ({
      name: `p${last}`,
      network,
      addresses: [{ subnet, address: `10.40.0.${last}` }],
      mac: `FA:16:3e:00:00:${last}`,
      securityGroups: [group],
      portSecurity: true,
      ...change,
    })
    return { network, subnet, group, portSpec }
  }
  const wire = () => host.wired.wires.find(({ ref }) => ref.name.startsWith('plimsoll'))
  return { host, cloud, made, ground, subnetSpec, wire, linked, around }
}

describe('a network that is made', () => {
  it('is on the host of each of its subnets, which is a network there with our mark, isolated, and starts with the host', async () => {
    const { ground, wire, cloud } = rack()
    const { subnet } = await ground()
    const { ref, live, atBoot } = wire()!
    expect([ref.name, atBoot]).toEqual(['plimsoll-sub', true])
    expect(live).toContain('plimsoll d1 p1 subnet r-sub sub 9')
    expect(live).not.toContain('<forward')
    expect(live).toContain('<ip address="10.40.0.1" prefix="24"></ip>')
    expect(await cloud.subnet!.get(subnet)).toMatchObject({ id: subnet, zone: 'kvm1', name: 's', health: 'ready' })
    expect((await cloud.network!.list()).items.map(({ name }) => name)).toEqual(['default', 'br0.42', 'n'])
  })

  it('lets servers out by the address of its host where the operator says so', async () => {
    const { ground, wire } = rack({ forward: 'nat' })
    await ground()
    expect(wire()!.live).toContain('<forward mode="nat"/>')
    expect(readOptions({ ...OPTIONS, forward: 'route' }).faults).toHaveLength(1)
  })

  it('tells servers of name servers, and of no gateway where there is none', async () => {
    const { cloud, made, subnetSpec, wire } = rack()
    const network = (await made('network', { name: 'n', cidrs: [CIDR] }, 'net')).id
    const spec = subnetSpec(network, { gateway: null, dnsServers: ['192.0.2.53', '192.0.2.54'] })
    const { id } = await made('subnet', spec, 'sub')
    expect(wire()!.live).toContain('value="dhcp-option=3"')
    expect(wire()!.live).toContain('value="dhcp-option=6,192.0.2.53,192.0.2.54"')
    expect((await cloud.subnet!.read!(id))?.spec).toEqual(spec)
    await cloud.subnet!.update!(id, { ...spec, dnsServers: [] })
    expect(wire()!.live).not.toContain('dhcp-option=6')
  })

  describe('on a bridge that the operator names', () => {
    const bridges = [
      { name: 'office', bridge: 'br0' },
      { name: 'floor', bridge: 'br{vlan}', vlans: '10-20' },
      { name: 'trunk', bridge: 'ovs0', kind: 'openvswitch', vlans: '100-199' },
    ]
    const laid = async (wire: object, change: object = {}) => {
      const all = rack({ bridges })
      const network = (await all.made('network', { name: 'n', cidrs: [] }, 'net')).id
      const spec = all.subnetSpec(network, { gateway: '10.40.0.254', wire, ...change })
      const subnet = (await all.made('subnet', spec, 'sub')).id
      const port = (portSecurity: boolean) =>
        all.made(
          'port',
          {
            ...{ name: 'p', network, addresses: [{ subnet, address: '10.40.0.9' }], mac: 'fa:16:3e:00:00:09' },
            ...{ securityGroups: [], portSecurity },
          },
          'port',
        )
      const context = {
        connection: all.linked,
        surroundings: all.around,
        options: readOptions(all.linked.options).options,
      }
      const card = (id: string) => onHost(context, context.options.hosts[0]!, (host) => cardXml(host, id, 'virtio'))
      return { ...all, network, subnet, spec, port, card }
    }

    it('is that bridge, with nothing of its host, and its guests are told their addresses', async () => {
      const { wire, cloud, subnet, spec, port, card, made, subnetSpec } = await laid(
        { name: 'office', vlan: null },
        { dhcp: false },
      )
      expect(wire()!.live).toContain('<forward mode="bridge"/><bridge name="br0"/></network>')
      expect((await cloud.subnet!.read!(subnet))?.spec).toEqual(spec)
      const { id } = await port(true)
      expect(await card(id)).toMatch(/<source network="plimsoll-sub"\/>.*<filterref filter="plimsoll-/)
      expect(await cloud.port!.get(id)).toMatchObject({ addresses: ['10.40.0.9'], placed: [{ subnet }] })
      // Another one may have the same range: the host has no address in it.
      const other = (await made('network', { name: 'n2', cidrs: [] }, 'net2')).id
      await made('subnet', subnetSpec(other, { wire: { name: 'floor', vlan: 11 } }), 'sub2')
      await expect(cloud.subnet!.update!(subnet, { ...spec, wire: { name: 'floor', vlan: 12 } })).rejects.toThrow(
        'bridge',
      )
    })

    it('is one bridge of each VLAN, as Linux has them', async () => {
      expect((await laid({ name: 'floor', vlan: 12 })).wire()!.live).toContain('<bridge name="br12"/></network>')
    })

    it('is a VLAN of Open vSwitch, whose ports nothing filters', async () => {
      const { wire, port, card } = await laid({ name: 'trunk', vlan: 142 })
      expect(wire()!.live).toContain(
        '<bridge name="ovs0"/><virtualport type="openvswitch"/><vlan><tag id="142"/></vlan></network>',
      )
      await expect(port(true)).rejects.toThrow('Open vSwitch')
      expect(await card((await port(false)).id)).not.toContain('filterref')
    })

    it('is refused where the bridge is not named, or does not carry that', async () => {
      for (const wire of [
        { name: 'gone', vlan: null },
        { name: 'office', vlan: 7 },
        { name: 'floor', vlan: null },
        { name: 'trunk', vlan: 99 },
      ])
        await expect(laid(wire)).rejects.toMatchObject({ code: 'definitive' })
      for (const bad of [
        'br0',
        [{ name: 'a' }],
        [{ name: 'a', bridge: 'x y' }],
        [{ name: 'a', bridge: 'br0', kind: 'magic' }],
        [{ name: 'a', bridge: 'br0', vlans: '1-2' }],
        [{ name: 'a', bridge: 'br{vlan}' }],
        [{ name: 'a', bridge: 'ovs0', kind: 'openvswitch', vlans: '9-2' }],
        [{ name: 'a', bridge: 'br0', colour: 'red' }],
        [bridges[0], bridges[0]],
      ])
        expect(readOptions({ ...OPTIONS, bridges: bad } as never).faults, JSON.stringify(bad)).toHaveLength(1)
      const wires = libvirt.wires!({ ...OPTIONS, bridges } as never)
      expect(wires.map(({ name, flat, vlans }) => [name, flat, vlans])).toEqual([
        ['office', true, null],
        ['floor', false, [10, 20]],
        ['trunk', true, [100, 199]],
      ])
    })
  })

  it('has one subnet in a zone, in a range that no other network there has', async () => {
    const { made, ground, subnetSpec } = rack()
    const { network } = await ground()
    await expect(made('subnet', subnetSpec(network, { cidr: '10.41.0.0/24', gateway: null }), 's2')).rejects.toThrow(
      'one subnet in each zone',
    )
    const other = (await made('network', { name: 'n2', cidrs: [] }, 'net2')).id
    for (const [cidr, gateway] of [
      ['10.40.0.128/25', '10.40.0.129'],
      ['192.168.122.0/24', null],
    ])
      await expect(made('subnet', subnetSpec(other, { cidr, gateway }), 's3')).rejects.toMatchObject({
        code: 'conflict',
      })
  })

  it('leaves nothing behind where the host itself has the range', async () => {
    const { made, subnetSpec, host, wire } = rack()
    const network = (await made('network', { name: 'n', cidrs: [] }, 'net')).id
    host.wired.host.refuses = '10.40.0.1'
    await expect(made('subnet', subnetSpec(network), 'sub')).rejects.toMatchObject({ code: 'conflict' })
    expect(wire()).toBeUndefined()
  })

  it('is started again where somebody stopped it', async () => {
    const { ground, cloud, wire, subnetSpec } = rack()
    const { subnet, network } = await ground()
    wire()!.live = null
    await cloud.subnet!.update!(subnet, subnetSpec(network))
    expect(wire()!.live).not.toBeNull()
  })

  it.each([
    ['of IPv6', { cidr: 'fd00::/64', gateway: null }],
    ['too narrow', { cidr: '10.40.0.0/31', gateway: null }],
    ['with a gateway that is no first address', { gateway: '10.40.0.254' }],
    ['in a zone that is none', { zone: 'elsewhere' }],
  ])('has no subnet %s', async (_, change) => {
    const { made, subnetSpec } = rack()
    const network = (await made('network', { name: 'n', cidrs: [] }, 'net')).id
    await expect(made('subnet', subnetSpec(network, change), 'sub')).rejects.toMatchObject({ code: 'definitive' })
  })

  it('leaves networks of others as they are', async () => {
    const { cloud, made, subnetSpec, host } = rack()
    const before = structuredClone(host.wired.wires)
    await expect(made('subnet', subnetSpec(IDS.network), 'sub')).rejects.toMatchObject({ code: 'definitive' })
    expect(await cloud.network!.update!(IDS.network, { name: 'mine', cidrs: [] })).toMatchObject({ name: 'default' })
    const subnet = `${IDS.network}/192.168.122.0/24`
    expect(await cloud.subnet!.update!(subnet, subnetSpec(IDS.network))).toMatchObject({ id: subnet })
    for (const [realm, id] of [
      [cloud.network!, IDS.network],
      [cloud.subnet!, subnet],
      [cloud.port!, `${IDS.web}/52:54:00:df:4a:01`],
    ] as const)
      await expect(realm.remove(id, markFor('network', 'net'))).rejects.toMatchObject({ code: 'definitive' })
    expect(host.wired.wires).toEqual(before)
  })

  it('stays away from what others have on the host, if it is told nothing', async () => {
    const { ground, cloud } = rack()
    await ground()
    expect(await cloud.heldRanges!()).toEqual([{ cidr: '192.168.122.0/24', network: IDS.network, whole: false }])
  })

  it('stays away from what a host had that is silent now', async () => {
    const host = estate()
    let silent = false
    const hosts = [...OPTIONS.hosts, { name: 'kvm2', uri: 'qemu+tls://kvm2.example/system' }]
    const around = surroundings(async (to) => {
      if (silent && to.kind !== 'unix' && to.host.startsWith('kvm2')) throw new Error('connect ECONNREFUSED')
      return host.line()
    })
    const cloud = libvirt.connect(connection({ options: { ...OPTIONS, hosts } }), around)
    const before = await cloud.heldRanges!()
    silent = true
    expect(before.map(({ network }) => network.split('/')[0])).toEqual(['kvm1', 'kvm2'])
    expect(await cloud.heldRanges!()).toEqual(before)
  })

  it('is not removed while a host does not answer that may have a subnet of it', async () => {
    const host = estate()
    const hosts = [...OPTIONS.hosts, { name: 'kvm2', uri: 'qemu+tls://kvm2.example/system' }]
    const around = surroundings(async (to) => {
      if (to.kind !== 'unix' && to.host.startsWith('kvm2')) throw new Error('connect ECONNREFUSED')
      return host.line()
    })
    const cloud = libvirt.connect(connection({ options: { ...OPTIONS, hosts } }), around)
    const mark = markFor('network', 'net')
    const { id } = (await cloud.network!.create({ name: 'n', cidrs: [] }, mark)) as Seen
    await expect(cloud.network!.remove(id, mark)).rejects.toMatchObject({ code: 'ambiguous' })
    expect(await cloud.network!.get(id)).toMatchObject({ mark })
  })
})

describe('a port that is made', () => {
  const entries = (xml: string | null | undefined) =>
    [...(xml ?? '').matchAll(/<host mac="(.*?)" ip="(.*?)"/g)].map(([, mac, ip]) => `${mac} ${ip}`)

  it('has an entry of DHCP in what runs and in what is kept, and a filter, and leaves neither', async () => {
    const { ground, made, wire, host, cloud } = rack()
    const { portSpec } = await ground()
    const { id } = await made('port', portSpec(20), 'p20')
    await made('port', portSpec(21), 'p21')
    expect(await cloud.port!.get(id)).toMatchObject({
      mac: 'fa:16:3e:00:00:20',
      addresses: ['10.40.0.20'],
      server: null,
    })
    const both = ['fa:16:3e:00:00:20 10.40.0.20', 'fa:16:3e:00:00:21 10.40.0.21']
    expect([entries(wire()!.live), entries(wire()!.kept)]).toEqual([both, both])
    expect(host.wired.filters.size).toBe(2)
    await cloud.port!.remove(id, markFor('port', 'p20'))
    expect([entries(wire()!.live), entries(wire()!.kept)]).toEqual([[both[1]], [both[1]]])
    expect(host.wired.filters.size).toBe(1)
    expect(await cloud.port!.get(id)).toBeNull()
  })

  it('takes away entries that no port accounts for', async () => {
    const { ground, made, wire } = rack()
    const { portSpec } = await ground()
    const stray = '<dhcp><host mac="fa:16:3e:99:00:01" ip="10.40.0.20"/></dhcp></ip>'
    for (const form of ['live', 'kept'] as const) wire()![form] = wire()![form]!.replace('</ip>', stray)
    await made('port', portSpec(20), 'p20')
    expect(entries(wire()!.live)).toEqual(['fa:16:3e:00:00:20 10.40.0.20'])
  })

  it('has an address that nobody else gets before it is free again', async () => {
    const { ground, made, cloud } = rack()
    const { portSpec } = await ground()
    const { id } = await made('port', portSpec(20), 'p20')
    const beside = portSpec(20, { mac: 'fa:16:3e:00:00:99' })
    await expect(made('port', beside, 'p99')).rejects.toMatchObject({ code: 'conflict' })
    await cloud.port!.update!(
      id,
      portSpec(20, { addresses: [{ ...portSpec(20).addresses[0]!, address: '10.40.0.30' }] }),
    )
    await made('port', beside, 'p99')
    expect(await cloud.port!.get(id)).toMatchObject({ addresses: ['10.40.0.30'] })
  })

  it('keeps its form when its subnet is defined anew', async () => {
    const { ground, made, cloud, wire, subnetSpec } = rack()
    const { portSpec, subnet, network } = await ground()
    await made('port', portSpec(20), 'p20')
    await cloud.subnet!.update!(subnet, subnetSpec(network, { name: 'renamed' }))
    expect(entries(wire()!.kept)).toEqual(['fa:16:3e:00:00:20 10.40.0.20'])
    expect(await cloud.subnet!.get(subnet)).toMatchObject({ name: 'renamed' })
  })

  it('takes filters along that its cloud has for no port, and none of others or in use', async () => {
    const { ground, made, host, cloud } = rack()
    const { portSpec } = await ground()
    const { id } = await made('port', portSpec(20), 'p20')
    await made('port', portSpec(21), 'p21')
    const [own = '', other = ''] = host.wired.filters.keys()
    const xml = host.wired.filters.get(other)!
    const [stray, inUse, foreign] = [own.replace(/..$/, 'zz'), own.replace(/..$/, 'yy'), 'plimsoll-00000000-x']
    for (const name of [stray, inUse, foreign, 'clean-traffic']) host.wired.filters.set(name, xml)
    host.chain.push(`<x/></disk><interface type='network'><filterref filter='${inUse}'/></interface><disk>`)
    await cloud.port!.remove(id, markFor('port', 'p20'))
    expect([...host.wired.filters.keys()].sort()).toEqual([other, inUse, foreign, 'clean-traffic'].sort())
  })
  it('is a card with its network and its filter, on the host of its subnet', async () => {
    const { ground, made, linked, around, host } = rack()
    const { portSpec } = await ground()
    const { id } = await made('port', portSpec(20), 'p20')
    const { options } = readOptions(linked.options)
    const at = <T>(work: Parameters<typeof onHost<T>>[2]) =>
      onHost({ connection: linked, options, surroundings: around }, options.hosts[0]!, work)
    const [filter] = host.wired.filters.keys()
    expect(await at((kvm) => cardXml(kvm, id, 'virtio'))).toBe(
      `<interface type="network"><mac address="fa:16:3e:00:00:20"/><source network="plimsoll-sub"/><model type="virtio"/><filterref filter="${filter}"/></interface>`,
    )
    await expect(at((kvm) => cardXml({ ...kvm, name: 'kvm2' }, id, 'virtio'))).rejects.toMatchObject({
      code: 'definitive',
    })
    await expect(at((kvm) => cardXml(kvm, id.replace('20', '77'), 'virtio'))).rejects.toMatchObject({
      code: 'not_found',
    })
  })

  it.each([
    ['without an address', { addresses: [] }],
    ['with the address of the host', (subnet: string) => ({ addresses: [{ subnet, address: '10.40.0.1' }] })],
    ['with an address of another range', (subnet: string) => ({ addresses: [{ subnet, address: '10.41.0.9' }] })],
    ['with a multicast address of its own', { mac: '01:00:5e:00:00:01' }],
    ['in a group without port security', { portSecurity: false }],
  ])('is none %s', async (_, change) => {
    const { ground, made } = rack()
    const { portSpec, subnet } = await ground()
    const spec = portSpec(20, typeof change === 'function' ? change(subnet) : change)
    await expect(made('port', spec, 'p20')).rejects.toMatchObject({ code: 'definitive' })
  })
})

describe('a port that goes into a server', () => {
  const plugging = async () => {
    const all = rack()
    const { portSpec } = await all.ground()
    await all.cloud.server.mark!(IDS.web, markFor('server', 'web'))
    const { id: port } = await all.made('port', portSpec(20), 'p20')
    const spec = { server: IDS.web, port }
    const join = () => all.cloud.interface!.create(spec, markFor('interface', 'i'))
    all.host.done.length = 0
    return { ...all, port, spec, join }
  }

  it('is a card in what runs and in what is kept, once, and shows whose it is', async () => {
    const { cloud, host, port, join } = await plugging()
    const { id } = (await join()) as Seen
    expect(await join()).toMatchObject({ id, health: 'ready' })
    expect(host.done).toEqual(['DOMAIN_ATTACH_DEVICE_FLAGS web interface 3'])
    expect(await cloud.port!.get(port)).toMatchObject({ server: IDS.web, addresses: ['10.40.0.20'] })
    const { ports } = (await cloud.server.get(IDS.web))!
    expect(ports).toContainEqual({ id: port, mac: 'fa:16:3e:00:00:20', addresses: ['10.40.0.20'] })
    expect((await cloud.interface!.list()).items.map((each) => each.id)).toContain(id)
    await expect(cloud.port!.remove(port, markFor('port', 'p20'))).rejects.toMatchObject({ code: 'conflict' })
  })

  it('stays until its guest lets go of it, and is free then', async () => {
    const { cloud, host, port, join } = await plugging()
    const { id } = (await join()) as Seen
    host.guest.holdsOn = true
    await cloud.interface!.remove(id, markFor('interface', 'i'))
    expect(await cloud.interface!.get(id)).not.toBeNull()
    host.guest.holdsOn = false
    await cloud.interface!.remove(id, markFor('interface', 'i'))
    expect(await cloud.interface!.get(id)).toBeNull()
    expect(await cloud.port!.get(port)).toMatchObject({ server: null })
    await cloud.interface!.remove(id, markFor('interface', 'i'))
  })

  it('goes into one server alone, and into none of others', async () => {
    const { cloud, port, join } = await plugging()
    const other = () => cloud.interface!.create({ server: IDS.db, port }, markFor('interface', 'j'))
    await expect(other()).rejects.toMatchObject({ code: 'definitive' })
    await cloud.server.mark!(IDS.db, markFor('server', 'db'))
    await join()
    await expect(other()).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('a security group that is made', () => {
  it('is part of the filters of the ports in it, and of no others', async () => {
    const { ground, made, cloud, host } = rack()
    const { portSpec, group, network } = await ground()
    await made('port', portSpec(20), 'p20')
    await made('port', portSpec(21, { securityGroups: [] }), 'p21')
    const before = host.wired.defined.length
    const spec = { name: 'g', description: '', network, rules: [ssh] }
    await cloud.security_group!.update!(group, spec)
    expect(host.wired.defined.length - before).toBe(1)
    expect([...host.wired.filters.values()].filter((xml) => xml.includes('dstportstart="22"'))).toHaveLength(1)
    await cloud.security_group!.update!(group, { ...spec, rules: [] })
    expect([...host.wired.filters.values()].filter((xml) => xml.includes('dstportstart="22"'))).toHaveLength(0)
  })

  it('lets its members in by their addresses, as they come and go', async () => {
    const { ground, made, cloud, host } = rack()
    const { portSpec, group, network } = await ground()
    const rules = [{ ...ssh, group: 'self' as const }]
    await cloud.security_group!.update!(group, { name: 'g', description: '', network, rules })
    const { id: first } = await made('port', portSpec(20), 'p20')
    const { id: second } = await made('port', portSpec(21), 'p21')
    const seenBy = () => host.wired.filters.get(host.wired.defined[0]!)!
    expect(seenBy()).toContain('srcipaddr="10.40.0.21" srcipmask="32" dstportstart="22"')
    await cloud.port!.update!(second, portSpec(21, { securityGroups: [] }))
    expect(seenBy()).not.toContain('10.40.0.21')
    await cloud.port!.update!(second, portSpec(21))
    expect(seenBy()).toContain('10.40.0.21')
    await cloud.port!.remove(second, markFor('port', 'p21'))
    expect(seenBy()).not.toContain('10.40.0.21')
    expect(first).toBeTruthy()
  })

  it('lets nobody in who left it, though that took two attempts, and gives the address back', async () => {
    const { ground, made, cloud, host } = rack()
    const { network, group, portSpec } = await ground()
    const rules = [{ ...ssh, group: 'self' }]
    await cloud.security_group!.update!(group, { name: 'g', description: '', network, rules })
    const [, second] = [await made('port', portSpec(20), 'p20'), (await made('port', portSpec(21), 'p21')).id]
    const lets = (address: string) => [...host.wired.filters.values()].some((xml) => xml.includes(address))
    expect(lets('10.40.0.21')).toBe(true)
    const other = { ...portSpec(21), addresses: portSpec(22).addresses, securityGroups: [] }
    host.wired.host.broken = true
    await expect(cloud.port!.update!(second, other)).rejects.toMatchObject({ code: 'ambiguous' })
    host.wired.host.broken = false
    await cloud.port!.update!(second, other)
    expect(lets('10.40.0.21')).toBe(false)
    await made('port', { ...portSpec(23), addresses: portSpec(21).addresses }, 'p23')
  })

  it('names groups of its own network alone', async () => {
    const { ground, made } = rack()
    const { group, portSpec } = await ground()
    const network = (await made('network', { name: 'n2', cidrs: [] }, 'net2')).id
    const spec = { name: 'g2', description: '', network, rules: [{ ...ssh, group }] }
    await expect(made('security_group', spec, 'g2')).rejects.toMatchObject({ code: 'definitive' })
    const other = (await made('security_group', { ...spec, rules: [] }, 'g2')).id
    await expect(made('port', portSpec(20, { securityGroups: [other] }), 'p')).rejects.toMatchObject({
      code: 'definitive',
    })
  })
})
