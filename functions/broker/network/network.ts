import { mappingOf } from '../../../db/queries/clouds/clouds.ts'
import { termsFor } from '../../../db/queries/clouds/policies.ts'
import { deleteFloatingIps, looseFloatingIps } from '../../../db/queries/network/floating-ips.ts'
import {
  bindRouters,
  deleteNetwork,
  elsewhere,
  insertNetwork,
  isWayOut,
  type NetworkRow,
  type NetworkView,
  networkById,
  networkHasPorts,
  networkMoved,
  networksById,
  pin,
  pinSubnets,
  reviveFailed,
  secondDefault,
  unsecure,
  updateNetwork,
  wantScopeAbsent,
  zoneElsewhere,
} from '../../../db/queries/network/network.ts'
import { defaultQosPolicy } from '../../../db/queries/network/qos-policies.ts'
import { usedBy } from '../../../db/queries/network/rbac.ts'
import { segmentsOf } from '../../../db/queries/network/segments.ts'
import { deleteSubnetsOf, subnetsOf } from '../../../db/queries/network/subnets.ts'
import type { Filters } from '../../../db/schema/index.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { filteringAt } from '../clouds/filters.ts'
import { charge, guard, type Write } from '../line/commit.ts'
import { epochOf } from '../line/epoch.ts'
import { changed, unwanted } from '../line/resources.ts'
import { untilStill } from '../line/until-still.ts'
import { commitOr, conflicting, NetworkRefused, owned } from './network-refusal.ts'
import {
  homeOutside,
  outsideReasons,
  planExternal,
  refuseNoOutside,
  refuseSecondDefault,
} from './outside/external-network.ts'
import { dropWaysOut, WAYS_OUT_MOVED } from './pools/way-out.ts'
import { planNetworkQos, planQos } from './qos/binding.ts'
import { refuseLooseOnWire, refuseUnfilteredWire } from './segments/wire.ts'
import { sharing } from './sharing/sharing.ts'
import { refuseSmallMtu } from './subnet-rules.ts'
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
  /** It leads outside, on a cloud from the beginning. */
  external?: boolean
  /** It is the external network of those who name none. */
  isDefault?: boolean
  /** The policy of its ports that have none of their own; absent or null: the default of its project, if that has one. */
  qosPolicyId?: string | null
}

/**
 * Rows, and nothing below the line until something needs it: for a batch. Named zones say at once which cloud that will be,
 * unless segments do (`placed`). `shaped`: of each, whether it has a policy of quality of service, named or by default.
 */
