import { isAbove, standsAbove } from '../../db/queries/identity/grants.ts'
import { hasRole } from '../auth/policy.ts'
import type { Caller, Context, Role } from '../context.ts'
import { forbidden } from '../http/fault.ts'
import type { Operation } from '../http/operation.ts'
import { actionDenied } from './refusals.ts'
import type { Rule } from './rules.ts'

/*
 * Whose things a token reaches: one for the system or, of an administrator, for a project everything, one for a domain what
 * is in it. Keystone's personas (https://docs.openstack.org/keystone/latest/admin/service-api-protection.html); an
 * administrator of a domain is none of all domains.
 */

/** Who may look: readers of the system and of the domain. */
export const READING: Pick<Operation, 'who' | 'also'> = { who: 'admin', also: { system: 'reader', domain: 'reader' } }
/** Who may change what belongs to a domain. */
export const MANAGING: Pick<Operation, 'who' | 'also'> = { who: 'admin', also: { system: 'admin', domain: 'manager' } }
/** Who may look at what belongs to no domain, or is of all. */
export const READING_ALL: Pick<Operation, 'who' | 'also'> = { who: 'admin', also: { system: 'reader' } }
/** Who may change that. */
export const MANAGING_ALL: Pick<Operation, 'who' | 'also'> = { who: 'admin', also: { system: 'admin' } }

/** 403 for what is not in the domain that the token is for, be it elsewhere or nowhere (null). */
export const assertReach = ({ domain }: Caller, domainId: string | null | undefined, operation: string): void => {
  if (domain && domain.id !== domainId) throw forbidden(actionDenied(operation))
}

/**
 * 403 unless the caller is whom `own` recognises, an administrator, or has a role on the system or on the domain of what is
 * asked for (null: there is no such thing).
 */
export const ownOr = (
  caller: Caller,
  role: Role,
  own: boolean,
  domainId: string | null | undefined,
  operation: string,
): void => {
  if (own || caller.isAdmin) return
  const there = caller.system || (caller.domain !== undefined && caller.domain.id === domainId)
  if (!there || !hasRole(caller, role)) throw forbidden(actionDenied(operation))
}

/**
 * What no token for a domain is good for (Keystone's `scope_types`), not even its user's: 403 unless the caller is whom `own`
 * recognises or has a role on the system, or is an administrator, where `admins` may.
 */
export const ownOrSystem = (caller: Caller, role: Role, own: boolean, operation: string, admins = true): void => {
  if (!caller.domain && (own || (admins && caller.isAdmin) || (caller.system && hasRole(caller, role)))) return
  throw forbidden(actionDenied(operation))
}

/**
 * 403 for who manages a domain and does not say in which one something is to be made: its administrator alone need not
 * (`target.user.domain_id` in keystone/common/policies/user.py, and its like).
 */
export const assertDomainSaid = (
  { domain, roles }: Caller,
  said: string | null | undefined,
  operation: string,
): void => {
  if (domain && !said && !roles.includes('admin')) throw forbidden(actionDenied(operation))
}

/** The domain to which a list is cut; `nothing`: what is asked for is in another. */
export const domainAsked = ({ domain }: Caller, asked: string | undefined): { domainId?: string; nothing: boolean } => {
  const domainId = domain?.id ?? asked
  return { ...(domainId === undefined ? {} : { domainId }), nothing: asked !== undefined && asked !== domainId }
}

/** The domain of what is made without a word about it: that of the token's scope. */
export const ownDomain = ({ domain, projectDomainId, userDomainId }: Caller): string =>
  domain?.id || projectDomainId || userDomainId

const aboveCaller = ({ domain, roles }: Caller, actorId: string) =>
  domain ? { actorId, domainId: domain.id, manager: Number(!roles.includes('admin')) } : null

/**
 * 403 for a token for a domain where a user or a group has a role that counts for more than it: with a new password, or as a
 * member, one would be more than what the token is.
 */
export const assertNotAbove = async ({ db, caller }: Context, actorId: string, operation: string): Promise<void> => {
  const rank = aboveCaller(caller!, actorId)
  if (rank && (await isAbove(db, rank))) throw forbidden(actionDenied(operation))
}

/** The same, for the batch: such a role may be granted meanwhile. */
export const notAbove = ({ caller }: Context, actorId: string, operation: string): Rule[] => {
  const rank = aboveCaller(caller!, actorId)
  return rank ? [{ violated: standsAbove(rank), refusal: forbidden(actionDenied(operation)) }] : []
}
