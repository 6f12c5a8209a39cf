import { eq, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { mergedPolicy } from '../../policy.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { type Filters, type Policy, projects, settings } from '../../schema/index.ts'

/** What is said of a cloud and a project, in the mapping or else for all of the cloud; `filters` null: nothing. */
export interface Terms {
  projectId: string
  cloudId: string
  filters: Filters | null
  /** The mapping permits ports without port security where the cloud filters. */
  portSecurityOff: number
}

/** What is said of security groups by a mapping, or else by the options of its cloud, each as SQL; null: nothing. */
export const filtersSaid = (mapping: SQL, options: SQL): SQL<Filters | null> =>
  sql`coalesce(${mapping} ->> 'filters', ${options} ->> 'filters')`

/** Terms, selected `from mappings m join clouds c`. */
export const termsColumns: SQL = sql`m.project_id as projectId, c.id as cloudId,
  ${filtersSaid(sql`m.mapping`, sql`c.options`)} as filters,
  coalesce(m.mapping ->> 'port_security_off', 0) as portSecurityOff`

/** Of each project on each of the clouds that it is mapped to; `clouds`: ids, or SQL that selects them. */
export const termsFor = (db: Database, projectIds: string[], clouds: string[] | SQL) =>
  db.all<Terms>(sql`select ${termsColumns} from mappings m join clouds c on c.id = m.cloud_id
    where ${anyOf(sql`m.project_id`, projectIds)}
      and ${Array.isArray(clouds) ? anyOf(sql`m.cloud_id`, clouds) : sql`m.cloud_id in ${clouds}`}`)

/** The key of what is said of all projects, among the settings of the deployment. */
const OF_ALL = 'policy'

/** SQL: what was said of all projects, as text; null: nothing. */
export const saidOfAll = sql<string | null>`(select value from settings where key = ${sql.raw(`'${OF_ALL}'`)})`

/** SQL: what was said of a project, or else of all, as `said`. */
export const policySaid = (projectId: string): SQL =>
  sql`(select json_patch(coalesce(${saidOfAll}, '{}'), coalesce(policy, '{}')) as said from projects where id = ${projectId})`

/** What was said of all, as it is kept. */
const read = (said: string | null): Partial<Policy> | null => (said === null ? null : JSON.parse(said))

/** What holds for a project of which these two were said. */
export const policyIn = (row: { policy: Partial<Policy> | null; ofAll: string | null }): Policy =>
  mergedPolicy(read(row.ofAll), row.policy)

/** What was said of a project, and of all, when it was looked up. */
export interface Said {
  own: Partial<Policy> | null
  ofAll: string | null
}

/** What policies are made of, as they were read; of no project nothing is said. */
export const saidIn = (row?: { policy: Partial<Policy> | null; ofAll: string | null }): Said => ({
  own: row?.policy ?? null,
  ofAll: row?.ofAll ?? null,
})

const ofProject = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db.select({ policy: projects.policy, ofAll: saidOfAll }).from(projects).where(eq(projects.id, projectId)),
)

/**
 * What holds for a project, by what administrators said of it or else of all, and what was said: one row; none: there is no such
 * project.
 */
export const policyOf = async (db: Database, projectId: string): Promise<{ policy: Policy; said: Said }[]> =>
  (await ofProject.run(db, { projectId })).map((row) => ({ policy: policyIn(row), said: saidIn(row) }))

/** What was said of all projects; null: nothing. */
export const saidPolicy = async (db: Database): Promise<Partial<Policy> | null> => {
  const [row] = await db.select({ value: settings.value }).from(settings).where(eq(settings.key, OF_ALL))
  return read(row?.value ?? null)
}

/** What holds where nothing is said of a project. */
export const policyOfAll = async (db: Database): Promise<Policy> => mergedPolicy(await saidPolicy(db), null)

/** What holds for a project, beside the rows of another query: a column; null: there is no such project. */
export const policyBeside = (projectId: Placeholder): SQL<Policy | null> =>
  sql<Policy | null>`(select json_array(own.policy, ${saidOfAll}) from projects own where own.id = ${projectId})`.mapWith(
    (both: string): Policy => {
      const [own, ofAll] = JSON.parse(both) as (string | null)[]
      return policyIn({ policy: read(own ?? null), ofAll: ofAll ?? null })
    },
  )

/** True (as SQL) when something else is said by now. */
export const policyMoved = (projectId: string, { own, ofAll }: Said): SQL =>
  sql`exists (select 1 from projects where id = ${projectId}
    and (json(policy) is not json(${own && JSON.stringify(own)}) or ${saidOfAll} is not ${ofAll}))`

/** Statement: what has spilled of some projects where home, a name, is another one by now; what is counted of it follows. */
const recountSpilled = (db: Database, home: SQL, whose: SQL) =>
  db.run(sql`update servers set spilled = not spilled where ${whose} and deleted_at is null and cloud_id is not null
    and spilled <> (${home} is not null and ${home} is not (select c.name from clouds c where c.id = servers.cloud_id))`)

/** Statements: what is said of a project from now on, and what has spilled of it by that. */
export const setPolicy = (db: Database, projectId: string, policy: Partial<Policy>) =>
  [
    db.update(projects).set({ policy }).where(eq(projects.id, projectId)),
    recountSpilled(
      db,
      sql`(select said ->> '$.chain[0]' from ${policySaid(projectId)})`,
      sql`servers.project_id = ${projectId}`,
    ),
  ] as const

/** Statements: the same of all projects. */
export const setPolicyOfAll = (db: Database, policy: Partial<Policy>) => {
  const value = JSON.stringify(policy)
  return [
    db.insert(settings).values({ key: OF_ALL, value }).onConflictDoUpdate({ target: settings.key, set: { value } }),
    recountSpilled(
      db,
      sql`${policy.chain?.[0] ?? null}`,
      sql`servers.project_id in (select id from projects where json_type(policy, '$.chain') is null)`,
    ),
  ] as const
}
