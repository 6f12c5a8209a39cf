import {
  federatedUserOf,
  type IdpRow,
  knowUser,
  type ProtocolRow,
  setGroupsSaid,
} from '../../../db/queries/federation/federation.ts'
import { domainById, listDomains } from '../../../db/queries/identity/domains.ts'
import { deleteGrant, grantsOfUser, insertGrant, type Place } from '../../../db/queries/identity/grants.ts'
import { groupById, listGroups } from '../../../db/queries/identity/groups.ts'
import {
  insertUser,
  listRoles,
  projectByName,
  type UserRow,
  updateUser,
  userById,
  userByName,
} from '../../../db/queries/identity/identity.ts'
import { lookUp } from '../../../db/queries/identity/logins.ts'
import { commit } from '../../broker/line/commit.ts'
import type { Context } from '../../context.ts'
import type { Proven } from '../authenticate.ts'
import { beginProject } from '../directory/projects.ts'
import type { Mapped, Version } from './mapping.ts'
import { refused } from './provider.ts'

/* Users whom a provider sends, as rows of ours: keystone/auth/plugins/mapped.py. */

interface Sent {
  idp: IdpRow
  protocol: ProtocolRow
  version: Version
  mapped: Mapped
}

/** More than this is a mistake of a mapping, or of a provider. */
const MOST_GROUPS = 200

const domainOf = async (
  context: Context,
  said: { id?: string | undefined; name?: string | undefined },
): Promise<string | null> =>
  said.id !== undefined
    ? ((await domainById(context.db, said.id))?.id ?? null)
    : ((await listDomains(context.db, { name: said.name ?? '' }))[0]?.id ?? null)

/** Ids of the groups that are named; one that is there by no name is left out, one by no id is a mistake. */
const groupsOf = async (context: Context, { idp, mapped }: Sent): Promise<string[]> => {
  const found = new Set<string>()
  if (mapped.groupIds.length + mapped.groups.length > MOST_GROUPS)
    throw refused(context, { idp: idp.id }, 'the mapping names too many groups')
  for (const id of mapped.groupIds) {
    if (!(await groupById(context.db, id))) throw refused(context, { idp: idp.id }, `there is no group ${id}`)
    found.add(id)
  }
  for (const { name, domain } of mapped.groups) {
    const domainId = await domainOf(context, domain)
    const [group] = domainId === null ? [] : await listGroups(context.db, { name, domainId })
    if (group) found.add(group.id)
  }
  return [...found]
}

/** A name that nobody in the domain has: a user of ours is not taken for one whom a provider calls the same. */
const freeName = async (context: Context, domainId: string, name: string, uniqueId: string, own: string) => {
  for (const called of [name.slice(0, 255), `${name.slice(0, 180)} (${uniqueId.slice(0, 70)})`]) {
    const other = await userByName(context.db, domainId, called)
    if (!other || other.id === own) return called
  }
  return own
}

/** The user whom a provider knows by this id, made at the first login; changed where the provider says another name or address. */
const shadowOf = async (context: Context, { idp, protocol, mapped }: Sent) => {
  const { db } = context
  const { id, name, email = null } = mapped.user
  const uniqueId = id ?? name
  if (!uniqueId) throw refused(context, { idp: idp.id }, 'the mapping names no user')
  const key = { idpId: idp.id, protocolId: protocol.id, uniqueId }
  const userId = await federatedUserOf(db, key)
  const row = userId === null ? null : await userById(db, userId)
  const own = row?.id ?? context.newId().replaceAll('-', '')
  const called = await freeName(context, idp.domainId, name ?? uniqueId, uniqueId, own)
  const seen = { ...key, lastSeenAt: context.now() }
  if (row) {
    const changed = row.name !== called || row.email !== email
    return {
      id: row.id,
      isEnabled: row.enabled,
      writes: [
        knowUser(db, { ...seen, userId: row.id }),
        ...(changed ? [updateUser(db, row.id, { name: called, email })] : []),
      ],
    }
  }
  const made: UserRow = {
    ...{ id: own, domainId: idp.domainId, name: called, email, description: '' },
    ...{ passwordHash: null, passwordChangedAt: null, passwordExpiresAt: null, passwordIsOwn: false },
    ...{ defaultProjectId: null, extra: {}, enabled: true, options: {}, epoch: 0, createdAt: context.now() },
  }
  return { id: made.id, isEnabled: true, writes: [insertUser(db, made), knowUser(db, { ...seen, userId: made.id })] }
}

