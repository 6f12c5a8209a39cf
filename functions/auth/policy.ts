import { own } from '../../adapters/table.ts'
import { IMPLIED } from '../../db/queries/identity/implied-roles.ts'
import type { Caller, Role } from '../context.ts'
import { Fault } from '../http/fault.ts'
import type { Operation } from '../http/operation.ts'

/** Whether the caller has a role, or one that implies it. */
const hasRole = (caller: Caller, role: Role): boolean =>
  caller.roles.some((had) => had === role || own(IMPLIED, had)?.includes(role))

/** 401 without a token, 403 without the role or without a project. */
export const authorize = (caller: Caller | null, operation: Operation): void => {
  if (operation.who === 'public') return
  if (!caller) throw unauthorized()
  if (operation.who === 'authenticated') return
  if (!caller.projectId || !hasRole(caller, operation.who))
    throw new Fault(
      403,
      operation.denial ?? `Policy doesn't allow ${operation.name.replace('.', ':')} to be performed.`,
      {
        type: 'PolicyNotAuthorized',
      },
    )
}

/** 401, in the words of keystonemiddleware; clients then ask for another token. */
export const unauthorized = (): Fault =>
  new Fault(401, 'The request you have made requires authentication.', {
    headers: { 'WWW-Authenticate': 'Keystone uri="/identity"' },
  })
