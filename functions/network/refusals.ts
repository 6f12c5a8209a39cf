import { table } from '../../adapters/table.ts'
import { unauthorized } from '../auth/policy.ts'
import { Refused } from '../broker/line/refused.ts'
import { type NetworkRefusal, NetworkRefused } from '../broker/network/network-refusal.ts'
import { conflict, Fault, forbidden } from '../http/fault.ts'
import { moneyFault } from '../http/money-fault.ts'
import type { Operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'

const statusOf: Record<NetworkRefusal['kind'], number> = {
  missing: 404,
  invalid: 400,
  conflict: 409,
  forbidden: 403,
  unavailable: 503,
  cost: 403,
  unlisted: 409,
  // What Neutron raises without a status of its own (neutron/api/api_common.py, `convert_exception_to_http_exc`).
  failed: 500,
}

/** What the broker will not do, as Neutron says it. */
export const refuse: Service['refuse'] = (error) => {
  if (error instanceof NetworkRefused) {
    const { kind, type, reason } = error.refusal
    if (kind === 'cost' || kind === 'unlisted') return moneyFault({ kind, reason }, type)
    return new Fault(statusOf[kind], reason, { type })
  }
  if (!(error instanceof Refused)) return undefined
  const { refusal } = error
  if (refusal.kind === 'token') return unauthorized()
  if (refusal.kind === 'quota') return overQuota(refusal.resource)
  if (refusal.kind === 'guard') return conflict(movedWords[refusal.what] ?? moved, 'Conflict')
  if (refusal.columns.includes('ports.mac_address'))
    return conflict('Unable to complete operation. The mac address is in use.', 'MacAddressInUse')
  return conflict(moved, 'Conflict')
}

const moved = 'It was changed by somebody else at the same time. Please try again.'
const movedWords: Record<string, string> = table({
  'network-gone': 'The network was deleted, or changed, at the same time.',
  'subnet-gone': 'The subnet was deleted at the same time.',
  'security-group-gone': 'The security group was deleted, or changed, at the same time.',
  'address-group-gone': 'The address group was deleted, or changed, at the same time.',
  'qos-gone': 'The QoS policy was deleted, or changed, at the same time.',
  'default-there': 'A default external network already exists.',
  'network-elsewhere': 'The networks are on different clouds.',
})

/** neutron-lib, exceptions: `OverQuota`. */
const overQuota = (resource: string): Fault => conflict(`Quota exceeded for resources: ['${resource}'].`, 'OverQuota')

/** oslo.policy's words for an attribute that is for others: the rule of the operation, and that of the attribute. */
export const disallowed = (rule: string): Fault =>
  forbidden(`(rule:${rule.split(':')[0]} and rule:${rule}) is disallowed by policy`, 'PolicyNotAuthorized')

/** Neutron's sentence for a caller who may not. */
export const denialOf = ({ name }: Pick<Operation, 'name'>): string => {
  const [resource, verb] = name.split('.')
  return `rule:${verb === 'list' ? 'get' : verb}_${resource} is disallowed by policy`
}
/** 403 with that sentence, as of whoever may not. */
export const forbidding = (denial: string): Fault => forbidden(denial, 'PolicyNotAuthorized')

/** The operation with Neutron's sentence for a caller who may not. */
export const withDenial = (operation: Operation): Operation => ({ ...operation, denial: denialOf(operation) })
