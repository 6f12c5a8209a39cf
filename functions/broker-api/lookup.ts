import { type CloudRow, cloudByName } from '../../db/queries/clouds/clouds.ts'
import { unauthorized } from '../auth/policy.ts'
import { Refused } from '../broker/line/commit.ts'
import type { Context } from '../context.ts'
import { conflict, type Fault, notFound } from '../http/fault.ts'

export const cloudNamed = async (context: Context, name: string): Promise<CloudRow> => {
  const row = await cloudByName(context.db, name)
  if (!row) throw notFound(`There is no cloud named ${name}.`)
  return row
}

/** Milliseconds since 1970 as ISO 8601; null stays null. */
export const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

/** Runs a commit; what it is refused for becomes 409 in the words given (by guard, or `taken`), a revoked token 401. */
export const orConflict = async (work: Promise<void>, words: Record<string, string>): Promise<void> => {
  try {
    await work
  } catch (error) {
    throw error instanceof Refused ? (asFault(error, words) ?? error) : error
  }
}

const asFault = ({ refusal }: Refused, words: Record<string, string>): Fault | null => {
  if (refusal.kind === 'token') return unauthorized()
  const sentence = words[refusal.kind === 'guard' ? refusal.what : refusal.kind]
  return sentence ? conflict(sentence) : null
}
