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
  | { domain: { id?: string | undefined; name?: string | undefined } }
  | { system: { all: boolean } }
  | { 'OS-TRUST:trust': { id: string } }

/** The trust that a token is asked for by; null: none. */
export const trustOf = (scope: Scope | 'unscoped' | undefined): string | null =>
  typeof scope === 'object' && 'OS-TRUST:trust' in scope ? scope['OS-TRUST:trust'].id : null

/** What a token is asked for, but by a trust, which says itself what for: without a word about scope the user's own project, if that lets the user in. */
export const wantedOf = (scope: Scope | 'unscoped' | undefined): Wanted => {
  if (scope === undefined) return 'own'
  if (scope === 'unscoped' || 'unscoped' in scope) return null
  if ('project' in scope) return { project: naming('project', scope.project) }
  if ('domain' in scope) {
    const { id, name } = scope.domain
    if (id !== undefined) return { domain: { id } }
    if (name !== undefined) return { domain: { name } }
    throw missing('id or name', 'domain')
  }
  return 'system' in scope ? 'system' : null
}
