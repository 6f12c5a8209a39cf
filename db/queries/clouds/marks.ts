import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { Zone } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { among } from '../../conditions.ts'
import { cloudRooms, passedHomes } from '../../schema/index.ts'

/** vCPUs and MiB of memory. */
export interface Amount {
  vcpus: number
  ramMib: number
}

/** How full a cloud is, for one project. Null where nobody says. */
export interface Fill {
  /** The operator's mark for everybody, 0 to 1. */
  cloudMark: number | null
  /** All that there is: the operator's word, else the cloud's. */
  roomVcpus: number | null
  roomRamMib: number | null
  /** What is held: what is ours, as it was admitted, and what was not when the cloud was last asked. */
  takenVcpus: number
  takenRamMib: number
  /** What the mapping gives the project for itself, and what it holds of that. */
  ownRoomVcpus: number | null
  ownRoomRamMib: number | null
  ownVcpus: number
  ownRamMib: number
  /** It was full up to its mark and has not been seen to come down from it. */
  passed: number
}

/** Columns of `Fill`, selected `from mappings m join clouds c` and `fillJoined`. */
export const fillColumns: SQL = sql`c.options ->> 'mark' as cloudMark,
  coalesce(c.options ->> '$.room.vcpus', room.vcpus) as roomVcpus,
  coalesce(c.options ->> '$.room.ram_mib', room.ram_mib) as roomRamMib,
  coalesce(held.vcpus, 0) + coalesce(room.foreign_vcpus, 0) as takenVcpus,
  coalesce(held.ram_mib, 0) + coalesce(room.foreign_ram_mib, 0) as takenRamMib,
  m.mapping ->> '$.room.vcpus' as ownRoomVcpus, m.mapping ->> '$.room.ram_mib' as ownRoomRamMib,
  coalesce(own.vcpus, 0) as ownVcpus, coalesce(own.ram_mib, 0) as ownRamMib,
  (passed.at is not null) as passed`

export const fillJoined: SQL = sql`left join cloud_rooms room on room.cloud_id = c.id
  left join cloud_use held on held.cloud_id = c.id and held.project_id = ''
  left join cloud_use own on own.cloud_id = c.id and own.project_id = m.project_id
  left join passed_homes passed on passed.cloud_id = c.id and passed.project_id = m.project_id`

/** How full the clouds of a project are. */
export const fillsOf = (db: Database, projectId: string) =>
  db.all<Fill & { id: string; name: string; region: string | null }>(sql`select c.id, c.name, c.region, ${fillColumns}
    from mappings m join clouds c on c.id = m.cloud_id ${fillJoined} where m.project_id = ${projectId}`)

/** Names of clouds of which somebody says how much room they have. */
export const cloudsWithRoom = async (db: Database): Promise<string[]> => {
  const rows = await db.all<{
    name: string
  }>(sql`select c.name from clouds c left join cloud_rooms r on r.cloud_id = c.id
    where c.options ->> '$.room.vcpus' is not null or r.cloud_id is not null`)
  return rows.map(({ name }) => name)
}

/** What a project has elsewhere than at home: one row, or none for nothing. */
export const spilledOf = (db: Database, projectId: string) =>
  db.all<{ servers: number; vcpus: number }>(sql`select servers, vcpus from spill_use where project_id = ${projectId}`)

/** Parts of a share are not told apart below that. */
const EPSILON = 1e-6

const over = (taken: SQL, share: number, room: SQL): SQL => sql`${taken} > ${share} * ${room} + ${EPSILON}`

/**
 * True (as SQL), after `more` was written, while a cloud is above its mark for a project, or was passed by and is not `band`
 * below it yet, or says nothing of its room.
 */
export const abovePassed = (
  ask: { projectId: string; cloudId: string },
  { mark, band }: { mark: number; band: number },
  more: Amount,
): SQL => sql`not exists (select 1 from (select c.id, ${fillColumns} from mappings m join clouds c on c.id = m.cloud_id ${fillJoined}
    where m.project_id = ${ask.projectId} and c.id = ${ask.cloudId})
  where (roomVcpus is not null or ownRoomVcpus is not null)
    and not coalesce(${over(sql`takenVcpus`, mark, sql`roomVcpus`)} or ${over(sql`takenRamMib`, mark, sql`roomRamMib`)}, 0)
    and not coalesce(${over(sql`ownVcpus`, mark, sql`ownRoomVcpus`)} or ${over(sql`ownRamMib`, mark, sql`ownRoomRamMib`)}, 0)
    and not (passed and coalesce(${over(sql`takenVcpus - ${more.vcpus}`, mark - band, sql`roomVcpus`)}
      or ${over(sql`takenRamMib - ${more.ramMib}`, mark - band, sql`roomRamMib`)}, 0))
    and not (passed and coalesce(${over(sql`ownVcpus - ${more.vcpus}`, mark - band, sql`ownRoomVcpus`)}
      or ${over(sql`ownRamMib - ${more.ramMib}`, mark - band, sql`ownRoomRamMib`)}, 0)))`

