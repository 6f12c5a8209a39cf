import {
  AttachVolumeCommand,
  CreateTagsCommand,
  DetachVolumeCommand,
  type Instance,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2'
import type { NativeId, Progress } from '../../contract.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { BOOT_TAG, tagValue } from '../marks.ts'
import { ourInstance } from '../records/instance.ts'
import { volumes } from '../records/volume.ts'
import { rootOf } from './finish.ts'

/** What comes next for an instance that is to boot from another volume. `wait`: EC2 is at work. */
type Step = 'wait' | 'stop' | 'detach' | 'attach' | 'tag' | 'start' | 'done'

/**
 * Pure. A root volume is exchanged while its instance is stopped; the tag comes last, so that it names what is there.
 * https://docs.aws.amazon.com/ebs/latest/userguide/ebs-detaching-volume.html (root volumes)
 */
export const nextStep = (
  instance: Pick<Instance, 'State' | 'BlockDeviceMappings' | 'RootDeviceName' | 'Tags'>,
  wanted: NativeId,
  power: 'running' | 'stopped',
): Step => {
  const state = instance.State?.Name
  if (state !== 'running' && state !== 'stopped') return 'wait'
  const root = rootOf(instance)
  if (root?.VolumeId !== wanted) {
    if (state === 'running') return 'stop'
    return root ? 'detach' : 'attach'
  }
  if (tagValue(instance.Tags, BOOT_TAG) !== wanted) return 'tag'
  if (state === power) return 'done'
  return power === 'running' ? 'start' : 'stop'
}

/** Takes one step, told by tags and states alone. */
export const bootFrom = async (
  context: Context,
  id: NativeId,
  volume: NativeId,
  power: 'running' | 'stopped',
): Promise<Progress> => {
  const { ec2 } = context
  const instance = await ourInstance(context, id)
  if (tagValue(instance.Tags, BOOT_TAG) === undefined) refuse('The server boots from a disk of its own.')
  await volumes(context).ours(volume)
  const InstanceIds = [id]
  const step = nextStep(instance, volume, power)
  switch (step) {
    case 'wait':
      return 'going'
    case 'stop':
      await ec2.send(new StopInstancesCommand({ InstanceIds }))
      return 'going'
    case 'detach':
      await ec2.send(new DetachVolumeCommand({ InstanceId: id, VolumeId: rootOf(instance)!.VolumeId! }))
      return 'going'
    case 'attach':
      await ec2.send(new AttachVolumeCommand({ InstanceId: id, VolumeId: volume, Device: instance.RootDeviceName! }))
      return 'going'
    case 'tag':
      await ec2.send(new CreateTagsCommand({ Resources: InstanceIds, Tags: [{ Key: BOOT_TAG, Value: volume }] }))
      return 'going'
    case 'start':
      await ec2.send(new StartInstancesCommand({ InstanceIds }))
      return 'going'
    case 'done':
      return 'done'
  }
}
