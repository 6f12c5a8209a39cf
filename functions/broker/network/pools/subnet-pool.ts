import {
  addressScopeGone,
  enterAddressScope,
  leaveAddressScope,
  prefixesMeet,
} from '../../../../db/queries/network/address-scopes.ts'
import { poolPlanned } from '../../../../db/queries/network/network-plans.ts'
import { addSpace, rangesTaken, removeSpace } from '../../../../db/queries/network/pool-space.ts'
import {
  deleteSubnetPool,
  insertSubnetPool,
  networksMixed,
  type SubnetPoolRow,
  subnetPoolById,
  subnetPoolInUse,
  subnetPoolMoved,
  updateSubnetPool,
} from '../../../../db/queries/network/subnet-pools.ts'
import type { Context } from '../../../context.ts'
import { charge, type Entry, guard, type Write } from '../../line/commit.ts'
import { Refused } from '../../line/refused.ts'
import { untilStill } from '../../line/until-still.ts'
import { readCidr } from '../address.ts'
import {
  commitOr,
  conflicting,
  invalid,
  invalidInput,
  missing,
  type NetworkRefused,
  owned,
} from '../network-refusal.ts'
import { sharing } from '../sharing/sharing.ts'
import { seenAddressScope } from './address-scope.ts'
import { type Lengths, readLengths, readPrefixes, refuseManyPrefixes } from './pool-rules.ts'
import { bitsIn, cidrOf, common, compacted, without } from './ranges.ts'

/* Subnet pools, by Neutron's rules (neutron/db/db_base_plugin_v2.py). */

export interface SubnetPoolWish extends Lengths {
  projectId: string
  name: string
  description: string
  /** CIDRs, well formed. */
  prefixes: string[]
  defaultQuota: number | null
  isDefault: boolean
  shared: boolean
  addressScopeId: string | null
}
export type SubnetPoolChange = Partial<Omit<SubnetPoolWish, 'projectId' | 'shared'>>

const MOVED = 'subnet-pool-moved'

/** The subnet pool, if the caller may see it. Throws `NetworkRefused`. */
export const seenSubnetPool = async (context: Context, id: string): Promise<SubnetPoolRow> => {
  const pool = await subnetPoolById(context.db, context.scope, id)
  if (!pool) throw missing('SubnetPool', id)
  return pool
}

/** The subnet pool, if the caller may change it. Throws `NetworkRefused`. */
export const ownSubnetPool = async (context: Context, id: string): Promise<SubnetPoolRow> =>
  owned(context, 'SubnetPool', id, await subnetPoolById(context.db, context.scope, id))

/** All or none. */
export const createSubnetPools = async (context: Context, wishes: SubnetPoolWish[]): Promise<SubnetPoolRow[]> => {
  const rows: SubnetPoolRow[] = []
  const writes: Write[] = []
  const now = context.now()
  for (const wish of wishes) {
    const { ipVersion, prefixes } = readPrefixes(wish.prefixes)
    const row = {
      ...{ ...wish, ...readLengths(ipVersion, wish), ipVersion, prefixes },
      ...{ id: context.newId(), tags: [], revision: 0, createdAt: now, updatedAt: now },
    }
    rows.push(row)
    writes.push(
      charge(row.projectId, 'subnetpool', 1),
      insertSubnetPool(context.db, row),
      ...(row.shared ? [sharing(context, 'subnetpool', row, true)] : []),
      ...addSpace(context.db, row.id, prefixes.map(bitsIn)),
      ...(await scoped(context, row)),
    )
  }
  const detail = { ids: rows.map(({ id }) => id) }
  const entry = { action: 'create', kind: 'subnet_pool', resourceId: rows[0]!.id, detail }
  await committed(context, entry, writes, rows[0]!)
  return rows
}

/**
 * Writes by which a pool enters its scope, or is there with other prefixes. Guards: `address-scope-prefix` where another
 * pool of it has an address of them, `address-scope-gone`.
 */
