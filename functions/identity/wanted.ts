import type { Wanted } from '../../db/queries/identity/logins.ts'
import type { Naming } from '../../db/queries/identity/naming.ts'
import { missing } from './refusals.ts'

/** By id, or by name within a domain. */
export interface Named {
  id?: string | undefined
  name?: string | undefined
  domain?: { id?: string | undefined; name?: string | undefined } | undefined
}

/** What is named; an id needs nothing else. 400 for a name alone, and for nothing at all. */
export const naming = (kind: 'user' | 'project', { id, name, domain = {} }: Named): Naming => {
  if (id !== undefined) return { id }
  if (name === undefined) throw missing('name', kind)
  if (domain.id !== undefined) return { name, domainId: domain.id }
  if (domain.name !== undefined) return { name, domainName: domain.name }
  throw missing('domain', kind)
}

export type Scope =
  | { project: Named }
  | { unscoped: unknown }
  | { domain: unknown }
  | { system: unknown }
  | { 'OS-TRUST:trust': unknown }

/** Roles are granted on projects alone, so nobody has one on a domain, the system or by trust: that is no project at all. */
const NO_PROJECT: Naming = {}

/** The project that a token is asked for: without a word about scope the user's own, if that lets the user in. */
export const wantedOf = (scope: Scope | 'unscoped' | undefined): Wanted => {
  if (scope === undefined) return 'own'
  if (scope === 'unscoped' || 'unscoped' in scope) return null
  return 'project' in scope ? naming('project', scope.project) : NO_PROJECT
}
