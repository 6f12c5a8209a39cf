import { and, gt, inArray, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { consoleWords } from '../../schema/index.ts'

export type ConsoleWord = typeof consoleWords.$inferSelect

/** So many words of one server are good at a time: the one that ends first goes for another. */
const MOST = 16

/** Remembers a word. */
export const keepConsoleWord = (db: Database, row: ConsoleWord) =>
  db.batch([
    db.insert(consoleWords).values(row),
    db
      .delete(consoleWords)
      .where(
        inArray(
          consoleWords.word,
          sql`(select word from console_words where server_id = ${row.serverId} order by expires_at desc limit -1 offset ${MOST})`,
        ),
      ),
  ])

/** What a word opens, which it then does not open any more; undefined: nothing. @param words the word as each key of ours keeps it */
export const takeConsoleWord = async (db: Database, words: string[], now: number): Promise<ConsoleWord | undefined> => {
  if (!words.length) return undefined
  const [row] = await db
    .delete(consoleWords)
    .where(and(inArray(consoleWords.word, words), gt(consoleWords.expiresAt, now)))
    .returning()
  return row
}
