import type { Database } from '../../../db/client.ts'
import { askNoticesBehind, type Behinds, listen, type Notice, noticesBehind } from '../../../db/queries/line/notices.ts'
import type { Context } from '../../context.ts'

const HOUR = 3_600_000
/** So long notices are kept for those who come again, and until they arrived at every webhook or are given up, in milliseconds. */
export const KEPT = 72 * HOUR
/** So long they are written after a reader was here last. */
const HEEDED = 24 * HOUR
/** Nobody is written down as a listener more often than that. */
const RENEW = HOUR
/** So much of an id tells that it is the notice that was heard, and not one that bears its number in a restored database. */
const HEAD = 12

/** Where a reader is in the notices of a project: behind this one. */
export interface Place {
  seq: number
  /** The beginning of its id; empty: there is no notice of that number. */
  id: string
}

/** A place as text, which readers hand back. */
export const markOf = ({ seq, id }: Place): string => `${seq}.${id.slice(0, HEAD)}`

/** The place that a text names; null: it names none. */
export const placeIn = (mark: string): Place | null => {
  const [, seq, id] = /^(\d{1,15})\.(msg_[0-9a-f]{8})?$/.exec(mark) ?? []
  return seq === undefined ? null : { seq: Number(seq), id: id ?? '' }
}

/** What is behind a place. */
export interface Heard {
  notices: Notice[]
  /** Something was told there that nobody knows any more. */
  gap: boolean
  /** Behind the last of them. */
  place: Place
  /** Until when notices are written because of its readers; 0: since nobody asked. */
  until: number
}

const behind = (projectId: string, from: Place | null, limit: number) => ({
  projectId,
  seq: from?.seq ?? Number.MAX_SAFE_INTEGER,
  limit,
})

/** The statement of `heard`, to be asked in one batch with others. `from` null: behind the newest. */
export const asking = (db: Database, projectId: string, from: Place | null, limit: number) =>
  askNoticesBehind(db, behind(projectId, from, limit))

/** What its answer says to a reader. */
export const heard = (from: Place | null, rows: Behinds): Heard => {
  const { seq = 0, until = 0, id = null, newest = null } = rows[0] ?? {}
  const notices = rows.flatMap(({ notice }) => notice ?? [])
  const end = { seq, id: newest ?? '' }
  if (!from) return { notices: [], gap: false, place: end, until }
  const next = notices[0]?.seq ?? seq + 1
  const gap = from.id.slice(0, HEAD) !== (id ?? '').slice(0, HEAD) || next !== from.seq + 1
  return { notices, gap, place: notices.at(-1) ?? end, until }
}

/** One look behind a place. */
export const lookBehind = async (
  { db }: Context,
  projectId: string,
  from: Place | null,
  limit: number,
): Promise<Heard> => heard(from, await noticesBehind(db, behind(projectId, from, limit)))

/** Sees to it that notices are written as long as somebody asks for them, and a day longer. @param until as it was seen last */
export const stayTuned = async ({ db, now }: Context, projectId: string, until: number): Promise<boolean> => {
  if (until > now() + HEEDED - RENEW) return false
  await listen(db, projectId, now(), now() + HEEDED)
  return true
}
