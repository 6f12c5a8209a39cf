import type { Answer, Plimsoll } from '../../support/harness.ts'

/** Asks for something while something else is done after it was read, and before it is written. */
export const askedWhile = async (
  { host: { d1 } }: Plimsoll,
  meanwhile: () => Promise<unknown>,
  ask: () => Promise<Answer>,
): Promise<Answer> => {
  const [prepare, batch] = [d1.prepare.bind(d1), d1.batch.bind(d1)]
  let writes = false
  const asBefore = () => Object.assign(d1, { prepare, batch })
  d1.prepare = (sql) => {
    writes ||= /^insert into "?journal/i.test(sql)
    return prepare(sql)
  }
  d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
    if (!writes) return batch(statements)
    asBefore()
    await meanwhile()
    return batch(statements)
  }) as typeof d1.batch
  try {
    return await ask()
  } finally {
    asBefore()
  }
}
