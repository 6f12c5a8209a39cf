import { eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { type Filters, type Policy, projects } from '../../schema/index.ts'

/** What is said of a cloud and a project, in the mapping or else for all of the cloud; `filters` null: nothing. */
export interface Terms {
  projectId: string
  cloudId: string
  filters: Filters | null
  /** The mapping permits ports without port security where the cloud filters. */
  portSecurityOff: number
}

/** Terms, selected `from mappings m join clouds c`. */
export const termsColumns: SQL = sql`m.project_id as projectId, c.id as cloudId,
  coalesce(m.mapping ->> 'filters', c.options ->> 'filters') as filters,
  coalesce(m.mapping ->> 'port_security_off', 0) as portSecurityOff`

/** Of each project on each of the clouds that it is mapped to; `clouds`: ids, or SQL that selects them. */
export const termsFor = (db: Database, projectIds: string[], clouds: string[] | SQL) =>
  db.all<Terms>(sql`select ${termsColumns} from mappings m join clouds c on c.id = m.cloud_id
    where ${anyOf(sql`m.project_id`, projectIds)}
      and ${Array.isArray(clouds) ? anyOf(sql`m.cloud_id`, clouds) : sql`m.cloud_id in ${clouds}`}`)

const ofProject = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db.select({ policy: projects.policy }).from(projects).where(eq(projects.id, projectId)),
)

/** What administrators said of a project: a row, with null where they said nothing; none: there is no such project. */
export const policyOf = (db: Database, projectId: string) => ofProject.run(db, { projectId })

/** Statement: what is said of a project from now on. */
export const setPolicy = (db: Database, projectId: string, policy: Policy) =>
  db.update(projects).set({ policy }).where(eq(projects.id, projectId))
