import { type OwnCatalogue, ownCatalogue } from '../../../db/queries/identity/catalogue.ts'
import type { Context, Database } from '../../context.ts'

/** How long another process may show what an operator changed in the catalogue, in milliseconds. */
const TRUST = 5_000
const known = new WeakMap<Database, { own: OwnCatalogue; at: number }>()

/** What an operator added to the catalogue, as it was within the last five seconds: every token shows it. */
export const ownOf = async ({ db, now }: Pick<Context, 'db' | 'now'>): Promise<OwnCatalogue> => {
  const last = known.get(db)
  if (last && now() >= last.at && now() - last.at <= TRUST) return last.own
  const own = await ownCatalogue(db)
  known.set(db, { own, at: now() })
  return own
}

/** To be called after a change. */
export const forgetOwn = ({ db }: Pick<Context, 'db'>): void => {
  known.delete(db)
}
