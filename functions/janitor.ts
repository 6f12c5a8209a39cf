import { sql } from 'drizzle-orm'
import { sweepMessages } from '../db/queries/block-storage/messages.ts'
import { sweepBursts } from '../db/queries/bursts/bursts.ts'
import { allClouds, updateCloud } from '../db/queries/clouds/clouds.ts'
import { sweepServers } from '../db/queries/compute/server-actions.ts'
import { sweepGroupsSaid } from '../db/queries/federation/federation.ts'
import { sweepLoginFailures } from '../db/queries/identity/login-failures.ts'
import { sweepTrusts } from '../db/queries/identity/trusts.ts'
import { sweepTasks } from '../db/queries/image/tasks.ts'
import { sweepNotices } from '../db/queries/line/notices.ts'
import { forgetPreviousSecrets, sweepDeliveries } from '../db/queries/line/webhooks.ts'
import { sweepCosts } from '../db/queries/money/costs.ts'
import { rewrapCredentials } from './broker/clouds/seal.ts'
import { sweepBlobs } from './broker/image/image-data.ts'
import { bringMetadefs } from './broker/image/metadef-defaults.ts'
import { resealSecrets } from './broker/line/reseal.ts'
import { KEPT as KEEP_NOTICES } from './broker/notices/reading.ts'
import type { Context } from './context.ts'
import { rewrapCheck } from './runtime/deployment.ts'

const DAY = 86_400_000
/** How long deleted servers and volumes stay readable for admins, and mutations in the journal. */
const KEEP_TOMBSTONES = 7 * DAY
const KEEP_JOURNAL = 90 * DAY
/** How long a client may repeat a request by its key. */
const KEEP_REPEATABLES = 3 * DAY
const ROWS = 500
/** What grows fast, as costs do by a row a day for each thing that a project has, is swept as fast. */
const MANY = 5_000

/**
 * Throws away what nobody can ask for any more, so many rows a table at most, with uploaded data that is left over, and seals
 * again what an older key sealed. Bindings go with the rows that they stood for, never before the cloud's own objects are gone.
 */
export const sweepLeftovers = async (context: Context): Promise<void> => {
  const { db, now } = context
  const old = now() - KEEP_TOMBSTONES
  const sweep = (table: string, key: string, condition: ReturnType<typeof sql>) =>
    db.run(sql`delete from ${sql.identifier(table)} where ${sql.identifier(key)} in
      (select ${sql.identifier(table)}.${sql.identifier(key)} from ${sql.identifier(table)} where ${condition} limit ${ROWS})`)
  await sweep('revoked_tokens', 'audit_id', sql`expires_at < ${now()}`)
  await sweepLoginFailures(db, now())
  await sweep('used_once', 'id', sql`until < ${now()}`)
  await sweep('request_tokens', 'id', sql`expires_at < ${now()}`)
  await sweep('access_tokens', 'id', sql`expires_at < ${now()}`)
  await sweepMessages(db, now(), ROWS)
  await sweepTrusts(db, now(), ROWS)
  await sweep('console_words', 'word', sql`expires_at < ${now()}`)
  await sweep('journal', 'id', sql`at < ${now() - KEEP_JOURNAL}`)
  await sweep('repeatables', 'key', sql`created_at < ${now() - KEEP_REPEATABLES}`)
  await sweep('refused_offers', 'rowid', sql`until < ${now()}`)
  await sweepNotices(db, now() - KEEP_NOTICES, ROWS)
  await sweepCosts(db, now() - context.settings.costsKeptMs, MANY)
  // As long as it can be asked what they cost.
  await sweepBursts(db, now() - context.settings.costsKeptMs, ROWS)
  await sweepDeliveries(db, now() - KEEP_NOTICES, ROWS)
  await forgetPreviousSecrets(db, now())
  await sweepServers(db, old, ROWS)
  await sweep('volume_transfers', 'id', sql`deleted_at < ${old}`)
  for (const table of ['volumes', 'snapshots', 'images'])
    await sweep(
      table,
      'id',
      sql`deleted_at < ${old} and not exists (select 1 from bindings b where b.resource_id = ${sql.identifier(table)}.id and b.phase <> 'gone')`,
    )
  await sweep('bindings', 'rowid', sql`phase = 'gone' and due_at is null and updated_at < ${old}`)
  await sweepBlobs(context)
  await bringMetadefs(context)
  await sweepTasks(db, now(), ROWS)
  await rewrapCheck(db, context.settings.secretKeys)
  await resealSecrets(context)
  for (const cloud of await allClouds(db)) await rewrap(context, cloud)
}

/** Ends memberships that a provider named until a time that is over: they count until they are gone, so that this runs each minute. */
export const endMemberships = ({ db, now }: Context) => sweepGroupsSaid(db, now(), MANY)

const rewrap = async (context: Context, cloud: Awaited<ReturnType<typeof allClouds>>[number]): Promise<void> => {
  try {
    const credentials = rewrapCredentials(context, cloud)
    if (credentials) await updateCloud(context.db, cloud.id, { credentials })
  } catch (error) {
    context.log('warn', 'credentials do not open', { cloud: cloud.name, reason: String(error) })
  }
}
