import { asc, eq, getTableColumns, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { servers } from '../../schema/index.ts'
import type { ServerRow } from './servers.ts'

/** A server whose lease is over; `untouchable`: it is not ours to change. */
export type LeaseRow = ServerRow & { untouchable: boolean }

/** Servers whose lease is over and that are not as it shall leave them, so many at most. `now` in milliseconds since 1970. */
export const endedLeases = async (db: Database, now: number, limit: number): Promise<LeaseRow[]> => {
  const rows = await db
    .select({
      ...getTableColumns(servers),
      // What its user could not change, time does not either. Selected from one table a column has but its own name, which clouds have, too.
      untouchable: sql<number>`exists (select 1 from bindings b join clouds c on c.id = b.cloud_id
        where b.resource_id = servers.id and (b.ownership <> 'ours' or c.options ->> 'read_only'))`,
    })
    .from(servers)
    .where(
      sql`lease_due_at is not null and deleted_at is null and locked = 0 and (lease_end = 'delete' or vm_state <> 'stopped')
        and lease_due_at <= ${now}`,
    )
    .orderBy(asc(servers.leaseDueAt))
    .limit(limit)
  return rows.map((row) => ({ ...row, untouchable: row.untouchable !== 0 }))
}

/** Looks at the end of a lease again at that time, in milliseconds since 1970. */
export const postponeLease = (db: Database, id: string, at: number) =>
  db.update(servers).set({ leaseDueAt: at }).where(eq(servers.id, id))

/** Servers of a project that run and are to stop when its budget is spent, so many at most; locked and busy ones are not among them. */
export const markedToStop = (db: Database, projectId: string, limit: number): Promise<ServerRow[]> =>
  db
    .select()
    .from(servers)
    .where(
      sql`${servers.projectId} = ${projectId} and ${servers.deletedAt} is null and metadata ->> 'plimsoll:stop_at_budget' = 'true'
        and vm_state in ('active', 'paused', 'suspended', 'rescued', 'error') and not (vm_state = 'rescued' and power_state = 4) and locked = 0 and task_state is null and launched_at is not null
        and not exists (select 1 from bindings b join clouds c on c.id = b.cloud_id
          where b.resource_id = ${servers.id} and (b.ownership <> 'ours' or c.options ->> 'read_only'))`,
    )
    .limit(limit)
