import * as z from 'zod'
import { listSubnetPools, type SubnetPoolRow, subnetPoolAttributes } from '../../db/queries/network/subnet-pools.ts'
import { readCidr, writeCidr } from '../broker/network/address.ts'
import { onboardSubnets } from '../broker/network/pools/onboard.ts'
import { MOST_PREFIXES, tooManyPrefixes } from '../broker/network/pools/pool-rules.ts'
import {
  addPrefixes,
  changeSubnetPool,
  createSubnetPools,
  ownSubnetPool,
  removePrefixes,
  removeSubnetPool,
  seenSubnetPool,
} from '../broker/network/pools/subnet-pool.ts'
import type { Context } from '../context.ts'
import { badRequest } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { cidrs, count, filledText, flag, ownership, python, read, textOrNone, uuid, uuidOrNull } from './attributes.ts'
import { bare, changeOf, given, oneOrMany, ownerOf } from './body.ts'
import { isLent, reading, standardView } from './listing.ts'
import { disallowed } from './refusals.ts'

/* Subnet pools: https://docs.openstack.org/api-ref/network/v2/#subnet-pools-extension-subnetpools */

const changeable = {
  description: textOrNone().optional(),
  default_quota: count().optional(),
  min_prefixlen: count().optional(),
  max_prefixlen: count().optional(),
  default_prefixlen: count().optional(),
  is_default: flag().optional(),
  address_scope_id: uuidOrNull().optional(),
}
const create = z.strictObject({
  ...changeable,
  ...ownership,
  name: filledText(),
  prefixes: cidrs(),
  shared: flag().optional(),
})
const update = z.strictObject({ ...changeable, name: filledText().optional(), prefixes: cidrs().optional() })
const fixed = [
  ...['id', 'ip_version', 'shared', 'project_id', 'tenant_id', 'created_at', 'updated_at', 'revision_number'],
]

/** Lengths are text, as Neutron shows them (neutron/db/db_base_plugin_common.py, `_make_subnetpool_dict`). */
const view = (pool: SubnetPoolRow, context: Context) => ({
  ...standardView(pool),
  name: pool.name,
  prefixes: pool.prefixes,
  ip_version: pool.ipVersion,
  min_prefixlen: String(pool.minPrefixlen),
  max_prefixlen: String(pool.maxPrefixlen),
  default_prefixlen: String(pool.defaultPrefixlen),
  default_quota: pool.defaultQuota,
  is_default: pool.isDefault,
  shared: pool.shared || isLent(pool, context),
  address_scope_id: pool.addressScopeId,
})

/** Sharing, and what others take when they name none, are for admins. */
const checkPolicy = (verb: string, { caller }: Context, changed: { shared?: boolean; is_default?: boolean }): void => {
  if (caller?.isAdmin) return
  for (const [name, is] of Object.entries(changed)) if (is) throw disallowed(`${verb}_subnetpool:${name}`)
}

const lengthsOf = (body: z.infer<typeof update>) =>
  given({
    minPrefixlen: body.min_prefixlen,
    maxPrefixlen: body.max_prefixlen,
    defaultPrefixlen: body.default_prefixlen,
  })

/** The body of `add_prefixes` and `remove_prefixes` (neutron/extensions/subnetpool_prefix_ops.py). */
const prefixList = bare(
  z.object({
    prefixes: read((value) => {
      if (!Array.isArray(value) || !value.length) throw badRequest('Request body contains invalid data')
      if (value.length > MOST_PREFIXES) throw badRequest(tooManyPrefixes(value.length))
      return value.map((each: unknown) => {
        const block = typeof each === 'string' ? readCidr(each) : null
        if (!block) throw badRequest(`invalid IPNetwork ${python(each)}`, 'AddrFormatError')
        return writeCidr(block)
      })
    }),
  }),
)
const PREFIX_OPERATIONS = [
  ['add_prefixes', addPrefixes, 'Adds prefixes to a subnet pool.'],
  ['remove_prefixes', removePrefixes, 'Takes prefixes from a subnet pool; refused while a subnet has some of them.'],
] as const

export const subnetPoolOperations: Operation[] = [
  ...reading({
    resource: 'subnetpool',
    collection: 'subnetpools',
    attributes: subnetPoolAttributes,
    list: listSubnetPools,
    find: seenSubnetPool,
    view,
  }),
  operation({
    name: 'subnetpool.create',
    method: 'POST',
    path: '/v2.0/subnetpools',
    who: 'member',
    summary: 'Creates a subnet pool, or several: prefixes from which subnets are given ranges.',
    status: 201,
    body: oneOrMany('subnetpool', 'subnetpools', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      for (const { shared = false, is_default = false } of wishes)
        checkPolicy('create', context, { shared, is_default })
      const made = await createSubnetPools(
        context,
        wishes.map((wish) => ({
          projectId: ownerOf(context, wish),
          name: wish.name,
          description: wish.description ?? '',
          prefixes: wish.prefixes,
          defaultQuota: wish.default_quota ?? null,
          isDefault: wish.is_default ?? false,
          shared: wish.shared ?? false,
          addressScopeId: wish.address_scope_id ?? null,
          ...lengthsOf(wish),
        })),
      )
      return {
        body: bulk ? { subnetpools: made.map((each) => view(each, context)) } : { subnetpool: view(made[0]!, context) },
      }
    },
  }),
  operation({
    name: 'subnetpool.update',
    method: 'PUT',
    path: '/v2.0/subnetpools/:id',
    who: 'member',
    summary: 'Changes a subnet pool; prefixes are only added.',
    status: 200,
    body: changeOf('subnetpool', update, fixed),
    handle: async ({ context, params, body }) => {
      const { isDefault } = await ownSubnetPool(context, params.id!)
      checkPolicy('update', context, { is_default: body.is_default !== undefined && body.is_default !== isDefault })
      const set = given({
        name: body.name,
        description: body.description,
        prefixes: body.prefixes,
        defaultQuota: body.default_quota,
        isDefault: body.is_default,
        addressScopeId: body.address_scope_id,
        ...lengthsOf(body),
      })
      return { body: { subnetpool: view(await changeSubnetPool(context, params.id!, () => set), context) } }
    },
  }),
  operation({
    name: 'subnetpool.delete',
    method: 'DELETE',
    path: '/v2.0/subnetpools/:id',
    who: 'member',
    summary: 'Deletes a subnet pool; refused while subnets are of it.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeSubnetPool(context, params.id!)
      return {}
    },
  }),
  ...PREFIX_OPERATIONS.map(([name, change, summary]) =>
    operation({
      name: `subnetpool.${name}`,
      method: 'PUT',
      path: `/v2.0/subnetpools/:id/${name}`,
      who: 'member',
      summary,
      status: 200,
      body: prefixList,
      handle: async ({ context, params, body }) => ({
        body: { prefixes: await change(context, params.id!, body.prefixes) },
      }),
    }),
  ),
  operation({
    name: 'subnetpool.onboard_network_subnets',
    method: 'PUT',
    path: '/v2.0/subnetpools/:id/onboard_network_subnets',
    who: 'member',
    summary: "Makes the subnets of a network a subnet pool's, and gives their ids and ranges.",
    status: 200,
    body: bare(z.strictObject({ network_id: uuid() })),
    handle: async ({ context, params, body }) => ({
      body: await onboardSubnets(context, params.id!, body.network_id),
    }),
  }),
]