/** The projects that a mapping names, each made where it is not there, with the roles that the user is to have. */
const projectsOf = async (context: Context, { idp, mapped }: Sent, userId: string) => {
  const roles = await listRoles(context.db, {})
  const named: { name: string; domainId: string; roles: string[] }[] = []
  for (const { name, roles: said, domain } of mapped.projects) {
    const ids = said.map((each) => {
      const role = roles.find((one) => one.name === each.name && (one.domainId === '' || one.domainId === idp.domainId))
      if (!role) throw refused(context, { idp: idp.id }, `there is no role ${each.name}`)
      return role.id
    })
    const domainId = domain ? await domainOf(context, domain) : idp.domainId
    if (domainId === null || !name) throw refused(context, { idp: idp.id }, 'the mapping names a project of no domain')
    named.push({ name, domainId, roles: ids })
  }
  // Made once all are known to be right: of who is refused there is no project.
  const wanted: { place: Place; roles: string[] }[] = []
  for (const { name, domainId, roles: ids } of named) {
    const project =
      (await projectByName(context.db, domainId, name)) ??
      (await beginProject(context, {
        ...{ id: context.newId().replaceAll('-', ''), domainId, parentId: null, name, description: '', enabled: true },
        ...{ options: {}, tags: [], extra: {}, epoch: 0, policy: null, createdAt: context.now() },
      }))
    const place: Place = { actor: 'user', actorId: userId, target: 'project', targetId: project.id, inherited: false }
    wanted.push({ place, roles: ids })
  }
  return wanted
}

/** From the third version on a user has in projects what the provider says, and nothing else. */
const takes = (version: Version): boolean => version === '3.0'

/** Who a provider sent, as one of ours, with the groups and projects that its mapping says. 401 for whoever does not fit. */
export const enterAs = async (context: Context, sent: Sent): Promise<Proven> => {
  const { db, settings } = context
  const { idp, protocol, mapped, version } = sent
  const common = { ends: null, credential: null, trust: null, entry: null }
  if (mapped.user.type === 'local') {
    const { id, name, domain } = mapped.user
    const domainId = domain ? await domainOf(context, domain) : idp.domainId
    const naming = id ? { id } : name && domainId ? { name, domainId } : null
    const { user } = naming ? await lookUp(db, naming, null) : { user: null }
    if (!user?.enabled || !user.domainEnabled) throw refused(context, { idp: idp.id }, 'no such local user')
    return { ...common, user, methods: [protocol.id] }
  }
  const groups = await groupsOf(context, sent)
  const disabled = () => refused(context, { idp: idp.id }, 'the user is disabled')
  const { id, isEnabled, writes } = await shadowOf(context, sent)
  if (!isEnabled || !(await domainById(db, idp.domainId))?.enabled) throw disabled()
  const wanted = await projectsOf(context, sent, id)
  const minutes = idp.authorizationTtl ?? 0
  const until = context.now() + Math.max(settings.tokenLifetime * 1000, minutes * 60_000)
  const had = takes(version) ? await grantsOfUser(db, id) : []
  const left = had.filter(
    (one) => !wanted.some(({ place, roles }) => place.targetId === one.targetId && roles.includes(one.roleId)),
  )
  const entry = {
    action: 'login_federated',
    kind: 'user',
    resourceId: id,
    detail: { idp: idp.id, protocol: protocol.id },
  }
  await commit(context, entry, [
    ...writes,
    ...setGroupsSaid(db, { userId: id, idpId: idp.id, groups, until }),
    ...wanted.flatMap(({ place, roles }) => roles.map((role) => insertGrant(db, place, role))),
    ...left.flatMap(({ targetId, roleId }) => [
      ...deleteGrant(db, { actor: 'user', actorId: id, target: 'project', targetId, inherited: false }, roleId),
    ]),
  ])
  const { user } = await lookUp(db, { id }, null)
  if (!user?.enabled || !user.domainEnabled) throw disabled()
  return { ...common, user, methods: [protocol.id], federation: { idpId: idp.id, protocolId: protocol.id } }
}
