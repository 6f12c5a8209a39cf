import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { domains, projects, revokedTokens, roleAssignments, roles, users } from '../../schema/index.ts'
import { forgiveAll } from './login-failures.ts'

export type UserRow = typeof users.$inferSelect
export type ProjectRow = typeof projects.$inferSelect
export type RoleRow = typeof roles.$inferSelect
export type DomainRow = typeof domains.$inferSelect

const one = async <T>(rows: Promise<T[]>): Promise<T | null> => (await rows)[0] ?? null

/** A domain; null: there is none. */
export const domainById = (db: Database, id: string) => one(db.select().from(domains).where(eq(domains.id, id)))
/** Domains by name; what the filter leaves open is not asked. */
export const listDomains = (db: Database, filter: { name?: string | undefined; enabled?: boolean | undefined }) =>
  db
    .select()
    .from(domains)
    .where(and(same(domains.name, filter.name), same(domains.enabled, filter.enabled)))
    .orderBy(asc(domains.name))

/** A user with the hash of the password; null: there is none. */
export const userById = (db: Database, id: string) => one(db.select().from(users).where(eq(users.id, id)))
/** The user of a name, which is unique in its domain; null: there is none. */
export const userByName = (db: Database, domainId: string, name: string) =>
  one(
    db
      .select()
      .from(users)
      .where(and(eq(users.domainId, domainId), eq(users.name, name))),
  )
/** A project; null: there is none. */
export const projectById = (db: Database, id: string) => one(db.select().from(projects).where(eq(projects.id, id)))
/** The project of a name, which is unique in its domain; null: there is none. */
export const projectByName = (db: Database, domainId: string, name: string) =>
  one(
    db
      .select()
      .from(projects)
      .where(and(eq(projects.domainId, domainId), eq(projects.name, name))),
  )

interface Filter {
  name?: string | undefined
  domainId?: string | undefined
  enabled?: boolean | undefined
}
const same = (column: Parameters<typeof eq>[0], value: unknown): SQL | undefined =>
  value === undefined ? undefined : eq(column, value)

/** Users by name; what the filter leaves open is not asked. */
export const listUsers = (db: Database, filter: Filter) =>
  db
    .select()
    .from(users)
    .where(
      and(same(users.name, filter.name), same(users.domainId, filter.domainId), same(users.enabled, filter.enabled)),
    )
    .orderBy(asc(users.name), asc(users.id))

/** Projects by name; what the filter leaves open is not asked. */
export const listProjects = (db: Database, filter: Filter) =>
  db
    .select()
    .from(projects)
    .where(
      and(
        same(projects.name, filter.name),
        same(projects.domainId, filter.domainId),
        same(projects.enabled, filter.enabled),
      ),
    )
    .orderBy(asc(projects.name), asc(projects.id))

/** Projects in which a user has any role. */
export const projectsOfUser = (db: Database, userId: string) =>
  db
    .select()
    .from(projects)
    .where(sql`${projects.id} in (select project_id from role_assignments where user_id = ${userId})`)
    .orderBy(asc(projects.name), asc(projects.id))

/** A role; null: there is none. */
export const roleById = (db: Database, id: string) => one(db.select().from(roles).where(eq(roles.id, id)))
/** Roles by name; with a name that one alone. */
export const listRoles = (db: Database, name?: string) =>
  db.select().from(roles).where(same(roles.name, name)).orderBy(asc(roles.name))

/** The roles that a user has in a project, by name. */
export const rolesOn = async (db: Database, userId: string, projectId: string): Promise<RoleRow[]> =>
  db
    .select({ id: roles.id, name: roles.name, description: roles.description })
    .from(roleAssignments)
    .innerJoin(roles, eq(roles.id, roleAssignments.roleId))
    .where(and(eq(roleAssignments.userId, userId), eq(roleAssignments.projectId, projectId)))
    .orderBy(asc(roles.name))

export interface AssignmentFilter {
  userId?: string | undefined
  projectId?: string | undefined
  roleId?: string | undefined
}

/** Role assignments with every name that a view may show. */
export const listAssignments = (db: Database, filter: AssignmentFilter) =>
  db
    .select({ user: users, project: projects, role: roles })
    .from(roleAssignments)
    .innerJoin(users, eq(users.id, roleAssignments.userId))
    .innerJoin(projects, eq(projects.id, roleAssignments.projectId))
    .innerJoin(roles, eq(roles.id, roleAssignments.roleId))
    .where(
      and(
        same(roleAssignments.userId, filter.userId),
        same(roleAssignments.projectId, filter.projectId),
        same(roleAssignments.roleId, filter.roleId),
      ),
    )
    .orderBy(asc(users.name), asc(projects.name), asc(roles.name))

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
/** Statements: a user goes, with all roles and failed logins. */
export const deleteUser = (db: Database, id: string) =>
  [
    db.delete(roleAssignments).where(eq(roleAssignments.userId, id)),
    forgiveAll(db, id),
    db.delete(users).where(eq(users.id, id)),
  ] as const

/** Statement: a new role. */
export const insertRole = (db: Database, row: RoleRow) => db.insert(roles).values(row)
/** A role and its assignments. */
export const deleteRole = (db: Database, id: string) =>
  [db.delete(roleAssignments).where(eq(roleAssignments.roleId, id)), db.delete(roles).where(eq(roles.id, id))] as const

/** Statement: gives a user a role on a project; twice is once. */
export const assignRole = (db: Database, userId: string, projectId: string, roleId: string) =>
  db.insert(roleAssignments).values({ userId, projectId, roleId }).onConflictDoNothing()
/** Statement: takes a role on a project from a user; none is none. */
export const unassignRole = (db: Database, userId: string, projectId: string, roleId: string) =>
  db
    .delete(roleAssignments)
    .where(
      and(
        eq(roleAssignments.userId, userId),
        eq(roleAssignments.projectId, projectId),
        eq(roleAssignments.roleId, roleId),
      ),
    )
