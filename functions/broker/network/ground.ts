import type { Terms } from '../../../db/queries/clouds/policies.ts'
import type { NetworkRow } from '../../../db/queries/network/network.ts'
import { networksWithSubnets, type PortGround, portGround } from '../../../db/queries/network/port-ground.ts'
import type { SubnetRow } from '../../../db/queries/network/subnets.ts'
import type { Context } from '../../context.ts'
import type { KnownCloud } from '../clouds/adapter.ts'
import { cidrHolds, readIp, writeIp } from './address.ts'
import { bySlaac, type FixedIpWish } from './fixed-ips.ts'
import { type Candidates, candidatesIn, freeAmong, walkFor } from './free-addresses.ts'
import { randomMac } from './mac.ts'
import type { Layout } from './segments/sites.ts'

/** What one port needs to know of what is there. */
export interface Need {
  networkId: string
  projectId: string
  /** Null: one address of each family that the network has; undefined: its addresses stay. */
  wished: FixedIpWish[] | null | undefined
  /** Null: one that is made up. */
  mac: string | null
  groupIds: string[]
  /** Of a routed network those subnets that lie where the port will be; undefined: any will do. */
  subnetIds?: string[] | undefined
  /** The port, where it is there already: what it has is free to it. */
  self?: string
}

/**
 * Networks, the clouds that they are on, and their segments and subnets in the order in which they were made, where
 * somebody has read them already.
 */
export interface Known extends Layout {
  clouds: KnownCloud[]
  /** What is said of the projects on these clouds. */
  terms: Terms[]
  networks: NetworkRow[]
}

/** What the plans of some ports stand on, read once for all of them. */
export interface Ground extends Known {
  groups: PortGround['groups']
  /** Free addresses by subnet: enough for all of the ports, or all that are left. */
  free: Map<string, string[]>
  /** `<subnet>/<address>` of addresses that came into question and are held; plans add what they choose. */
  used: Set<string>
  /** A MAC address for each port, in their order. */
  macs: string[]
}

/** Two round trips, one where networks, clouds and subnets are known; more only for subnets that are nearly full. */
export const readGround = async (context: Context, needs: Need[], read?: Known): Promise<Ground> => {
  const { db, scope } = context
  const networkIds = [...new Set(needs.map(({ networkId }) => networkId))]
  const projectIds = needs.map(({ projectId }) => projectId)
  const known = read ?? (await networksWithSubnets(db, scope, networkIds, projectIds))
  const { clouds, terms, networks, segments, subnets: everywhere } = known
  const subnets = everywhere.filter(({ networkId }) => networkIds.includes(networkId))
  const demands = subnets.filter((subnet) => !bySlaac(subnet)).map((subnet) => demandOn(subnet, needs))
  const candidates = demands
    .filter(({ direct, automatic }) => direct + automatic > 0)
    .map((demand) => ({ ...demand, ...candidatesIn(demand.subnet, demand.direct + demand.automatic, context.newId()) }))
  const asked = Object.fromEntries(
    subnets.map((subnet) => [
      subnet.id,
      [...(candidates.find((each) => each.subnet.id === subnet.id)?.addresses ?? []), ...namedOn(subnet, needs)],
    ]),
  )
  const made = needs.map(({ mac }) => mac ?? randomMac(context))
  const { held, macs, groups } = await portGround(db, scope, {
    addresses: asked,
    macs: needs.map(({ networkId }, i) => ({ networkId, mac: made[i]! })),
    groupIds: needs.flatMap(({ groupIds }) => groupIds),
    projectIds,
  })
  const self = needs[0]?.self
  const theirs = held.filter(({ portId }) => portId !== self)
  const lost = new Set(macs.map(({ networkId, mac }) => `${networkId}/${mac}`))
  return {
    clouds,
    terms,
    networks,
    segments,
    subnets,
    groups,
    free: await supply(context, candidates, theirs),
    used: new Set(theirs.map(({ subnetId, address }) => `${subnetId}/${address}`)),
    macs: needs.map(({ mac, networkId }, i) =>
      mac === null && lost.has(`${networkId}/${made[i]}`) ? randomMac(context) : made[i]!,
    ),
  }
}

interface Demand {
  subnet: SubnetRow
  /** Addresses that are asked of this subnet. */
  direct: number
  /** Addresses that may be of any subnet of the network and family. */
  automatic: number
}

const demandOn = (subnet: SubnetRow, needs: Need[]): Demand => {
  const here = needs.filter(({ networkId }) => networkId === subnet.networkId)
  const wishes = here.flatMap(({ wished }) => wished ?? [])
  return {
    subnet,
    direct: wishes.filter((wish) => wish.subnet_id === subnet.id && wish.ip_address === undefined).length,
    automatic: here.filter(({ wished, subnetIds }) => wished === null && (subnetIds?.includes(subnet.id) ?? true))
      .length,
  }
}

const namedOn = (subnet: SubnetRow, needs: Need[]): string[] =>
  needs
    .filter(({ networkId }) => networkId === subnet.networkId)
    .flatMap(({ wished }) => wished ?? [])
    .flatMap(({ ip_address }) =>
      ip_address !== undefined && cidrHolds(subnet.cidr, ip_address) ? writeIp(readIp(ip_address)!) : [],
    )

/** Free addresses of each subnet. One that is nearly full is walked through, if its older sisters have not enough. */
const supply = async (
  context: Context,
  candidates: (Candidates & Demand)[],
  held: PortGround['held'],
): Promise<Map<string, string[]>> => {
  const free = new Map<string, string[]>()
  const spare = new Map<string, number>()
  for (const each of candidates) {
    const { subnet, direct, automatic, all } = each
    const family = `${subnet.networkId}/${subnet.ipVersion}/${subnet.serviceTypes.join()}`
    const wanted = direct + Math.max(0, automatic - (spare.get(family) ?? 0))
    const found = freeAmong(each, held)
    const enough = found.length >= wanted || all ? found : await walkFor(context, each, wanted)
    free.set(subnet.id, enough)
    spare.set(family, (spare.get(family) ?? 0) + Math.max(0, enough.length - direct))
  }
  return free
}
