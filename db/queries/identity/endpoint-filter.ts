import { and, asc, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { nested } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { endpointGroups, projectEndpointGroups, projectEndpoints, projects } from '../../schema/index.ts'
import { type EndpointRow, endpointsColumn } from './catalogue.ts'

export type { EndpointFilters } from '../../schema/index.ts'
export type EndpointGroupRow = typeof endpointGroups.$inferSelect

/** What a project's catalogue is cut to. */
export interface ProjectFilter {
  /** Endpoints by their id. */
  ids: string[]
  /** What the endpoints of its groups have in common. */
  groups: EndpointGroupRow['filters'][]
}

interface OfProject {
  projectId: string
}
/** Columns of a query of projects. */
const ids = nested(
  { id: projectEndpoints.endpointId },
  sql`${projectEndpoints} r where r.project_id = projects.id`,
  sql`r.endpoint_id`,
)
const groups = nested(
  getTableColumns(endpointGroups),
  sql`project_endpoint_groups m join endpoint_groups r on r.id = m.group_id where m.project_id = projects.id`,
  sql`r.name, r.id`,
)
const given = prepared((db, { projectId, form }: Slots<OfProject & { form: { endpoints: boolean } }>) =>
  db
    .select({ ids, groups, ...(form.endpoints ? { endpoints: endpointsColumn } : {}) })
    .from(projects)
    .where(eq(projects.id, projectId)),
)
const groupsOf = prepared((db, { projectId }: Slots<OfProject>) =>
  db.select({ groups }).from(projects).where(eq(projects.id, projectId)),
)

/** The groups of a project, by name; null: there is no such project. */
export const endpointGroupsOf = async (db: Database, projectId: string): Promise<EndpointGroupRow[] | null> =>
  (await groupsOf.run(db, { projectId }))[0]?.groups ?? null

const filterIn = (row: { ids: { id: string }[]; groups: EndpointGroupRow[] }): ProjectFilter => ({
  ids: row.ids.map(({ id }) => id),
  groups: row.groups.map(({ filters }) => filters),
})

/** What a project is shown; null: everything. One query. */
export const filterOf = async (db: Database, projectId: string): Promise<ProjectFilter | null> => {
  const [row] = await given.run(db, { projectId, form: { endpoints: false } })
  return row && (row.ids.length || row.groups.length) ? filterIn(row) : null
}

/** The same, nothing for everything, with all endpoints that an operator made; null: there is no such project. One query. */
export const filterWithEndpoints = async (
  db: Database,
  projectId: string,
): Promise<(ProjectFilter & { endpoints: EndpointRow[] }) | null> => {
  const [row] = await given.run(db, { projectId, form: { endpoints: true } })
  return row ? { ...filterIn(row), endpoints: row.endpoints! } : null
}

interface ById {
  id: string
}
const ofId = prepared((db, { id }: Slots<ById>) => db.select().from(endpointGroups).where(eq(endpointGroups.id, id)))
/** A group of endpoints; null: there is none. */
export const endpointGroupById = async (db: Database, id: string): Promise<EndpointGroupRow | null> =>
  (await ofId.run(db, { id }))[0] ?? null

const withEndpoints = prepared((db, { id }: Slots<ById>) =>
  db
    .select({ group: endpointGroups, endpoints: endpointsColumn })
    .from(endpointGroups)
    .where(eq(endpointGroups.id, id)),
)
/** The same with all endpoints that an operator made. One query. */
export const endpointGroupAndEndpoints = async (
  db: Database,
  id: string,
): Promise<{ group: EndpointGroupRow; endpoints: EndpointRow[] } | null> =>
  (await withEndpoints.run(db, { id }))[0] ?? null

const like = prepared((db, { name }: Slots<{ name: string | undefined }>) =>
  db
    .select()
    .from(endpointGroups)
    .where(name && eq(endpointGroups.name, name))
    .orderBy(asc(endpointGroups.name), asc(endpointGroups.id)),
)
/** Groups of endpoints, by name; what the filter leaves open is not asked. */
export const listEndpointGroups = (db: Database, name: string | undefined) => like.run(db, { name })

/** Statement: a new group. */
export const insertEndpointGroup = (db: Database, row: EndpointGroupRow) => db.insert(endpointGroups).values(row)
/** Statement: changes a group. */
export const updateEndpointGroup = (db: Database, id: string, set: Partial<EndpointGroupRow>) =>
  db.update(endpointGroups).set(set).where(eq(endpointGroups.id, id))
/** Statements: a group goes, from the projects that have it too. */
export const deleteEndpointGroup = (db: Database, id: string) =>
  [
    db.delete(projectEndpointGroups).where(eq(projectEndpointGroups.groupId, id)),
    db.delete(endpointGroups).where(eq(endpointGroups.id, id)),
  ] as const

/** As SQL, that there is no such group. */
export const noEndpointGroup = (id: string): SQL => sql`not exists (select 1 from endpoint_groups where id = ${id})`

/** What a project may have: an endpoint, or a group of them. */
export type Kind = 'endpoint' | 'group'
const tableOf = (kind: Kind) =>
  kind === 'endpoint'
    ? { table: projectEndpoints, project: projectEndpoints.projectId, what: projectEndpoints.endpointId }
    : { table: projectEndpointGroups, project: projectEndpointGroups.projectId, what: projectEndpointGroups.groupId }

const has = {
  endpoint: prepared((db, { projectId, id }: Slots<OfProject & ById>) =>
    db
      .select({ id: projectEndpoints.endpointId })
      .from(projectEndpoints)
      .where(and(eq(projectEndpoints.projectId, projectId), eq(projectEndpoints.endpointId, id))),
  ),
  group: prepared((db, { projectId, id }: Slots<OfProject & ById>) =>
    db
      .select({ id: projectEndpointGroups.groupId })
      .from(projectEndpointGroups)
      .where(and(eq(projectEndpointGroups.projectId, projectId), eq(projectEndpointGroups.groupId, id))),
  ),
}
/** Whether a project has an endpoint, or a group, by itself. */
export const isInProject = async (db: Database, kind: Kind, projectId: string, id: string): Promise<boolean> =>
  (await has[kind].run(db, { projectId, id })).length > 0

/** Statement: a project has an endpoint or a group; twice is once. */
export const addToProject = (db: Database, kind: Kind, projectId: string, id: string) =>
  kind === 'endpoint'
    ? db.insert(projectEndpoints).values({ projectId, endpointId: id }).onConflictDoNothing()
    : db.insert(projectEndpointGroups).values({ projectId, groupId: id }).onConflictDoNothing()
/** Statement: a project has it no more. */
export const takeFromProject = (db: Database, kind: Kind, projectId: string, id: string) => {
  const { table, project, what } = tableOf(kind)
  return db.delete(table).where(and(eq(project, projectId), eq(what, id)))
}

const holders = {
  endpoint: prepared((db, { id }: Slots<ById>) =>
    db
      .select()
      .from(projects)
      .where(sql`${projects.id} in (select m.project_id from project_endpoints m where m.endpoint_id = ${id})`)
      .orderBy(asc(projects.name), asc(projects.id))
      .limit(1001),
  ),
  group: prepared((db, { id }: Slots<ById>) =>
    db
      .select()
      .from(projects)
      .where(sql`${projects.id} in (select m.project_id from project_endpoint_groups m where m.group_id = ${id})`)
      .orderBy(asc(projects.name), asc(projects.id))
      .limit(1001),
  ),
}
/** The projects that have an endpoint or a group by itself, by name; a thousand and one at most. */
export const projectsWith = (db: Database, kind: Kind, id: string) => holders[kind].run(db, { id })
