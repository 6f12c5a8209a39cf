import * as z from 'zod'
import { deleteCredentialsOf } from '../../../db/queries/identity/application-credentials.ts'
import { domainById } from '../../../db/queries/identity/domains.ts'
import { isGone } from '../../../db/queries/identity/holding.ts'
import {
  deleteUser,
  insertUser,
  listUsers,
  projectById,
  raiseUserEpoch,
  type UserRow,
  updateUser,
  userById,
  wasRevoked,
} from '../../../db/queries/identity/identity.ts'
import { forgiveAll } from '../../../db/queries/identity/login-failures.ts'
import { unauthorized } from '../../auth/policy.ts'
import { isTaken } from '../../broker/line/refused.ts'
import { openObject } from '../../http/dictionary.ts'
import { badRequest } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { checkPassword } from '../check-password.ts'
import { expiryView } from '../expiry.ts'
import { inexactly, timesAsked } from '../filters.ts'
import { extraOf, nameText } from '../properties.ts'
import {
  assertDomainSaid,
  assertNotAbove,
  assertReach,
  domainAsked,
  MANAGING,
  notAbove,
  ownDomain,
  ownOr,
  READING,
} from '../reach.ts'
import { duplicate, unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection, flagOf, selfLink } from '../views.ts'
import { extended, named, textOf } from './named.ts'
import { mergedOptions, userOptions } from './options.ts'
import { assertMayChange, passwordSet, remembering } from './passwords.ts'

const password = z.string().min(1).max(4096)
const fields = {
  name: nameText,
  password: password.nullish(),
  email: z.string().max(255).nullish(),
  description: z.string().max(16_384).nullish(),
  enabled: z.boolean().optional(),
  domain_id: z.string().nullish(),
  default_project_id: z.string().nullish(),
  options: userOptions,
}
const KNOWN = [...Object.keys(fields), 'id', 'links', 'password_expires_at', 'original_password']
const creation = z.object({ user: openObject(z.looseObject(fields)) })
const change = z.object({ user: openObject(z.looseObject({ ...fields, name: nameText.optional() })) })
const newPassword = z.object({ user: z.object({ password, original_password: password }) })

/** A user as Keystone shows it. */
export const userView = (row: UserRow, base: string) => ({
  ...row.extra,
  id: row.id,
  name: row.name,
  domain_id: row.domainId,
  enabled: row.enabled,
  ...(row.defaultProjectId === null ? {} : { default_project_id: row.defaultProjectId }),
  ...(row.email === null ? {} : { email: row.email }),
  ...(row.description === '' ? {} : { description: row.description }),
  password_expires_at: row.passwordExpiresAt === null ? null : expiryView(row.passwordExpiresAt * 1000),
  options: row.options,
  links: selfLink(base, `/users/${row.id}`),
})

