import * as z from 'zod'
import type { Json } from '../../../adapters/contract.ts'
import {
  deletePolicy,
  insertPolicy,
  listPolicies,
  noPolicy,
  type PolicyRow,
  policyById,
  updatePolicy,
} from '../../../db/queries/identity/policies.ts'
import { commit } from '../../broker/line/commit.ts'
import type { Context } from '../../context.ts'
import { openObject } from '../../http/dictionary.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { extended, named } from '../directory/named.ts'
import { inexactly } from '../filters.ts'
import { extraOf } from '../properties.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { actionRefused, unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection, selfLink } from '../views.ts'

/* Policies, which Keystone keeps for services that ask: https://docs.openstack.org/api-ref/identity/v3/#policies */

/** keystone/policy/schema.py */
const fields = {
  blob: z.union([z.string().max(65_536), z.record(z.string(), z.json())]),
  type: z.string().min(1).max(255),
}
const KNOWN = [...Object.keys(fields), 'id', 'links']
const creation = z.object({ policy: openObject(z.looseObject(fields)) })
const change = z.object({ policy: openObject(z.looseObject(fields).partial()) })

/** A policy as Keystone shows it. */
export const policyView = ({ extra, id, type, blob }: PolicyRow, base: string) => ({
  ...extra,
  ...{ id, type, blob },
  links: selfLink(base, `/policies/${id}`),
})

/** A policy; 404 for none. */
export const policyOf = async ({ db }: Pick<Context, 'db'>, id: string): Promise<PolicyRow> => {
  const row = await policyById(db, id)
  if (!row) throw unknown('policy', id)
  return row
}

export const policyOperations: Operation[] = [
  operation({
    name: 'policy.list',
    method: 'GET',
    path: '/v3/policies',
    ...READING_ALL,
    denial: actionRefused('identity:list_policies'),
    summary: "Policies that are kept for an operator's own services; filter `type`, exact or not.",
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const views = (await listPolicies(context.db, query.type)).map((row) => policyView(row, base))
      return collection('policies', inexactly(queries, ['type'], views), base, '/policies')
    },
  }),
  operation({
    name: 'policy.create',
    method: 'POST',
    path: '/v3/policies',
    ...MANAGING_ALL,
    summary: 'Keeps a policy for services that ask for it. What this broker itself allows is not changed by any.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { policy }, base }) => {
      const row: PolicyRow = {
        id: context.newId().replaceAll('-', ''),
        type: policy.type,
        blob: policy.blob as Json,
        extra: extraOf(policy, KNOWN),
      }
      const entry = { action: 'create', kind: 'policy', resourceId: row.id, detail: { type: row.type } }
      await commit(context, entry, [insertPolicy(context.db, row)])
      return { body: { policy: policyView(row, base) } }
    },
  }),
  operation({
    name: 'policy.get',
    method: 'GET',
    path: '/v3/policies/:id',
    ...READING_ALL,
    summary: 'One policy.',
    status: 200,
    handle: async ({ context, params, base }) => ({
      body: { policy: policyView(await policyOf(context, params.id!), base) },
    }),
  }),
  operation({
    name: 'policy.update',
    method: 'PATCH',
    path: '/v3/policies/:id',
    ...MANAGING_ALL,
    summary: 'Changes a policy.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { policy }, base }) => {
      const row = await policyOf(context, params.id!)
      const set = named<PolicyRow>({
        type: policy.type,
        blob: (policy.blob as Json | undefined) ?? undefined,
        extra: extended(row.extra, extraOf(policy, KNOWN)),
      })
      const entry = { action: 'update', kind: 'policy', resourceId: row.id }
      const rules = [{ violated: noPolicy(row.id), refusal: unknown('policy', row.id) }]
      const writes = Object.keys(set).length ? [updatePolicy(context.db, row.id, set)] : []
      await commitIf(context, rules, entry, writes)
      return { body: { policy: policyView({ ...row, ...set }, base) } }
    },
  }),
  operation({
    name: 'policy.delete',
    method: 'DELETE',
    path: '/v3/policies/:id',
    ...MANAGING_ALL,
    summary: 'Removes a policy from wherever it was for.',
    status: 204,
    handle: async ({ context, params }) => {
      const row = await policyOf(context, params.id!)
      const entry = { action: 'delete', kind: 'policy', resourceId: row.id }
      await commit(context, entry, [...deletePolicy(context.db, row.id)])
      return {}
    },
  }),
]
