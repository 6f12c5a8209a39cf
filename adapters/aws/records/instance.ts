import { DescribeInstancesCommand, type Instance } from '@aws-sdk/client-ec2'
import type { Reclaim, ServerSeen } from '../../contract.ts'
import { gone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { BOOT_TAG, tagValue, UNFINISHED_TAG } from '../marks.ts'
import { addressesOf } from './port.ts'
import { markOf, type Reader, reader } from './reader.ts'
import { faultOf, reclaimOf, stateOf } from './server-state.ts'
import { announced } from './spot-notice.ts'

const seenOf = (instance: Instance, context: Context, notices: ReadonlyMap<string, Reclaim>): ServerSeen => {
  const { health, power, known } = stateOf(instance.State?.Name)
  const id = instance.InstanceId ?? ''
  if (!known) context.surroundings.log('error', 'EC2 shows an unknown state', { id, state: instance.State?.Name })
  const boot = tagValue(instance.Tags, BOOT_TAG)
  const fault = health === 'gone' ? faultOf(instance.StateReason?.Code) : undefined
  const reclaimed = reclaimOf(instance)
  const notice = power === 'running' ? notices.get(id) : undefined
  return {
    id,
    mark: markOf(context, instance.Tags),
    name: tagValue(instance.Tags, 'Name'),
    health,
    ...(fault ? { fault } : {}),
    ...(reclaimed ? { reclaimed } : {}),
    ...(notice ? { announced: notice } : {}),
    zone: instance.Placement?.AvailabilityZone,
    power: unfinished(instance) ? 'changing' : power,
    ...(unfinished(instance) && health === 'ready' ? { unfinished: true as const } : {}),
    size: instance.InstanceType ?? '',
    ...(boot === undefined ? { image: instance.ImageId } : {}),
    volumes: (instance.BlockDeviceMappings ?? []).flatMap(({ DeviceName, Ebs }) =>
      Ebs?.VolumeId && DeviceName !== DRIVE
        ? [{ id: Ebs.VolumeId, device: DeviceName ?? null, root: DeviceName === instance.RootDeviceName }]
        : [],
    ),
    ports: (instance.NetworkInterfaces ?? [])
      .toSorted((a, b) => (a.Attachment?.DeviceIndex ?? 0) - (b.Attachment?.DeviceIndex ?? 0))
      .map((eni) => ({
        id: eni.NetworkInterfaceId ?? '',
        mac: eni.MacAddress ?? '',
        addresses: addressesOf(eni),
      })),
    ...(instance.Placement?.HostId ? { host: instance.Placement.HostId } : {}),
  }
}

/** Where its config drive is, if it was made with one: no volume of anybody's. */
export const DRIVE = '/dev/sdz'

/** It is not made to its end. */
export const unfinished = ({ Tags }: Pick<Instance, 'Tags'>): boolean => tagValue(Tags, UNFINISHED_TAG) !== undefined

/** The disk that it boots from, if that is a volume. */
const rootOf = ({ BlockDeviceMappings, RootDeviceName }: Instance): string[] =>
  (BlockDeviceMappings ?? []).flatMap(({ DeviceName, Ebs }) =>
    DeviceName === RootDeviceName ? (Ebs?.VolumeId ?? []) : [],
  )

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html */
export const instances = (context: Context): Reader<Instance, ServerSeen> =>
  reader<Instance, ServerSeen>(context, {
    idFilter: 'instance-id',
    idOf: (instance) => instance.InstanceId,
    tags: (instance) => instance.Tags,
    // A volume that somebody made has a mark of its own.
    beside: (instance) => (tagValue(instance.Tags, BOOT_TAG) === undefined ? rootOf(instance) : []),
    describe: (Filters) => async (paging) => {
      const answer = await context.ec2.send(new DescribeInstancesCommand({ Filters, ...paging }))
      const items = (answer.Reservations ?? []).flatMap((reservation) => reservation.Instances ?? [])
      return { items, NextToken: answer.NextToken }
    },
    seen: async (found) => {
      const notices = await announced(context, found)
      return found.map((instance) => seenOf(instance, context, notices))
    },
  })

/** The instance that is to be changed. @throws `not_found`, or `definitive` if it is not ours */
export const ourInstance = async (context: Context, id: string): Promise<Instance> => {
  const instance = await instances(context).ours(id)
  if (instance.State?.Name === 'terminated') throw gone(id)
  return instance
}
