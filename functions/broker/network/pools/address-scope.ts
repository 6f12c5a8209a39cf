import {
  type AddressScopeRow,
  addressScopeById,
  addressScopeInUse,
  deleteAddressScope,
  insertAddressScope,
  updateAddressScope,
} from '../../../../db/queries/network/address-scopes.ts'
import type { Context } from '../../../context.ts'
import { charge, commit, guard } from '../../line/commit.ts'
import { commitOr, conflicting, invalid, missing, owned } from '../network-refusal.ts'
import { sharing } from '../sharing/sharing.ts'

/** Address scopes, by Neutron's rules (neutron/db/address_scope_db.py): in one, no address is in two subnet pools. */

export interface AddressScopeWish {
  projectId: string
  name: string
  ipVersion: 4 | 6
  shared: boolean
}

/** All or none. */
export const createAddressScopes = async (context: Context, wishes: AddressScopeWish[]): Promise<AddressScopeRow[]> => {
  const rows = wishes.map((wish) => ({ ...wish, id: context.newId(), createdAt: context.now() }))
  await commit(
    context,
    { action: 'create', kind: 'address_scope', resourceId: rows[0]!.id, detail: { ids: rows.map(({ id }) => id) } },
    rows.flatMap((row) => [
      charge(row.projectId, 'address_scope', 1),
      insertAddressScope(context.db, row),
      ...(row.shared ? [sharing(context, 'address_scope', row, true)] : []),
    ]),
  )
  return rows
}

/** The address scope, if the caller may see it. Throws `NetworkRefused`. */
export const seenAddressScope = async (context: Context, id: string): Promise<AddressScopeRow> => {
  const scope = await addressScopeById(context.db, context.scope, id)
  if (!scope) throw missing('AddressScope', id)
  return scope
}

/** The address scope, if the caller may change it. Throws `NetworkRefused`. */
export const ownAddressScope = async (context: Context, id: string): Promise<AddressScopeRow> =>
  owned(context, 'AddressScope', id, await addressScopeById(context.db, context.scope, id))

/** What is shared stays so: pools of other projects may be in it. */
export const changeAddressScope = async (
  context: Context,
  id: string,
  set: Partial<Pick<AddressScopeRow, 'name' | 'shared'>>,
): Promise<AddressScopeRow> => {
  const scope = await ownAddressScope(context, id)
  if (scope.shared && set.shared === false)
    throw invalid(
      'AddressScopeUpdateError',
      `Unable to update address scope ${id} : Shared address scope can't be unshared.`,
    )
  if (Object.keys(set).length)
    await commit(context, { action: 'update', kind: 'address_scope', resourceId: id }, [
      updateAddressScope(context.db, id, set),
      ...(set.shared === undefined ? [] : [sharing(context, 'address_scope', scope, set.shared)]),
    ])
  return { ...scope, ...set }
}

/** Refused while subnet pools are in it. */
export const removeAddressScope = async (context: Context, id: string): Promise<void> => {
  await ownAddressScope(context, id)
  const writes = [guard(context, 'address-scope-in-use', addressScopeInUse(id)), ...deleteAddressScope(context.db, id)]
  await commitOr(context, { action: 'delete', kind: 'address_scope', resourceId: id }, writes, {
    'address-scope-in-use': () =>
      conflicting(
        'AddressScopeInUse',
        `Unable to complete operation on address scope ${id}. There are one or more subnet pools in use on the address scope.`,
      ),
  })
}
