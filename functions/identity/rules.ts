import { commit, type Entry, guard, type Write } from '../broker/line/commit.ts'
import { Refused } from '../broker/line/refused.ts'
import type { Context } from '../context.ts'
import type { Fault } from '../http/fault.ts'

/** What has to hold while a batch is written, and the answer where it does not. */
export interface Rule {
  violated: Parameters<typeof guard>[2]
  refusal: Fault
}

const NAME = 'rule.'

/**
 * `commit`, if each rule holds at that moment. What was looked at before says why sooner, but may have changed since. Throws
 * the refusal of the first that is broken.
 */
export const commitIf = async (context: Context, rules: Rule[], entry: Entry, writes: Write[]): Promise<void> => {
  const guards = rules.map(({ violated }, at) => guard(context, `${NAME}${at}`, violated))
  try {
    await commit(context, entry, [...guards, ...writes])
  } catch (error) {
    throw brokenBy(error, rules)?.refusal ?? error
  }
}

const brokenBy = (error: unknown, rules: Rule[]): Rule | undefined => {
  if (!(error instanceof Refused) || error.refusal.kind !== 'guard') return undefined
  const { what } = error.refusal
  return what.startsWith(NAME) ? rules[Number(what.slice(NAME.length))] : undefined
}
