import * as z from 'zod'
import {
  type AddressScopeRow,
  addressScopeAttributes,
  listAddressScopes,
} from '../../db/queries/network/address-scopes.ts'
import {
  changeAddressScope,
  createAddressScopes,
  ownAddressScope,
  removeAddressScope,
  seenAddressScope,
} from '../broker/network/pools/address-scope.ts'
import type { Context } from '../context.ts'
import { type Operation, operation } from '../http/operation.ts'
import { flag, oneOf, ownership, text } from './attributes.ts'
import { changeOf, given, oneOrMany, ownerOf } from './body.ts'
import { isLent, reading } from './listing.ts'
import { disallowed } from './refusals.ts'

/* Address scopes: https://docs.openstack.org/api-ref/network/v2/#address-scopes */

const changeable = { name: text().optional(), shared: flag().optional() }
const create = z.strictObject({ ...changeable, ...ownership, ip_version: oneOf(4, 6) })
const update = z.strictObject(changeable)

/** They have no attributes besides (neutron/db/models/address_scope.py). */
const view = (scope: AddressScopeRow, context: Context) => ({
  id: scope.id,
  tenant_id: scope.projectId,
  project_id: scope.projectId,
  name: scope.name,
  shared: scope.shared || isLent(scope, context),
  ip_version: scope.ipVersion,
})

export const addressScopeOperations: Operation[] = [
  ...reading({
    resource: 'address_scope',
    collection: 'address_scopes',
    path: 'address-scopes',
    attributes: addressScopeAttributes,
    tagged: false,
    list: listAddressScopes,
    find: seenAddressScope,
    view,
  }),
  operation({
    name: 'address_scope.create',
    method: 'POST',
    path: '/v2.0/address-scopes',
    who: 'member',
    summary: 'Creates an address scope, or several: no address is in two of its subnet pools.',
    status: 201,
    body: oneOrMany('address_scope', 'address_scopes', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      if (wishes.some(({ shared }) => shared) && !context.caller?.isAdmin)
        throw disallowed('create_address_scope:shared')
      const made = await createAddressScopes(
        context,
        wishes.map((wish) => ({
          projectId: ownerOf(context, wish),
          name: wish.name ?? '',
          ipVersion: wish.ip_version,
          shared: wish.shared ?? false,
        })),
      )
      return {
        body: bulk
          ? { address_scopes: made.map((each) => view(each, context)) }
          : { address_scope: view(made[0]!, context) },
      }
    },
  }),
  operation({
    name: 'address_scope.update',
    method: 'PUT',
    path: '/v2.0/address-scopes/:id',
    who: 'member',
    summary: 'Changes name and sharing of an address scope; what is shared stays so.',
    status: 200,
    body: changeOf('address_scope', update, ['id', 'ip_version', 'project_id', 'tenant_id']),
    handle: async ({ context, params, body }) => {
      await ownAddressScope(context, params.id!)
      // Whoever names it needs the right, also if nothing changes (neutron/policy.py, `_is_attribute_explicitly_set`).
      if (body.shared !== undefined && !context.caller?.isAdmin) throw disallowed('update_address_scope:shared')
      return { body: { address_scope: view(await changeAddressScope(context, params.id!, given(body)), context) } }
    },
  }),
  operation({
    name: 'address_scope.delete',
    method: 'DELETE',
    path: '/v2.0/address-scopes/:id',
    who: 'member',
    summary: 'Deletes an address scope; refused while subnet pools are in it.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeAddressScope(context, params.id!)
      return {}
    },
  }),
]