const scoped = async (context: Context, pool: SubnetPoolRow): Promise<Write[]> => {
  const { addressScopeId, id } = pool
  if (addressScopeId === null) return [leaveAddressScope(context.db, id)]
  const scope = await seenAddressScope(context, addressScopeId)
  if (scope.ipVersion !== pool.ipVersion)
    throw invalid(
      'IllegalSubnetPoolIpVersionAssociationToAddressScope',
      `Illegal subnetpool association: subnetpool ${id} cannot associate with address scope ${addressScopeId} because subnetpool ip_version is not ${scope.ipVersion}.`,
    )
  const bits = pool.prefixes.map(bitsIn)
  return [
    guard(context, 'address-scope-gone', addressScopeGone(context.scope, addressScopeId)),
    guard(context, 'address-scope-prefix', prefixesMeet(addressScopeId, id, bits)),
    leaveAddressScope(context.db, id),
    enterAddressScope(context.db, addressScopeId, id, bits),
  ]
}

const reasons = ({ id, addressScopeId }: SubnetPoolRow): Record<string, () => NetworkRefused> => ({
  'address-scope-gone': () => missing('AddressScope', addressScopeId ?? ''),
  'address-scope-prefix': () =>
    conflicting(
      'AddressScopePrefixConflict',
      'Failed to associate address scope: subnetpools within an address scope must have unique prefixes.',
    ),
  'networks-mixed': () => scopesMixed(),
  'subnet-pool-in-use': () =>
    invalid('SubnetPoolDeleteError', 'Unable to delete subnet pool: Subnet pool has existing allocations.'),
  'subnet-pool-planned': () =>
    conflicting(
      'SubnetPoolInUse',
      `Unable to complete operation on subnet pool ${id}. It is the pool of the network plan of its project.`,
    ),
  'pool-space': () => invalidUpdate('One or more the prefixes to be removed is in use by a subnet.'),
})

/** Subnets of one family and network are in one scope (neutron_lib/exceptions/address_scope.py). */
export const scopesMixed = (): NetworkRefused =>
  invalid(
    'NetworkAddressScopeAffinityError',
    'Subnets of the same address family hosted on the same network must all participate in the same address scope.',
  )
const invalidUpdate = (reason: string) =>
  invalid('IllegalSubnetPoolPrefixUpdate', `Illegal update to prefixes: ${reason}.`)

/** A second default of a family is refused by a unique index. */
const committed = async (context: Context, entry: Entry, writes: Write[], pool: SubnetPoolRow): Promise<void> => {
  try {
    await commitOr(context, entry, writes, reasons(pool))
  } catch (error) {
    if (
      error instanceof Refused &&
      error.refusal.kind === 'taken' &&
      error.refusal.columns.includes('subnet_pools.ip_version')
    )
      throw invalidInput(
        'A default subnetpool for this IP family has already been set. Only one default may exist per IP family',
      )
    throw error
  }
}

/**
 * Changes a pool that is as it was seen. Prefixes are only added: what subnets have stays in it. Throws `NetworkRefused`.
 * `more` are writes that go along, once the pool has its new prefixes.
 */
