/** Counts of logins that failed, and what is told of what has happened; all that anybody stands on is in other tables. */
const FORGETTABLE = ['login_failures', 'journal']
/** What writes, and to which table; what a conflict does instead goes to the same. */
const WRITES =
  /\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|delete\s+from|(?<!\bdo\s)update(?:\s+or\s+\w+)?)\s+["`[]?(\w+)/gi
const KNOWN = /^\s*(?:select|values|with|insert|replace|update|delete)\b/i

/**
 * Whether a power cut may forget the transaction of these statements, as `docs/decisions/0052` says: it writes, and writes
 * nothing but what is forgettable. To wait for the disk at each wrong password keeps every reader waiting who asks meanwhile.
 * @param texts the statements of one transaction
 */
export const mayBeForgotten = (texts: string[]): boolean => {
  let writes = false
  for (const text of texts) {
    const tables = [...text.matchAll(WRITES)].map(([, table]) => table!.toLowerCase())
    // Most transactions begin with what waits.
    if (!KNOWN.test(text) || !tables.every((table) => FORGETTABLE.includes(table))) return false
    writes ||= tables.length > 0
  }
  return writes
}
