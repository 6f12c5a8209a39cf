import { type OwnCatalogue, ownCatalogue } from '../../../db/queries/identity/catalogue.ts'
import { filterOf, type ProjectFilter } from '../../../db/queries/identity/endpoint-filter.ts'
import type { Context, Database } from '../../context.ts'

/** How long another process may show what an operator changed in the catalogue, in milliseconds. */
const TRUST = 5_000
/** So many projects are remembered with what their catalogue is cut to. */
const MOST = 1_000

interface Known {
  own: OwnCatalogue
  at: number
  cuts: Map<string, ProjectFilter | null>
}
const known = new WeakMap<Database, Known>()

const knownOf = async ({ db, now }: Pick<Context, 'db' | 'now'>): Promise<Known> => {
  const last = known.get(db)
  if (last && now() >= last.at && now() - last.at <= TRUST) return last
  const read = { own: await ownCatalogue(db), at: now(), cuts: new Map() }
  known.set(db, read)
  return read
}

/** What an operator added to the catalogue, as it was within the last five seconds: every token shows it. */
export const ownOf = async (context: Pick<Context, 'db' | 'now'>): Promise<OwnCatalogue> => (await knownOf(context)).own

/** The same, with what the catalogue of a project is cut to; null: to nothing, as without a project. */
export const ownFor = async (
  context: Pick<Context, 'db' | 'now'>,
  projectId: string,
): Promise<{ own: OwnCatalogue; filter: ProjectFilter | null }> => {
  const { own, cuts } = await knownOf(context)
  if (!own.filtered || projectId === '') return { own, filter: null }
  const filter = cuts.get(projectId) ?? (cuts.has(projectId) ? null : await filterOf(context.db, projectId))
  if (cuts.size < MOST) cuts.set(projectId, filter)
  return { own, filter }
}

/** To be called after a change. */
export const forgetOwn = ({ db }: Pick<Context, 'db'>): void => {
  known.delete(db)
}
