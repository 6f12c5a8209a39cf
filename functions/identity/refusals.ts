import { unauthorized } from '../auth/policy.ts'
import { Refused } from '../broker/line/refused.ts'
import type { Caller } from '../context.ts'
import { Fault, forbidden, notFound } from '../http/fault.ts'
import type { Service } from '../http/service.ts'

/** Keystone's sentences (keystone/exception.py), so that clients which read them keep working. */
export const unknown = (kind: string, id: string): Fault => notFound(`Could not find ${kind}: ${id}.`)

/** 409 for a name that is taken, within its domain. */
export const duplicate = (kind: string, name: string, domainId?: string): Fault =>
  new Fault(
    409,
    `Conflict occurred attempting to store ${kind} - Duplicate entry found with name ${name}${domainId ? ` at domain ID ${domainId}` : ''}.`,
  )

/** The sentence of a 403. Keystone ends it itself, whatever the action ends with. */
export const actionRefused = (action: string): string =>
  `You are not authorized to perform the requested action: ${action}.`

/** `project.create` is the policy `identity:create_project`. */
export const actionDenied = (operation: string): string => {
  const [resource, verb] = operation.split('.')
  return actionRefused(`identity:${verb}_${resource}${verb === 'list' ? 's' : ''}`)
}

/** 400 for an attribute that a body lacks. */
export const missing = (attribute: string, target: string): Fault =>
  new Fault(
    400,
    `Expecting to find ${attribute} in ${target}. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
  )

/** 403 unless an admin asks, or the caller whom `own` recognises. Of everything: an admin of a domain is none. */
export const ownOrAdmin = (caller: Caller | null, own: (caller: Caller) => boolean, operation: string): void => {
  if (!caller || !(caller.isAdmin || own(caller))) throw forbidden(actionDenied(operation))
}

/** A token that was revoked meanwhile is 401, whatever else the operation would say. */
export const refuse: Service['refuse'] = (error) =>
  error instanceof Refused && error.refusal.kind === 'token' ? unauthorized() : undefined
