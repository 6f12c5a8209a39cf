import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { among, anyOf, both } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { burstMembers, bursts, clouds, servers } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { behind } from '../keyset.ts'

export type MemberRow = typeof burstMembers.$inferSelect
export type Leaving = NonNullable<MemberRow['leaving']>

/** Statement: servers that are about to be written are members of a burst. Two in one position break the constraint. */
export const insertMembers = (
  db: Database,
  burstId: string,
  members: Pick<MemberRow, 'serverId' | 'position' | 'word'>[],
  createdAt: number,
) =>
  db.run(sql`insert into burst_members (server_id, burst_id, position, word, created_at)
    select value ->> 'serverId', ${burstId}, value ->> 'position', value ->> 'word', ${createdAt} from json_each(${JSON.stringify(members)})`)

/** True (as SQL), after members were written, when a burst has more than it may, or may have no new ones at all. */
export const burstFull = (
  id: string,
): SQL => sql`not exists (select 1 from bursts b join projects p on p.id = b.project_id
  where b.id = ${id} and b.draining_at is null and b.finished_at is null and b.ended_at is null and p.enabled
    and (select count(*) from burst_members m where m.burst_id = b.id and m.ended_at is null) <= b.most)`

const thereOf = (burstId: string) => sql`${burstMembers.burstId} = ${burstId} and ${burstMembers.endedAt} is null`

/** Members that are there, with what decides what becomes of them, by their positions. */
export const membersThere = (db: Database, burstId: string) =>
  db
    .select({
      serverId: burstMembers.serverId,
      position: burstMembers.position,
      reported: burstMembers.reported,
      leaving: burstMembers.leaving,
      status: servers.status,
      taskState: servers.taskState,
      launchedAt: servers.launchedAt,
      locked: servers.locked,
      spilled: servers.spilled,
      fault: servers.fault,
    })
    .from(burstMembers)
    .innerJoin(servers, eq(servers.id, burstMembers.serverId))
    .where(thereOf(burstId))
    .orderBy(asc(burstMembers.position))
export type Member = Awaited<ReturnType<typeof membersThere>>[number]

/** Members that are gone since a time, counted: why, and how many had said that they were done, or had failed. */
export interface Lost {
  position: number
  leaving: Leaving | null
  count: number
  done: number
  failed: number
}
export const membersLost = (db: Database, burstId: string, since: number) =>
  db.all<Lost>(sql`select position, leaving, count(*) as count, sum(reported is 'done') as done, sum(reported is 'failed') as failed from burst_members
    where burst_id = ${burstId} and ended_at >= ${since} group by position, leaving`)

/** Statement: the burst takes these away; as too many only while it is to have as many as the caller saw. */
export const markLeaving = (db: Database, ids: string[], leaving: Leaving, most?: number) =>
  db.run(sql`update burst_members set leaving = ${leaving} where server_id in ${among(ids)} and leaving is null
    ${most === undefined ? sql`` : sql`and (select most from bursts where id = burst_id) = ${most}`}`)

interface MemberPage {
  scope: Scope
  burstId: string
  marker?: string | undefined
  limit: number
}

const paging = prepared((db, { scope, burstId, marker, limit }: Slots<MemberPage>) => {
  const keys = [burstMembers.createdAt, burstMembers.position, burstMembers.serverId].map((column) => ({
    column,
    descending: false,
  }))
  const marked = marker && both(eq(burstMembers.serverId, marker), eq(burstMembers.burstId, burstId))
  return db
    .select({
      member: burstMembers,
      name: servers.name,
      status: servers.status,
      zone: servers.zone,
      cloud: clouds.name,
      fault: servers.fault,
    })
    .from(bursts)
    .leftJoin(burstMembers, both(eq(burstMembers.burstId, bursts.id), marked && behind(keys, burstMembers, marked)))
    .leftJoin(servers, eq(servers.id, burstMembers.serverId))
    .leftJoin(clouds, eq(clouds.id, servers.cloudId))
    .where(both(eq(bursts.id, burstId), within(bursts.projectId, scope)))
    .orderBy(asc(burstMembers.createdAt), asc(burstMembers.position), asc(burstMembers.serverId))
    .limit(limit)
})

const isMember = prepared((db, { burstId, marker }: Slots<{ burstId: string; marker: string }>) =>
  db
    .select({ id: burstMembers.serverId })
    .from(burstMembers)
    .where(and(eq(burstMembers.serverId, marker), eq(burstMembers.burstId, burstId))),
)

type PagedRow = Awaited<ReturnType<typeof paging.run>>[number]
export type MemberShown = PagedRow & { member: MemberRow }
const isShown = (row: PagedRow): row is MemberShown => row.member !== null

/** A page of the members that a burst has or had, oldest first; why there is none: the scope sees no such burst, or the marker is no member. */
export const membersOf = async (db: Database, asked: MemberPage): Promise<MemberShown[] | 'no burst' | 'no marker'> => {
  const rows = await paging.run(db, asked)
  if (!rows.length) return 'no burst'
  const members = rows.filter(isShown)
  const { burstId, marker } = asked
  if (members.length || marker === undefined) return members
  return (await isMember.run(db, { burstId, marker })).length ? [] : 'no marker'
}

/** The burst of a member that reports with a word, as rows have it; null: nobody has it, or he has said his last. */
export const burstOfWord = async (db: Database, words: string[]): Promise<string | null> =>
  (
    await db
      .select({ burstId: burstMembers.burstId })
      .from(burstMembers)
      .where(both(anyOf(burstMembers.word, words), sql`${burstMembers.word} is not null`))
  )[0]?.burstId ?? null

/**
 * Statements: a member says how it is. After `done` and `failed` its word is worth nothing. When it was the last of those that are
 * there, its burst is due.
 */
export const report = (
  db: Database,
  words: string[],
  {
    burstId,
    reported,
    message,
    now,
  }: { burstId: string; now: number; message: string | null } & {
    reported: NonNullable<MemberRow['reported']>
  },
) =>
  [
    db
      .update(burstMembers)
      .set({ reported, message, reportedAt: now, ...(reported === 'running' ? {} : { word: null }) })
      .where(and(anyOf(burstMembers.word, words), sql`${burstMembers.word} is not null`))
      .returning({ serverId: burstMembers.serverId }),
    db.run(sql`update bursts set due_at = ${now} where id = ${burstId} and due_at is not null and finished_at is null and draining_at is null
      and not exists (select 1 from burst_members m where m.burst_id = ${burstId} and m.ended_at is null and m.leaving is null
        and (m.reported is null or m.reported = 'running'))`),
  ] as const
