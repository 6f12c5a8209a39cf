import { and, asc, eq, type Placeholder, type SQL, sql } from 'drizzle-orm'
import { alias, type SQLiteColumn, type SQLiteTable } from 'drizzle-orm/sqlite-core'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { domains, projects, revokedTokens, roleAssignments, roles, users } from '../../schema/index.ts'
import { deleteCredentialsFor, deleteCredentialsOf, deleteCredentialsWith } from './application-credentials.ts'
import { forgiveAll } from './login-failures.ts'

export type UserRow = typeof users.$inferSelect
export type ProjectRow = typeof projects.$inferSelect
export type RoleRow = typeof roles.$inferSelect
export type DomainRow = typeof domains.$inferSelect

const one = async <T>(rows: Promise<T[]>): Promise<T | null> => (await rows)[0] ?? null

interface ById {
  id: string
}
interface ByName {
  domainId: string
  name: string
}

const domainOfId = prepared((db, { id }: Slots<ById>) => db.select().from(domains).where(eq(domains.id, id)))
/** A domain; null: there is none. */
export const domainById = (db: Database, id: string) => one(domainOfId.run(db, { id }))

interface Filter {
  name?: string | undefined
  domainId?: string | undefined
  enabled?: boolean | undefined
}

const domainsLike = prepared((db, { name, enabled }: Slots<Pick<Filter, 'name' | 'enabled'>>) =>
  db
    .select()
    .from(domains)
    .where(and(same(domains.name, name), same(domains.enabled, enabled)))
    .orderBy(asc(domains.name)),
)
/** Domains by name; what the filter leaves open is not asked. */
export const listDomains = (db: Database, filter: Pick<Filter, 'name' | 'enabled'>) => domainsLike.run(db, filter)

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

const usersLike = prepared((db, { name, domainId, enabled }: Slots<Filter>) =>
  db
    .select()
    .from(users)
    .where(and(same(users.name, name), same(users.domainId, domainId), same(users.enabled, enabled)))
    .orderBy(asc(users.name), asc(users.id)),
)
/** Users by name; what the filter leaves open is not asked. */
export const listUsers = (db: Database, filter: Filter) => usersLike.run(db, filter)

const projectsLike = prepared((db, { name, domainId, enabled }: Slots<Filter>) =>
  db
    .select()
    .from(projects)
    .where(and(same(projects.name, name), same(projects.domainId, domainId), same(projects.enabled, enabled)))
    .orderBy(asc(projects.name), asc(projects.id)),
)
/** Projects by name; what the filter leaves open is not asked. */
export const listProjects = (db: Database, filter: Filter) => projectsLike.run(db, filter)

const projectsFor = prepared((db, { userId }: Slots<{ userId: string }>) =>
  db
    .select()
    .from(projects)
    .where(sql`${projects.id} in (select project_id from role_assignments where user_id = ${userId})`)
    .orderBy(asc(projects.name), asc(projects.id)),
)
/** Projects in which a user has any role. */
export const projectsOfUser = (db: Database, userId: string) => projectsFor.run(db, { userId })

const roleOfId = prepared((db, { id }: Slots<ById>) => db.select().from(roles).where(eq(roles.id, id)))
/** A role; null: there is none. */
export const roleById = (db: Database, id: string) => one(roleOfId.run(db, { id }))

const rolesLike = prepared((db, { name }: Slots<Pick<Filter, 'name'>>) =>
  db.select().from(roles).where(same(roles.name, name)).orderBy(asc(roles.name)),
)
/** Roles by name; with a name that one alone. */
export const listRoles = (db: Database, name?: string) => rolesLike.run(db, { name })

interface Place {
  user: string
  project: string
  role?: string | undefined
}
const there = (table: SQLiteTable & { id: SQLiteColumn }, id: Placeholder | undefined): SQL<boolean> =>
  (id ? sql<boolean>`exists (select 1 from ${table} where ${table.id} = ${id})` : sql<boolean>`1`).mapWith(Boolean)
