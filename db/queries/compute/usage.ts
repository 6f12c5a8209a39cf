import { and, asc, eq, gt, gte, isNotNull, isNull, lte, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { either } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, servers, zones } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { zoneColumns, zoneOrder } from '../clouds/zones.ts'

interface Period {
  start: number
  end: number
  projectId?: string | undefined
  limit: number
  after?: string | undefined
}

const between = prepared((db, { scope, ...period }: Slots<Period & { scope: Scope }>) =>
  db
    .select({
      id: servers.id,
      projectId: servers.projectId,
      name: servers.name,
      flavor: servers.flavor,
      vmState: servers.vmState,
      launchedAt: sql<number>`${servers.launchedAt}`,
      terminatedAt: sql<number | null>`coalesce(${servers.terminatedAt}, ${servers.deletedAt})`,
    })
    .from(servers)
    .where(
      and(
        within(servers.projectId, scope),
        period.projectId && eq(servers.projectId, period.projectId),
        isNotNull(servers.launchedAt),
        lte(servers.launchedAt, period.end),
        either(
          isNull(servers.deletedAt),
          gte(sql`coalesce(${servers.terminatedAt}, ${servers.deletedAt})`, period.start),
        ),
        period.after && gt(servers.id, period.after),
      ),
    )
    .orderBy(asc(servers.id))
    .limit(period.limit),
)

/** Servers that ran at any time between two moments, deleted or not. */
export const serversBetween = (db: Database, scope: Scope, period: Period) => between.run(db, { scope, ...period })
export type ServerUsage = Awaited<ReturnType<typeof serversBetween>>[number]

/** What the servers of all projects take in a zone. */
export interface Taken {
  servers: number
  vcpus: number
  ramMib: number
  diskGib: number
}
/** Which of it somebody wants to know. */
interface Wanted {
  taken: boolean
  servers: boolean
}

const taken = sql<
  string | null
>`(select json_object('servers', u.servers, 'vcpus', u.vcpus, 'ramMib', u.ram_mib, 'diskGib', u.disk_gib)
  from zone_use u where u.cloud_id = ${zones.cloudId} and u.zone = ${zones.name})`
const named = sql<string | null>`held.named`
const absent = sql<string | null>`null`

const holding = prepared((db, { form }: Slots<{ form: Wanted }>) => {
  const query = db
    .select({ ...zoneColumns, taken: form.taken ? taken : absent, named: form.servers ? named : absent })
    .from(zones)
    .innerJoin(clouds, eq(clouds.id, zones.cloudId))
    .$dynamic()
  if (form.servers)
    query.leftJoin(
      sql`(select cloud_id, zone, json_group_array(json_object('name', name, 'uuid', id) order by created_at, id) as named
        from ${servers} where deleted_at is null and cloud_id is not null group by cloud_id, zone) held`,
      sql`held.cloud_id = ${zones.cloudId} and held.zone = ${zones.name}`,
    )
  return query.orderBy(...zoneOrder)
})

/** Every zone of every cloud with what the servers of all projects take in it, and their names. One query. */
export const zonesHolding = async (db: Database, wanted: Wanted) =>
  (await holding.run(db, { form: wanted })).map(({ taken, named, ...zone }) => ({
    zone,
    taken: taken === null ? undefined : (JSON.parse(taken) as Taken),
    servers: named === null ? [] : (JSON.parse(named) as { name: string; uuid: string }[]),
  }))
export type ZoneHolding = Awaited<ReturnType<typeof zonesHolding>>[number]
