import { inferences } from '../../db/queries/identity/implied-roles.ts'
import type { Context } from '../context.ts'

/** Ids of roles with those that they imply, however many steps away: who is lent some is lent these. */
export const withImplied = async ({ db }: Pick<Context, 'db'>, roles: string[]): Promise<Set<string>> => {
  const implied = await inferences(db)
  const all = new Set(roles)
  for (const role of all) for (const { prior, implied: other } of implied) if (prior.id === role) all.add(other.id)
  return all
}
