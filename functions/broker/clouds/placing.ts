import { updateCloud } from '../../../db/queries/clouds/clouds.ts'
import type { Context } from '../../context.ts'
import { commit } from '../line/commit.ts'

/** Whether new servers go to a cloud; where none do, why: null where nobody says. */
export interface Placing {
  placing: boolean
  reason: string | null
}

/** From now on servers are placed on a cloud, or none are: what is there is served, and volumes are made, either way. */
export const setPlacing = async (
  context: Context,
  { id, name }: { id: string; name: string },
  { placing, reason }: Placing,
): Promise<void> => {
  const entry = { action: placing ? 'enable' : 'disable', kind: 'cloud', resourceId: id, detail: { name, reason } }
  await commit(context, entry, [updateCloud(context.db, id, { placing, placingReason: placing ? null : reason })])
}
