/** Databases as an earlier version left them, row by row. */
export interface Kept {
  /** What had been applied. */
  migrations: string[]
  cloudState: string[]
  /** When it was left, in milliseconds since 1970. */
  now: number
  tables: Record<string, Record<string, string | number | null>[]>
  state: Kept['tables']
}

export const START = Date.parse('2026-03-01T12:00:00Z')
export const SECRET_KEY = '5b'.repeat(32)
/** Of `admin`, `demo` and `keeper`. */
export const PASSWORD = 'kept for later'
