import { deleteMember, insertMember, isMember, membersOf } from '../../../db/queries/identity/groups.ts'
import { isGone } from '../../../db/queries/identity/holding.ts'
import { userById } from '../../../db/queries/identity/identity.ts'
import { forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { inexactly } from '../filters.ts'
import { provenBy } from '../proven.ts'
import { assertNotAbove, MANAGING, notAbove, READING } from '../reach.ts'
import { actionDenied, actionRefused, unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection, flagOf } from '../views.ts'
import { groupWithin } from './groups.ts'
import { userView } from './users.ts'

const MANY = '/v3/groups/:id/users'
const ONE = `${MANY}/:user`

/** Both sides of a membership, in the order in which Keystone looks for them. */
const membership = async ({ context, params }: Input, name: string) => {
  const user = await userById(context.db, params.user!)
  const { domain } = context.caller!
  if (domain && user?.domainId !== domain.id) throw forbidden(actionDenied(name))
  if (!user) throw unknown('user', params.user!)
  const group = await groupWithin(context, params.id!, name)
  return { user: user.id, group: group.id }
}

const absent = (group: string, user: string) => notFound(`User '${user}' not found in group '${group}'`)
const changed = (action: string, { user, group }: { user: string; group: string }) => ({
  action,
  kind: 'group',
  resourceId: group,
  detail: { user },
})

/** Who is in a group. */
export const groupMemberOperations: Operation[] = [
  operation({
    name: 'group_user.list',
    method: 'GET',
    path: MANY,
    ...READING,
    denial: actionRefused('identity:list_users_in_group'),
    summary: 'The users in a group, with a token for a domain those in it; filters `name` and `enabled`, exact or not.',
    status: 200,
    handle: async ({ context, params, query, queries, base }) => {
      const id = params.id!
      const look = () => groupWithin(context, id, 'group_user.list')
      const within = context.caller!.domain
      if (within) await look()
      const enabled = flagOf(query.enabled)
      const rows = (await provenBy(membersOf(context.db, id), look)).filter(
        (row) =>
          (!within || row.domainId === within.id) &&
          (enabled === undefined || row.enabled === enabled) &&
          (query.name === undefined || row.name === query.name),
      )
      const views = rows.map((row) => userView(row, base))
      return collection('users', inexactly(queries, ['name'], views), base, `/groups/${id}/users`)
    },
  }),
  operation({
    name: 'group_user.check',
    method: 'GET',
    path: ONE,
    ...READING,
    denial: actionRefused('identity:check_user_in_group'),
    summary: 'Whether a user is in a group.',
    status: 204,
    handle: async (input) => {
      const { context, params } = input
      // Who reaches all domains is told by the membership alone; it goes with either side of it.
      const everywhere = !context.caller!.domain
      if (everywhere && (await isMember(context.db, params.id!, params.user!))) return {}
      const { user, group } = await membership(input, 'group_user.check')
      if (everywhere || !(await isMember(context.db, group, user))) throw absent(group, user)
      return {}
    },
  }),
  operation({
    name: 'group_user.add',
    method: 'PUT',
    path: ONE,
    ...MANAGING,
    denial: actionRefused('identity:add_user_to_group'),
    summary: 'Puts a user into a group.',
    status: 204,
    handle: async (input) => {
      const { context } = input
      const both = await membership(input, 'group_user.add')
      await assertNotAbove(context, both.group, 'group_user.add')
      const rules = [
        ...notAbove(context, both.group, 'group_user.add'),
        { violated: isGone('user', both.user), refusal: unknown('user', both.user) },
        { violated: isGone('group', both.group), refusal: unknown('group', both.group) },
      ]
      await commitIf(context, rules, changed('add_user', both), [insertMember(context.db, both.group, both.user)])
      return {}
    },
  }),
  operation({
    name: 'group_user.remove',
    method: 'DELETE',
    path: ONE,
    ...MANAGING,
    denial: actionRefused('identity:remove_user_from_group'),
    summary: 'Takes a user out of a group; all tokens of the user are revoked.',
    status: 204,
    handle: async (input) => {
      const { context } = input
      const both = await membership(input, 'group_user.remove')
      await assertNotAbove(context, both.group, 'group_user.remove')
      if (!(await isMember(context.db, both.group, both.user))) throw absent(both.group, both.user)
      const rules = notAbove(context, both.group, 'group_user.remove')
      const writes = [...deleteMember(context.db, both.group, both.user)]
      await commitIf(context, rules, changed('remove_user', both), writes)
      return {}
    },
  }),
]
