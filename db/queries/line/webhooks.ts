import { and, desc, eq, lt, lte, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { deliveries, notices, webhooks } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'

export type WebhookRow = typeof webhooks.$inferSelect
export type DeliveryRow = typeof deliveries.$inferSelect
type NewWebhook = typeof webhooks.$inferInsert

const listed = prepared((db, { scope, projectId }: Slots<{ scope: Scope; projectId?: string | undefined }>) =>
  db
    .select()
    .from(webhooks)
    .where(and(within(webhooks.projectId, scope), projectId && eq(webhooks.projectId, projectId)))
    .orderBy(webhooks.createdAt, webhooks.id)
    .limit(1000),
)

/** Webhooks of a scope, oldest first: a thousand at most. @param projectId of that project alone */
export const webhooksOf = (db: Database, scope: Scope, projectId?: string) => listed.run(db, { scope, projectId })

const one = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.id, id), within(webhooks.projectId, scope))),
)

/** One that the scope sees; undefined: there is none. */
export const webhookById = async (db: Database, scope: Scope, id: string): Promise<WebhookRow | undefined> =>
  (await one.run(db, { scope, id }))[0]

export const insertWebhook = (db: Database, row: NewWebhook) => db.insert(webhooks).values(row)

/** Statement: what is on its way to it is not sent any more where it is switched off (triggers). */
export const updateWebhook = (db: Database, id: string, set: Partial<NewWebhook>) =>
  db.update(webhooks).set(set).where(eq(webhooks.id, id))

/** What a row says where no secret but its own is valid. */
export const NO_PREVIOUS_SECRET = { previousSecret: null, previousSecretUntil: null, rotatedAt: null } as const

/** Statement: throws away secrets that are not valid any more. */
export const forgetPreviousSecrets = (db: Database, now: number) =>
  db.update(webhooks).set(NO_PREVIOUS_SECRET).where(lte(webhooks.previousSecretUntil, now))

/** Statement: it goes, with what was on its way (triggers). */
export const deleteWebhook = (db: Database, id: string) => db.delete(webhooks).where(eq(webhooks.id, id))

/** True (as SQL): it is not there any more. */
export const webhookGone = (id: string): SQL => sql`not exists (select 1 from webhooks where id = ${id})`
/** True (as SQL): it has other secrets by now, or the same sealed anew. */
export const secretsMoved = ({ id, secret, previousSecret }: WebhookRow): SQL =>
  sql`exists (select 1 from webhooks where id = ${id} and (secret <> ${secret} or previous_secret is not ${previousSecret}))`
/** True (as SQL): somebody switched it off, or it did that by itself. */
export const webhookOff = (id: string): SQL => sql`not exists (select 1 from webhooks where id = ${id} and enabled)`

interface Page {
  webhookId: string
  status?: DeliveryRow['status'] | undefined
  before?: number | undefined
  limit: number
}
const page = prepared((db, { scope, webhookId, status, before, limit }: Slots<Page & { scope: Scope }>) =>
  db
    .select({ delivery: deliveries })
    .from(webhooks)
    .leftJoin(
      deliveries,
      and(
        eq(deliveries.webhookId, webhooks.id),
        before && lt(deliveries.seq, before),
        status && sql`+${deliveries.status} = ${status}`,
      ),
    )
    .where(and(eq(webhooks.id, webhookId), within(webhooks.projectId, scope)))
    .orderBy(desc(deliveries.seq))
    .limit(limit as Placeholder),
)

/** What went to a webhook, newest first; null: the scope sees no such webhook. @param before of lower numbers alone */
export const deliveriesOf = async (db: Database, scope: Scope, asked: Page): Promise<DeliveryRow[] | null> => {
  const rows = await page.run(db, { scope, ...asked })
  return rows.length ? rows.flatMap(({ delivery }) => delivery ?? []) : null
}

/** One of them, by the id of its notice; undefined: there is none. */
export const deliveryOf = async (db: Database, webhookId: string, noticeId: string): Promise<DeliveryRow | undefined> =>
  (
    await db
      .select()
      .from(deliveries)
      .where(and(eq(deliveries.webhookId, webhookId), eq(deliveries.noticeId, noticeId)))
  )[0]

/** Statements: it is sent once more, as if it had never been. */
export const sendAgain = (db: Database, { webhookId, seq }: Pick<DeliveryRow, 'webhookId' | 'seq'>, now: number) => [
  db
    .update(deliveries)
    .set({ status: 'pending', tries: 0, dueAt: now, error: null, createdAt: now })
    .where(and(eq(deliveries.webhookId, webhookId), eq(deliveries.seq, seq))),
  db.run(sql`update webhooks set due_at = ${now} where id = ${webhookId} and (due_at is null or due_at > ${now})`),
]

