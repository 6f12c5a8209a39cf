import type { GroupPolicy } from '../../../adapters/contract.ts'
import { type BurstRow, burstOver, countedFrom, insertBurst, updateBurst } from '../../../db/queries/bursts/bursts.ts'
import { cheapestFlavor } from '../../../db/queries/bursts/needs.ts'
import type { BurstWish } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { weighWish } from '../compute/server-create.ts'
import { serverGroupWrites } from '../compute/server-group.ts'
import { type ServerRefusal, ServerRefused } from '../compute/server-refusal.ts'
import { commit, guard } from '../line/commit.ts'
import { Refusing } from '../line/refused.ts'
import { canReport, sealBurstData, tellBurst, wishFor } from './member.ts'
import { driveBurst } from './turn.ts'

/** Why a burst will not do as asked. */
export type BurstRefusal =
  /** No flavor on sale is as large. */
  | { kind: 'no-flavor' }
  /** Its members cannot report: nobody said under which origin guests find the broker. */
  | { kind: 'no-reports' }

export class BurstRefused extends Refusing<BurstRefusal> {
  constructor(refusal: BurstRefusal) {
    super(refusal, `burst refused: ${JSON.stringify(refusal)}`)
  }
}

/** What a user asks for. Amounts as rows have them, times in milliseconds since 1970. */
export type BurstAsked = Pick<
  BurstRow,
  'name' | 'least' | 'most' | 'userData' | 'maxHourlyCost' | 'budget' | 'deadline' | 'onDone'
> & {
  wish: Omit<BurstWish, 'flavorId'> & { flavorId: string | null }
  /** How its server group keeps members; null: it has none. */
  spread: GroupPolicy | null
}

/**
 * Writes a burst down: its members are made after the answer. What can never be is refused at once; what cannot be now is told by
 * the burst. Throws `BurstRefused`, `ServerRefused`, `Refused`.
 */
export const createBurst = async (context: Context, projectId: string, asked: BurstAsked): Promise<string> => {
  const [id, groupId] = [context.newId(), context.newId()]
  const { wish, spread, userData, ...said } = asked
  if (asked.onDone !== 'keep' && !canReport(context)) throw new BurstRefused({ kind: 'no-reports' })
  const flavorId = wish.flavorId ?? (wish.needs && (await cheapestFlavor(context.db, projectId, wish.needs)))
  if (flavorId === null) throw new BurstRefused({ kind: 'no-flavor' })
  const now = context.now()
  const row: BurstRow = {
    ...said,
    id,
    projectId,
    userId: context.caller?.userId ?? '',
    wish: { ...wish, flavorId },
    userData: sealBurstData(context, id, userData),
    groupId: spread && groupId,
    countedAt: now,
    drainingAt: null,
    finishedAt: null,
    endedAt: null,
    failure: null,
    reason: null,
    dueAt: now,
    createdAt: now,
    updatedAt: now,
  }
  if (!context.once?.replay) await refuseNever(context, row)
  const { userId, name } = row
  const group = { id: groupId, projectId, userId, name, maxServerPerHost: null, createdAt: now }
  await commit(context, { action: 'create', kind: 'burst', resourceId: id, detail: { name } }, [
    ...(spread ? serverGroupWrites(context, { ...group, policy: spread }) : []),
    ...insertBurst(context.db, row),
    tellBurst(context, 'burst.created', row, { min: row.least, max: row.most }),
  ])
  driveBurst(context, id)
  return id
}

/** What may be otherwise in a while: the burst tells it. */
const IN_A_WHILE: ReadonlySet<ServerRefusal['kind']> = new Set([
  'cost',
  'incapable',
  'no-place',
  'quota',
  'spilled',
  'unlisted',
])

const refuseNever = async (context: Context, row: BurstRow): Promise<void> => {
  const { making, ...wish } = wishFor(context, { ...row, groupId: null }, [0])
  try {
    await weighWish({ ...context, scope: { projectId: row.projectId } }, row.projectId, wish)
  } catch (error) {
    if (!(error instanceof ServerRefused && IN_A_WHILE.has(error.refusal.kind))) throw error
  }
}

/** Changes what is wished of a burst that goes on. Throws `Refused` (guard `burst-over`). */
export const changeBurst = async (
  context: Context,
  burst: BurstRow,
  change: Partial<Pick<BurstRow, 'least' | 'most' | 'budget' | 'deadline'>>,
): Promise<void> => {
  const { id, least, most } = burst
  const now = context.now()
  const counted = (change.least ?? least) !== least || (change.most ?? most) !== most
  await commit(context, { action: 'update', kind: 'burst', resourceId: id, detail: { changed: Object.keys(change) } }, [
    guard(context, 'burst-over', burstOver(id)),
    updateBurst(context.db, id, {
      ...change,
      ...(counted && { countedAt: countedFrom(id, now) }),
      dueAt: now,
      updatedAt: now,
    }),
    tellBurst(context, 'burst.changed', burst, { min: change.least ?? least, max: change.most ?? most }),
  ])
  driveBurst(context, id)
}

/** Takes all its members away, and then the burst is over. */
export const drainBurst = async (context: Context, burst: BurstRow): Promise<void> => {
  const { id, drainingAt, endedAt } = burst
  if (endedAt !== null) return
  const now = context.now()
  const set = { dueAt: now, ...(drainingAt === null && { drainingAt: now, reason: null, updatedAt: now }) }
  await commit(context, { action: 'delete', kind: 'burst', resourceId: id }, [
    updateBurst(context.db, id, set),
    ...(drainingAt === null ? [tellBurst(context, 'burst.draining', burst, { reason: null, failed: false })] : []),
  ])
  driveBurst(context, id)
}
