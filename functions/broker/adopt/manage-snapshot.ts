import type { NativeId, SnapshotSpec } from '../../../adapters/contract.ts'
import { readSnapshot, type SnapshotRead } from '../../../db/queries/block-storage/snapshots.ts'
import type { VolumeRead } from '../../../db/queries/block-storage/volumes.ts'
import { type CloudRow, cloudById } from '../../../db/queries/clouds/clouds.ts'
import { boundTo } from '../../../db/queries/line/adopt.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { adopt } from './adopt.ts'
import { adoptablePage } from './listing.ts'

/** Of so many snapshots it is looked up of which volume each is, for one answer. */
const MOST_LOOKED_UP = 50
/** So many pages of a cloud's snapshots are looked through for that. */
const PAGES = 10

/** A snapshot of a cloud that nobody manages here. */
export interface Unmanaged {
  nativeId: NativeId
  name: string
  sizeGib: number
  /** Native id of the volume that it is of; whether that is managed here. */
  volume: NativeId
  known: boolean
}

/** The first snapshots of a cloud that nobody manages here; null: it does not tell of which volume one is. */
export const unmanagedSnapshots = async (
  context: Context,
  row: CloudRow,
  projectId: string,
): Promise<Unmanaged[] | null> => {
  const { cloud } = await connectCloud(context, row, projectId)
  const realm = cloud.snapshot
  if (!realm?.read) return null
  const found: Unmanaged[] = []
  let cursor: string | undefined
  for (let page = 0; page < PAGES && found.length < MOST_LOOKED_UP; page++) {
    const { items, next } = await adoptablePage(context, row, cloud, 'snapshot', cursor)
    for (const { native_id: nativeId, name, size_gib } of items.slice(0, MOST_LOOKED_UP - found.length)) {
      const read = await realm.read(nativeId)
      const { volume } = (read?.spec ?? {}) as Partial<SnapshotSpec>
      if (volume) found.push({ nativeId, name: name ?? '', sizeGib: Number(size_gib), volume, known: false })
    }
    cursor = next
    if (cursor === undefined) break
  }
  const volumes = await boundTo(
    context.db,
    row.id,
    found.map(({ volume }) => volume),
  )
  const known = new Set(volumes.filter(({ kind }) => kind === 'volume').map(({ nativeId }) => nativeId))
  return found.map((each) => ({ ...each, known: known.has(each.volume) }))
}

/** Adopts a snapshot that its cloud has of a volume, by its native id; null: it will not do, and why. Throws `NotConnected`. */
export const manageSnapshot = async (
  context: Context,
  volume: VolumeRead,
  nativeId: NativeId,
): Promise<{ snapshot: SnapshotRead | null; why: string }> => {
  const refused = (why: string) => ({ snapshot: null, why })
  const row = volume.cloudId === null ? null : await cloudById(context.db, volume.cloudId)
  if (!row) return refused('Its volume is nowhere yet.')
  const { cloud } = await connectCloud(context, row, volume.projectId)
  if (!cloud.snapshot?.read) return refused(`Cloud ${row.name} does not tell of which volume a snapshot is.`)
  const read = await cloud.snapshot.read(nativeId)
  if (!read) return refused('The cloud shows no such snapshot.')
  const { volume: of } = read.spec as SnapshotSpec
  const holders = await boundTo(context.db, row.id, [of])
  if (!holders.some(({ kind, resourceId }) => kind === 'volume' && resourceId === volume.id))
    return refused('It is of another volume.')
  const wish = { projectId: volume.projectId, nativeIds: [nativeId], newOf: 'snapshot' as const, tag: true }
  const { adopted, refused: reasons } = await adopt(context, row, wish)
  const item = adopted.find((each) => each.kind === 'snapshot' && each.nativeId === nativeId)
  if (!item) return refused(reasons[0]?.reason ?? 'It is no snapshot.')
  return { snapshot: await readSnapshot(context.db, everyProject, item.resourceId), why: '' }
}
