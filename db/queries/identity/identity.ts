import { and, asc, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { either } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import {
  federatedUsers,
  grants,
  groupMembers,
  impliedRoles,
  projects,
  revokedTokens,
  roles,
  users,
} from '../../schema/index.ts'
import { deleteLimitsFor } from '../limits/limits.ts'
import { deleteCredentialsFor, deleteCredentialsOf, deleteCredentialsWith } from './application-credentials.ts'
import { deleteKeptFor, deleteKeptOf } from './credentials.ts'
import { forgiveAll } from './login-failures.ts'
import { deleteOauthIn, deleteOauthOf } from './oauth.ts'
import { deleteTrustsIn, deleteTrustsOf } from './trusts.ts'

export type UserRow = typeof users.$inferSelect
export type ProjectRow = typeof projects.$inferSelect
export type RoleRow = typeof roles.$inferSelect

const one = async <T>(rows: Promise<T[]>): Promise<T | null> => (await rows)[0] ?? null

interface ById {
  id: string
}
interface ByName {
  domainId: string
  name: string
}

interface Filter {
  name?: string | undefined
  domainId?: string | undefined
  enabled?: boolean | undefined
  /** Of projects: the project, or the domain, that they are directly below. */
  parentId?: string | undefined
}

const userOfId = prepared((db, { id }: Slots<ById>) => db.select().from(users).where(eq(users.id, id)))
/** A user with the hash of the password; null: there is none. */
export const userById = (db: Database, id: string) => one(userOfId.run(db, { id }))

const userOfName = prepared((db, { domainId, name }: Slots<ByName>) =>
  db
    .select()
    .from(users)
    .where(and(eq(users.domainId, domainId), eq(users.name, name))),
)
/** The user of a name, which is unique in its domain; null: there is none. */
export const userByName = (db: Database, domainId: string, name: string) => one(userOfName.run(db, { domainId, name }))

const projectOfId = prepared((db, { id }: Slots<ById>) => db.select().from(projects).where(eq(projects.id, id)))
/** A project; null: there is none. */
export const projectById = (db: Database, id: string) => one(projectOfId.run(db, { id }))

const projectOfName = prepared((db, { domainId, name }: Slots<ByName>) =>
  db
    .select()
    .from(projects)
    .where(and(eq(projects.domainId, domainId), eq(projects.name, name))),
)
/** The project of a name, which is unique in its domain; null: there is none. */
export const projectByName = (db: Database, domainId: string, name: string) =>
  one(projectOfName.run(db, { domainId, name }))

const same = (column: Parameters<typeof eq>[0], value: unknown): SQL | undefined =>
  value === undefined ? undefined : eq(column, value)

export interface UserFilter extends Filter {
  /** What is asked of the times at which passwords end. */
  passwords?: { operator: string; time: number }[] | undefined
  /** As whom identity providers know them. */
  idpId?: string | undefined
  protocolId?: string | undefined
  uniqueId?: string | undefined
}
/** Whether a user is one whom a provider knows like that: by its index where it has one, else looked up of each. */
const isKnown = ({
  idpId,
  protocolId,
  uniqueId,
}: Pick<Slots<UserFilter>, 'idpId' | 'protocolId' | 'uniqueId'>): SQL | undefined => {
  if (idpId === undefined && protocolId === undefined && uniqueId === undefined) return undefined
  const like = and(
    same(federatedUsers.idpId, idpId),
    same(federatedUsers.protocolId, protocolId),
    same(federatedUsers.uniqueId, uniqueId),
  )
  return idpId !== undefined || uniqueId !== undefined
    ? sql`${users.id} in (select ${federatedUsers.userId} from ${federatedUsers} where ${like})`
    : sql`exists (select 1 from ${federatedUsers} where ${federatedUsers.userId} = ${users.id} and ${like})`
}
const usersLike = prepared((db, { name, domainId, enabled, passwords, ...known }: Slots<UserFilter>) =>
  db
    .select()
    .from(users)
    .where(
      and(
        same(users.name, name),
        same(users.domainId, domainId),
        same(users.enabled, enabled),
        isKnown(known),
        passwords &&
          sql`${users.passwordExpiresAt} is not null and not exists (select 1 from json_each(${passwords}) f
            where not case f.value ->> 'operator' when '<' then ${users.passwordExpiresAt} < f.value ->> 'time'
              when '<=' then ${users.passwordExpiresAt} <= f.value ->> 'time'
              when '>' then ${users.passwordExpiresAt} > f.value ->> 'time'
              when '>=' then ${users.passwordExpiresAt} >= f.value ->> 'time'
              when '=' then ${users.passwordExpiresAt} = f.value ->> 'time'
              else ${users.passwordExpiresAt} <> f.value ->> 'time' end)`,
      ),
    )
    .orderBy(asc(users.name), asc(users.id)),
)
/** Users by name; what the filter leaves open is not asked. */
export const listUsers = (db: Database, filter: UserFilter) =>
  usersLike.run(db, { ...filter, passwords: filter.passwords?.length ? filter.passwords : undefined })

const projectsLike = prepared((db, { name, domainId, enabled, parentId }: Slots<Filter>) =>
  db
    .select()
    .from(projects)
    .where(
      and(
        same(projects.name, name),
        same(projects.domainId, domainId),
        same(projects.enabled, enabled),
        parentId &&
          either(eq(projects.parentId, parentId), and(isNull(projects.parentId), eq(projects.domainId, parentId))!),
      ),
    )
    .orderBy(asc(projects.name), asc(projects.id)),
)
/** Projects by name; what the filter leaves open is not asked. */
export const listProjects = (db: Database, filter: Filter) => projectsLike.run(db, filter)

const roleOfId = prepared((db, { id }: Slots<ById>) => db.select().from(roles).where(eq(roles.id, id)))
/** A role; null: there is none. */
export const roleById = (db: Database, id: string) => one(roleOfId.run(db, { id }))

export interface RoleFilter {
  name?: string | undefined
  /** Empty: roles of all domains; absent: every role there is. */
  domainId?: string | undefined
}
const rolesLike = prepared((db, { name, domainId }: Slots<RoleFilter>) =>
  db
    .select()
    .from(roles)
    .where(and(same(roles.name, name), same(roles.domainId, domainId)))
    .orderBy(asc(roles.name)),
)
/** Roles by name; with a name those of it alone. */
export const listRoles = (db: Database, filter: RoleFilter) => rolesLike.run(db, filter)

/** As SQL, that a user is gone, or that his tokens of this epoch were revoked, as by another password. */
export const wasRevoked = (userId: string, epoch: number): SQL =>
  sql`not exists (select 1 from users where id = ${userId} and epoch = ${epoch})`

/** Revokes every token of a user, of a project or of both. */
export const raiseUserEpoch = (db: Database, userId: string) =>
  db
    .update(users)
    .set({ epoch: sql`${users.epoch} + 1` })
    .where(eq(users.id, userId))
/** Statement: every token of a project that was issued before is worth nothing from now on. */
export const raiseProjectEpoch = (db: Database, projectId: string) =>
  db
    .update(projects)
    .set({ epoch: sql`${projects.epoch} + 1` })
    .where(eq(projects.id, projectId))

/** Statement: a token is worth nothing, as long as it would have lived (milliseconds since 1970). Twice is once. */
export const revokeToken = (db: Database, auditId: string, expiresAt: number) =>
  db.insert(revokedTokens).values({ auditId, expiresAt }).onConflictDoNothing()

/** A hash of today's cost in place of an older one; nothing if the password was changed meanwhile. */
export const setPasswordHash = (db: Database, user: Pick<UserRow, 'id' | 'passwordHash'>, passwordHash: string) =>
  db
    .update(users)
    .set({ passwordHash })
    .where(and(eq(users.id, user.id), same(users.passwordHash, user.passwordHash)))

/** Statement: a new project. */
export const insertProject = (db: Database, row: ProjectRow) => db.insert(projects).values(row)
/** Statement: changes a project. */
export const updateProject = (db: Database, id: string, set: Partial<ProjectRow>) =>
  db.update(projects).set(set).where(eq(projects.id, id))

/** A project with what is nobody's without it. Mappings stay while clouds hold something, so that it can be removed there. */
export const deleteProject = (db: Database, id: string) =>
  [
    ...deleteCredentialsFor(db, id),
    deleteKeptFor(db, id),
    deleteTrustsIn(db, id),
    ...deleteOauthIn(db, id),
    deleteLimitsFor(db, id),
    db.delete(grants).where(eq(grants.targetId, id)),
    db.run(sql`delete from project_endpoints where project_id = ${id}`),
    db.run(sql`delete from project_endpoint_groups where project_id = ${id}`),
    db.run(sql`delete from image_members where member_id = ${id}`),
    db.update(users).set({ defaultProjectId: null }).where(eq(users.defaultProjectId, id)),
    db.run(sql`delete from mappings where project_id = ${id}
      and not exists (select 1 from bindings where project_id = ${id} and phase <> 'gone')`),
    db.run(sql`delete from quotas where project_id = ${id} and used = 0`),
    db.run(sql`delete from user_quotas where project_id = ${id}`),
    db.run(sql`delete from user_use where project_id = ${id} and servers = 0`),
    db.delete(projects).where(eq(projects.id, id)),
  ] as const

/** Statement: a new user, without roles. */
export const insertUser = (db: Database, row: UserRow) => db.insert(users).values(row)
/** Statement: changes a user. */
export const updateUser = (db: Database, id: string, set: Partial<UserRow>) =>
  db.update(users).set(set).where(eq(users.id, id))
/** Statements: a user goes, with all roles, application credentials and failed logins. */
export const deleteUser = (db: Database, id: string) =>
  [
    ...deleteCredentialsOf(db, id),
    deleteKeptOf(db, id),
    ...deleteTrustsOf(db, id),
    db.run(sql`delete from user_quotas where user_id = ${id}`),
    ...deleteOauthOf(db, id),
    db.run(sql`delete from former_passwords where user_id = ${id}`),
    db.run(sql`delete from federated_users where user_id = ${id}`),
    db.delete(grants).where(eq(grants.actorId, id)),
    db.delete(groupMembers).where(eq(groupMembers.userId, id)),
    forgiveAll(db, id),
    db.delete(users).where(eq(users.id, id)),
  ] as const

/** Statement: a new role. */
export const insertRole = (db: Database, row: RoleRow) => db.insert(roles).values(row)
/** Statement: changes a role. */
export const updateRole = (db: Database, id: string, set: Partial<RoleRow>) =>
  db.update(roles).set(set).where(eq(roles.id, id))
/** A role and its assignments, with the application credentials of those who had it, where they had it. */
export const deleteRole = (db: Database, id: string) =>
  [
    ...deleteCredentialsWith(db, id),
    db.delete(grants).where(eq(grants.roleId, id)),
    db.delete(impliedRoles).where(either(eq(impliedRoles.priorId, id), eq(impliedRoles.impliedId, id))),
    db.delete(roles).where(eq(roles.id, id)),
  ] as const
