import type { AddressPair, BandwidthLimit, PortSeen, PortSpec, Realm } from '../../contract.ts'
import { parseAddress, parseCidr } from '../../shared/cidr.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { holdOf } from '../records/hold.ts'
import { realm, referred } from '../records/realm.ts'
import { inside, range } from './address.ts'
import { bySubnet, claimAddresses, releaseAddresses } from './address-claims.ts'

/** What the cloud keeps of every subnet: its own address and a router's at the head, broadcast at the tail. */
export const RESERVED = { head: 2, tail: 1 }

const reserved = (cidr: string, address: string): boolean => {
  const block = range(cidr)
  const value = parseAddress(address)?.value
  // A block of one or two addresses is nothing but its ends, and they are whoever's it is.
  if (!block || value === undefined || block.last - block.first < 2n) return false
  return value < block.first + BigInt(RESERVED.head) || value > block.last - BigInt(RESERVED.tail)
}

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i

const checkPair = ({ address, mac }: AddressPair, { portSecurity }: PortSpec): void => {
  if (!portSecurity) throw refusal('InvalidValue', 'The cloud looks at no addresses of a port without port security.')
  if (mac !== null && !MAC.test(mac)) throw refusal('InvalidValue', `${mac} is no MAC address.`)
  if (!parseAddress(address) && !parseCidr(address)) throw refusal('InvalidValue', `${address} is no address.`)
}

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
const checkLimits = (limits: BandwidthLimit[]): void => {
  if (new Set(limits.map(({ direction }) => direction)).size < limits.length)
    throw refusal('InvalidValue', 'What passes a port is limited once in each direction.')
  if (limits.some(({ kbps, burstKbits }) => !isWhole(kbps) || kbps === 0 || !isWhole(burstKbits)))
    throw refusal('InvalidValue', 'A limit of what passes a port is a whole number of kilobits.')
}

/** The zone that its addresses are in; null: it has none. */
const check = async (engine: Engine, spec: PortSpec): Promise<string | null> => {
  await referred(engine, 'network', spec.network)
  if (!MAC.test(spec.mac)) throw refusal('InvalidValue', `${spec.mac} is no MAC address.`)
  let zone: string | null = null
  for (const { subnet: id, address } of spec.addresses) {
    const subnet = await referred(engine, 'subnet', id)
    if (subnet.spec.network !== spec.network) throw refusal('InvalidValue', 'The subnet is not of that network.')
    if (zone !== null && zone !== subnet.spec.zone) throw refusal('WrongZone', 'A port has addresses of one zone only.')
    zone = subnet.spec.zone
    if (!inside(subnet.spec.cidr, address)) throw refusal('InvalidValue', `${address} is not in ${subnet.spec.cidr}.`)
    if (reserved(subnet.spec.cidr, address)) throw refusal('InvalidValue', `${address} is reserved by the cloud.`)
  }
  for (const pair of spec.addressPairs ?? []) checkPair(pair, spec)
  checkLimits(spec.bandwidth ?? [])
  if (spec.dhcpOptions?.some(({ name }) => !name || name.includes('\n')))
    throw refusal('InvalidValue', 'An option of DHCP has a name of one line.')
  for (const id of spec.securityGroups) {
    const group = await referred(engine, 'security_group', id)
    if (group.spec.network !== spec.network) throw refusal('InvalidValue', 'The security group is on another network.')
  }
  return zone
}

/** The addresses of a port, and its MAC address beside them in each of their subnets. */
const claim = (engine: Engine, spec: PortSpec, holder: string): Promise<void> =>
  claimAddresses(engine, holder, spec.addresses, [spec.mac.toLowerCase()])

/** Ports: a card with its addresses, which it has from the start and keeps whatever it is plugged into. */
export const ports = (engine: Engine): Realm<PortSpec, PortSeen> => {
  return realm(engine, {
    kind: 'port',
    readyMs: engine.settings.network_ms,
    async draft(spec, _, key) {
      const zone = await check(engine, spec)
      await claim(engine, spec, key)
      return { name: spec.name, spec, zone, hold: null }
    },
    async view(entity, seen, lookup) {
      const hold = await holdOf(engine, entity, lookup)
      const { mac, addresses } = entity.spec
      const plain = addresses.map(({ address }) => address)
      return { ...seen, mac, addresses: plain, placed: addresses, server: hold?.server ?? null }
    },
    async inUse(entity) {
      if (await holdOf(engine, entity, engine.state.lookup)) throw refusal('InUse', 'The port is in use by a server.')
    },
    release: ({ spec, id }, goneAt) => releaseAddresses(engine, engine.state.key('port', id), spec.addresses, goneAt),
    async revise(entity, spec) {
      if (spec.network !== entity.spec.network) throw refusal('InvalidValue', 'A port cannot change its network.')
      const plugged = (await holdOf(engine, entity, engine.state.lookup)) !== null
      if (plugged && spec.mac !== entity.spec.mac)
        throw refusal('InUse', 'A port in use cannot change its MAC address.')
      const zone = await check(engine, spec)
      const key = engine.state.key('port', entity.id)
      await claim(engine, spec, key)
      const left = entity.spec.addresses.filter(({ subnet }) => !bySubnet(spec.addresses).has(subnet))
      await releaseAddresses(engine, key, left, engine.now())
      return { ...entity, name: spec.name, spec, zone }
    },
  })
}
