import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { madeTypeFor } from '../../../db/queries/block-storage/made-types.ts'
import { beingCopied, snapshotsOf } from '../../../db/queries/block-storage/snapshots.ts'
import {
  atWorkOn,
  endTransfer,
  endTransfersOf,
  insertTransfer,
  moveToProject,
  type TransferRow,
  transferById,
  transferOver,
} from '../../../db/queries/block-storage/transfers.ts'
import {
  moveVolumes,
  readVolume,
  updateVolume,
  type VolumeRead,
  type VolumeRow,
  volumeHeld,
  volumeNot,
} from '../../../db/queries/block-storage/volumes.ts'
import type { Policy } from '../../../db/schema/index.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { NotMapped } from '../clouds/not-connected.ts'
import { inChain, stillSaid, whyOutOfRegion } from '../clouds/policy.ts'
import { charge, commit, guard, makesDue, type Write } from '../line/commit.ts'
import { projectMeans } from '../money/parts.ts'
import { isPlaced } from './unplaced.ts'
import { projectOf } from './volume.ts'
import { payVolume, untilPaid } from './volume-money.ts'
import { VolumeRefused } from './volume-refusal.ts'

const AWAITING = 'awaiting-transfer'

const hashed = (id: string, key: string): string => createHash('sha256').update(`${id}/${key}`).digest('hex')
const isKey = ({ id, keyHash }: TransferRow, key: string): boolean => {
  const [given, kept] = [Buffer.from(hashed(id, key)), Buffer.from(keyHash)]
  return given.length === kept.length && timingSafeEqual(given, kept)
}

/**
 * Gives a volume to whoever comes with the key, which is told once. Throws `VolumeRefused` (`status` of the volume, or of one
 * of its snapshots). Guard: `volume-status`.
 */
export const offerVolume = async (
  context: Context,
  volume: VolumeRead,
  { name, noSnapshots }: Pick<TransferRow, 'name' | 'noSnapshots'>,
): Promise<{ transfer: TransferRow; key: string }> => {
  const allowed = ['available']
  const children = noSnapshots ? [] : await snapshotsOf(context.db, volume.id)
  for (const { status } of [volume, ...children])
    if (!allowed.includes(status)) throw new VolumeRefused({ kind: 'status', status, allowed })
  const key = randomBytes(8).toString('hex')
  const id = context.newId()
  const now = context.now()
  const transfer: TransferRow = {
    ...{ id, volumeId: volume.id, projectId: volume.projectId, name, noSnapshots },
    ...{ keyHash: hashed(id, key), destinationProjectId: null, createdAt: now, deletedAt: null },
  }
  await commit(context, { action: 'offer', kind: 'volume', resourceId: volume.id, detail: { transfer_id: id } }, [
    guard(context, 'volume-status', volumeNot(volume, allowed)),
    guard(context, 'volume-copying', beingCopied(volume.id)),
    endTransfersOf(context.db, volume.id, now),
    insertTransfer(context.db, transfer),
    updateVolume(context.db, volume.id, { status: AWAITING, updatedAt: now }),
  ])
  return { transfer, key }
}

/** Takes the offer back. */
export const withdrawOffer = async (context: Context, { id, volumeId }: TransferRow): Promise<void> => {
  const now = context.now()
  await commit(context, { action: 'withdraw', kind: 'volume', resourceId: volumeId, detail: { transfer_id: id } }, [
    guard(context, 'transfer-over', transferOver(id)),
    endTransfer(context.db, id, null, now),
    moveVolumes(context.db, [volumeId], [AWAITING], 'available', now),
  ])
}

/**
 * The volume is the caller's project's from now on, with what it counts and costs, and its mark on the cloud says so. Gives
 * null where there is no such offer. Throws `VolumeRefused` (`auth-key`; `incapable` where the project's account on the cloud
 * is another one), `Refused` for quota.
 */
export const acceptVolume = (context: Context, id: string, key: string): Promise<TransferRow | null> =>
  untilPaid(() => accept(context, id, key))

