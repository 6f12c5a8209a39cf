// biome-ignore format: a table
const CODES: Record<number, string> = {
  1: 'ERROR', 5: 'BUSY', 6: 'LOCKED', 8: 'READONLY', 10: 'IOERR', 11: 'CORRUPT', 13: 'FULL', 14: 'CANTOPEN', 26: 'NOTADB', 18: 'TOOBIG', 19: 'CONSTRAINT', 20: 'MISMATCH',
  275: 'CHECK', 787: 'FOREIGNKEY', 1299: 'NOTNULL', 1555: 'PRIMARYKEY', 1811: 'TRIGGER', 2067: 'UNIQUE', 2579: 'ROWID', 3091: 'DATATYPE',
}

/** SQLite's error in D1's words: `D1_ERROR: UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)`. */
export function d1Error(cause: unknown): Error {
  if (cause instanceof Error && cause.message.startsWith('D1_')) return cause
  const { message, errcode } = cause as { message?: string; errcode?: number }
  let text = message ?? String(cause)
  if (errcode !== undefined) {
    const code = `SQLITE_${CODES[errcode & 0xff] ?? 'ERROR'}`
    text += `: ${code}${errcode > 0xff && CODES[errcode] ? ` (extended: ${code}_${CODES[errcode]})` : ''}`
  }
  return new Error(`D1_ERROR: ${text}`, { cause: new Error(text) })
}
