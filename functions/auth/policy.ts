import { own, table } from '../../adapters/table.ts'
import type { Caller, Role } from '../context.ts'
import { Fault } from '../http/fault.ts'
import type { Operation } from '../http/operation.ts'

/** What a role is good for besides itself, whatever an administrator lets it imply: nobody locks himself out. */
const GOOD_FOR: Readonly<Record<string, readonly Role[]>> = table({
  admin: ['manager', 'member', 'reader'],
  manager: ['member', 'reader'],
  member: ['reader'],
})

/** Whether the caller has a role, or one that is good for it, where the token is for. */
export const hasRole = (caller: Caller, role: Role): boolean =>
  caller.roles.some((had) => had === role || own(GOOD_FOR, had)?.includes(role))

/** The role that a token needs, which depends on what it is for; undefined: no role is enough. */
const needed = ({ projectId, domain, system }: Caller, { who, also }: Operation): Role | undefined => {
  if (who === 'public' || who === 'authenticated') return undefined
  if (system) return also?.system
  if (domain) return also?.domain
  return projectId ? who : undefined
}

/** 401 without a token, 403 without the role, or with one on something that the operation is not about. */
export const authorize = (caller: Caller | null, operation: Operation): void => {
  if (operation.who === 'public') return
  if (!caller) throw unauthorized()
  if (operation.who === 'authenticated') return
  const role = needed(caller, operation)
  if (!role || !hasRole(caller, role))
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
