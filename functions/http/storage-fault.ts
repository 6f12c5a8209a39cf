import { Fault } from './fault.ts'

/** What SQLite, and D1 around it, say when the storage fails and not the statement; the sentence is for strangers too. */
const TROUBLES: [RegExp, string][] = [
  [/SQLITE_FULL|Exceeded maximum DB size/, 'The disk of the database is full.'],
  [/SQLITE_(CORRUPT|NOTADB)/, 'The database is damaged.'],
  [/SQLITE_(IOERR|CANTOPEN)/, 'The disk of the database does not work.'],
  [/SQLITE_READONLY/, 'The database cannot be written.'],
  [/SQLITE_(BUSY|LOCKED)/, 'The database is locked by another program.'],
  [
    /D1 (DB )?(is overloaded|storage operation exceeded|reset because)|Network connection lost|storage caused object to be reset/,
    'The database does not answer.',
  ],
]

/** Why the storage failed, in a sentence; null: it did not, as far as the error tells. */
export const storageTrouble = (error: unknown): string | null => {
  const text = messages(error)
  return TROUBLES.find(([words]) => words.test(text))?.[1] ?? null
}

/** 503: nothing is wrong with what was asked, and it may be asked again. */
export const storageFault = (error: unknown): Fault | null => {
  const trouble = storageTrouble(error)
  return trouble === null ? null : new Fault(503, trouble, { headers: { 'Retry-After': '5' } })
}

const messages = (error: unknown): string =>
  error instanceof Error ? `${error.message}\n${error.cause ? messages(error.cause) : ''}` : String(error)
