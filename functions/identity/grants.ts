import { own } from '../../adapters/table.ts'
import {
  domainById,
  listRoles,
  type ProjectRow,
  projectById,
  projectByName,
  type RoleRow,
  rolesOn,
} from '../../db/queries/identity/identity.ts'
import { IMPLIED } from '../../db/queries/identity/implied-roles.ts'
import { unauthorized } from '../auth/policy.ts'
import type { Context, Database } from '../context.ts'
import { domainNamed, type Named } from './authenticate.ts'
import { missing } from './refusals.ts'

/** The roles that a user has in a project, implied ones included, by name. */
export const effectiveRoles = async (db: Database, userId: string, projectId: string): Promise<RoleRow[]> => {
  const granted = await rolesOn(db, userId, projectId)
  const names = new Set(granted.flatMap(({ name }) => [name, ...(own(IMPLIED, name) ?? [])]))
  return names.size === granted.length ? granted : (await listRoles(db)).filter(({ name }) => names.has(name))
}

export type Scope =
  | { project: Named }
  | { unscoped: unknown }
  | { domain: unknown }
  | { system: unknown }
  | { 'OS-TRUST:trust': unknown }

/**
 * The project that a token is asked for, with the user's roles in it; null: unscoped. Without a word about scope it is
 * the user's default project, if that still lets him in. 401 where the user has no role, whether it exists or not.
 */
export const scopeOf = async (
  context: Context,
  user: { id: string; defaultProjectId: string | null },
  scope: Scope | 'unscoped' | undefined,
): Promise<{ project: ProjectRow; roles: RoleRow[] } | null> => {
  const { db } = context
  if (scope === undefined)
    return user.defaultProjectId === null ? null : grantOn(db, user.id, await projectById(db, user.defaultProjectId))
  if (scope === 'unscoped' || 'unscoped' in scope) return null
  // Roles are granted on projects alone, so nobody has one on a domain, the system or by trust.
  const grant = 'project' in scope ? await grantOn(db, user.id, await projectNamed(db, scope.project)) : null
  if (!grant) throw unauthorized()
  return grant
}

const grantOn = async (db: Database, userId: string, project: ProjectRow | null) => {
  if (!project?.enabled || !(await domainById(db, project.domainId))?.enabled) return null
  const roles = await effectiveRoles(db, userId, project.id)
  return roles.length > 0 ? { project, roles } : null
}

const projectNamed = async (db: Database, asked: Named): Promise<ProjectRow | null> => {
  if (asked.id !== undefined) return projectById(db, asked.id)
  if (asked.name === undefined) throw missing('name', 'project')
  return projectByName(db, (await domainNamed(db, asked.domain, 'project')) ?? '', asked.name)
}