export const plannedNetworks = async (
  context: Context,
  wishes: (NetworkWish & { placed?: boolean })[],
): Promise<{ ids: string[]; writes: Write[]; shaped: boolean[] }> => {
  const now = context.now()
  const shaped: boolean[] = []
  const plain = { tags: [], revision: 1, external: false, isDefault: false, status: 'ACTIVE' }
  const writes: Write[] = []
  const ids: string[] = []
  for (const { placed = false, ...wish } of wishes) {
    const home = (await homesNamed(context, wish.projectId, wish.availabilityZoneHints ?? []))[0]
    if (wish.external && home && !placed) await refuseNoOutside(context, home.cloudId)
    if (wish.isDefault) await refuseSecondDefault(context, { id: null, external: wish.external === true })
    const outside = wish.external && !placed ? (home?.cloudId ?? (await homeOutside(context, wish.projectId))) : null
    const filtering = await filteringAt(context, home?.cloudId ?? null, wish.projectId)
    const id = context.newId()
    const qosPolicyId = wish.qosPolicyId ?? (await defaultQosPolicy(context.db, wish.projectId))
    const cloudIds = [outside ?? home?.cloudId ?? null]
    const user = { kind: 'network', id } as const
    writes.push(...(await planQos(context, context, user, { from: null, to: qosPolicyId, cloudIds })))
    const row = {
      ...plain,
      ...wish,
      availabilityZoneHints: wish.availabilityZoneHints ?? [],
      grows: wish.grows ?? null,
      qosPolicyId,
      portSecurity: wish.portSecurity && filtering?.filters !== 'none',
      id,
      createdAt: now,
      updatedAt: now,
    }
    ids.push(id)
    shaped.push(qosPolicyId !== null)
    if (row.isDefault) writes.push(guard(context, 'default-there', secondDefault(id)))
    writes.push(charge(row.projectId, 'network', 1), insertNetwork(context.db, row))
    if (row.shared) writes.push(sharing(context, 'network', row, true))
    const cloudId = outside ?? home?.cloudId
    if (cloudId && !placed) writes.push(pin(context.db, [id], cloudId, now))
  }
  return { ids, writes, shaped }
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
      | 'name'
      | 'description'
      | 'adminStateUp'
      | 'shared'
      | 'external'
      | 'portSecurity'
      | 'isDefault'
      | 'grows'
      | 'mtu'
      | 'qosPolicyId'
    >
  >,
): Promise<NetworkView> => {
  const network = await ownNetwork(context, id)
  const { cloudId, projectId, portSecurity, external } = network
  await filteredAs(context, cloudId, { ...set, projectId })
  if (set.portSecurity !== undefined && set.portSecurity !== portSecurity)
    await refuseSecurityOnWires(context, { id, projectId }, set.portSecurity)
  const turns = set.external !== undefined && set.external !== external
  if (set.isDefault) await refuseSecondDefault(context, { id, external: set.external ?? external })
  const resizes = set.mtu !== undefined && set.mtu !== network.mtu
  if (resizes) refuseSmallMtu({ id, mtu: set.mtu! }, await subnetsOf(context.db, [id]))
  const writes = [
    // A subnet that comes meanwhile may not be for packets as small.
    ...(resizes ? [guard(context, 'network-gone', networkMoved(id, network.revision))] : []),
    ...(turns ? await planExternal(context, network, set.external!) : []),
    ...(set.qosPolicyId === undefined ? [] : await planNetworkQos(context, network, set.qosPolicyId)),
    ...(set.isDefault ? [guard(context, 'default-there', secondDefault(id))] : []),
    updateNetwork(context.db, id, { ...set, updatedAt: context.now() }),
    ...(network.shared && set.shared === false ? [guard(context, 'shared-in-use', sharedInUse(network))] : []),
    ...(set.shared === undefined ? [] : [sharing(context, 'network', network, set.shared)]),
    changed(context, 'network', id),
  ]
  await commitOr(context, { action: 'update', kind: 'network', resourceId: id }, writes, {
    ...outsideReasons(id),
    'shared-in-use': () =>
      conflicting(
        'InvalidSharedSetting',
        `Unable to reconfigure sharing settings for network ${network.name}. Multiple tenants are using it.`,
      ),
  })
  return ownNetwork(context, id)
}

/** Others have ports there whom nothing but the attribute `shared` lets (neutron/db/db_base_plugin_v2.py, `_validate_shared_update`). */
const sharedInUse = ({ id: objectId }: Pick<NetworkRow, 'id'>) =>
  usedBy({ objectId, objectType: 'network', target: '*' })

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

/** Public addresses of an external network that lead nowhere go with it (neutron/db/l3_db.py, `delete_disassociated_floatingips`). */
const dropFloatingIps = async (context: Context, id: string): Promise<Write[]> => {
  const loose = await looseFloatingIps(context.db, id)
  if (!loose.length) return []
  return [unwanted(context, 'floating_ip', loose), ...deleteFloatingIps(context.db, loose, context.now())]
}

/** Takes its subnets along, its ways out that a plan made, and the groups that were realised on it. Refused while it has ports. */
export const removeNetwork = (context: Context, id: string): Promise<void> =>
  untilStill(WAYS_OUT_MOVED, async () => {
    const { db } = context
    const network = await ownNetwork(context, id)
    if (isWayOut(network))
      throw conflicting(
        'NetworkInUse',
        `Network ${id} stands for the way out of cloud ${network.cloudName}; it goes with that cloud.`,
      )
    const writes = [
      // They are no reason to keep it, so they go first.
      ...(await dropWaysOut(context, id)),
      ...(network.external ? await dropFloatingIps(context, id) : []),
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
