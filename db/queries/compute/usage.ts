import { and, asc, eq, gt, gte, isNotNull, isNull, lte, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { either } from '../../conditions.ts'
import { servers } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'

/** Servers that ran at any time between two moments, deleted or not. */
export const serversBetween = (
  db: Database,
  scope: Scope,
  period: { start: number; end: number; projectId?: string; limit: number; after?: string | undefined },
) =>
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
        period.projectId === undefined ? undefined : eq(servers.projectId, period.projectId),
        isNotNull(servers.launchedAt),
        lte(servers.launchedAt, period.end),
        either(
          isNull(servers.deletedAt),
          gte(sql`coalesce(${servers.terminatedAt}, ${servers.deletedAt})`, period.start),
        ),
        period.after === undefined ? undefined : gt(servers.id, period.after),
      ),
    )
    .orderBy(asc(servers.id))
    .limit(period.limit)
export type ServerUsage = Awaited<ReturnType<typeof serversBetween>>[number]

const size = (key: string): SQL<number> => sql<number>`sum(${servers.flavor}->>${`$.${key}`})`

/** What the servers of all projects take in each zone. */
export const takenByZone = (db: Database) =>
  db
    .select({
      cloudId: servers.cloudId,
      zone: servers.zone,
      servers: sql<number>`count(*)`,
      vcpus: size('vcpus'),
      ramMib: size('ramMib'),
      diskGib: size('diskGib'),
    })
    .from(servers)
    .where(and(isNull(servers.deletedAt), isNotNull(servers.cloudId)))
    .groupBy(servers.cloudId, servers.zone)
export type Taken = Awaited<ReturnType<typeof takenByZone>>[number]

/** Names of the servers of all projects in each zone. */
export const placedServers = (db: Database) =>
  db
    .select({ id: servers.id, name: servers.name, cloudId: servers.cloudId, zone: servers.zone })
    .from(servers)
    .where(and(isNull(servers.deletedAt), isNotNull(servers.cloudId)))
    .orderBy(asc(servers.createdAt), asc(servers.id))
