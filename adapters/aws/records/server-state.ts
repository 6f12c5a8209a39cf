import type { Instance, InstanceStateName } from '@aws-sdk/client-ec2'
import type { Power, Reclaim, Seen } from '../../contract.ts'
import { BEYOND_ACCOUNT } from '../../errors.ts'

/**
 * EC2's life of an instance in our words.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
 * @returns `known` is false for a state that EC2 invented since; it is shown as such and never acted upon
 */
export const stateOf = (
  name: InstanceStateName | undefined,
): { health: Seen['health']; power: Power; known: boolean } => {
  switch (name) {
    case 'pending':
      return { health: 'pending', power: 'changing', known: true }
    case 'running':
      return { health: 'ready', power: 'running', known: true }
    case 'stopping':
      return { health: 'ready', power: 'changing', known: true }
    case 'stopped':
      return { health: 'ready', power: 'stopped', known: true }
    case 'shutting-down':
      return { health: 'pending', power: 'changing', known: true }
    // Terminated instances stay visible for about an hour.
    case 'terminated':
      return { health: 'gone', power: 'stopped', known: true }
    default:
      // Fails to compile when the SDK learns a state that has no case above.
      name satisfies undefined
      return { health: 'pending', power: 'unknown', known: false }
  }
}

/** What EC2 says of a spot instance that it interrupts: terminates, or (as of persistent requests, which are none of ours) stops. */
const INTERRUPTED = new Set(['Server.SpotInstanceTermination', 'Server.SpotInstanceShutdown'])

/**
 * That EC2 took an instance back, and did not end it for anybody; undefined: it did not. An instance that is being ended is
 * told as such, so that what it holds is free when this is said. Why it was taken, by price or for want of capacity, only its
 * spot request tells, which is read for what it announces alone (`spot-notice.ts`).
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
 */
export const reclaimOf = ({
  State,
  StateReason,
  StateTransitionReason,
}: Pick<Instance, 'State' | 'StateReason' | 'StateTransitionReason'>): Reclaim | undefined => {
  if (State?.Name !== 'terminated' || !INTERRUPTED.has(StateReason?.Code ?? '')) return undefined
  return { at: timeIn(StateTransitionReason), words: StateReason?.Message || StateReason!.Code! }
}

/** `Service initiated (2026-11-29 20:30:30 GMT)`. */
const timeIn = (reason: string | undefined): number | null => {
  const [, day, time] = /\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:GMT|UTC)\)/.exec(reason ?? '') ?? []
  const at = Date.parse(`${day}T${time}Z`)
  return Number.isNaN(at) ? null : at
}

/** Why EC2 ended an instance that nobody ended, for the user; undefined when somebody did. */
export const faultOf = (reason: string | undefined): string | undefined => {
  if (reason === undefined || reason === '') return undefined
  if (/^Client\.(User|Instance)InitiatedShutdown|^Client\.UserInitiatedHibernate/.test(reason)) return undefined
  if (/InsufficientInstanceCapacity|SpotInstanceTermination/.test(reason))
    return 'The cloud had no room for the server.'
  if (/VolumeLimitExceeded/.test(reason)) return BEYOND_ACCOUNT
  if (/InvalidSnapshot|InternalError/.test(reason)) return 'The cloud could not start the server from this image.'
  return 'The cloud ended the server.'
}
