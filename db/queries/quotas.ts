import { eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../client.ts'
import { among, anyOf } from '../conditions.ts'
import { prepared, ready, type Slots } from '../prepared.ts'
import { projects, quotas } from '../schema/index.ts'
import { type Scope, within } from '../scope.ts'

/** What holds, and is used, of a resource. */
export type QuotaRow = [resource: string, maximum: number, used: number]

/** What holds of a project: of what has no row what projects start with does, and of what has none of these either, what the program says. */
export interface QuotaRows {
  rows: QuotaRow[]
  /** By resource. */
  defaults: Record<string, number>
}

/** A row's limit, where an administrator said another one that projects start with. */
const MOST = (row: string) =>
  `iif(${row}.given, ${row}.maximum, coalesce((select d.maximum from quota_defaults d where d.resource = ${row}.resource), ${row}.maximum))`

/** As texts: of a dozen small rows that is read in half the time. */
const all = sql`json_group_array(json_array(quotas.resource, ${sql.raw(MOST('quotas'))}, quotas.used))`
const defaults = sql`(select json_group_object(d.resource, d.maximum) from quota_defaults d)`
const read = (text: string) => JSON.parse(text)

const ofProject = prepared((db, { scope, projectId }: Slots<{ scope: Scope; projectId: string }>) =>
  db
    .select({ rows: all.mapWith(read), defaults: defaults.mapWith(read) })
    .from(quotas)
    .where(sql`${eq(quotas.projectId, projectId)} and ${within(quotas.projectId, scope)}`),
)

/** What is set or used of a project. */
export const quotasOf = async (db: Database, scope: Scope, projectId: string): Promise<QuotaRows> =>
  (await ofProject.run(db, { scope, projectId }))[0]! as QuotaRows

const ofKnown = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db
    .select({
      rows: sql`(select ${all} from quotas where quotas.project_id = ${projects.id})`.mapWith(read),
      defaults: defaults.mapWith(read),
    })
    .from(projects)
    .where(eq(projects.id, projectId)),
)

/** The same of whatever project, for administrators; null: there is no such project. One query. */
export const quotasOfKnown = async (db: Database, projectId: string): Promise<QuotaRows | null> =>
  ((await ofKnown.run(db, { projectId }))[0] as QuotaRows | undefined) ?? null

type Given = [projectId: string, resource: string, maximum: number]

const ofAll = prepared((db, { resources }: Slots<{ resources: string[] }>) =>
  db
    .select({
      rows: sql`(select json_group_array(json_array(quotas.project_id, quotas.resource, quotas.maximum)
        order by quotas.project_id, quotas.resource) from quotas where ${anyOf(quotas.resource, resources)} and quotas.given)`.mapWith(
        read,
      ),
      defaults: defaults.mapWith(read),
    })
    .from(sql`(select 1)`),
)

/** Limits of some resources that were given to any project, and what all start with where that was said. One query. */
export const quotasOfAll = async (
  db: Database,
  resources: string[],
): Promise<{ rows: Given[]; defaults: QuotaRows['defaults'] }> =>
  (await ofAll.run(db, { resources }))[0]! as { rows: Given[]; defaults: QuotaRows['defaults'] }

/** What the template of a project's domain says: it began with that. */
const template = (projectId: string | null): SQL =>
  sql`(select t.quotas from projects p join project_templates t on t.domain_id = p.domain_id where p.id = ${projectId})`

/** What a project starts with, where that was said: of those of its domain, else of all. Null: all. */
export const defaultMaxima = async (db: Database, projectId: string | null): Promise<Record<string, number>> => {
  const [row] = await db.all<{ all: string; its: string | null }>(
    sql`select ${defaults} as "all", ${template(projectId)} as its`,
  )
  return { ...JSON.parse(row!.all), ...JSON.parse(row!.its ?? '{}') }
}

/** Statement: says what projects start with. */
export const setDefaultMaxima = (db: Database, maxima: Record<string, number>) =>
  db.run(sql`insert into quota_defaults (resource, maximum) select key, value from json_each(${JSON.stringify(maxima)}) where true
    on conflict (resource) do update set maximum = excluded.maximum`)

/** The limit of a project, as SQL. @param otherwise what the program says */
export const mostOf = (projectId: string, resource: string, otherwise: number): SQL =>
  sql`coalesce((select maximum from quotas where project_id = ${projectId} and resource = ${resource} and given),
    (select maximum from quota_defaults where resource = ${resource}),
    (select maximum from quotas where project_id = ${projectId} and resource = ${resource}), ${otherwise})`

/** That of one user in it. */
export const mostOfUser = (projectId: string, userId: string, resource: string, otherwise: number): SQL =>
  sql`coalesce((select maximum from user_quotas where project_id = ${projectId} and user_id = ${userId} and resource = ${resource}),
    ${mostOf(projectId, resource, otherwise)})`

