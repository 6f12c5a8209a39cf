import * as z from 'zod'
import { listRoles, projectById, type RoleRow, userById } from '../../../db/queries/identity/identity.ts'
import { lookUp } from '../../../db/queries/identity/logins.ts'
import {
  deleteTrust,
  insertTrust,
  lendsTooMuch,
  listTrusts,
  MOST_TRUSTS,
  type TrustRead,
  type TrustRow,
  trustById,
  trustEver,
} from '../../../db/queries/identity/trusts.ts'
import { hasRole } from '../../auth/policy.ts'
import { commit } from '../../broker/line/commit.ts'
import type { Caller, Context } from '../../context.ts'
import { forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { expiryView, parseExpiry } from '../expiry.ts'
import { actionDenied, actionRefused, unknown } from '../refusals.ts'
import { roleFields } from '../roles.ts'
import { commitIf } from '../rules.ts'
import { collection, LIST_LIMIT, selfLink, truncated } from '../views.ts'

/* Trusts: https://docs.openstack.org/api-ref/identity/v3-ext/#os-trust-api */

/** keystone/trust/schema.py */
const id = z.string().min(1).max(64)
const role = z.union([z.looseObject({ id }), z.looseObject({ name: z.string().min(1).max(255) })])
const creation = z.object({
  trust: z.looseObject({
    trustor_user_id: id,
    trustee_user_id: id,
    impersonation: z.boolean(),
    project_id: id.nullish(),
    roles: z.array(role).max(100).optional(),
    expires_at: z.string().max(64).nullish(),
    remaining_uses: z
      .int()
      .min(1)
      .max(2 ** 31 - 1)
      .nullish(),
    allow_redelegation: z.boolean().nullish(),
    redelegation_count: z.int().min(0).max(100).nullish(),
  }),
})

const MANY = '/v3/OS-TRUST/trusts'
const ONE = `${MANY}/:id`

const roleView = (row: RoleRow, base: string) => ({ ...roleFields(row), links: selfLink(base, `/roles/${row.id}`) })

const listed = (row: TrustRow, base: string) => ({
  id: row.id,
  trustor_user_id: row.trustorId,
  trustee_user_id: row.trusteeId,
  project_id: row.projectId,
  impersonation: row.impersonation,
  expires_at: row.expiresAt === null ? null : `${expiryView(row.expiresAt)}Z`,
  remaining_uses: row.remainingUses,
  redelegation_count: 0,
  redelegated_trust_id: null,
  deleted_at: null,
  links: selfLink(base, `/OS-TRUST/trusts/${row.id}`),
})

const view = (row: TrustRead, base: string) => ({
  ...listed(row, base),
  roles: row.granted.map((each) => roleView(each, base)),
  roles_links: { ...selfLink(base, `/OS-TRUST/trusts/${row.id}/roles`), next: null, previous: null },
})

/** Reads for the system, and for administrators. */
const readsAll = (caller: Caller): boolean => caller.isAdmin || (caller.system === true && hasRole(caller, 'reader'))

/** The trust, to the two that it is between and to who reads all; 404 for one that is over. */
const trustFor = async ({ context, params }: Input, name: string): Promise<TrustRead> => {
  const caller = context.caller!
  const row = await trustById(context.db, params.id!, context.now())
  if (!row) throw unknown('trust', params.id!)
  if (row.trustorId !== caller.userId && row.trusteeId !== caller.userId && !readsAll(caller))
    throw forbidden(actionDenied(name))
  return row
}

/** Nothing that was lent is lent on, and what an application credential may not do is not done by way of another. */
const assertLends = ({ trust, credential, oauth }: Caller): void => {
  if (oauth) throw forbidden(actionRefused('Using an OAuth-scoped token is not allowed for managing trusts'))
  if (trust)
    throw forbidden(
      actionRefused('Redelegation of trusts is not offered: a token that was got by a trust makes no other'),
    )
  if (credential && !credential.unrestricted)
    throw forbidden(actionRefused("Using method 'application_credential' is not allowed for managing trusts."))
}

/** The roles that are asked for, all of which the trustor has in the project at this moment. */
const rolesLent = async (
  { db }: Context,
  asked: z.infer<typeof role>[],
  trustorId: string,
  projectId: string,
): Promise<RoleRow[]> => {
  const [all, { entry }] = await Promise.all([
    listRoles(db, { domainId: '' }),
    lookUp(db, { id: trustorId }, { project: { id: projectId } }),
  ])
  const lent = asked.map((each) => {
    const found = all.find((row) => ('id' in each ? row.id === each.id : row.name === each.name))
    const named = String('id' in each ? each.id : each.name)
    if (!found) throw 'id' in each ? unknown('role', named) : notFound(`Role ${named} is not defined`)
    if (!entry?.roles.some((had) => had.id === found.id)) throw unknown('role', found.id)
    return found
  })
  return [...new Map(lent.map((row) => [row.id, row])).values()]
}

export const trustOperations: Operation[] = [
  operation({
    name: 'trust.list',
    method: 'GET',
    path: MANY,
    who: 'authenticated',
    summary:
      'Trusts; filters `trustor_user_id` and `trustee_user_id`. Without one that is the caller it is for those who read all of identity. A thousand at most.',
    status: 200,
    handle: async ({ context, query, base }) => {
      const caller = context.caller!
      const { trustor_user_id: trustorId, trustee_user_id: trusteeId } = query
      if (trustorId !== caller.userId && trusteeId !== caller.userId && !readsAll(caller))
        throw forbidden(actionDenied('trust.list'))
      const rows = await listTrusts(context.db, { trustorId, trusteeId, limit: LIST_LIMIT + 1 })
      return truncated('trusts', rows, (row) => listed(row, base), base, '/OS-TRUST/trusts')
    },
  }),
  operation({
    name: 'trust.create',
    method: 'POST',
    path: MANY,
    who: 'authenticated',
    summary:
      'Lets another user act in a project with roles of the caller, as the caller or as himself, until a time or for a number of tokens. What was lent is not lent on.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { trust: asked }, base }) => {
      const { db } = context
      const caller = context.caller!
      // What is lent is a role in a project, and Keystone takes a token for one (`scope_types`).
      if (asked.trustor_user_id !== caller.userId || caller.system || caller.domain)
        throw forbidden(actionDenied('trust.create'))
      assertLends(caller)
      if (asked.allow_redelegation || asked.redelegation_count)
        throw forbidden(actionRefused('Redelegation of trusts is not offered'))
      const projectId = asked.project_id ?? null
      const wanted = asked.roles ?? []
      if (projectId !== null && !wanted.length) throw forbidden('At least one role should be specified.')
      if (projectId === null && wanted.length)
        throw forbidden(actionRefused('roles are lent in a project, and none is named'))
      if (!(await userById(db, asked.trustee_user_id))) throw unknown('user', asked.trustee_user_id)
      if (projectId !== null && !(await projectById(db, projectId))) throw unknown('project', projectId)
      // A token that may do less than its user lends no more than that.
      if (caller.credential && projectId !== caller.projectId)
        throw forbidden(actionRefused('An application credential lends in its own project alone'))
      const granted = projectId === null ? [] : await rolesLent(context, wanted, caller.userId, projectId)
      if (caller.credential && !granted.every(({ name }) => caller.roles.includes(name)))
        throw forbidden(actionRefused('An application credential lends no more than it has'))
      const row: TrustRow = {
        id: context.newId().replaceAll('-', ''),
        trustorId: caller.userId,
        trusteeId: asked.trustee_user_id,
        projectId,
        impersonation: asked.impersonation,
        roles: granted.map((each) => each.id),
        expiresAt: asked.expires_at == null ? null : parseExpiry(asked.expires_at, context.now()),
        remainingUses: asked.remaining_uses ?? null,
        createdAt: context.now(),
      }
      const entry = { action: 'create', kind: 'trust', resourceId: row.id, detail: { to: row.trusteeId } }
      const full = {
        violated: lendsTooMuch(row.trustorId, context.now()),
        refusal: forbidden(`Unable to create additional trusts: a user lends at most ${MOST_TRUSTS} times at once.`),
      }
      await commitIf(context, [full], entry, [insertTrust(db, row)])
      return { body: { trust: view({ ...row, granted }, base) } }
    },
  }),
  operation({
    name: 'trust.get',
    method: 'GET',
    path: ONE,
    who: 'authenticated',
    summary: 'One trust, to the two that it is between; of others only to those who read all of identity.',
    status: 200,
    handle: async (input) => ({ body: { trust: view(await trustFor(input, 'trust.get'), input.base) } }),
  }),
  operation({
    name: 'trust.delete',
    method: 'DELETE',
    path: ONE,
    who: 'authenticated',
    summary: 'Ends a trust, and all tokens that were got by it; for its trustor, and for admins.',
    status: 204,
    handle: async (input) => {
      const { context, params } = input
      const caller = context.caller!
      // One that is over may have left a token, which goes with it.
      const row = await trustEver(context.db, params.id!)
      if (!row) throw unknown('trust', params.id!)
      if (row.trustorId !== caller.userId && !caller.isAdmin) throw forbidden(actionDenied('trust.delete'))
      assertLends(caller)
      const entry = { action: 'delete', kind: 'trust', resourceId: row.id, detail: {} }
      await commit(context, entry, [deleteTrust(context.db, row.id)])
      return {}
    },
  }),
  operation({
    name: 'trust_role.list',
    method: 'GET',
    path: `${ONE}/roles`,
    who: 'authenticated',
    denial: actionDenied('trust.list_roles_for'),
    summary: 'The roles that a trust lends.',
    status: 200,
    handle: async (input) => {
      const row = await trustFor(input, 'trust.list_roles')
      const views = row.granted.map((each) => roleView(each, input.base))
      return collection('roles', views, input.base, `/OS-TRUST/trusts/${row.id}/roles`)
    },
  }),
  operation({
    name: 'trust_role.get',
    method: 'GET',
    path: `${ONE}/roles/:role`,
    who: 'authenticated',
    summary: 'Whether a trust lends a role.',
    status: 200,
    handle: async (input) => {
      const row = await trustFor(input, 'trust.get_role')
      const found = row.granted.find((each) => each.id === input.params.role)
      if (!found) throw unknown('role', input.params.role!)
      return { body: { role: roleView(found, input.base) } }
    },
  }),
]
