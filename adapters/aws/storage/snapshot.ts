import {
  CreateSnapshotCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  type Snapshot,
} from '@aws-sdk/client-ec2'
import { type Realm, reading, type SnapshotSeen, type SnapshotSpec } from '../../contract.ts'
import type { Context } from '../context.ts'
import { assertOurs, tagged, tagsFor, tagValue } from '../marks.ts'
import { gone, markOf, reader, rename, unlessGone } from '../records/reader.ts'

const healthOf = (snapshot: Snapshot): SnapshotSeen['health'] => {
  switch (snapshot.State) {
    case 'completed':
      return 'ready'
    case 'error':
      return 'failed'
    // In the recycle bin: an operator may bring it back, nobody can use it.
    case 'recoverable':
      return 'gone'
    default:
      return 'pending'
  }
}

/**
 * An EBS snapshot of a volume.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshot.html (no ClientToken)
 */
export const snapshot = (context: Context): Realm<SnapshotSpec, SnapshotSeen> => {
  const { ec2, options, connection } = context
  const snapshots = reader<Snapshot, SnapshotSeen>(context, {
    idFilter: 'snapshot-id',
    tags: (found) => found.Tags,
    describe: (Filters) => async (paging) => {
      const answer = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters, ...paging }))
      return { items: answer.Snapshots ?? [], NextToken: answer.NextToken }
    },
    seen: (found) =>
      found.map((item) => ({
        id: item.SnapshotId ?? '',
        mark: markOf(context, item.Tags),
        name: tagValue(item.Tags, 'Name'),
        health: healthOf(item),
        ...(item.State === 'error' ? { fault: 'The cloud could not make the snapshot.' } : {}),
        sizeGiB: item.VolumeSize ?? 0,
      })),
  })
  return {
    once: 'none',
    settleMs: options.settleMs,
    find: snapshots.find,
    get: snapshots.get,
    list: snapshots.list,
    mark: snapshots.mark,
    async read(id) {
      const found = await snapshots.raw(id)
      const { Tags, Description: description = '', VolumeId: volume = '' } = found ?? {}
      return found && reading({ name: tagValue(Tags, 'Name') || id, description, volume })
    },
    async create(spec, mark) {
      const made = await ec2.send(
        new CreateSnapshotCommand({
          VolumeId: spec.volume,
          Description: spec.description.slice(0, 255),
          TagSpecifications: tagged(tagsFor(mark, spec.name), 'snapshot'),
        }),
      )
      return { ...(await snapshots.one(made)), mark, name: spec.name }
    },
    async update(id, spec) {
      const found = await snapshots.raw(id)
      if (!found) throw gone(id)
      assertOurs(found.Tags, connection.deployment)
      await rename(context, id, found.Tags, spec.name)
      return snapshots.again(id)
    },
    async remove(id, mark) {
      if (await snapshots.ours(id, mark)) {
        await unlessGone(() => ec2.send(new DeleteSnapshotCommand({ SnapshotId: id })))
      }
    },
  }
}
