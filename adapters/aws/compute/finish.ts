import {
  AttachVolumeCommand,
  DeleteTagsCommand,
  DeleteVolumeCommand,
  DetachVolumeCommand,
  type Instance,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2'
import type { NativeId, ServerSpec } from '../../contract.ts'
import { writeGrouping } from '../../shared/grouping.ts'
import { unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { BOOT_TAG, filtersFor, GROUP_TAG, tagValue, UNFINISHED_TAG } from '../marks.ts'
import { ourInstance } from '../records/instance.ts'
import { markOf } from '../records/reader.ts'
import { volumes } from '../records/volume.ts'
import { clearMakeshift } from './makeshift.ts'

/** What comes next for an instance that is not yet what was asked for. `wait`: EC2 is at work. */
export type Step = 'wait' | 'stop' | 'detach' | 'attach' | 'start' | 'clear'

/** The disk that an instance boots from; undefined: there is none in it. */
export const rootOf = ({
  BlockDeviceMappings,
  RootDeviceName,
}: Pick<Instance, 'BlockDeviceMappings' | 'RootDeviceName'>) =>
  BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === RootDeviceName)?.Ebs

/**
 * Pure. RunInstances makes every root disk itself; a volume that is there takes its place while the instance is stopped.
 * https://docs.aws.amazon.com/ebs/latest/userguide/ebs-detaching-volume.html (root volumes)
 */
export const nextStep = (
  instance: Pick<Instance, 'State' | 'BlockDeviceMappings' | 'RootDeviceName'>,
  wanted: string | undefined,
): Step => {
  const state = instance.State?.Name
  const root = rootOf(instance)
  if (state !== 'running' && state !== 'stopped') return 'wait'
  if (wanted === undefined) return 'clear'
  if (root?.VolumeId === wanted) return state === 'running' ? 'clear' : 'start'
  if (state === 'running') return 'stop'
  return root ? 'detach' : 'attach'
}

/** Takes one step, told by tags and states alone. */
export const finish = async (context: Context, id: NativeId): Promise<void> => {
  const { ec2 } = context
  const instance = await ourInstance(context, id)
  if (tagValue(instance.Tags, UNFINISHED_TAG) === undefined) return
  const wanted = tagValue(instance.Tags, BOOT_TAG)
  const InstanceIds = [id]
  const step = nextStep(instance, wanted)
  switch (step) {
    case 'wait':
      return
    case 'stop':
      // Nothing runs on an empty disk that could shut down by itself.
      await ec2.send(new StopInstancesCommand({ InstanceIds, Force: true }))
      return
    case 'detach':
      await ec2.send(new DetachVolumeCommand({ InstanceId: id, VolumeId: rootOf(instance)!.VolumeId! }))
      return
    case 'attach':
      await ec2.send(new AttachVolumeCommand({ InstanceId: id, VolumeId: wanted!, Device: instance.RootDeviceName! }))
      return
    case 'start':
      await ec2.send(new StartInstancesCommand({ InstanceIds }))
      return
    case 'clear':
      await clear(context, instance)
      await ec2.send(new DeleteTagsCommand({ Resources: InstanceIds, Tags: [{ Key: UNFINISHED_TAG }] }))
      return
    default:
      step satisfies never
  }
}

/** Takes away what only its beginning needed: the image, snapshots, and the disk that its volume took the place of. */
export const clear = async (context: Context, instance: Instance): Promise<void> => {
  const mark = markOf(context, instance.Tags)
  if (!mark) return
  await clearMakeshift(context, mark)
  const disks = await volumes(context).select(filtersFor(mark))
  for (const { VolumeId, State } of disks)
    if (State === 'available') await unlessGone(() => context.ec2.send(new DeleteVolumeCommand({ VolumeId })))
}

/** Tags of an instance that is made in several steps, or in a group. */
export const beginning = ({
  boot,
  drive,
  group,
}: Pick<ServerSpec, 'boot' | 'drive' | 'group'>): { Key: string; Value: string }[] => [
  ...(boot ? [{ Key: BOOT_TAG, Value: boot.volume }] : []),
  ...(boot || drive ? [{ Key: UNFINISHED_TAG, Value: 'true' }] : []),
  ...(group ? [{ Key: GROUP_TAG, Value: writeGrouping(group) }] : []),
]
