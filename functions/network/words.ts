import { unauthorized } from '../auth/policy.ts'
import { Refused } from '../broker/line/commit.ts'
import { NetworkError } from '../broker/network/network-error.ts'
import { conflict, Fault, forbidden } from '../http/fault.ts'
import type { Operation } from '../http/operation.ts'

const statusOf: Record<NetworkError['sort'], number> = {
  missing: 404,
  invalid: 400,
  conflict: 409,
  forbidden: 403,
  unavailable: 503,
}

/** What the broker will not do, as Neutron says it. */
export const faultOf = (error: unknown): unknown => {
  if (error instanceof NetworkError) return new Fault(statusOf[error.sort], error.message, { type: error.type })
  if (!(error instanceof Refused)) return error
  const { refusal } = error
  if (refusal.kind === 'token') return unauthorized()
  if (refusal.kind === 'quota') return overQuota(refusal.resource)
  if (refusal.kind === 'guard') return conflict(movedWords[refusal.what] ?? moved, 'Conflict')
  if (refusal.columns.includes('ports.mac_address'))
    return conflict('Unable to complete operation. The mac address is in use.', 'MacAddressInUse')
  return conflict(moved, 'Conflict')
}

const moved = 'It was changed by somebody else at the same time. Please try again.'
const movedWords: Record<string, string> = {
  'network-gone': 'The network was deleted at the same time.',
  'subnet-gone': 'The subnet was deleted at the same time.',
  'security-group-gone': 'The security group was deleted at the same time.',
  'network-elsewhere': 'The networks are on different clouds.',
}

/** neutron-lib, exceptions: `OverQuota`. */
export const overQuota = (resource: string): Fault =>
  conflict(`Quota exceeded for resources: ['${resource}'].`, 'OverQuota')

/** oslo.policy's words for one attribute, or one operation, that is for others. */
export const disallowed = (rule: string): Fault =>
  forbidden(`rule:${rule} is disallowed by policy`, 'PolicyNotAuthorized')

/** Every operation of the service answers in Neutron's words. */
export const inNeutronsWords = (operation: Operation): Operation => {
  const [resource, verb] = operation.name.split('.')
  return {
    ...operation,
    denial: `rule:${verb === 'list' ? 'get' : verb}_${resource} is disallowed by policy`,
    handle: async (input) => {
      try {
        return await operation.handle(input)
      } catch (error) {
        throw faultOf(error)
      }
    },
  }
}
