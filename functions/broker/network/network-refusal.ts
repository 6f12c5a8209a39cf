import type { Context } from '../../context.ts'
import { commit, type Entry, type Write } from '../line/commit.ts'
import { Refused, Refusing } from '../line/refused.ts'
import type { PartRefusal } from '../money/parts.ts'

/**
 * Why a network, or what hangs on one, will not do as asked. `kind` tells what kind of no it is, and each service gives it
 * a status of its own; `type` is Neutron's exception, `reason` its sentence for people (neutron-lib, exceptions).
 */
export interface NetworkRefusal {
  kind: 'missing' | 'invalid' | 'conflict' | 'forbidden' | 'unavailable' | 'failed' | PartRefusal['kind']
  type: string
  reason: string
}

export class NetworkRefused extends Refusing<NetworkRefusal> {
  constructor(refusal: NetworkRefusal) {
    super(refusal, refusal.reason)
  }
}

const missingWords = {
  Network: (id: string) => `Network ${id} could not be found.`,
  Segment: (id: string) => `Segment ${id} could not be found.`,
  Subnet: (id: string) => `Subnet ${id} could not be found.`,
  SubnetPool: (id: string) => `Subnet pool ${id} could not be found.`,
  AddressGroup: (id: string) => `Address group ${id} could not be found.`,
  AddressScope: (id: string) => `Address scope ${id} could not be found.`,
  QosPolicy: (id: string) => `QoS policy ${id} could not be found.`,
  Port: (id: string) => `Port ${id} could not be found.`,
  Router: (id: string) => `Router ${id} could not be found`,
  FloatingIP: (id: string) => `Floating IP ${id} could not be found`,
  SecurityGroup: (id: string) => `Security group ${id} does not exist`,
  DefaultSecurityGroupRule: (id: string) => `Default Security Group rule ${id} does not exist`,
  SecurityGroupRule: (id: string) => `Security group rule ${id} does not exist`,
}
export type Networked = keyof typeof missingWords

/** `NetworkNotFound` and its sisters. */
export const missing = (what: Networked, id: string): NetworkRefused =>
  new NetworkRefused({ kind: 'missing', type: `${what}NotFound`, reason: missingWords[what](id) })
/** It is in the way of something; `type` is Neutron's exception. */
export const conflicting = (type: string, reason: string): NetworkRefused =>
  new NetworkRefused({ kind: 'conflict', type, reason })
/** It cannot be as it is asked for; `type` is Neutron's exception. */
export const invalid = (type: string, reason: string): NetworkRefused =>
  new NetworkRefused({ kind: 'invalid', type, reason })
/** `InvalidInput`, with the sentence that Neutron wraps around its reason. */
export const invalidInput = (reason: string): NetworkRefused =>
  invalid('InvalidInput', `Invalid input for operation: ${reason}.`)
/** `BadRequest` names the resource: "Bad router request: …". */
export const badRequestFor = (resource: string, reason: string): NetworkRefused =>
  invalid('BadRequest', `Bad ${resource} request: ${reason}.`)

/** `PolicyNotAuthorized` unless it is the caller's to change: seeing what is shared is not enough. */
const refuseOthers = (
  { scope }: Pick<Context, 'scope'>,
  what: Networked,
  { id, projectId }: { id: string; projectId: string },
): void => {
  if ('every' in scope || projectId === scope.projectId) return
  const reason = `${what} ${id} belongs to another project.`
  throw new NetworkRefused({ kind: 'forbidden', type: 'PolicyNotAuthorized', reason })
}

/** What the caller sees, if it is the caller's to change; null: nothing is seen under that id. */
export const owned = <R extends { id: string; projectId: string }>(
  context: Pick<Context, 'scope'>,
  what: Networked,
  id: string,
  seen: R | null,
): R => {
  if (!seen) throw missing(what, id)
  refuseOthers(context, what, seen)
  return seen
}

/** Commits. A guard that did not hold becomes the refusal that its name stands for here. */
export const commitOr = async (
  context: Context,
  entry: Entry,
  writes: Write[],
  reasons: Record<string, () => NetworkRefused>,
): Promise<void> => {
  try {
    await commit(context, entry, writes)
  } catch (error) {
    const what = error instanceof Refused && error.refusal.kind === 'guard' ? error.refusal.what : ''
    throw reasons[what]?.() ?? error
  }
}
