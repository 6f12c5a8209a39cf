import { listRoles, type RoleRow, userById } from '../../../db/queries/identity/identity.ts'
import {
  type AccessTokenRow,
  accessTokenById,
  accessTokensOf,
  deleteAccessToken,
} from '../../../db/queries/identity/oauth.ts'
import { commit } from '../../broker/line/commit.ts'
import { forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { isDelegated } from '../delegated.ts'
import { provenBy } from '../proven.ts'
import { ownOrAdmin, unknown } from '../refusals.ts'
import { roleFields } from '../roles.ts'
import { collection, keystoneTime, LIST_LIMIT, selfLink, truncated } from '../views.ts'

/* What users gave programs: https://docs.openstack.org/api-ref/identity/v3-ext/#os-oauth1-api */

const MANY = '/v3/users/:user/OS-OAUTH1/access_tokens'
const ONE = `${MANY}/:id`

const pathOf = ({ userId, id }: Pick<AccessTokenRow, 'userId' | 'id'>) =>
  `/users/${userId}/OS-OAUTH1/access_tokens/${id}`

const view = (row: AccessTokenRow, base: string) => ({
  id: row.id,
  consumer_id: row.consumerId,
  project_id: row.projectId,
  authorizing_user_id: row.userId,
  expires_at: keystoneTime(row.expiresAt),
  links: { ...selfLink(base, pathOf(row)), roles: `${base}/v3${pathOf(row)}/roles` },
})

/** 403 unless the user of the path asks, or an administrator, and not by what was lent. */
const assertOwn = ({ context, params }: Pick<Input, 'context' | 'params'>, name: string): void => {
  const caller = context.caller!
  ownOrAdmin(caller, ({ userId }) => userId === params.user, name)
  if (isDelegated(caller)) throw forbidden('Cannot manage OAuth access tokens with a token issued via delegation.')
}

/** What the path names; 404 for none, and for somebody else's. */
const tokenOf = async (input: Input, name: string): Promise<AccessTokenRow> => {
  assertOwn(input, name)
  const row = await accessTokenById(input.context.db, input.params.id!)
  if (!row || row.userId !== input.params.user) throw notFound('Access token not found')
  return row
}

const rolesOf = async ({ context }: Input, row: AccessTokenRow): Promise<RoleRow[]> =>
  (await listRoles(context.db, { domainId: '' })).filter(({ id }) => row.roles.includes(id))
const roleView = (row: RoleRow, base: string) => ({ ...roleFields(row), links: selfLink(base, `/roles/${row.id}`) })

export const accessTokenOperations: Operation[] = [
  operation({
    name: 'access_token.list',
    method: 'GET',
    path: MANY,
    who: 'authenticated',
    summary: 'What a user gave programs, a thousand at most; of somebody else only to admins.',
    status: 200,
    handle: async (input) => {
      const { context, params, base } = input
      assertOwn(input, 'access_token.list')
      const userId = params.user!
      const rows = await provenBy(accessTokensOf(context.db, userId, context.now(), LIST_LIMIT + 1), async () => {
        if (!(await userById(context.db, userId))) throw unknown('user', userId)
      })
      const path = `/users/${userId}/OS-OAUTH1/access_tokens`
      return truncated('access_tokens', rows, (row) => view(row, base), base, path)
    },
  }),
  operation({
    name: 'access_token.get',
    method: 'GET',
    path: ONE,
    who: 'authenticated',
    summary: 'One of what a user gave programs.',
    status: 200,
    handle: async (input) => ({ body: { access_token: view(await tokenOf(input, 'access_token.get'), input.base) } }),
  }),
  operation({
    name: 'access_token.delete',
    method: 'DELETE',
    path: ONE,
    who: 'authenticated',
    summary: 'Takes from a program what a user gave it, with the tokens that were got by it.',
    status: 204,
    handle: async (input) => {
      const { id, consumerId } = await tokenOf(input, 'access_token.delete')
      const entry = { action: 'take', kind: 'consumer', resourceId: consumerId, detail: { user: input.params.user! } }
      await commit(input.context, entry, [deleteAccessToken(input.context.db, id)])
      return {}
    },
  }),
  operation({
    name: 'access_token_role.list',
    method: 'GET',
    path: `${ONE}/roles`,
    who: 'authenticated',
    summary: 'The roles that a user gave a program.',
    status: 200,
    handle: async (input) => {
      const row = await tokenOf(input, 'access_token_role.list')
      const views = (await rolesOf(input, row)).map((each) => roleView(each, input.base))
      return collection('roles', views, input.base, `${pathOf(row)}/roles`)
    },
  }),
  operation({
    name: 'access_token_role.get',
    method: 'GET',
    path: `${ONE}/roles/:role`,
    who: 'authenticated',
    summary: 'Whether a user gave a program a role.',
    status: 200,
    handle: async (input) => {
      const row = await tokenOf(input, 'access_token_role.get')
      const found = (await rolesOf(input, row)).find(({ id }) => id === input.params.role)
      if (!found) throw notFound('Could not find role')
      return { body: { role: roleView(found, input.base) } }
    },
  }),
]
