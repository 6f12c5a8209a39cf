import * as z from 'zod'
import { domainById } from '../../../db/queries/identity/domains.ts'
import {
  deleteGroup,
  type GroupRow,
  groupById,
  insertGroup,
  listGroups,
  updateGroup,
} from '../../../db/queries/identity/groups.ts'
import { isGone } from '../../../db/queries/identity/holding.ts'
import { userById } from '../../../db/queries/identity/identity.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { openObject } from '../../http/dictionary.ts'
import { badRequest } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { inexactly } from '../filters.ts'
import { extraOf } from '../properties.ts'
import { provenBy } from '../proven.ts'
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
import { collection, selfLink } from '../views.ts'

const fields = {
  name: z.string().trim().min(1).max(64),
  description: z.string().max(16_384).nullish(),
  domain_id: z.string().nullish(),
}
const KNOWN = [...Object.keys(fields), 'id', 'links']
const creation = z.object({ group: openObject(z.looseObject(fields)) })
const change = z.object({ group: openObject(z.looseObject({ ...fields, name: fields.name.optional() })) })

const view = ({ extra, id, name, domainId, description }: GroupRow, base: string) => ({
  ...extra,
  ...{ id, name, domain_id: domainId, description },
  links: selfLink(base, `/groups/${id}`),
})

/** A group that the caller's token reaches; 404 for none, 403 where it reaches too little to be told. */
export const groupWithin = async ({ db, caller }: Context, id: string, operation: string): Promise<GroupRow> => {
  const row = await groupById(db, id)
  assertReach(caller!, row?.domainId, operation)
  if (!row) throw unknown('group', id)
  return row
}

/** 404 for a group that there is not, whoever asks: Keystone looks before it asks who may remove one. */
const groupThere: Operation['absent'] = async ({ db, params }) => {
  if (!(await groupById(db, params.id!))) throw unknown('group', params.id!)
}

/** Groups of users, who are granted roles together. */
export const groupOperations: Operation[] = [
  operation({
    name: 'group.list',
    method: 'GET',
    path: '/v3/groups',
    ...READING,
    summary: 'Every group; filters `name` and `domain_id`, exact or not.',
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const { domainId, nothing } = domainAsked(context.caller!, query.domain_id)
      const rows = nothing ? [] : await listGroups(context.db, { name: query.name, domainId })
      const views = rows.map((row) => view(row, base))
      return collection('groups', inexactly(queries, ['name', 'domain_id'], views), base, '/groups')
    },
  }),
  operation({
    name: 'group.create',
    method: 'POST',
    path: '/v3/groups',
    ...MANAGING,
    summary: 'Makes a group without members.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { group }, base }) => {
      assertDomainSaid(context.caller!, group.domain_id, 'group.create')
      const domainId = group.domain_id ?? ownDomain(context.caller!)
      assertReach(context.caller!, domainId, 'group.create')
      if (!(await domainById(context.db, domainId))) throw unknown('domain', domainId)
      const row: GroupRow = {
        id: context.newId().replaceAll('-', ''),
        domainId,
        name: group.name,
        description: group.description ?? '',
        extra: extraOf(group, KNOWN),
        createdAt: context.now(),
      }
      const entry = { action: 'create', kind: 'group', resourceId: row.id, detail: { name: row.name } }
      const rules = [{ violated: isGone('domain', domainId), refusal: unknown('domain', domainId) }]
      await commitIf(context, rules, entry, [insertGroup(context.db, row)])
      return { body: { group: view(row, base) } }
    },
    refuse: (error, { context, body: { group } }) =>
      isTaken(error) ? duplicate('group', group.name, group.domain_id ?? ownDomain(context.caller!)) : undefined,
  }),
  operation({
    name: 'group.get',
    method: 'GET',
    path: '/v3/groups/:id',
    ...READING,
    summary: 'One group.',
    status: 200,
    handle: async ({ context, params, base }) => ({
      body: { group: view(await groupWithin(context, params.id!, 'group.get'), base) },
    }),
  }),
  operation({
    name: 'group.update',
    method: 'PATCH',
    path: '/v3/groups/:id',
    ...MANAGING,
    summary: 'Changes a group.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { group }, base }) => {
      const row = await groupWithin(context, params.id!, 'group.update')
      await assertNotAbove(context, row.id, 'group.update')
      if (group.domain_id && group.domain_id !== row.domainId) throw badRequest('Update of `domain_id` is not allowed.')
      const changed: GroupRow = {
        ...row,
        name: group.name ?? row.name,
        description: group.description === undefined ? row.description : (group.description ?? ''),
        extra: { ...row.extra, ...extraOf(group, KNOWN) },
      }
      const entry = { action: 'update', kind: 'group', resourceId: row.id }
      const rules = notAbove(context, row.id, 'group.update')
      await commitIf(context, rules, entry, [updateGroup(context.db, row.id, changed)])
      return { body: { group: view(changed, base) } }
    },
    refuse: (error, { body: { group } }) => (isTaken(error) ? duplicate('group', group.name!) : undefined),
  }),
  operation({
    name: 'group.delete',
    method: 'DELETE',
    path: '/v3/groups/:id',
    ...MANAGING,
    absent: groupThere,
    summary: 'Removes a group with what it was granted; tokens of those who were in it are revoked.',
    status: 204,
    handle: async ({ context, params }) => {
      const row = await groupById(context.db, params.id!)
      if (!row) throw unknown('group', params.id!)
      assertReach(context.caller!, row.domainId, 'group.delete')
      await assertNotAbove(context, row.id, 'group.delete')
      const entry = { action: 'delete', kind: 'group', resourceId: row.id, detail: { name: row.name } }
      const rules = notAbove(context, row.id, 'group.delete')
      await commitIf(context, rules, entry, [...deleteGroup(context.db, row.id)])
      return {}
    },
  }),
  operation({
    name: 'user_group.list',
    method: 'GET',
    path: '/v3/users/:id/groups',
    who: 'authenticated',
    summary:
      'The groups of a user, with a token for a domain those in it; filter `name`, exact or not; of somebody else only to those who may read users.',
    status: 200,
    handle: async ({ context, params, query, queries, base }) => {
      const id = params.id!
      const caller = context.caller!
      const own = caller.userId === id
      // Of which domain the user is matters to those alone who reach no other.
      const row = caller.domain && !own ? await userById(context.db, id) : null
      ownOr(caller, 'reader', own, row?.domainId, 'user_group.list')
      const groups = await provenBy(
        listGroups(context.db, { userId: id, name: query.name, domainId: caller.domain?.id }),
        async () => {
          if (!row && !(await userById(context.db, id))) throw unknown('user', id)
        },
      )
      // Nobody is in a group for a while: only users of identity providers are, and theirs are not members.
      const views = groups.map((each) => ({
        ...view(each, base),
        membership_expires_at: null,
      }))
      return collection('groups', inexactly(queries, ['name'], views), base, `/users/${id}/groups`)
    },
  }),
]
