import { asc, eq, type SQL, sql } from 'drizzle-orm'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, projectTemplates, templateMappings } from '../../schema/index.ts'

export type TemplateRow = typeof projectTemplates.$inferSelect

/** A cloud of a template, and what a new project is there. */
export interface TemplateCloud {
  id: string
  name: string
  mapping: Record<string, Json>
}

const ofDomain = prepared((db, { domainId }: Slots<{ domainId: string }>) =>
  db
    .select({ template: projectTemplates, id: clouds.id, name: clouds.name, mapping: templateMappings.mapping })
    .from(projectTemplates)
    .leftJoin(templateMappings, eq(templateMappings.domainId, projectTemplates.domainId))
    .leftJoin(clouds, eq(clouds.id, templateMappings.cloudId))
    .where(eq(projectTemplates.domainId, domainId))
    .orderBy(asc(clouds.position), asc(clouds.name)),
)

/** What each new project of a domain begins with, the clouds in the broker's order; null: nothing. */
export const templateOf = async (
  db: Database,
  domainId: string,
): Promise<(TemplateRow & { clouds: TemplateCloud[] }) | null> => {
  const rows = await ofDomain.run(db, { domainId })
  const mapped = rows.flatMap(({ id, name, mapping }) =>
    id === null || name === null || mapping === null ? [] : [{ id, name, mapping }],
  )
  return rows[0] ? { ...rows[0].template, clouds: mapped } : null
}

/** Statements: nothing is begun with in a domain. */
export const forgetTemplate = (db: Database, domainId: string) =>
  [
    db.delete(templateMappings).where(eq(templateMappings.domainId, domainId)),
    db.delete(projectTemplates).where(eq(projectTemplates.domainId, domainId)),
  ] as const

/** Statements: this is begun with, whatever was before. */
export const putTemplate = (db: Database, row: TemplateRow, mapped: Pick<TemplateCloud, 'id' | 'mapping'>[]) => [
  ...forgetTemplate(db, row.domainId),
  db.insert(projectTemplates).values(row),
  ...mapped.map(({ id, mapping }) =>
    db.insert(templateMappings).values({ domainId: row.domainId, cloudId: id, mapping }),
  ),
]

/** Statements: a project that has just been made begins with what holds in its domain at that moment. */
export const beginAsTemplate = (db: Database, project: { id: string; domainId: string; createdAt: number }) =>
  [
    db.run(sql`insert into mappings (project_id, cloud_id, mapping, created_at)
      select ${project.id}, cloud_id, replace(mapping, '{project_id}', ${project.id}), ${project.createdAt}
      from template_mappings where domain_id = ${project.domainId}`),
    db.run(sql`update project_templates set made = iif(month = ${monthOf(project.createdAt)}, made, 0) + 1,
      month = ${monthOf(project.createdAt)} where domain_id = ${project.domainId}`),
    db.run(sql`insert into quotas (project_id, resource, maximum, used, given)
      select ${project.id}, each.key, each.value, 0, 1 from project_templates, json_each(quotas) each
      where domain_id = ${project.domainId}`),
    db.run(sql`update projects set policy = (select t.policy from project_templates t where t.domain_id = ${project.domainId})
      where id = ${project.id}`),
  ] as const

/** Months since 1970, in UTC: budgets are of a month. */
const monthOf = (now: number): number => new Date(now).getUTCFullYear() * 12 + new Date(now).getUTCMonth() - 1970 * 12

/** True (as SQL) when a domain has, or has made this month, as many projects as its template lets it have. */
export const isFullOfProjects = (domainId: string, now: number): SQL =>
  sql`exists (select 1 from project_templates t join domains d on d.id = t.domain_id
    where t.domain_id = ${domainId} and (d.projects >= t.most_projects or t.month = ${monthOf(now)} and t.made >= t.most_projects))`

/** What is counted of a project and stays on clouds when it goes. */
const COSTLY = `'instances', 'volumes', 'snapshots', 'backups', 'floatingip', 'network', 'router'`

/** True (as SQL) when a project that began as a template of its domain says still has something on a cloud. */
export const stillHolds = (projectId: string): SQL =>
  sql`(exists (select 1 from projects p join project_templates t on t.domain_id = p.domain_id where p.id = ${projectId})
    and exists (select 1 from quotas where project_id = ${projectId} and used > 0 and resource in (${sql.raw(COSTLY)})))`

/** Those clouds of which somebody says what an hour of something costs. */
export const pricedAmong = async (db: Database, ids: string[]): Promise<string[]> =>
  (
    await db.all<{ id: string }>(sql`select value as id from json_each(${JSON.stringify(ids)})
      where exists (select 1 from prices where cloud_id = value)
        or exists (select 1 from price_books where cloud_id = value)`)
  ).map(({ id }) => id)
