import * as z from 'zod'
import {
  type AddressGroupRow,
  addressGroupAttributes,
  listAddressGroups,
} from '../../../db/queries/network/security/address-groups.ts'
import {
  addAddresses,
  changeAddressGroup,
  createAddressGroup,
  removeAddresses,
  removeAddressGroup,
  seenAddressGroup,
} from '../../broker/network/security/address-group.ts'
import type { Context } from '../../context.ts'
import { badRequest } from '../../http/fault.ts'
import * as json from '../../http/json-schema.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { cidrs, ownership, python, read, text, textOrNone } from '../attributes.ts'
import { bare, changeOf, given, oneOrMany, ownerOf } from '../body.ts'
import { isLent, reading, standardView } from '../listing.ts'
import { normalized, prefix } from './rule-words.ts'

/* Address groups: https://docs.openstack.org/api-ref/network/v2/#address-groups */

const changeable = { name: text().optional(), description: textOrNone().optional() }
const create = z.strictObject({ ...changeable, ...ownership, addresses: cidrs().optional() })
const update = z.strictObject(changeable)
const fixed = ['id', 'addresses', 'shared', 'project_id', 'tenant_id', 'created_at', 'updated_at', 'revision_number']
/** Blocks as actions take them: a single address is a block of one (neutron/db/address_group_db.py, `_dedup_and_compare_addresses`). */
const blocks = () =>
  read(
    (value): string[] => {
      if (!Array.isArray(value)) throw badRequest('Invalid input for addresses. Reason: it is not a list.')
      return value.map((each) => normalized(prefix(each)) ?? badAddress(each))
    },
    json.listOf({ anyOf: [json.CIDR, json.ADDRESS] }),
  )
const badAddress = (value: unknown): never => {
  throw badRequest(`Invalid input for addresses. Reason: '${python(value)}' is not a valid IP subnet.`)
}
/** The body of `add_addresses` and `remove_addresses` (neutron/extensions/address_group.py). */
const some = bare(z.object({ addresses: blocks() }))

const view = (group: AddressGroupRow, context: Context) => ({
  ...standardView(group),
  name: group.name,
  addresses: group.addresses,
  shared: isLent(group, context),
})

export const addressGroupOperations: Operation[] = [
  ...reading({
    resource: 'address_group',
    collection: 'address_groups',
    path: 'address-groups',
    attributes: addressGroupAttributes,
    tagged: false,
    list: listAddressGroups,
    find: seenAddressGroup,
    view,
  }),
  operation({
    name: 'address_group.create',
    method: 'POST',
    path: '/v2.0/address-groups',
    who: 'member',
    summary: 'Creates an address group: blocks of addresses that rules of security groups name.',
    status: 201,
    body: oneOrMany('address_group', 'address_groups', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      const made: AddressGroupRow[] = []
      if (bulk && wishes.length > 1) throw badRequest('Address groups are created one at a time')
      for (const wish of wishes)
        made.push(
          await createAddressGroup(context, {
            projectId: ownerOf(context, wish),
            name: wish.name ?? '',
            description: wish.description ?? '',
            addresses: wish.addresses ?? [],
          }),
        )
      const views = made.map((each) => view(each, context))
      return { body: bulk ? { address_groups: views } : { address_group: views[0] } }
    },
  }),
  operation({
    name: 'address_group.update',
    method: 'PUT',
    path: '/v2.0/address-groups/:id',
    who: 'member',
    summary: 'Changes name and description of an address group.',
    status: 200,
    body: changeOf('address_group', update, fixed),
    handle: async ({ context, params, body }) => ({
      body: { address_group: view(await changeAddressGroup(context, params.id!, given(body)), context) },
    }),
  }),
  operation({
    name: 'address_group.delete',
    method: 'DELETE',
    path: '/v2.0/address-groups/:id',
    who: 'member',
    summary: 'Deletes an address group; refused while a rule names it.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeAddressGroup(context, params.id!)
      return {}
    },
  }),
  operation({
    name: 'address_group.add_addresses',
    method: 'PUT',
    path: '/v2.0/address-groups/:id/add_addresses',
    who: 'member',
    summary: 'Adds blocks to an address group; rules that name it let them through too.',
    status: 200,
    body: some,
    handle: async ({ context, params, body }) => ({
      body: { address_group: view(await addAddresses(context, params.id!, body.addresses), context) },
    }),
  }),
  operation({
    name: 'address_group.remove_addresses',
    method: 'PUT',
    path: '/v2.0/address-groups/:id/remove_addresses',
    who: 'member',
    summary: 'Takes blocks out of an address group.',
    status: 200,
    body: some,
    handle: async ({ context, params, body }) => ({
      body: { address_group: view(await removeAddresses(context, params.id!, body.addresses), context) },
    }),
  }),
]