const granted = prepared((db, { user, project, role }: Slots<Place>) =>
  db
    .select({
      user: there(users, user),
      project: there(projects, project),
      role: there(roles, role),
      roles: sql<string>`(select json_group_array(json_object('id', r.id, 'name', r.name) order by r.name)
        from role_assignments a join roles r on r.id = a.role_id where a.user_id = ${user} and a.project_id = ${project})`,
    })
    .from(sql`(select 1)`),
)
/** Which of a user, a project and (if one is named) a role there are, and the roles that the user has there, by name. One query. */
export const grantsIn = async (db: Database, place: Place) => {
  const [row] = await granted.run(db, place)
  return { ...row!, roles: JSON.parse(row!.roles) as Pick<RoleRow, 'id' | 'name'>[] }
}

export interface AssignmentFilter {
  userId?: string | undefined
  projectId?: string | undefined
  roleId?: string | undefined
}

const userDomains = alias(domains, 'user_domains')
const projectDomains = alias(domains, 'project_domains')
const assignmentsLike = prepared((db, { userId, projectId, roleId }: Slots<AssignmentFilter>) =>
  db
    .select({
      userId: users.id,
      user: users.name,
      userDomainId: users.domainId,
      userDomain: userDomains.name,
      projectId: projects.id,
      project: projects.name,
      projectDomainId: projects.domainId,
      projectDomain: projectDomains.name,
      roleId: roles.id,
      role: roles.name,
    })
    .from(roleAssignments)
    .innerJoin(users, eq(users.id, roleAssignments.userId))
    .innerJoin(projects, eq(projects.id, roleAssignments.projectId))
    .innerJoin(roles, eq(roles.id, roleAssignments.roleId))
    .leftJoin(userDomains, eq(userDomains.id, users.domainId))
    .leftJoin(projectDomains, eq(projectDomains.id, projects.domainId))
    .where(
      and(
        same(roleAssignments.userId, userId),
        same(roleAssignments.projectId, projectId),
        same(roleAssignments.roleId, roleId),
      ),
    )
    .orderBy(asc(users.name), asc(projects.name), asc(roles.name)),
)
/** Role assignments with every name that a view may show. One query. */
export const listAssignments = (db: Database, filter: AssignmentFilter) => assignmentsLike.run(db, filter)

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
    db.delete(roleAssignments).where(eq(roleAssignments.projectId, id)),
    db.update(users).set({ defaultProjectId: null }).where(eq(users.defaultProjectId, id)),
    db.run(sql`delete from mappings where project_id = ${id}
      and not exists (select 1 from bindings where project_id = ${id} and phase <> 'gone')`),
    db.run(sql`delete from quotas where project_id = ${id} and used = 0`),
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
    db.delete(roleAssignments).where(eq(roleAssignments.userId, id)),
    forgiveAll(db, id),
    db.delete(users).where(eq(users.id, id)),
  ] as const

/** Statement: a new role. */
export const insertRole = (db: Database, row: RoleRow) => db.insert(roles).values(row)
/** A role and its assignments, with the application credentials of those who had it, where they had it. */
export const deleteRole = (db: Database, id: string) =>
  [
    ...deleteCredentialsWith(db, id),
    db.delete(roleAssignments).where(eq(roleAssignments.roleId, id)),
    db.delete(roles).where(eq(roles.id, id)),
  ] as const

/** Statement: gives a user a role on a project; twice is once. */
export const assignRole = (db: Database, userId: string, projectId: string, roleId: string) =>
  db.insert(roleAssignments).values({ userId, projectId, roleId }).onConflictDoNothing()
/** Statements: takes a role on a project from a user, and the user's application credentials there; none is none. */
export const unassignRole = (db: Database, userId: string, projectId: string, roleId: string) =>
  [
    ...deleteCredentialsFor(db, projectId, userId),
    db
      .delete(roleAssignments)
      .where(
        and(
          eq(roleAssignments.userId, userId),
          eq(roleAssignments.projectId, projectId),
          eq(roleAssignments.roleId, roleId),
        ),
      ),
  ] as const
