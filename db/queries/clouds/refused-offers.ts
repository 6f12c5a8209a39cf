import { and, asc, eq, gt, inArray, type SQL, sql } from 'drizzle-orm'
import type { Shortage } from '../../../adapters/errors.ts'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, refusedOffers } from '../../schema/index.ts'

export type RefusedOffer = typeof refusedOffers.$inferSelect

/** What a cloud said of an offer that it would not sell, and until when (ms since 1970) it is not asked for it. */
export interface Refused {
  shortage: Shortage
  words: string
  until: number
}

/**
 * Statement: an offer was refused. It is remembered for all projects, but where it was the account that was refused and the
 * project has a mapping of its own, which may mean an account of its own.
 */
export const rememberRefused = (db: Database, { projectId, ...row }: RefusedOffer) =>
  db
    .insert(refusedOffers)
    .values({
      ...row,
      projectId:
        row.shortage === 'account-limit'
          ? sql<string>`coalesce((select project_id from mappings where project_id = ${projectId} and cloud_id = ${row.cloudId} and mapping <> '{}'), '')`
          : '',
    })
    .onConflictDoUpdate({
      target: [
        refusedOffers.cloudId,
        refusedOffers.zone,
        refusedOffers.size,
        refusedOffers.option,
        refusedOffers.projectId,
      ],
      set: {
        shortage: sql`excluded.shortage`,
        words: sql`excluded.words`,
        at: sql`excluded.at`,
        until: sql`excluded.until`,
      },
    })

/**
 * As an expression in a statement about offers: what is remembered of one at `now`, as JSON of `Refused`, its members null where
 * nothing is. Of what was said to the project alone and to all, the one that holds longer.
 */
export const refusedColumn = (
  offer: { cloudId: SQL; zone: SQL; size: SQL; option: SQL },
  projectId: string,
  now: number,
): SQL =>
  sql`(select json_object('until', max(until), 'shortage', shortage, 'words', words) from refused_offers
    where cloud_id = ${offer.cloudId} and zone = ${offer.zone} and size = ${offer.size} and option = ${offer.option}
      and project_id in ('', ${projectId}) and until > ${now})`

/** What was read by `refusedColumn`; null: nothing is remembered. */
export const refusedIn = (column: string): Refused | null => {
  const refused = JSON.parse(column) as Refused
  return refused.until === null ? null : refused
}

/** What these clouds refused to a project and is remembered at `now`. */
export const refusedAmong = (db: Database, cloudIds: string[], projectId: string, now: number) =>
  db
    .select()
    .from(refusedOffers)
    .where(
      and(
        inArray(refusedOffers.cloudId, cloudIds),
        inArray(refusedOffers.projectId, ['', projectId]),
        gt(refusedOffers.until, now),
      ),
    )

const byCloud = prepared((db, { cloud, now, most }: Slots<{ cloud: string; now: number; most: number }>) =>
  db
    .select({ refused: refusedOffers })
    .from(clouds)
    .leftJoin(refusedOffers, and(eq(refusedOffers.cloudId, clouds.id), gt(refusedOffers.until, now)))
    .where(eq(clouds.name, cloud))
    .orderBy(asc(refusedOffers.zone), asc(refusedOffers.size), asc(refusedOffers.option), asc(refusedOffers.projectId))
    .limit(most),
)

/**
 * All that the cloud of a name refused and is remembered at `now`, in the order of its zones and sizes: at most `most`. Null:
 * there is no such cloud. One query.
 */
export const refusedBy = async (
  db: Database,
  cloud: string,
  now: number,
  most: number,
): Promise<RefusedOffer[] | null> => {
  const rows = await byCloud.run(db, { cloud, now, most })
  return rows.length ? rows.flatMap(({ refused }) => refused ?? []) : null
}

/** Statement: nothing is remembered of a cloud; with `shortage`, nothing of that kind. */
export const forgetRefused = (db: Database, cloudId: string, shortage?: Shortage) =>
  db
    .delete(refusedOffers)
    .where(and(eq(refusedOffers.cloudId, cloudId), shortage && eq(refusedOffers.shortage, shortage)))
