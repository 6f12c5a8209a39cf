import { zoneClosed } from '../../../db/queries/block-storage/volume-services.ts'
import type { VolumeRow } from '../../../db/queries/block-storage/volumes.ts'
import type { Context } from '../../context.ts'
import { POLICY_MOVED } from '../clouds/policy.ts'
import { guard, type Write } from '../line/commit.ts'
import { untilStill } from '../line/until-still.ts'
import { MONEY_GUARDS, whyOverspent } from '../money/allowance.ts'
import { buyPart, projectMeans } from '../money/parts.ts'
import { VolumeRefused } from './volume-refusal.ts'

type Costing = Pick<VolumeRow, 'projectId' | 'sizeGib' | 'volumeType'> & { cloudId: string }

interface Before {
  means?: Awaited<ReturnType<typeof projectMeans>>
  /** GiB that it had. */
  before?: number
  /** The type that it had, where it is another one. */
  typeBefore?: string
}

/**
 * Guards for the end of the batch by which a volume costs what it costs there, or more than it did with `before` GiB, or of another type. Throws
 * `VolumeRefused` (`cost`, `unlisted`).
 */
export const payVolume = async (
  context: Context,
  { projectId, cloudId, volumeType, sizeGib }: Costing,
  { means, before = 0, typeBefore }: Before = {},
): Promise<Write[]> => {
  const words =
    typeBefore === undefined && before ? `${sizeGib - before} GiB more cost` : `A volume of ${sizeGib} GiB costs`
  const of = typeBefore === undefined ? {} : { typeBefore }
  const part = { what: 'disk', cloudId, type: volumeType, count: sizeGib, before, ...of, words } as const
  const { refusal, guards } = await buyPart(context, projectId, means ?? (await projectMeans(context, projectId)), part)
  if (refusal) throw new VolumeRefused(refusal)
  return guards
}

/** Guard: an operator has no volumes made any more where one was to be made. Another look finds another zone, or none. */
export const ZONE_CLOSED = 'volume-zone-closed'

/** For the batch by which a volume comes to be in a zone. Guard: `ZONE_CLOSED`. */
export const stillOpen = (context: Context, { cloudId, zone }: { cloudId: string; zone: string }): Write =>
  guard(context, ZONE_CLOSED, zoneClosed({ cloudId, zone }))

/**
 * Repeats what buys a volume while others are faster to spend, or to say what holds. Throws what they were too often faster to
 * spend as `VolumeRefused` (`cost`).
 */
export const untilPaid = async <T>(attempt: () => Promise<T>): Promise<T> => {
  try {
    return await untilStill([POLICY_MOVED, ZONE_CLOSED, ...MONEY_GUARDS], attempt)
  } catch (error) {
    const reason = whyOverspent(error)
    throw reason === null ? error : new VolumeRefused({ kind: 'cost', reason })
  }
}
