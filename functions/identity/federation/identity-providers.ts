import * as z from 'zod'
import {
  deleteIdp,
  type IdpRow,
  idpById,
  insertIdp,
  listIdps,
  noIdp,
  updateIdp,
} from '../../../db/queries/federation/federation.ts'
import { domainById, insertDomain } from '../../../db/queries/identity/domains.ts'
import { isGone } from '../../../db/queries/identity/holding.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { badRequest, conflict } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { newDomain } from '../directory/domains.ts'
import { named } from '../directory/named.ts'
import { inexactly } from '../filters.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection, flagOf, selfLink } from '../views.ts'

/* Who is believed of who users are: https://docs.openstack.org/api-ref/identity/v3-ext/#identity-providers */

/** keystone/federation/schema.py */
const fields = {
  enabled: z.boolean().nullish(),
  description: z.string().max(16_384).nullish(),
  domain_id: z.string().max(64).nullish(),
  remote_ids: z.array(z.string().min(1).max(255)).max(100).nullish(),
  authorization_ttl: z.int().min(0).max(525_600).nullish(),
}
const creation = z.object({ identity_provider: z.strictObject(fields) })

const MANY = '/v3/OS-FEDERATION/identity_providers'
const ONE = `${MANY}/:id`

const view = (row: IdpRow, base: string) => ({
  ...{ id: row.id, enabled: row.enabled, description: row.description, domain_id: row.domainId },
  ...{ remote_ids: row.remoteIds, authorization_ttl: row.authorizationTtl },
  links: {
    ...selfLink(base, `/OS-FEDERATION/identity_providers/${row.id}`),
    protocols: `${base}/v3/OS-FEDERATION/identity_providers/${row.id}/protocols`,
  },
})

/** An identity provider; 404 for none. */
export const idpOf = async ({ db }: Pick<Context, 'db'>, id: string): Promise<IdpRow> => {
  const row = await idpById(db, id)
  if (!row) throw unknown('Identity Provider', id)
  return row
}

const unlike = (ids: string[] | null | undefined): string[] => {
  const given = ids ?? []
  if (new Set(given).size !== given.length) throw badRequest('remote_ids has non-unique elements')
  return given
}

const taken = () => conflict('Duplicate remote ID, or an identity provider of this id.')

export const identityProviderOperations: Operation[] = [
  operation({
    name: 'identity_provider.list',
    method: 'GET',
    path: MANY,
    ...READING_ALL,
    summary: 'Who is believed of who users are; filters `id`, exact or not, and `enabled`.',
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const enabled = flagOf(query.enabled)
      const rows = (await listIdps(context.db)).filter(
        (row) => (query.id === undefined || row.id === query.id) && (enabled === undefined || row.enabled === enabled),
      )
      const views = rows.map((row) => view(row, base))
      const left = inexactly(queries, ['id'], views)
      return collection('identity_providers', left, base, '/OS-FEDERATION/identity_providers')
    },
  }),
  operation({
    name: 'identity_provider.create',
    method: 'PUT',
    path: ONE,
    ...MANAGING_ALL,
    summary:
      'Says that a provider is believed: off until it is enabled. Its users are in `domain_id`, or in a domain that is made for it. Where it is reached says the operator (`PLIMSOLL_OIDC`).',
    status: 201,
    body: creation,
    handle: async ({ context, params, body: { identity_provider: asked }, base }) => {
      const id = params.id!
      if (id.length > 64) throw badRequest('The id is too long.')
      if (await idpById(context.db, id))
        throw conflict(`Conflict occurred attempting to store identity_provider - Duplicate entry.`)
      if (asked.domain_id && !(await domainById(context.db, asked.domain_id))) throw unknown('domain', asked.domain_id)
      // Made with it, or not at all.
      const own = asked.domain_id
        ? null
        : newDomain(context, {
            name: context.newId().replaceAll('-', ''),
            description: 'Auto generated federated domain for Identity Provider: '.concat(id),
            enabled: true,
          })
      const domainId = own?.id ?? asked.domain_id!
      const row: IdpRow = {
        ...{ id, enabled: asked.enabled ?? false, description: asked.description ?? null, domainId },
        ...{ remoteIds: unlike(asked.remote_ids), authorizationTtl: asked.authorization_ttl ?? null },
      }
      const entry = { action: 'create', kind: 'identity_provider', resourceId: id, detail: { domain: domainId } }
      const rules = own ? [] : [{ violated: isGone('domain', domainId), refusal: unknown('domain', domainId) }]
      await commitIf(context, rules, entry, [
        ...(own ? [insertDomain(context.db, own)] : []),
        ...insertIdp(context.db, row),
      ])
      return { body: { identity_provider: view(row, base) } }
    },
    refuse: (error) => (isTaken(error) ? taken() : undefined),
  }),
  operation({
    name: 'identity_provider.get',
    method: 'GET',
    path: ONE,
    ...READING_ALL,
    summary: 'One who is believed.',
    status: 200,
    handle: async ({ context, params, base }) => ({
      body: { identity_provider: view(await idpOf(context, params.id!), base) },
    }),
  }),
  operation({
    name: 'identity_provider.update',
    method: 'PATCH',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Changes who is believed; one that is switched off takes with it the tokens that were got by it.',
    status: 200,
    body: creation,
    handle: async ({ context, params, body: { identity_provider: asked }, base }) => {
      const row = await idpOf(context, params.id!)
      if (asked.domain_id && asked.domain_id !== row.domainId) throw badRequest('Update of `domain_id` is not allowed.')
      const set = named<IdpRow>({
        enabled: asked.enabled ?? undefined,
        description: asked.description,
        remoteIds: asked.remote_ids === undefined ? undefined : unlike(asked.remote_ids),
        authorizationTtl: asked.authorization_ttl,
      })
      const entry = { action: 'update', kind: 'identity_provider', resourceId: row.id }
      const rules = [{ violated: noIdp(row.id), refusal: unknown('Identity Provider', row.id) }]
      await commitIf(context, rules, entry, updateIdp(context.db, row.id, set))
      return { body: { identity_provider: view({ ...row, ...set }, base) } }
    },
    refuse: (error) => (isTaken(error) ? taken() : undefined),
  }),
  operation({
    name: 'identity_provider.delete',
    method: 'DELETE',
    path: ONE,
    ...MANAGING_ALL,
    summary:
      'Removes who was believed, with its protocols and the tokens that were got by it. Its users stay, with the application credentials that they made: whoever is not to come in at all has to be disabled.',
    status: 204,
    handle: async ({ context, params }) => {
      const { id } = await idpOf(context, params.id!)
      const entry = { action: 'delete', kind: 'identity_provider', resourceId: id }
      await commitIf(context, [], entry, [...deleteIdp(context.db, id)])
      return {}
    },
  }),
]
