import type { Kind, NativeId } from '../../../adapters/contract.ts'
import { factsOf } from '../../../db/kinds.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import { wasRemoved } from '../../../db/queries/line/adopt.ts'
import { bindingsOf } from '../../../db/queries/line/bindings.ts'
import { forgetOrphans, type NewOrphan, orphanById } from '../../../db/queries/line/orphans.ts'
import type { Context } from '../../context.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { reasonOf } from './adopt.ts'
import { adopters } from './adopters.ts'
import { NotAdoptable, Plan } from './plan.ts'

type Lost = Pick<NewOrphan, 'cloudId' | 'kind' | 'nativeId' | 'projectId' | 'resourceId'>

/**
 * An object of ours whose rows this database lost, because it is older than the object: its mark says whose it is and
 * which resource. Gives null, or why it stays an orphan.
 */
export const readoptByMark = async (context: Context, lost: Lost): Promise<string | null> => {
  const { cloudId, kind, nativeId, projectId, resourceId } = lost
  const row = await cloudById(context.db, cloudId)
  if (!row || factsOf(kind).adopted === null) return `A ${kind.replace('_', ' ')} is not adopted by its mark.`
  if (await wasRemoved(context.db, resourceId)) return 'It was removed before.'
  if (await standsElsewhere(context, lost)) return 'Its resource has another object.'
  try {
    await take(context, row, kind, nativeId, projectId)
    context.log('warn', 'adopted again by its mark', { cloud: row.name, kind, nativeId, resourceId })
    return null
  } catch (error) {
    const reason = reasonOf(error)
    context.log('warn', 'not adopted again', { cloud: row.name, kind, nativeId, resourceId, reason })
    return reason
  }
}

/** A late call made a second object for a row that is bound to the first: that one is garbage. */
const standsElsewhere = async (context: Context, { kind, resourceId, cloudId, projectId }: Lost): Promise<boolean> => {
  const { realised } = factsOf(kind)
  // Which network it is for, nothing tells before it is read.
  if (realised === 'per network') return false
  return (await bindingsOf(context.db, resourceId)).some(
    (binding) =>
      binding.kind === kind &&
      binding.phase !== 'gone' &&
      (realised !== 'per project' || (binding.cloudId === cloudId && binding.projectId === projectId)),
  )
}

const take = async (
  context: Context,
  row: NonNullable<Awaited<ReturnType<typeof cloudById>>>,
  kind: Kind,
  nativeId: NativeId,
  projectId: string,
): Promise<void> => {
  const { cloud } = await connectCloud(context, row, projectId)
  const plan = new Plan(context, row, cloud, adopters, { projectId, tag: false, byMark: true })
  const item = await plan.take(kind, nativeId)
  if (!item.fresh) throw new NotAdoptable('It stands for something already.')
  await plan.commit(item)
}

/** A person's decision about one orphan, in a lapse or not. */
export const adoptOrphan = async (
  context: Context,
  id: string,
): Promise<{ orphan: Lost; reason: string | null } | null> => {
  const orphan = await orphanById(context.db, id)
  if (!orphan) return null
  const reason = await readoptByMark(context, orphan)
  if (reason === null) await forgetOrphans(context.db, [id])
  return { orphan, reason }
}
