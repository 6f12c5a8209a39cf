import {
  type Instance,
  type _InstanceType as InstanceType,
  ModifyInstanceAttributeCommand,
  ModifyVolumeCommand,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2'
import type { Progress, Size } from '../../contract.ts'
import type { Context } from '../context.ts'
import { instances, ourInstance } from '../records/instance.ts'
import { stateOf } from '../records/server-state.ts'
import { volumes } from '../records/volume.ts'

/** What one step of a resize does. `wait`: something runs already. */
export type Step = 'wait' | 'stop' | 'start' | 'retype' | 'grow' | 'done'

/**
 * Pure. The type changes while the instance is stopped; the root disk grows and never shrinks.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/change-instance-type-of-ebs-backed-instance.html
 */
export const nextStep = (
  seen: { state: Instance['State']; type: string | undefined; rootGiB: number },
  size: Pick<Size, 'native' | 'diskGiB'>,
  power: 'running' | 'stopped',
): Step => {
  const { power: now } = stateOf(seen.state?.Name)
  if (now !== 'running' && now !== 'stopped') return 'wait'
  if (seen.type !== size.native) return now === 'running' ? 'stop' : 'retype'
  if (seen.rootGiB < size.diskGiB) return 'grow'
  if (now === power) return 'done'
  return power === 'running' ? 'start' : 'stop'
}

/** Takes one step, safe to repeat. @throws as any call; `conflict` when the root disk grew less than six hours ago */
export const resize = async (
  context: Context,
  id: string,
  size: Size,
  power: 'running' | 'stopped',
): Promise<Progress> => {
  const { ec2 } = context
  const instance = await ourInstance(context, id)
  const root = (await instances(context).one(instance)).volumes.find((disk) => disk.root)
  const disk = root && size.diskGiB > 0 ? await volumes(context).get(root.id) : null
  const seen = { state: instance.State, type: instance.InstanceType, rootGiB: disk?.sizeGiB ?? size.diskGiB }
  const step = nextStep(seen, size, power)
  switch (step) {
    case 'done':
      return 'done'
    case 'wait':
      break
    case 'stop':
      await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
      break
    case 'start':
      await ec2.send(new StartInstancesCommand({ InstanceIds: [id] }))
      break
    case 'retype':
      await ec2.send(
        new ModifyInstanceAttributeCommand({ InstanceId: id, InstanceType: { Value: size.native as InstanceType } }),
      )
      break
    case 'grow':
      // Pending: an earlier step's change still runs.
      if (disk?.health !== 'pending') {
        await ec2.send(new ModifyVolumeCommand({ VolumeId: root!.id, Size: size.diskGiB }))
      }
      break
    default:
      step satisfies never
  }
  return 'going'
}
