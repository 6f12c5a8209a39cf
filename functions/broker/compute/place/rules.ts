import type { Adapter, Capability } from '../../../../adapters/contract.ts'
import type { Found, NetworkRow } from '../../../../db/queries/compute/places.ts'
import { type Filtering, filteringOf } from '../../clouds/filters.ts'
import { freeZone, inChain, NO_POLICY, whyOutOfRegion } from '../../clouds/policy.ts'
import type { Allowance } from '../../money/allowance.ts'
import { neededOfPort } from '../../network/port-needs.ts'
import { type Site, sitesFor } from '../../network/segments/sites.ts'
import { bootDisk } from '../disks/disk.ts'
import { whyNoDisks } from '../disks/refusals.ts'
import { COMPUTE_OWNER } from '../interfaces/server-ports.ts'
import { namesGroups, type ServerWish, type Understood } from '../server-wish.ts'
import { capabilitiesFor } from './group.ts'
import { growsFor } from './grow.ts'
import { whyBeyond } from './limits.ts'
import { isSpilled } from './marks.ts'
import { unreached } from './reach.ts'
import { whyAtHome } from './tighten.ts'

/* What keeps a server off a cloud. A rule says why, in a sentence; the first that does refuses the cloud. */

export type Mapped = Found['clouds'][number]

/** What rules look at. */
export interface Ground {
  wish: ServerWish
  understood: Understood
  found: Found
  /** By the type of a cloud. */
  adapters: ReadonlyMap<string, Adapter | null>
  /** What the project may spend; null: its money has no limit. */
  allowance: Allowance | null
}

export interface CloudRule {
  name: string
  /** The cloud is not capable of it: where only such clouds are left, the wish is refused and no server is made. */
  incapable?: true
  /** Null: the rule has nothing against the cloud. */
  why(ground: Ground, cloud: Mapped): string | null
}

const named: CloudRule = {
  name: 'named',
  why: ({ wish, found }, cloud) => (isFree(wish, found) || cloud.named ? null : `${wish.zone} was named.`),
}

/** No zone is named, or the one that leaves the choice to the broker. */
export const isFree = ({ zone }: Pick<ServerWish, 'zone'>, { policy }: Pick<Found, 'policy'>): boolean =>
  zone === null || zone === freeZone(policy)

/** Whether the zone that was named for a server on a cloud says nothing of where it is: real ones are `<cloud>` or `<cloud>.<zone>`. */
export const isFreeZone = (pinned: string, cloud: string | null): boolean => pinned !== cloud && !pinned.includes('.')

const chain: CloudRule = {
  name: 'chain',
  why: ({ wish, found }, { name }) =>
    isFree(wish, found) && placeInChain(found, name) === null ? unchained(name) : null,
}

/** Why nothing that names no zone goes to a cloud that is not in the chain. */
export const unchained = (name: string): string => `The chain of the project does not name ${name}.`

/** Where a cloud comes among those of the project, from 0; null: it has to be named. */
export const placeInChain = ({ policy }: Pick<Found, 'policy'>, cloud: string): number | null =>
  inChain(policy ?? NO_POLICY, cloud)

/** Holds where a zone is named, too. */
const region: CloudRule = {
  name: 'region',
  why: ({ found }, cloud) => whyOutOfRegion(found.policy ?? NO_POLICY, cloud),
}

const readOnly: CloudRule = {
  name: 'read-only',
  why: (_, cloud) =>
    cloud.readOnly && !cloud.named ? `Cloud ${cloud.name} is connected read-only: nothing there is changed.` : null,
}

/** What keeps it at home, as its project or it says. */
const spill: CloudRule = {
  name: 'spill',
  why: ({ wish, understood, found: { policy } }, { name }) =>
    policy && isSpilled(policy, name) ? whyAtHome(policy, { ...wish, extraSpecs: understood.flavor.extraSpecs }) : null,
}

const capability: CloudRule = {
  name: 'capability',
  incapable: true,
  why: (ground, { id, type }) => {
    const lacks = ground.adapters.get(type)?.lacks ?? {}
    return neededOf(ground, id).flatMap((needed) => lacks[needed] ?? [])[0] ?? null
  },
}

/** One that is made for the server has nothing of its own. */
const NEW_PORT = { qosPolicyId: null, deviceOwner: COMPUTE_OWNER, dhcpOptions: [] }

/** What a cloud must be capable of to have it. */
const neededOf = ({ wish, understood: { nics, disks }, found }: Ground, cloudId: string): Capability[] => {
  const footed = ({ network }: Understood['nics'][number]) =>
    found.feet.some((foot) => foot.networkId === network.id && (foot.cloudId ?? cloudId) === cloudId)
  return [
    ...(found.group ? capabilitiesFor(found.group.policy) : []),
    ...(wish.configDrive ? (['server.config_drive'] as const) : []),
    ...(disks.length ? (['volume', 'attachment'] as const) : []),
    ...(bootDisk(disks) ? (['server.boot_from_volume'] as const) : []),
    ...(nics.some(footed) ? (['router'] as const) : []),
    ...(nics.some(({ port }) => port?.addressPairs.length) ? (['port.address_pairs'] as const) : []),
    ...nics.flatMap(({ network, port }) => neededOfPort(port ?? NEW_PORT, network)),
  ]
}

