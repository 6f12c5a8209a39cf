import type { Context } from '../../context.ts'
import { commit, type Entry, Refused, type Write } from '../line/commit.ts'

/**
 * Why the broker will not do it to a network or to what hangs on one: `type` is Neutron's exception, the message its
 * sentence (neutron-lib, exceptions). `sort` tells what kind of no it is; each service gives it a status of its own.
 */
export class NetworkError extends Error {
  readonly sort: 'missing' | 'invalid' | 'conflict' | 'forbidden' | 'unavailable'
  readonly type: string
  constructor(sort: NetworkError['sort'], type: string, message: string) {
    super(message)
    this.name = 'NetworkError'
    this.sort = sort
    this.type = type
  }
}

const missingWords = {
  Network: (id: string) => `Network ${id} could not be found.`,
  Subnet: (id: string) => `Subnet ${id} could not be found.`,
  SubnetPool: (id: string) => `Subnet pool ${id} could not be found.`,
  Port: (id: string) => `Port ${id} could not be found.`,
  Router: (id: string) => `Router ${id} could not be found`,
  FloatingIP: (id: string) => `Floating IP ${id} could not be found`,
  SecurityGroup: (id: string) => `Security group ${id} does not exist`,
  SecurityGroupRule: (id: string) => `Security group rule ${id} does not exist`,
}
export type Networked = keyof typeof missingWords

/** `NetworkNotFound` and its sisters. */
export const missing = (what: Networked, id: string): NetworkError =>
  new NetworkError('missing', `${what}NotFound`, missingWords[what](id))
export const conflicting = (type: string, message: string): NetworkError => new NetworkError('conflict', type, message)
export const invalid = (type: string, message: string): NetworkError => new NetworkError('invalid', type, message)
export const invalidInput = (message: string): NetworkError =>
  invalid('InvalidInput', `Invalid input for operation: ${message}.`)
/** `BadRequest` names the resource: "Bad router request: …". */
export const badRequestFor = (resource: string, message: string): NetworkError =>
  invalid('BadRequest', `Bad ${resource} request: ${message}.`)

/** Commits. A guard that did not hold becomes the error that its name stands for here. */
export const commitOr = async (
  context: Context,
  entry: Entry,
  writes: Write[],
  reasons: Record<string, () => NetworkError>,
): Promise<void> => {
  try {
    await commit(context, entry, writes)
  } catch (error) {
    const what = error instanceof Refused && error.refusal.kind === 'guard' ? error.refusal.what : ''
    throw reasons[what]?.() ?? error
  }
}
