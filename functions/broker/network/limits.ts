import type { Adapter, SubnetLimits } from '../../../adapters/contract.ts'
import type { AddressPair } from '../../../db/queries/network/ports.ts'
import type { SubnetRow } from '../../../db/queries/network/subnets.ts'
import type { Context } from '../../context.ts'
import { adapterOf } from '../clouds/adapter.ts'
import { type Block, readCidr, writeIp } from './address.ts'
import { beyondPairs } from './address-pairs.ts'
import { reservedAddresses } from './fixed-ips.ts'
import { conflicting } from './network-refusal.ts'

/*
 * Why a cloud cannot take a thing, by the limits of its adapter: the rest of a sentence that begins with the cloud's name;
 * null: it can, as far as its limits go.
 */

type Subnet = Pick<SubnetRow, 'cidr' | 'gatewayIp' | 'enableDhcp' | 'dnsNameservers'>

/**
 * Of the subnets of one network, because a cloud makes a network as a whole.
 * @param isWired whether one lies on a wire, where the gateway is others'
 */
export const beyondSubnets = <S extends Subnet>(
  { limits }: Pick<Adapter, 'limits'>,
  subnets: S[],
  isWired: (subnet: S) => boolean = () => false,
): string | null => {
  const { subnet: own } = limits
  for (const subnet of subnets) {
    const why = beyondSubnet(isWired(subnet) ? { ...own, gateway: 'any' } : own, subnet)
    if (why !== null) return why
  }
  if (own.sameNameservers && new Set(subnets.map(({ dnsNameservers }) => dnsNameservers.join())).size > 1)
    return 'takes the same name servers for all subnets of a network, and these differ'
  for (const version of [4, 6] as const) {
    const together = coverOf(subnets.map(({ cidr }) => readCidr(cidr)!).filter((block) => block.version === version))
    if (together !== null && own.together !== undefined && together < own.together)
      return `takes networks of /${own.together} at most, and its subnets together need /${together}`
  }
  return null
}

const beyondSubnet = (limits: SubnetLimits, { cidr, gatewayIp, enableDhcp, dnsNameservers }: Subnet): string | null => {
  const block = readCidr(cidr)!
  const prefixes = limits.prefixes[block.version]
  if (!prefixes) return `takes no subnets of IPv${block.version}, and ${cidr} is one`
  if (block.prefix < prefixes.widest || block.prefix > prefixes.narrowest)
    return `takes subnets of /${prefixes.widest} to /${prefixes.narrowest}, and ${cidr} is not`
  const first = writeIp({ version: block.version, value: block.first + 1n })
  if (limits.gateway === 'first' && gatewayIp !== null && gatewayIp !== first)
    return `takes ${first} as the gateway of ${cidr}, and not ${gatewayIp}`
  if (!limits.withoutDhcp && !enableDhcp) return `takes no subnets without DHCP, and ${cidr} has none`
  if (limits.nameservers !== undefined && dnsNameservers.length > limits.nameservers)
    return `takes ${limits.nameservers} name servers of a subnet at most, and ${cidr} has ${dnsNameservers.length}`
  return null
}

/** Prefix length of the block that holds them all. */
const coverOf = (blocks: Block[]): number | null => {
  if (!blocks.length) return null
  const bits = blocks[0]!.version === 4 ? 32 : 128
  const inOrder = (ends: bigint[]) => ends.toSorted((a, b) => (a < b ? -1 : 1))
  const low = inOrder(blocks.map(({ first }) => first))[0]!
  const high = inOrder(blocks.map(({ last }) => last)).at(-1)!
  return bits - (low ^ high).toString(2).replace(/^0$/, '').length
}

export interface PortAsked {
  subnetIds: string[]
  /** Addresses that somebody named, with the blocks that they are in. */
  named: { address: string; cidr: string }[]
  /** What it may speak with beside its own addresses. */
  pairs: AddressPair[]
}

/** Why a cloud cannot take a port, by the limits of its adapter: the rest of a sentence that begins with its name. */
export const beyondPort = (
  { limits, reservedAddresses: kept }: Pick<Adapter, 'limits' | 'reservedAddresses'>,
  { subnetIds, named, pairs }: PortAsked,
): string | null => {
  const { subnets: most } = limits.port
  const count = new Set(subnetIds).size
  if (most !== undefined && count > most)
    return `takes ports in ${most} subnet${most > 1 ? 's' : ''} at most, and one is in ${count}`
  const own = named.find(({ address, cidr }) => reservedAddresses(cidr, kept)(address))
  return own ? `keeps ${own.address} of ${own.cidr} for itself` : beyondPairs({ limits }, pairs)
}

/** Refuses what the cloud that a network is on, or comes to, cannot take. */
export const refuseBeyond = async <S extends Subnet>(
  context: Context,
  cloudId: string | null,
  subnets: S[],
  isWired?: (subnet: S) => boolean,
): Promise<void> => {
  const cloud = await adapterOf(context, cloudId)
  const why = cloud && beyondSubnets(cloud.adapter, subnets, isWired)
  if (why) throw conflicting('SubnetNotSupported', `Cloud ${cloud.name} ${why}.`)
}
