import type { VolumeRow } from '../../../db/queries/block-storage/volumes.ts'
import type { Context } from '../../context.ts'
import type { Write } from '../line/commit.ts'
import { whyOverspent } from '../money/allowance.ts'
import { buyPart, projectMeans } from '../money/parts.ts'
import { VolumeRefused } from './volume-refusal.ts'

type Costing = Pick<VolumeRow, 'projectId' | 'sizeGib' | 'volumeType'> & { cloudId: string }

/**
 * Guards for the end of the batch by which a volume costs what it costs there, or more than it did with `before` GiB. Throws
 * `VolumeRefused` (`cost`, `unlisted`).
 */
export const payVolume = async (
  context: Context,
  { projectId, cloudId, volumeType, sizeGib }: Costing,
  { means, before = 0 }: { means?: Awaited<ReturnType<typeof projectMeans>>; before?: number } = {},
): Promise<Write[]> => {
  const words = before ? `${sizeGib - before} GiB more cost` : `A volume of ${sizeGib} GiB costs`
  const part = { what: 'disk', cloudId, type: volumeType, count: sizeGib, before, words } as const
  const { refusal, guards } = await buyPart(context, projectId, means ?? (await projectMeans(context, projectId)), part)
  if (refusal) throw new VolumeRefused(refusal)
  return guards
}

/** Throws what others were faster to spend as `VolumeRefused` (`cost`). */
export const withinMeans = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const reason = whyOverspent(error)
    throw reason === null ? error : new VolumeRefused({ kind: 'cost', reason })
  }
}
