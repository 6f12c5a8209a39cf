import type { SubnetRow } from '../../../db/queries/network/subnets.ts'
import { type Block, cidrHolds, eui64, onlyEnds, readCidr, readIp, writeIp } from './address.ts'
import { conflicting, invalid, invalidInput } from './network-refusal.ts'

/** Neutron's shape: either may be absent, not both. */
export interface FixedIpWish {
  subnet_id?: string | undefined
  ip_address?: string | undefined
}
interface FixedIp {
  subnet_id: string
  ip_address: string
}

/** Chosen among so many free ones, so that two who choose at once seldom meet. */
const WINDOW = 16

/** Whether a cloud that keeps so many addresses at each end of a subnet keeps this one. */
export const reservedAddresses = (cidr: string, kept: { head: number; tail: number }) => {
  const block = readCidr(cidr)
  return (address: string): boolean => {
    const ip = readIp(address)
    return !!block && !!ip && ip.version === block.version && isKept(block, ip.value, kept)
  }
}

const isKept = (block: Block, value: bigint, kept: { head: number; tail: number }): boolean =>
  !onlyEnds(block) && (value < block.first + BigInt(kept.head) || value > block.last - BigInt(kept.tail))

/** The host makes its address from its MAC by itself. */
export const bySlaac = (subnet: SubnetRow): boolean =>
  subnet.ipVersion === 6 && (subnet.ipv6AddressMode === 'slaac' || subnet.ipv6AddressMode === 'dhcpv6-stateless')

interface Choice {
  networkId: string
  subnets: SubnetRow[]
  wished: FixedIpWish[] | null
  /** Free addresses by subnet, those to be preferred first. */
  free: Map<string, string[]>
  /** `<subnet>/<address>` of what was named, or chosen before, and is not free. */
  used: Set<string>
  mac: string
  /** A UUID whose digits decide among equals. */
  dice: string
}

/**
 * The addresses of a port by Neutron's rules: as named, or one of each family. A pure function.
 * https://docs.openstack.org/api-ref/network/v2/#create-port, `fixed_ips`
 */
export const chooseAddresses = (choice: Choice): FixedIp[] => {
  const { subnets, wished } = choice
  if (!wished) return automatic(choice)
  if (wished.length && !subnets.length) throw invalidInput('IP allocation requires subnets for network')
  const chosen: FixedIp[] = []
  for (const wish of wished) {
    const candidates = candidatesFor(choice, wish)
    const ip =
      wish.ip_address === undefined ? oneOf(choice, candidates) : named(choice, candidates[0]!, wish.ip_address)
    if (chosen.some((other) => other.ip_address === ip.ip_address))
      throw invalidInput(`Duplicate IP address '${ip.ip_address}'`)
    choice.used.add(`${ip.subnet_id}/${ip.ip_address}`)
    chosen.push(ip)
  }
  // Addresses that hosts make by themselves are on every port of the network.
  for (const subnet of subnets.filter(bySlaac))
    if (chosen.length && !chosen.some((ip) => ip.subnet_id === subnet.id) && wished.every((w) => !w.subnet_id))
      chosen.push({ subnet_id: subnet.id, ip_address: eui64(readCidr(subnet.cidr)!, choice.mac) })
  return chosen
}

const automatic = (choice: Choice): FixedIp[] => {
  const { subnets } = choice
  const chosen = [4, 6].flatMap((version) => {
    const candidates = subnets.filter((subnet) => subnet.ipVersion === version && !bySlaac(subnet))
    return candidates.length ? [oneOf(choice, candidates)] : []
  })
  const slaac = subnets
    .filter(bySlaac)
    .map((subnet) => ({ subnet_id: subnet.id, ip_address: eui64(readCidr(subnet.cidr)!, choice.mac) }))
  return [...chosen, ...slaac]
}

const candidatesFor = ({ networkId, subnets }: Choice, wish: FixedIpWish): SubnetRow[] => {
  if (wish.subnet_id !== undefined) {
    const subnet = subnets.find(({ id }) => id === wish.subnet_id)
    if (!subnet)
      throw invalidInput(
        `Failed to create port on network ${networkId}, because fixed_ips included invalid subnet ${wish.subnet_id}`,
      )
    if (wish.ip_address !== undefined && !cidrHolds(subnet.cidr, wish.ip_address))
      throw invalid('InvalidIpForSubnet', `IP address ${wish.ip_address} is not a valid IP for the specified subnet.`)
    return [subnet]
  }
  if (wish.ip_address === undefined) throw invalidInput('IP allocation requires subnet_id or ip_address')
  const holding = subnets.filter((subnet) => cidrHolds(subnet.cidr, wish.ip_address!))
  if (!holding.length)
    throw invalid(
      'InvalidIpForNetwork',
      `IP address ${wish.ip_address} is not a valid IP for any of the subnets on the specified network.`,
    )
  return holding
}

const named = ({ used }: Choice, subnet: SubnetRow, text: string): FixedIp => {
  const address = writeIp(readIp(text)!)
  const block = readCidr(subnet.cidr)!
  const { value } = readIp(address)!
  // The ends of a block are nobody's address, but where a block is nothing but its ends.
  const ends = block.version === 4 && !onlyEnds(block) && (value === block.first || value === block.last)
  if (ends) throw invalid('InvalidIpForSubnet', `IP address ${address} is not a valid IP for the specified subnet.`)
  if (used.has(`${subnet.id}/${address}`))
    throw conflicting('IpAddressAlreadyAllocated', `IP address ${address} already allocated in subnet ${subnet.id}`)
  return { subnet_id: subnet.id, ip_address: address }
}

/** A free address of the first subnet that has one. */
const oneOf = ({ networkId, free, used, mac, dice }: Choice, candidates: SubnetRow[]): FixedIp => {
  for (const subnet of candidates) {
    if (bySlaac(subnet)) return { subnet_id: subnet.id, ip_address: eui64(readCidr(subnet.cidr)!, mac) }
    const open: string[] = []
    for (const address of free.get(subnet.id) ?? []) {
      if (open.length === WINDOW) break
      if (!used.has(`${subnet.id}/${address}`)) open.push(address)
    }
    const address = open[Number.parseInt(dice.slice(0, 4), 16) % open.length]
    if (address !== undefined) return { subnet_id: subnet.id, ip_address: address }
  }
  throw conflicting('IpAddressGenerationFailure', `No more IP addresses available on network ${networkId}.`)
}
