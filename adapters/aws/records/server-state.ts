import type { InstanceStateName } from '@aws-sdk/client-ec2'
import type { Power, Seen } from '../../contract.ts'

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

/** Why EC2 ended an instance that nobody ended, for the user; undefined when somebody did. */
export const faultOf = (reason: string | undefined): string | undefined => {
  if (reason === undefined || reason === '') return undefined
  if (/^Client\.(User|Instance)InitiatedShutdown|^Client\.UserInitiatedHibernate/.test(reason)) return undefined
  if (/InsufficientInstanceCapacity|SpotInstanceTermination/.test(reason))
    return 'The cloud had no room for the server.'
  if (/VolumeLimitExceeded/.test(reason)) return 'The limits of the cloud account are reached.'
  if (/InvalidSnapshot|InternalError/.test(reason)) return 'The cloud could not start the server from this image.'
  return 'The cloud ended the server.'
}
