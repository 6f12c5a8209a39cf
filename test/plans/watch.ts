import type { D1Database } from '@cloudflare/workers-types'
import { splitSql } from '../../db/migrate.ts'
import { MIGRATIONS } from '../support/runtime.ts'
import { judgeOf } from './judge.ts'

/** Once for all tests of a process, and each text once. */
let judge: ((text: string) => string[]) | null = null
const judged = new Map<string, string[]>()

const faultsOf = (text: string): string[] => {
  judge ??= judgeOf(MIGRATIONS.DB.flatMap(({ sql }) => splitSql(sql)))
  const faults = judged.get(text) ?? judge(text)
  judged.set(text, faults)
  return faults
}

/** What was refused in this process and has not been told by a test. */
export const refused: string[] = []

/**
 * The database of a test, which refuses statements whose cost grows with what is stored: whoever runs a story asks for the
 * plans of all that the program asks in it.
 */
export const watched = (d1: D1Database): D1Database => ({
  prepare: (text) => {
    const faults = faultsOf(text)
    if (faults.length) {
      refused.push([...faults, text].join('\n'))
      throw new Error(refused.at(-1))
    }
    return d1.prepare(text)
  },
  batch: (statements) => d1.batch(statements),
  exec: (text) => d1.exec(text),
  withSession: () => d1.withSession(),
  dump: () => d1.dump(),
})