/** Whether there are any, and whether something is due for one that nobody has. */
export const webhooksDue = async (db: Database, now: number): Promise<{ any: boolean; due: boolean }> => {
  const [row] = await looking.run(db, { now })
  return { any: Boolean(row?.any), due: Boolean(row?.due) }
}

const looking = prepared((db, { now }: Slots<{ now: number }>) =>
  db
    .select({
      any: sql<number | null>`(select 1 from webhooks limit 1)`,
      due: sql<number>`exists (select 1 from webhooks w where w.due_at <= ${now} and w.lease_until <= ${now})`,
    })
    .from(sql`(select 1)`),
)

/** Takes webhooks that something is due for and nobody has, longest due first, until a time; what each claim raises tells who has it. */
export const claimWebhooks = (db: Database, now: number, until: number, most: number): Promise<WebhookRow[]> =>
  claiming.run(db, { now, until, most })

const claiming = prepared((db, { now, until, most }: Slots<{ now: number; until: number; most: number }>) =>
  db
    .update(webhooks)
    .set({ leaseUntil: sql`${until}`, fence: sql`${webhooks.fence} + 1` })
    .where(
      sql`${webhooks.id} in (select w.id from webhooks w where w.due_at <= ${now} and w.lease_until <= ${now} order by w.due_at limit ${most})`,
    )
    .returning(),
)

/** True (as SQL): whoever claimed it then has it still. */
const held = ({ id, fence }: WebhookRow): SQL =>
  sql`exists (select 1 from webhooks where fence = ${fence} and id = ${id} and enabled)`

/** Gives it back, due when the next of what is on its way is. */
export const freeWebhook = (db: Database, webhook: WebhookRow) =>
  db.run(sql`update webhooks set lease_until = 0, due_at = (select min(d.due_at) from deliveries d
    where d.webhook_id = webhooks.id and d.due_at is not null) where id = ${webhook.id} and fence = ${webhook.fence}`)

/** What is due for a webhook, longest due first, with the webhook as it is now, and the notices; one that was swept away has none. */
export const dueDeliveries = (db: Database, { id, projectId }: WebhookRow, now: number, most: number) =>
  db
    .select({ delivery: deliveries, notice: notices, webhook: webhooks })
    .from(deliveries)
    .innerJoin(webhooks, eq(webhooks.id, deliveries.webhookId))
    .leftJoin(notices, and(eq(notices.projectId, projectId), eq(notices.seq, deliveries.seq)))
    .where(and(eq(deliveries.webhookId, id), sql`${deliveries.dueAt} <= ${now}`))
    .orderBy(deliveries.dueAt, deliveries.seq)
    .limit(most)

export type Tried = Pick<DeliveryRow, 'status' | 'dueAt' | 'triedAt' | 'answerStatus' | 'answer' | 'error'>

/** Statements: what became of a try, if whoever tried has the webhook still; the next of the resource follows where it is over. */
export const writeTried = (db: Database, webhook: WebhookRow, { seq, resourceId }: DeliveryRow, tried: Tried) => [
  db
    .update(deliveries)
    .set({ ...tried, tries: sql`${deliveries.tries} + 1` })
    .where(and(eq(deliveries.webhookId, webhook.id), eq(deliveries.seq, seq), held(webhook))),
  db.run(sql`update deliveries set due_at = ${tried.triedAt} where webhook_id = ${webhook.id} and due_at is null and ${held(webhook)}
    and seq = (select min(d.seq) from deliveries d where d.webhook_id = ${webhook.id} and d.resource_id = ${resourceId} and d.status = 'pending')`),
  // What arrived ends a bad time, what failed begins one.
  db.run(sql`update webhooks set failing_since = ${tried.status === 'delivered' ? sql`null` : sql`coalesce(failing_since, ${tried.triedAt})`}
    where id = ${webhook.id} and fence = ${webhook.fence}`),
]

/** Whatever a clock that was ahead has put off further than any pause is due. */
export const forgetFutureDeliveries = (db: Database, now: number, longest: number) => [
  db.run(
    sql`update deliveries set due_at = ${now} where webhook_id in (select id from webhooks where due_at > ${now + longest}) and due_at > ${now + longest}`,
  ),
  db.run(
    sql`update webhooks set due_at = min(due_at, ${now}), lease_until = min(lease_until, ${now}) where due_at > ${now + longest}`,
  ),
]

/** Statement: throws away what was settled before a time, so many at a time. */
export const sweepDeliveries = (db: Database, before: number, most: number) =>
  db.run(
    sql`delete from deliveries where rowid in (select rowid from deliveries where created_at < ${before} and status <> 'pending' limit ${most})`,
  )

/** Statements: nobody is told of a project any more; what was told goes in time. */
export const forgetListeners = (db: Database, projectId: string) =>
  (['webhooks', 'listeners'] as const).map((table) =>
    db.run(sql`delete from ${sql.identifier(table)} where project_id = ${projectId}`),
  )
