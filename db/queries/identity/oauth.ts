import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { accessTokens, consumers, requestTokens } from '../../schema/index.ts'

export type ConsumerRow = typeof consumers.$inferSelect
export type RequestTokenRow = typeof requestTokens.$inferSelect
export type AccessTokenRow = typeof accessTokens.$inferSelect

interface ById {
  id: string
}
const ofId = prepared((db, { id }: Slots<ById>) => db.select().from(consumers).where(eq(consumers.id, id)))
/** A consumer, its secret sealed; null: there is none. */
export const consumerById = async (db: Database, id: string): Promise<ConsumerRow | null> =>
  (await ofId.run(db, { id }))[0] ?? null

const all = prepared((db, _: Slots<{ form: null }>) => db.select().from(consumers).orderBy(asc(consumers.id)))
/** Every consumer. */
export const listConsumers = (db: Database): Promise<ConsumerRow[]> => all.run(db, { form: null })

/** As SQL, that there is no such consumer. */
export const noConsumer = (id: string): SQL => sql`not exists (select 1 from consumers where id = ${id})`

/** Statement: a new consumer. */
export const insertConsumer = (db: Database, row: ConsumerRow) => db.insert(consumers).values(row)
/** Statement: changes a consumer. */
export const updateConsumer = (db: Database, id: string, set: Partial<ConsumerRow>) =>
  db.update(consumers).set(set).where(eq(consumers.id, id))
/** Statements: a consumer goes with whatever it was given. */
export const deleteConsumer = (db: Database, id: string) =>
  [
    db.delete(requestTokens).where(eq(requestTokens.consumerId, id)),
    db.delete(accessTokens).where(eq(accessTokens.consumerId, id)),
    db.delete(consumers).where(eq(consumers.id, id)),
  ] as const

const request = prepared((db, { id }: Slots<ById>) => db.select().from(requestTokens).where(eq(requestTokens.id, id)))
/** A request token, be it over or not; null: there is none. */
export const requestTokenById = async (db: Database, id: string): Promise<RequestTokenRow | null> =>
  (await request.run(db, { id }))[0] ?? null

/** So many requests of one consumer may be open at once. */
const MOST_OPEN = 1000
/** As SQL, whether a consumer asks for as much as it may at once. */
export const asksTooMuch = (consumerId: string, now: number): SQL =>
  sql`(select count(*) from (select 1 from request_tokens where consumer_id = ${consumerId} and expires_at > ${now}
    limit ${MOST_OPEN})) >= ${MOST_OPEN}`

/** Statement: a program asks for access. */
export const insertRequestToken = (db: Database, row: RequestTokenRow) => db.insert(requestTokens).values(row)
/** Statement: a user agrees. */
export const agreeToRequest = (
  db: Database,
  id: string,
  agreed: { userId: string; roles: string[]; verifier: string },
) => db.update(requestTokens).set(agreed).where(eq(requestTokens.id, id))
/** As SQL, that a request is not there any more, or was agreed to as another. */
export const isOtherRequest = (id: string, verifier: string | null): SQL =>
  sql`not exists (select 1 from request_tokens where id = ${id} and verifier is ${verifier})`

/** Statements: what was agreed to is given, once. */
export const giveAccess = (db: Database, requestId: string, row: AccessTokenRow) =>
  [db.delete(requestTokens).where(eq(requestTokens.id, requestId)), db.insert(accessTokens).values(row)] as const

const access = prepared((db, { id }: Slots<ById>) => db.select().from(accessTokens).where(eq(accessTokens.id, id)))
/** An access token, be it over or not; null: there is none. */
export const accessTokenById = async (db: Database, id: string): Promise<AccessTokenRow | null> =>
  (await access.run(db, { id }))[0] ?? null

/** So many programs may a user have given access at once. */
const MOST_GIVEN = 1000
/** As SQL, whether a user gave as much as one may. */
export const givesTooMuch = (userId: string, now: number): SQL =>
  sql`(select count(*) from (select 1 from access_tokens where user_id = ${userId} and expires_at > ${now}
    limit ${MOST_GIVEN})) >= ${MOST_GIVEN}`

const ofUser = prepared((db, { userId, now, most }: Slots<{ userId: string; now: number; most: number }>) =>
  db
    .select()
    .from(accessTokens)
    .where(and(eq(accessTokens.userId, userId), gt(accessTokens.expiresAt, now)))
    .orderBy(asc(accessTokens.id))
    .limit(most),
)
/** What a user gave that still counts; so many at most. */
export const accessTokensOf = (db: Database, userId: string, now: number, most: number): Promise<AccessTokenRow[]> =>
  ofUser.run(db, { userId, now, most })

/** Statement: a program has no access any more. */
export const deleteAccessToken = (db: Database, id: string) => db.delete(accessTokens).where(eq(accessTokens.id, id))

/** Statements: what a user gave, or was asked for, ends with him. */
export const deleteOauthOf = (db: Database, userId: string) =>
  [
    db.delete(accessTokens).where(eq(accessTokens.userId, userId)),
    db.delete(requestTokens).where(eq(requestTokens.userId, userId)),
  ] as const
/** Statements: what was given in a project ends with it. */
export const deleteOauthIn = (db: Database, projectId: string) =>
  [
    db.delete(accessTokens).where(eq(accessTokens.projectId, projectId)),
    db.delete(requestTokens).where(eq(requestTokens.projectId, projectId)),
  ] as const
