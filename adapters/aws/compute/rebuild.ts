import {
  CreateReplaceRootVolumeTaskCommand,
  CreateTagsCommand,
  DescribeReplaceRootVolumeTasksCommand,
  type Instance,
} from '@aws-sdk/client-ec2'
import type { Mark, Progress } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { tagged, tagsFor, tagValue } from '../marks.ts'
import { instances, ourInstance } from '../records/instance.ts'
import { markOf } from '../records/reader.ts'
import { allPages } from '../wire/paging.ts'

/** Tells one rebuild of a server from the next. */
const REBUILD_TAG = 'plimsoll:rebuild'

/** The fresh volume carries no mark: unlike RunInstances, the task's call tags the task only. Not every policy lets us. */
const markRoot = async (context: Context, instance: Instance, mark: Mark): Promise<void> => {
  const Resources = (await instances(context).one(instance)).volumes.filter((disk) => disk.root).map(({ id }) => id)
  const Tags = tagsFor(mark, tagValue(instance.Tags, 'Name') ?? '')
  try {
    await context.ec2.send(new CreateTagsCommand({ Resources, Tags }))
  } catch (error) {
    if (!(error instanceof CloudError && error.code === 'denied')) throw error
    context.surroundings.log('warn', 'the fresh root volume of a rebuild stays unmarked', { id: instance.InstanceId })
  }
}

/**
 * Replaces the root volume of a running server by a fresh one from `image`. Address, volumes and user data stay; the
 * old root volume goes. The image must be of the same architecture and virtualisation.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateReplaceRootVolumeTask.html (ClientToken)
 */
export const rebuild = async (context: Context, id: string, image: string, token: string): Promise<Progress> => {
  const { ec2 } = context
  const instance = await ourInstance(context, id)
  const tasks = await allPages(async (paging) => {
    const answer = await ec2.send(
      new DescribeReplaceRootVolumeTasksCommand({ Filters: [{ Name: 'instance-id', Values: [id] }], ...paging }),
    )
    return { items: answer.ReplaceRootVolumeTasks ?? [], NextToken: answer.NextToken }
  })
  const task = tasks.find((item) => tagValue(item.Tags, REBUILD_TAG) === token)
  const mark = markOf(context, instance.Tags)!
  if (!task) {
    if (instance.State?.Name === 'pending' || instance.State?.Name === 'stopping') return 'going'
    if (instance.State?.Name !== 'running') refuse('This cloud rebuilds running servers only; start it first.')
    await ec2.send(
      new CreateReplaceRootVolumeTaskCommand({
        ClientToken: token,
        InstanceId: id,
        ImageId: image,
        DeleteReplacedRootVolume: true,
        TagSpecifications: tagged(
          [...tagsFor(mark, ''), { Key: REBUILD_TAG, Value: token }],
          'replace-root-volume-task',
        ),
      }),
    )
    return 'going'
  }
  switch (task.TaskState) {
    case 'succeeded':
      await markRoot(context, instance, mark)
      return 'done'
    case 'failing':
    case 'failed':
    case 'failed-detached':
      throw new CloudError('definitive', 'The cloud could not replace the root disk.', {
        operatorMessage: `${task.ReplaceRootVolumeTaskId} is ${task.TaskState}`,
      })
    default:
      return 'going'
  }
}
