import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../adapters/contract.ts'
import type { Filters } from './clouds.ts'
import { at, flag, json } from './columns.ts'

/*
 * Servers that are elsewhere than at home and may come back have two machines for a while. The current one is by definition on
 * `servers.cloud_id`; a row here says what there is of the other. Triggers count that one, in rooms, rates and meters, as long as
 * the row names its cloud.
 */
export const serverMoves = sqliteTable(
  'server_moves',
  {
    serverId: text('server_id').primaryKey(),
    projectId: text('project_id').notNull(),
    /** `staying`: there is no other machine, and `reason` says why; `arriving`: it is made at home; `leaving`: it goes. */
    state: text('state').$type<'staying' | 'arriving' | 'leaving'>().notNull(),
    /** Why it stays, or why the one that was arriving goes; a sentence. */
    reason: text('reason'),
    /** Something else was asked of the server: triggers say so, whoever asked. */
    cancelled: flag('cancelled').notNull().default(false),
    /** The cloud of the other machine; null: there is none. */
    cloudId: text('cloud_id'),
    /** Its place (`broker/compute/server-facts`). */
    place: json<Json>('place'),
    vcpus: integer('vcpus').notNull().default(0),
    ramMib: integer('ram_mib').notNull().default(0),
    /** Micros of the deployment's currency; null: unpriced. */
    hourly: integer('hourly'),
    /** What its cloud does with security groups. */
    filters: text('filters').$type<Filters>(),
    /** From which the word follows that its guest reports with. */
    seed: text('seed'),
    /** A MAC of that word. */
    report: text('report'),
    /** Since when it runs. */
    runsAt: at('runs_at'),
    /** When its guest said that it is ready. */
    readyAt: at('ready_at'),
    /** Staying: tried again then. Arriving: given up then. Leaving: removed then, once it has stopped. */
    dueAt: at('due_at').notNull(),
    updatedAt: at('updated_at').notNull(),
  },
  (t) => [
    index('server_moves_due').on(t.dueAt).where(sql`state <> 'staying'`),
    index('server_moves_by_report').on(t.report).where(sql`report IS NOT NULL`),
    index('server_moves_under_way').on(t.projectId).where(sql`state <> 'staying'`),
  ],
)

/** Homes below their mark, and since when: what comes back waits until that is no moment. */
export const roomyHomes = sqliteTable(
  'roomy_homes',
  {
    projectId: text('project_id').notNull(),
    cloudId: text('cloud_id').notNull(),
    since: at('since').notNull(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.cloudId] })],
)
