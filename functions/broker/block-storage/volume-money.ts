import type { VolumeRow } from '../../../db/queries/block-storage/volumes.ts'
import type { Context } from '../../context.ts'
import { POLICY_MOVED } from '../clouds/policy.ts'
import type { Write } from '../line/commit.ts'
import { untilStill } from '../line/until-still.ts'
import { MONEY_GUARDS, whyOverspent } from '../money/allowance.ts'
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

/**
 * Repeats what buys a volume while others are faster to spend, or to say what holds. Throws what they were too often faster to
 * spend as `VolumeRefused` (`cost`).
 */
export const untilPaid = async <T>(attempt: () => Promise<T>): Promise<T> => {
  try {
    return await untilStill([POLICY_MOVED, ...MONEY_GUARDS], attempt)
  } catch (error) {
    const reason = whyOverspent(error)
    throw reason === null ? error : new VolumeRefused({ kind: 'cost', reason })
  }
}