/** True (as SQL), after it was written, while more of a project is elsewhere than may be. */
export const spilledBeyond = (projectId: string, { instances, cores }: { instances?: number; cores?: number }): SQL =>
  sql`exists (select 1 from spill_use where project_id = ${projectId}
    and (servers > ${instances ?? null} or vcpus > ${cores ?? null}))`

/** Statement: nothing more of the project goes home until that has come down from its mark. */
export const passHome = (db: Database, row: typeof passedHomes.$inferInsert) =>
  db.insert(passedHomes).values(row).onConflictDoNothing()

/** Statement: what is new goes home again. */
export const returnHome = (db: Database, projectId: string, cloudId: string) =>
  db.delete(passedHomes).where(and(eq(passedHomes.projectId, projectId), eq(passedHomes.cloudId, cloudId)))

/** What was surely on a cloud before it is asked, what had left by then, and what is admitted. */
export const beforeAsking = async (db: Database, cloudId: string) => {
  const [row] = await db.all<Before>(sql`select coalesce(s.vcpus, 0) as vcpus, coalesce(s.ram_mib, 0) as ramMib,
      coalesce(s.left_vcpus, 0) as leftVcpus, coalesce(s.left_ram_mib, 0) as leftRamMib, coalesce(u.vcpus, 0) as admitted
    from (select ${cloudId} as id) c left join cloud_steady s on s.cloud_id = c.id
      left join cloud_use u on u.cloud_id = c.id and u.project_id = ''`)
  return row!
}
interface Before extends Amount {
  leftVcpus: number
  leftRamMib: number
  /** vCPUs; more than `vcpus` while something is on its way. */
  admitted: number
}

/** What zones say of their room, all together; null: none does. */
const roomIn = (zones: Zone[]): { total: Amount; promised: Amount } | null => {
  const said = zones.flatMap(({ room, promised }) => (room ? { room, promised } : []))
  if (!said.length) return null
  const sum = (of: (zone: (typeof said)[number]) => number) => said.reduce((all, zone) => all + of(zone), 0)
  return {
    total: { vcpus: sum(({ room }) => room.vcpus[1]), ramMib: sum(({ room }) => room.ramMiB[1]) },
    promised: {
      vcpus: sum(({ room, promised }) => promised?.vcpus ?? room.vcpus[0]),
      ramMib: sum(({ room, promised }) => promised?.ramMiB ?? room.ramMiB[0]),
    },
  }
}

/**
 * Statement: what a cloud said of its room. Of what is held there, what was surely ours before it was asked and did not leave
 * since is ours: the rest is foreign, so that what was on its way counts twice until the cloud is asked again, and never not at all.
 */
export const noteRoom = (db: Database, cloudId: string, zones: Zone[], before: Before, now: number) => {
  const room = roomIn(zones)
  if (!room) return db.delete(cloudRooms).where(eq(cloudRooms.cloudId, cloudId))
  const { total, promised } = room
  const sure = (had: number, left: SQL, hadLeft: number): SQL =>
    sql`max(0, ${had} - (coalesce((select ${left} from cloud_steady where cloud_id = ${cloudId}), 0) - ${hadLeft}))`
  return db.run(sql`insert into cloud_rooms (cloud_id, vcpus, ram_mib, foreign_vcpus, foreign_ram_mib, read_at)
    values (${cloudId}, ${total.vcpus}, ${total.ramMib},
      max(0, ${promised.vcpus} - ${sure(before.vcpus, sql`left_vcpus`, before.leftVcpus)}),
      max(0, ${promised.ramMib} - ${sure(before.ramMib, sql`left_ram_mib`, before.leftRamMib)}), ${now})
    on conflict (cloud_id) do update set vcpus = excluded.vcpus, ram_mib = excluded.ram_mib,
      foreign_vcpus = excluded.foreign_vcpus, foreign_ram_mib = excluded.foreign_ram_mib, read_at = excluded.read_at`)
}

/** Statement: these servers are handed back, and stay where they are: foreign from here on. */
export const holdAsForeign = (db: Database, ids: Iterable<string>) =>
  db.run(sql`update cloud_rooms set foreign_vcpus = foreign_vcpus + handed.vcpus, foreign_ram_mib = foreign_ram_mib + handed.ram_mib
    from (select +cloud_id as cloud_id, sum(coalesce(places ->> '$.at.vcpus', flavor ->> '$.vcpus')) as vcpus,
        sum(coalesce(places ->> '$.at.ramMib', flavor ->> '$.ramMib')) as ram_mib
      from servers where id in ${among(ids)} and +deleted_at is null group by +cloud_id) as handed
    where cloud_rooms.cloud_id = handed.cloud_id`)
