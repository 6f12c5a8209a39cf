import { DescribeVolumesCommand, DescribeVolumesModificationsCommand, type Volume } from '@aws-sdk/client-ec2'
import type { VolumeSeen } from '../../contract.ts'
import type { Context } from '../context.ts'
import { tagValue } from '../marks.ts'
import { allPages } from '../wire/paging.ts'
import { markOf, type Reader, reader } from './reader.ts'

const healthOf = (volume: Volume): VolumeSeen['health'] => {
  switch (volume.State) {
    case 'available':
    case 'in-use':
      return 'ready'
    case 'deleted':
      return 'gone'
    case 'error':
      return 'failed'
    default:
      return 'pending'
  }
}

/**
 * Volumes with what changes about them right now.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumes.html (GiB)
 */
export const volumes = (context: Context): Reader<Volume, VolumeSeen> =>
  reader<Volume, VolumeSeen>(context, {
    idFilter: 'volume-id',
    idOf: (found) => found.VolumeId,
    tags: (found) => found.Tags,
    describe: (Filters) => async (paging) => {
      const answer = await context.ec2.send(new DescribeVolumesCommand({ Filters, ...paging }))
      return { items: answer.Volumes ?? [], NextToken: answer.NextToken }
    },
    async seen(found) {
      if (found.length === 0) return []
      const growing = await modifying(context)
      return found.map((item) => {
        const [attachment] = (item.Attachments ?? []).filter(({ State }) => State !== 'detached')
        const id = item.VolumeId ?? ''
        return {
          id,
          mark: markOf(context, item.Tags),
          name: tagValue(item.Tags, 'Name'),
          health: growing.has(id) && healthOf(item) === 'ready' ? 'pending' : healthOf(item),
          ...(item.State === 'error' ? { fault: 'The cloud could not make the volume.' } : {}),
          zone: item.AvailabilityZone,
          sizeGiB: item.Size ?? 0,
          server: attachment?.InstanceId ?? null,
          device: attachment?.Device ?? null,
          type: item.VolumeType,
        }
      })
    },
  })

/** Volumes whose size or type changes right now; while EC2 optimises afterwards they are usable again. */
export const modifying = async ({ ec2 }: Context): Promise<Set<string>> => {
  const changes = await allPages(async (paging) => {
    const answer = await ec2.send(
      new DescribeVolumesModificationsCommand({
        Filters: [{ Name: 'modification-state', Values: ['modifying'] }],
        ...paging,
      }),
    )
    return { items: answer.VolumesModifications ?? [], NextToken: answer.NextToken }
  })
  return new Set(changes.flatMap((change) => change.VolumeId ?? []))
}