/** Sets limits and leaves what is used alone. */
export const setMaxima = (db: Database, projectId: string, maxima: Record<string, number>) =>
  db.run(sql`insert into quotas (project_id, resource, maximum, used, given)
    select ${projectId}, key, value, 0, 1 from json_each(${JSON.stringify(maxima)}) where true
    on conflict (project_id, resource) do update set maximum = excluded.maximum, given = 1`)

/** Statement: a project has these limits as it began. @param maxima what the program says */
export const unsetMaxima = (db: Database, projectId: string, maxima: Record<string, number>) =>
  db.run(sql`update quotas set given = ${template(projectId)} ->> quotas.resource is not null,
      maximum = coalesce(${template(projectId)} ->> quotas.resource,
        (select value from json_each(${JSON.stringify(maxima)}) where key = quotas.resource))
    where project_id = ${projectId} and resource in ${among(Object.keys(maxima))}`)

/** Statement: so much more, or less, of a resource is used; the trigger on `quotas` refuses to pass the limit. @param maximum what the program says */
export const chargeQuota = (projectId: string, resource: string, amount: number, maximum: number) =>
  ready(
    `insert into quotas (project_id, resource, maximum, used) values (?1, ?2, ?3, max(0, ?4))
      on conflict (project_id, resource) do update set used = iif(?4 < 0, max(0, used + ?4), used + ?4)`,
    [projectId, resource, maximum, amount],
  )

/** Columns of `user_use`, by the name of the limit. Keypairs are a user's, whatever the project. */
const USED = { instances: 'servers', cores: 'vcpus', ram: 'ram_mib', server_groups: 'server_groups' }

/** What may be limited for one user. */
export const USER_LIMITS: readonly string[] = [...Object.keys(USED), 'key_pairs']

/** What one user of a project has of what a row names. */
const usedByUser = (resource: SQL, projectId: SQL, userId: SQL): SQL =>
  sql`iif(${resource} = 'key_pairs', (select count(*) from keypairs k where k.user_id = ${userId}), coalesce(
    (select case ${resource} ${sql.raw(
      Object.entries(USED)
        .map(([name, column]) => `when '${name}' then w.${column}`)
        .join(' '),
    )} end from user_use w where w.project_id = ${projectId} and w.user_id = ${userId}), 0))`

/** Limits of one user of a project, with what he uses of these. */
export const userQuotasOf = async (db: Database, projectId: string, userId: string): Promise<QuotaRow[]> =>
  (
    await db.all<{ resource: string; maximum: number | null; used: number }>(sql`
      select r.value as resource, u.maximum, ${usedByUser(sql`r.value`, sql`${projectId}`, sql`${userId}`)} as used
      from json_each(${JSON.stringify(USER_LIMITS)}) r
      left join user_quotas u on u.project_id = ${projectId} and u.user_id = ${userId} and u.resource = r.value`)
  ).map(({ resource, maximum, used }) => [resource, maximum as number, used])

/** Statement: limits of one user. */
export const setUserMaxima = (db: Database, projectId: string, userId: string, maxima: Record<string, number>) =>
  db.run(sql`insert into user_quotas (project_id, user_id, resource, maximum)
    select ${projectId}, ${userId}, key, value from json_each(${JSON.stringify(maxima)}) where true
    on conflict (project_id, user_id, resource) do update set maximum = excluded.maximum`)

/** Statement: one user has no limits of his own any more. */
export const deleteUserMaxima = (db: Database, projectId: string, userId: string) =>
  db.run(sql`delete from user_quotas where project_id = ${projectId} and user_id = ${userId}`)

/** Statement: undoes its batch when so much more is too much for one user, by the name of a limit that is counted from rows; where nobody limits him nothing is counted. */
export const refuseBeyondUser = (db: Database, projectId: string, userId: string, more: Record<string, number>) =>
  db.run(sql`insert into guards (broken) select 'limit.' || u.resource from json_each(${JSON.stringify(more)}) r
    join user_quotas u on u.project_id = ${projectId} and u.user_id = ${userId} and u.resource = r.key
    where r.value > 0 and u.maximum >= 0
      and ${usedByUser(sql`u.resource`, sql`u.project_id`, sql`u.user_id`)} + r.value > u.maximum limit 1`)

/**
 * What some resources are counted against: limits and use of a project, and beside them those of a user who has his own.
 * @param standard what the program says, by resource
 */
export const quotaUse = (db: Database, projectId: string, userId: string, standard: Record<string, number>) =>
  db.all<{ resource: string; maximum: number; used: number }>(sql`
    select r.key as resource, iif(q.given, q.maximum, coalesce(d.maximum, q.maximum, r.value)) as maximum, coalesce(q.used, 0) as used
      from json_each(${JSON.stringify(standard)}) r
      left join quotas q on q.project_id = ${projectId} and q.resource = r.key left join quota_defaults d on d.resource = r.key
    union all
    select u.resource, u.maximum, ${usedByUser(sql`u.resource`, sql`u.project_id`, sql`u.user_id`)} as used
      from user_quotas u where u.project_id = ${projectId} and u.user_id = ${userId} and u.resource in ${among(Object.keys(standard))}`)