const accept = async (context: Context, id: string, key: string): Promise<TransferRow | null> => {
  const { db } = context
  const transfer = await transferById(db, everyProject, id)
  if (!transfer) return null
  if (!isKey(transfer, key)) throw new VolumeRefused({ kind: 'auth-key', id })
  const volume = await readVolume(db, everyProject, transfer.volumeId)
  if (volume && volume.projectId !== transfer.projectId) return null
  if (volume?.status !== AWAITING)
    throw new VolumeRefused({ kind: 'status', status: volume?.status ?? 'deleted', allowed: [AWAITING] })
  const to = projectOf(context)
  const children = transfer.noSnapshots ? [] : await snapshotsOf(db, volume.id)
  if (to !== volume.projectId && children.some(({ groupSnapshotId }) => groupSnapshotId !== null))
    throw new VolumeRefused({
      kind: 'incapable',
      reason: `Volume ${volume.id} has snapshots that were made with those of its group, and stay there: offer it with no_snapshots.`,
    })
  const means = await projectMeans(context, to)
  await refuseElsewhere(context, volume, to, means.policy, children.length === 0)
  const ids = [volume.id, ...children.map((child) => child.id)]
  const now = context.now()
  const moved = (from: VolumeRow['projectId'], sign: 1 | -1): Write[] => [
    charge(from, 'volumes', sign),
    charge(from, 'gigabytes', sign * [volume, ...children].reduce((sum, { sizeGib }) => sum + sizeGib, 0)),
    ...(children.length ? [charge(from, 'snapshots', sign * children.length)] : []),
  ]
  const [row, parts, lines] = moveToProject(db, ids, { projectId: to, userId: context.caller?.userId ?? '' }, now)
  await commit(context, { action: 'accept', kind: 'volume', resourceId: volume.id, detail: { transfer_id: id } }, [
    guard(context, 'transfer-over', transferOver(id)),
    guard(context, 'volume-status', volumeNot(volume, [AWAITING])),
    guard(context, 'volume-status', volumeHeld(volume.id)),
    guard(context, 'volume-status', atWorkOn(ids, now)),
    stillSaid(context, to, means.said),
    ...moved(volume.projectId, -1),
    ...moved(to, 1),
    ...(isPlaced(volume) && to !== volume.projectId
      ? await payVolume(context, { ...volume, projectId: to }, { means })
      : []),
    row,
    parts,
    makesDue(lines, { kind: 'volume', ids, want: 'present' }),
    makesDue(endTransfer(db, id, to, now), { kind: 'snapshot', ids, want: 'present' }),
    endTransfersOf(db, volume.id, now),
  ])
  return { ...transfer, destinationProjectId: to }
}

/**
 * Volumes do not move between accounts of a cloud: both projects have to be mapped to the same one. Nor does one go where the
 * policy of the receiving project has nothing, or to who may not have its type.
 */
const refuseElsewhere = async (
  context: Context,
  { cloudId, cloud, projectId, id, ...volume }: VolumeRead,
  to: string,
  policy: Policy,
  alone: boolean,
): Promise<void> => {
  if (to === projectId) return
  const { typeId, typeName } = volume
  if (typeId !== null && !(await madeTypeFor(context.db, to, typeId)))
    throw new VolumeRefused({
      kind: 'incapable',
      reason: `Volume ${id} is of type ${typeName}, which this project may not have.`,
    })
  if (cloudId === null) return
  const from = await connectCloud(context, cloudId, projectId, { throughBreaker: true })
  const reason = await connectCloud(context, cloudId, to, { throughBreaker: true }).then(
    ({ adapter, connection, cloud: there }) => {
      if (adapter.account(connection) !== adapter.account(from.connection))
        return `Volume ${id} is in another account of cloud ${cloud} than this project has: volumes do not move between accounts.`
      if (inChain(policy, cloud) === null)
        return `Volume ${id} is on cloud ${cloud}, which is none of those to which things of this project go.`
      const abroad = whyOutOfRegion(policy, { name: `Cloud ${cloud}`, region: connection.region })
      if (abroad !== null) return `Volume ${id} stays where it is. ${abroad}`
      return there.volume?.mark && (alone || there.snapshot?.mark)
        ? null
        : `Cloud ${cloud} cannot be told that a volume${alone ? ' is' : ' and its snapshots are'} another project's.`
    },
    (error) => {
      if (error instanceof NotMapped) return `Volume ${id} is on cloud ${cloud}, which this project does not have.`
      throw error
    },
  )
  if (reason !== null) throw new VolumeRefused({ kind: 'incapable', reason })
}
