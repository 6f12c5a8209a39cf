import { mappingOf } from '../../../db/queries/clouds/clouds.ts'
import { termsFor } from '../../../db/queries/clouds/policies.ts'
import {
  bindRouters,
  deleteNetwork,
  elsewhere,
  insertNetwork,
  type NetworkRow,
  type NetworkView,
  networkById,
  networkHasPorts,
  networksById,
  pin,
  pinSubnets,
  reviveFailed,
  unsecure,
  updateNetwork,
  wantScopeAbsent,
  zoneElsewhere,
} from '../../../db/queries/network/network.ts'
import { segmentsOf } from '../../../db/queries/network/segments.ts'
import { deleteSubnetsOf } from '../../../db/queries/network/subnets.ts'
import type { Filters } from '../../../db/schema/index.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { filteringAt } from '../clouds/filters.ts'
import { charge, commit, guard, type Write } from '../line/commit.ts'
import { epochOf } from '../line/epoch.ts'
import { changed, unwanted } from '../line/resources.ts'
import { untilStill } from '../line/until-still.ts'
import { commitOr, conflicting, NetworkRefused, owned } from './network-refusal.ts'
import { dropWaysOut, WAYS_OUT_MOVED } from './pools/way-out.ts'
import { refuseLooseOnWire, refuseUnfilteredWire } from './segments/wire.ts'
import { filteredAs } from './unfiltered.ts'
import { homesNamed } from './zone-hints.ts'

/** A cloud that networks come to; `zone` is given where subnets are zonal. */
export interface Home {
  cloudId: string
  zone: string | null
  /** Those subnets of routed networks that lie there; absent: none of the networks is routed. */
  subnetIds?: string[]
  /** What it does with security groups: networks of one that filters nothing are without port security. */
  filters: Filters
}

/**
 * Writes that make a cloud the home of networks and of all that routers join to them. Guards: `network-elsewhere` when
 * another cloud is already, `network-zone` when their subnets are in another zone. Networks, subnets and groups are bound when
 * something needs them, routers at once. Routed networks have their segments already, each on its cloud.
 */
export const pinNetworks = (context: Context, networkIds: string[], home: Home): Write[] => {
  const { db } = context
  const { cloudId, zone, subnetIds = [] } = home
  const now = context.now()
  if (!networkIds.length) return []
  return [
    guard(context, 'network-elsewhere', elsewhere(networkIds, cloudId)),
    ...(zone === null
      ? []
      : [
          guard(context, 'network-zone', zoneElsewhere(networkIds, subnetIds, zone)),
          pinSubnets(db, networkIds, subnetIds, zone),
        ]),
    ...(home.filters !== 'none' ? [] : [unsecure(db, networkIds, now)]),
    pin(db, networkIds, cloudId, now),
    reviveFailed(db, networkIds, cloudId, now),
    bindRouters(db, networkIds, cloudId, epochOf(now), now),
  ]
}

/** What a project has no mapping to, it does not use, not even by the hand of an admin. */
export const refuseUnmapped = async ({ db }: Context, projectId: string, network: NetworkView): Promise<void> => {
  if (network.cloudId && !(await mappingOf(db, projectId, network.cloudId)))
    throw new NetworkRefused({
      kind: 'forbidden',
      type: 'PolicyNotAuthorized',
      reason: `The project has no access to cloud ${network.cloudName}.`,
    })
}

export interface NetworkWish {
  projectId: string
  name: string
  description: string
  adminStateUp: boolean
  shared: boolean
  portSecurity: boolean
  /** Bytes of a packet that guests are told of. */
  mtu?: number
  /** Zones as zone lists name them. */
  availabilityZoneHints?: string[]
  /** It gets a segment wherever a server of it goes; absent or null: as its project's plan says. */
  grows?: boolean | null
}

/**
 * Rows, and nothing below the line until something needs it: for a batch. Named zones say at once which cloud that will be,
 * unless segments do (`placed`).
 */