export const changeSubnetPool = (
  context: Context,
  id: string,
  to: (pool: SubnetPoolRow) => SubnetPoolChange | Promise<SubnetPoolChange>,
  more: (pool: SubnetPoolRow) => Write[] = () => [],
): Promise<SubnetPoolRow> =>
  untilStill(MOVED, async () => {
    const pool = await ownSubnetPool(context, id)
    const { prefixes: asked, ...set } = await to(pool)
    const prefixes = asked ? widened(pool, asked) : pool.prefixes
    const next: SubnetPoolRow = { ...pool, ...set, prefixes, updatedAt: context.now(), revision: pool.revision + 1 }
    Object.assign(next, readLengths(next.ipVersion, next))
    if (pool.addressScopeId !== null) await refuseInScopeOfOthers(context, id, pool.addressScopeId)
    const rescoped = next.addressScopeId !== pool.addressScopeId
    const writes = [
      guard(context, MOVED, subnetPoolMoved(context.scope, id, pool.revision)),
      ...(rescoped && next.addressScopeId !== null
        ? [guard(context, 'networks-mixed', networksMixed(id, pool.ipVersion))]
        : []),
      ...(rescoped || asked ? await scoped(context, next) : []),
      ...(asked ? addSpace(context.db, id, without(prefixes.map(bitsIn), pool.prefixes.map(bitsIn))) : []),
      ...more(next),
      updateSubnetPool(context.db, id, { ...set, prefixes, updatedAt: next.updatedAt }),
    ]
    const entry = { action: 'update', kind: 'subnet_pool', resourceId: id }
    await committed(context, entry, writes, next)
    return next
  })

const widened = (pool: SubnetPoolRow, asked: string[]): string[] => {
  const bits = asked.filter((prefix) => readCidr(prefix)!.version === pool.ipVersion).map(bitsIn)
  if (without(pool.prefixes.map(bitsIn), bits).length)
    throw invalidUpdate('Existing prefixes must be a subset of the new prefixes')
  return readPrefixes(asked).prefixes
}

const refuseInScopeOfOthers = async (context: Context, id: string, scopeId: string): Promise<void> => {
  const scope = await seenAddressScope(context, scopeId)
  if ('every' in context.scope || scope.projectId === context.scope.projectId) return
  throw invalid(
    'IllegalSubnetPoolUpdate',
    `Illegal subnetpool update : subnetpool ${id} cannot be updated when associated with shared address scope ${scopeId}.`,
  )
}

/** Extension subnetpool-prefix-ops. Gives all prefixes that the pool has then. */
export const addPrefixes = async (context: Context, id: string, added: string[]): Promise<string[]> =>
  (await changeSubnetPool(context, id, ({ prefixes }) => ({ prefixes: [...prefixes, ...added] }))).prefixes

/** The same backwards: refused where a subnet has an address of what is to go. What the pool has not is passed over. */
export const removePrefixes = (context: Context, id: string, removed: string[]): Promise<string[]> =>
  untilStill([MOVED, 'pool-space'], async () => {
    const pool = await ownSubnetPool(context, id)
    const all = pool.prefixes.map(bitsIn)
    const bits = compacted(removed.filter((each) => readCidr(each)!.version === pool.ipVersion).map(bitsIn))
    const going = common(all, bits)
    if (!going.length) return pool.prefixes
    if (await rangesTaken(context.db, id, bits)) throw reasons(pool)['pool-space']!()
    const prefixes = without(all, bits).map((each) => cidrOf(pool.ipVersion, each))
    refuseManyPrefixes(prefixes)
    const next = { ...pool, prefixes }
    await commitOr(
      context,
      { action: 'update', kind: 'subnet_pool', resourceId: id },
      [
        guard(context, MOVED, subnetPoolMoved(context.scope, id, pool.revision)),
        ...removeSpace(context.db, id, going),
        ...(pool.addressScopeId === null ? [] : await scoped(context, next)),
        updateSubnetPool(context.db, id, { prefixes, updatedAt: context.now() }),
      ],
      {},
    )
    return prefixes
  })

/** Refused while subnets are of it. */
export const removeSubnetPool = async (context: Context, id: string): Promise<void> => {
  const pool = await ownSubnetPool(context, id)
  const writes = [
    guard(context, 'subnet-pool-in-use', subnetPoolInUse(id)),
    guard(context, 'subnet-pool-planned', poolPlanned(id)),
    leaveAddressScope(context.db, id),
    ...deleteSubnetPool(context.db, id),
  ]
  await commitOr(context, { action: 'delete', kind: 'subnet_pool', resourceId: id }, writes, reasons(pool))
}
