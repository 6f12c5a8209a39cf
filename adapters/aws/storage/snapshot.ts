import {
  CreateSnapshotCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  type Snapshot,
} from '@aws-sdk/client-ec2'
import { type Realm, reading, type SnapshotSeen, type SnapshotSpec } from '../../contract.ts'
import { markedRealm } from '../../shared/realm.ts'
import type { Context } from '../context.ts'
import { tagged, tagsFor, tagValue } from '../marks.ts'
import { markOf, type Reader, reader, rename } from '../records/reader.ts'

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

const snapshotsIn = (context: Context): Reader<Snapshot, SnapshotSeen> =>
  reader<Snapshot, SnapshotSeen>(context, {
    idFilter: 'snapshot-id',
    idOf: (found) => found.SnapshotId,
    tags: (found) => found.Tags,
    describe: (Filters) => async (paging) => {
      const answer = await context.ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters, ...paging }))
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

/**
 * An EBS snapshot of a volume.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshot.html (no ClientToken)
 */
export const snapshot = (context: Context): Realm<SnapshotSpec, SnapshotSeen> => {
  const { ec2, options, connection } = context
  const snapshots = snapshotsIn(context)
  return markedRealm<SnapshotSpec, SnapshotSeen, Snapshot>(connection, snapshots, {
    once: 'none',
    settleMs: options.settleMs,
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
    async update({ SnapshotId = '', Tags }, spec) {
      await rename(context, SnapshotId, Tags, spec.name)
      return snapshots.again(SnapshotId)
    },
    async remove({ SnapshotId }) {
      await ec2.send(new DeleteSnapshotCommand({ SnapshotId }))
    },
    read: ({ SnapshotId = '', Tags, Description: description = '', VolumeId: volume = '' }) =>
      reading({ name: tagValue(Tags, 'Name') || SnapshotId, description, volume }),
  })
}
