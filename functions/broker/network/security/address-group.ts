import {
  type AddressGroupRow,
  addressGroupById,
  addressGroupInUse,
  addressGroupMoved,
  addressGroupsSeen,
  deleteAddressGroup,
  groupsNamingAddresses,
  insertAddressGroup,
  touchGroupsNamingAddresses,
  updateAddressGroup,
} from '../../../../db/queries/network/security/address-groups.ts'
import type { Context } from '../../../context.ts'
import { charge, commit, guard, makesDue } from '../../line/commit.ts'
import { untilStill } from '../../line/until-still.ts'
import { commitOr, conflicting, invalid, missing, NetworkRefused, owned } from '../network-refusal.ts'

/* Blocks under one name, for rules (neutron/db/address_group_db.py). Clouds are told the blocks, and again when those change. */

/** A rule becomes as many on its clouds. */
const MOST_ADDRESSES = 100

export interface AddressGroupWish {
  projectId: string
  name: string
  description: string
  addresses: string[]
}

const refuseMany = (addresses: string[]): void => {
  if (addresses.length > MOST_ADDRESSES)
    throw invalid(
      'InvalidInput',
      `Invalid input for operation: an address group has at most ${MOST_ADDRESSES} addresses.`,
    )
}

/** A new address group. Throws `NetworkRefused`. */
export const createAddressGroup = async (context: Context, wish: AddressGroupWish): Promise<AddressGroupRow> => {
  const addresses = [...new Set(wish.addresses)]
  refuseMany(addresses)
  const now = context.now()
  const row = { ...wish, addresses, id: context.newId(), revision: 0, createdAt: now, updatedAt: now }
  await commit(context, { action: 'create', kind: 'address_group', resourceId: row.id }, [
    charge(row.projectId, 'address_group', 1),
    insertAddressGroup(context.db, row),
  ])
  return row
}

/** The address group, if the caller may see it. Throws `NetworkRefused`. */
export const seenAddressGroup = async (context: Context, id: string): Promise<AddressGroupRow> => {
  const group = await addressGroupById(context.db, context.scope, id)
  if (!group) throw missing('AddressGroup', id)
  return group
}

/** Refuses address groups of which the caller does not see one. One query for all, none for none. */
export const seenAddressGroups = async ({ db, scope }: Context, ids: string[]): Promise<void> => {
  if (!ids.length) return
  const seen = new Set(await addressGroupsSeen(db, scope, [...new Set(ids)]))
  const unseen = ids.find((id) => !seen.has(id))
  if (unseen !== undefined) throw missing('AddressGroup', unseen)
}

const ownAddressGroup = async (context: Context, id: string): Promise<AddressGroupRow> =>
  owned(context, 'AddressGroup', id, await addressGroupById(context.db, context.scope, id))

/** Renames or describes it. */
export const changeAddressGroup = async (
  context: Context,
  id: string,
  set: Partial<Pick<AddressGroupRow, 'name' | 'description'>>,
): Promise<AddressGroupRow> => {
  // Neutron looks at one that is shared without seeing that it is, and so finds none.
  const { projectId } = await seenAddressGroup(context, id)
  if ('projectId' in context.scope && projectId !== context.scope.projectId) throw missing('AddressGroup', id)
  await commit(context, { action: 'update', kind: 'address_group', resourceId: id }, [
    updateAddressGroup(context.db, id, { ...set, updatedAt: context.now() }),
  ])
  return ownAddressGroup(context, id)
}

/** Gives it other addresses; security groups whose rules name it are changed wherever they are. */
const readdress = (context: Context, id: string, to: (group: AddressGroupRow) => string[]): Promise<AddressGroupRow> =>
  untilStill('address-group-moved', async () => {
    const group = await ownAddressGroup(context, id)
    const addresses = to(group)
    refuseMany(addresses)
    const naming = await groupsNamingAddresses(context.db, id)
    await commit(context, { action: 'update', kind: 'address_group', resourceId: id }, [
      guard(context, 'address-group-moved', addressGroupMoved(id, group.revision)),
      updateAddressGroup(context.db, id, { addresses, updatedAt: context.now() }),
      // Whoever names it by then; who is read here is only whom the engine is told of.
      makesDue(touchGroupsNamingAddresses(context.db, id, context.now()), {
        ...{ kind: 'security_group', ids: naming, want: 'present' },
      }),
    ])
    return ownAddressGroup(context, id)
  })

const listed = (addresses: string[]): string => `[${addresses.map((each) => `'${each}'`).join(', ')}]`

/** Adds blocks that it has not. */
export const addAddresses = (context: Context, id: string, asked: string[]): Promise<AddressGroupRow> =>
  readdress(context, id, ({ addresses }) => {
    const there = asked.filter((each) => addresses.includes(each))
    if (there.length)
      throw invalid('AddressesAlreadyExist', `Addresses ${listed(there)} already exist in the address group ${id}.`)
    return [...new Set([...addresses, ...asked])]
  })

/** Takes away blocks that it has. */
export const removeAddresses = (context: Context, id: string, asked: string[]): Promise<AddressGroupRow> =>
  readdress(context, id, ({ addresses }) => {
    const absent = asked.filter((each) => !addresses.includes(each))
    if (absent.length)
      throw new NetworkRefused({
        kind: 'missing',
        type: 'AddressesNotFound',
        reason: `Addresses ${listed(absent)} not found in the address group ${id}.`,
      })
    return addresses.filter((each) => !asked.includes(each))
  })

/** Refused while a rule names it. */
export const removeAddressGroup = async (context: Context, id: string): Promise<void> => {
  await ownAddressGroup(context, id)
  const writes = [guard(context, 'address-group-in-use', addressGroupInUse(id)), ...deleteAddressGroup(context.db, id)]
  await commitOr(context, { action: 'delete', kind: 'address_group', resourceId: id }, writes, {
    'address-group-in-use': () =>
      conflicting('AddressGroupInUse', `Address group ${id} is in use on one or more security group rules.`),
  })
}