export const plannedNetworks = async (
  context: Context,
  wishes: (NetworkWish & { placed?: boolean })[],
): Promise<{ ids: string[]; writes: Write[] }> => {
  const now = context.now()
  const plain = { tags: [], revision: 1, external: false, isDefault: false, status: 'ACTIVE' }
  const writes: Write[] = []
  const ids: string[] = []
  for (const { placed = false, ...wish } of wishes) {
    const home = (await homesNamed(context, wish.projectId, wish.availabilityZoneHints ?? []))[0]
    const filtering = await filteringAt(context, home?.cloudId ?? null, wish.projectId)
    const id = context.newId()
    const row = {
      ...plain,
      ...wish,
      availabilityZoneHints: wish.availabilityZoneHints ?? [],
      grows: wish.grows ?? null,
      portSecurity: wish.portSecurity && filtering?.filters !== 'none',
      id,
      createdAt: now,
      updatedAt: now,
    }
    ids.push(id)
    writes.push(charge(row.projectId, 'network', 1), insertNetwork(context.db, row))
    if (home && !placed) writes.push(pin(context.db, [id], home.cloudId, now))
  }
  return { ids, writes }
}

/** Networks as they were just made, in the order of their ids. */
export const networksMade = async ({ db }: Context, ids: string[]): Promise<NetworkView[]> => {
  const made = new Map((await networksById(db, everyProject, ids)).map((network) => [network.id, network]))
  return ids.map((id) => made.get(id)!)
}

/** The network, if the caller may change it. */
export const ownNetwork = async (context: Context, id: string): Promise<NetworkView> =>
  owned(context, 'Network', id, await networkById(context.db, context.scope, id))

/**
 * Changes a network above the line, and wherever it is realised. Refused where its cloud cannot filter as it is asked
 * to.
 */
export const changeNetwork = async (
  context: Context,
  id: string,
  set: Partial<
    Pick<
      NetworkRow,
      'name' | 'description' | 'adminStateUp' | 'shared' | 'portSecurity' | 'isDefault' | 'grows' | 'mtu'
    >
  >,
): Promise<NetworkView> => {
  const { cloudId, projectId, portSecurity } = await ownNetwork(context, id)
  await filteredAs(context, cloudId, { ...set, projectId })
  if (set.portSecurity !== undefined && set.portSecurity !== portSecurity)
    await refuseSecurityOnWires(context, { id, projectId }, set.portSecurity)
  await commit(context, { action: 'update', kind: 'network', resourceId: id }, [
    updateNetwork(context.db, id, { ...set, updatedAt: context.now() }),
    changed(context, 'network', id),
  ])
  return ownNetwork(context, id)
}

const refuseSecurityOnWires = async (
  context: Context,
  { id: networkId, projectId }: Pick<NetworkRow, 'id' | 'projectId'>,
  portSecurity: boolean,
): Promise<void> => {
  const segments = await segmentsOf(context.db, [networkId])
  if (portSecurity) return refuseUnfilteredWire(context, { segments }, networkId)
  const wired = segments.flatMap(({ cloudId, wire }) => (wire === null ? [] : [cloudId]))
  const terms = wired.length ? await termsFor(context.db, [projectId], wired) : []
  refuseLooseOnWire(
    context,
    { segments, terms },
    { networkId, projectId, rule: 'update_network:port_security_enabled' },
  )
}

/** Takes its subnets along, its ways out that a plan made, and the groups that were realised on it. Refused while it has ports. */
export const removeNetwork = (context: Context, id: string): Promise<void> =>
  untilStill(WAYS_OUT_MOVED, async () => {
    const { db } = context
    const network = await ownNetwork(context, id)
    if (network.external)
      throw conflicting(
        'NetworkInUse',
        `Network ${id} stands for the way out of cloud ${network.cloudName}; it goes with that cloud.`,
      )
    const writes = [
      // They are no reason to keep it, so they go first.
      ...(await dropWaysOut(context, id)),
      guard(context, 'network-in-use', networkHasPorts(id)),
      ...deleteSubnetsOf(db, id),
      unwanted(context, 'subnet', network.subnetIds),
      wantScopeAbsent(db, id, context.now()),
      unwanted(context, 'network', id),
      ...deleteNetwork(db, id),
    ]
    await commitOr(context, { action: 'delete', kind: 'network', resourceId: id }, writes, {
      'network-in-use': () =>
        conflicting(
          'NetworkInUse',
          `Unable to complete operation on network ${id}. There are one or more ports still in use on the network.`,
        ),
    })
  })
