import type { Level, Log } from './context.ts'

const RANK: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 }
const SECRET = /pass(word|wd)?|secret|token|credential|private|authorization|api_?key|cookie|user_?data/i

/** One JSON object a line; values under names that sound like secrets are left out. */
export const jsonLog =
  (least: Level = 'info', write: (line: string) => void = console.log): Log =>
  (level, message, fields = {}) => {
    if (RANK[level] >= RANK[least])
      write(JSON.stringify({ at: new Date().toISOString(), level, message, ...(redact(fields) as object) }))
  }

/** The same value without anything that is named like a secret or looks like a sealed text. */
const redact = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'string') return value.replace(/\bv1\.[0-9a-f]{8}\.[\w-]{20,}/g, '[sealed]')
  if (value === null || typeof value !== 'object') return value
  if (depth > 6) return '[deep]'
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, SECRET.test(key) ? '[redacted]' : redact(item, depth + 1)]),
  )
}