export const userOperations: Operation[] = [
  operation({
    name: 'user.list',
    method: 'GET',
    path: '/v3/users',
    ...READING,
    summary:
      'Every user; filters `name`, `domain_id` and `enabled`, exact or not, and `password_expires_at` (`lt:`, `lte:`, `gt:`, `gte:`, `eq:`, `neq:`); `idp_id`, `protocol_id` and `unique_id` of users whom identity providers send.',
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const { domainId, nothing } = domainAsked(context.caller!, query.domain_id)
      const passwords = timesAsked(queries, 'password_expires_at')
      const known = { idpId: query.idp_id, protocolId: query.protocol_id, uniqueId: query.unique_id }
      const filter = { name: query.name, domainId, enabled: flagOf(query.enabled), passwords, ...known }
      const rows = nothing ? [] : await listUsers(context.db, filter)
      return collection(
        'users',
        inexactly(
          queries,
          ['name', 'domain_id'],
          rows.map((row) => userView(row, base)),
        ),
        base,
        '/users',
      )
    },
  }),
  operation({
    name: 'user.create',
    method: 'POST',
    path: '/v3/users',
    ...MANAGING,
    summary: 'Makes a user, who may do nothing before a role is assigned.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { user }, base }) => {
      const { db } = context
      assertDomainSaid(context.caller!, user.domain_id, 'user.create')
      const domainId = user.domain_id ?? ownDomain(context.caller!)
      assertReach(context.caller!, domainId, 'user.create')
      if (!(await domainById(db, domainId))) throw unknown('domain', domainId)
      if (user.default_project_id && !(await projectById(db, user.default_project_id)))
        throw unknown('project', user.default_project_id)
      const row: UserRow = {
        id: context.newId().replaceAll('-', ''),
        domainId,
        name: user.name,
        email: user.email ?? null,
        description: user.description ?? '',
        ...(await passwordSet(context, user.password || null, mergedOptions({}, user.options))),
        defaultProjectId: user.default_project_id ?? null,
        extra: extraOf(user, KNOWN),
        enabled: user.enabled ?? true,
        options: mergedOptions({}, user.options),
        epoch: 0,
        createdAt: context.now(),
      }
      const entry = { action: 'create', kind: 'user', resourceId: row.id, detail: { name: row.name } }
      const rules = [
        { violated: isGone('domain', domainId), refusal: unknown('domain', domainId) },
        ...(row.defaultProjectId === null
          ? []
          : [{ violated: isGone('project', row.defaultProjectId), refusal: unknown('project', row.defaultProjectId) }]),
      ]
      await commitIf(context, rules, entry, [insertUser(db, row)])
      return { body: { user: userView(row, base) } }
    },
    refuse: (error, { context, body: { user } }) =>
      isTaken(error) ? duplicate('user', user.name, user.domain_id ?? ownDomain(context.caller!)) : undefined,
  }),
  operation({
    name: 'user.get',
    method: 'GET',
    path: '/v3/users/:id',
    who: 'authenticated',
    summary: 'One user; somebody else only for those who may read users.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const caller = context.caller!
      const own = caller.userId === params.id
      const row =
        own || caller.isAdmin || caller.system || caller.domain ? await userById(context.db, params.id!) : null
      ownOr(caller, 'reader', own, row?.domainId, 'user.get')
      if (!row) throw unknown('user', params.id!)
      return { body: { user: userView(row, base) } }
    },
  }),
  operation({
    name: 'user.update',
    method: 'PATCH',
    path: '/v3/users/:id',
    ...MANAGING,
    summary:
      'Changes a user; a new password or being disabled revokes his tokens, being disabled deletes his application credentials.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { user }, base }) => {
      const { db } = context
      const row = await userById(db, params.id!)
      assertReach(context.caller!, row?.domainId, 'user.update')
      if (!row) throw unknown('user', params.id!)
      await assertNotAbove(context, row.id, 'user.update')
      if (user.domain_id && user.domain_id !== row.domainId) throw badRequest('Update of `domain_id` is not allowed.')
      if (user.default_project_id && !(await projectById(db, user.default_project_id)))
        throw unknown('project', user.default_project_id)
      const set = named<UserRow>({
        name: user.name,
        email: user.email,
        description: textOf(user.description),
        defaultProjectId: user.default_project_id,
        enabled: user.enabled,
        options: user.options && mergedOptions(row.options, user.options),
        extra: extended(row.extra, extraOf(user, KNOWN)),
        ...(user.password === undefined
          ? {}
          : await passwordSet(context, user.password, mergedOptions(row.options, user.options))),
      })
      const disabled = set.enabled === false
      const revokes = user.password !== undefined || disabled
      const entry = { action: 'update', kind: 'user', resourceId: row.id }
      const writes = [
        ...(user.password === undefined ? [] : remembering(context, row.id)),
        ...(Object.keys(set).length ? [updateUser(db, row.id, set)] : []),
        ...(revokes ? [raiseUserEpoch(db, row.id)] : []),
        // As Keystone does it (api-ref, "Application Credentials").
        ...(disabled ? deleteCredentialsOf(db, row.id) : []),
        ...(user.password === undefined ? [] : [forgiveAll(db, row.id)]),
      ]
      await commitIf(context, notAbove(context, row.id, 'user.update'), entry, writes)
      return { body: { user: userView({ ...row, ...set }, base) } }
    },
    refuse: async (error, { context, params, body: { user } }) =>
      isTaken(error) ? duplicate('user', user.name!, (await userById(context.db, params.id!))?.domainId) : undefined,
  }),
  operation({
    name: 'user.delete',
    method: 'DELETE',
    path: '/v3/users/:id',
    ...MANAGING,
    summary: 'Removes a user with his role assignments, application credentials and tokens.',
    status: 204,
    handle: async ({ context, params }) => {
      const id = params.id!
      const row = await userById(context.db, id)
      assertReach(context.caller!, row?.domainId, 'user.delete')
      if (!row) throw unknown('user', id)
      await assertNotAbove(context, id, 'user.delete')
      const entry = { action: 'delete', kind: 'user', resourceId: id }
      await commitIf(context, notAbove(context, id, 'user.delete'), entry, [...deleteUser(context.db, id)])
      return {}
    },
  }),
  operation({
    name: 'user.change_password',
    method: 'POST',
    path: '/v3/users/:id/password',
    who: 'public',
    summary: 'A user changes his password by giving the one he has; all his tokens are revoked.',
    status: 204,
    body: newPassword,
    handle: async ({ context, params, body: { user } }) => {
      const { db } = context
      const given = { user: { id: params.id! }, password: user.original_password }
      const { id, epoch } = (await checkPassword(context, given, null, { expired: true })).user
      const row = await userById(db, id)
      if (!row) throw unknown('user', id)
      if (row.options.lock_password === true)
        throw badRequest(
          'You cannot change your password at this time due to password policy disallowing password changes. Please contact your administrator to reset your password.',
        )
      await assertMayChange(context, row, user.password)
      const set = await passwordSet(context, user.password, row.options, true)
      const entry = { action: 'change_password', kind: 'user', resourceId: id }
      // Who changed it meanwhile has its age and its history to keep to: it is no more the one that was given.
      const rules = [{ violated: wasRevoked(id, epoch), refusal: unauthorized() }]
      await commitIf(context, rules, entry, [
        ...remembering(context, id),
        updateUser(db, id, set),
        raiseUserEpoch(db, id),
        forgiveAll(db, id),
      ])
      return {}
    },
  }),
]