const filters: CloudRule = {
  name: 'filters',
  incapable: true,
  why: (ground, cloud) => {
    const rules = filteringIn(ground, cloud)
    if (!rules) return null
    return (asksForFilters(ground) ? rules.whyNone : null) ?? (asksForNone(ground) ? rules.whyAlways : null)
  },
}

/** What a cloud makes of security groups of the project; null: nothing speaks to it. */
export const filteringIn = ({ adapters }: Pick<Ground, 'adapters'>, cloud: Mapped): Filtering | null => {
  const adapter = adapters.get(cloud.type)
  return adapter ? filteringOf({ name: cloud.name, adapter }, cloud) : null
}

/** Somebody named groups: for the server, or for a port that it is given. What comes by itself moves no server. */
const asksForFilters = ({ wish, understood: { nics } }: Ground): boolean =>
  nics.some(({ network, port }) => (port ? port.portSecurity && !port.plain : namesGroups(wish) && mayFilter(network)))

/** One of its ports is to be without port security: a new one on a network without, or one that was made so. */
const asksForNone = ({ understood: { nics } }: Ground): boolean =>
  nics.some(({ network, port }) => !(port?.portSecurity ?? network.portSecurity))

/** A network that is on no cloud yet knows best; on one it may be the cloud that keeps it from filtering. */
const mayFilter = ({ portSecurity, cloudId }: NetworkRow): boolean => portSecurity || cloudId !== null

const limit: CloudRule = {
  name: 'limit',
  incapable: true,
  why: ({ wish, understood, found, adapters }, { id, type, name }) => {
    const adapter = adapters.get(type)
    const beyond = adapter ? whyBeyond(adapter, id, wish, understood, found) : null
    return beyond === null ? null : `Cloud ${name} ${beyond}.`
  },
}

const image: CloudRule = {
  name: 'image',
  why: ({ understood: { image, disks }, found }, cloud) =>
    !image || bootDisk(disks) || found.imageClouds.includes(cloud.id)
      ? null
      : (found.untaken[cloud.id] ?? `Image ${image.id} is not there.`),
}

const source: CloudRule = {
  name: 'source',
  why: ({ understood: { disks } }, cloud) => whyNoDisks(disks, cloud.id),
}

const network: CloudRule = {
  name: 'network',
  why: ({ understood: { nics }, found }, cloud) => {
    for (const nic of nics) {
      if (growsFor(nic, found)) continue
      const { id, cloudId } = nic.network
      const sites = sitesOf(nic, found)
      if (sites) {
        if (!sites.some((site) => site.cloudId === cloud.id))
          return `${nic.port?.fixedIps.length || nic.fixedIp !== null ? `The address on network ${id}` : `Network ${id}`} has no segment there.`
      } else if (cloudId !== null && cloudId !== cloud.id)
        return `Network ${id} is on ${nameOf(found, cloudId)}, and lives on one cloud.`
    }
    return null
  },
}

/** Where an interface can be on a routed network; null: its network is not routed. */
export const sitesOf = ({ network, port, fixedIp }: Understood['nics'][number], found: Found): Site[] | null =>
  sitesFor(found, network.id, { subnetIds: port?.fixedIps.map((ip) => ip.subnet_id) ?? [], address: fixedIp })

const reach: CloudRule = {
  name: 'reach',
  why: ({ understood, found }, cloud) => {
    const beyond = understood.reach && unreached(understood.reach, cloud.id)
    return beyond
      ? `No route is said to lead from ${cloud.name} to ${nameOf(found, beyond.cloudId)}, where network ${beyond.networkId} is.`
      : null
  },
}

const volume: CloudRule = {
  name: 'volume',
  why: ({ found }, cloud) => {
    const elsewhere = found.volumes.find(({ cloudId }) => cloudId !== null && cloudId !== cloud.id)
    return elsewhere ? `Volume ${elsewhere.id} is on ${elsewhere.cloud}, and its server has to be there.` : null
  },
}

/** In the order in which they are asked. */
export const CLOUD_RULES: readonly CloudRule[] = [
  named,
  chain,
  region,
  readOnly,
  spill,
  capability,
  filters,
  limit,
  image,
  network,
  reach,
  volume,
  source,
]

/** The name of a cloud of the project; its id where the project is not mapped to it. */
export const nameOf = (found: Found, cloudId: string): string =>
  found.clouds.find(({ id }) => id === cloudId)?.name ?? cloudId
