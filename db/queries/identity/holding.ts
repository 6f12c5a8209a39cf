import { type SQL, sql } from 'drizzle-orm'

/* What does not hold while a batch is written, as SQL: others change the tree of domains and projects at the same time. */

const TABLES = { domain: 'domains', project: 'projects', user: 'users', group: 'user_groups', role: 'roles' } as const

/** There is none of this id. */
export const isGone = (kind: keyof typeof TABLES, id: string): SQL =>
  sql`not exists (select 1 from ${sql.raw(TABLES[kind])} where id = ${id})`

/** There is no such domain, or it is disabled. */
export const isClosed = (domainId: string): SQL =>
  sql`not exists (select 1 from domains where id = ${domainId} and enabled)`

/** A domain is enabled. */
export const isOpen = (domainId: string): SQL => sql`exists (select 1 from domains where id = ${domainId} and enabled)`

/** There is no such project, or it or one above it is disabled. */
export const isBranchClosed = (projectId: string): SQL =>
  sql`(${isGone('project', projectId)} or exists (with recursive up(id) as (select ${projectId}
    union select p.parent_id from up u join projects p on p.id = u.id where p.parent_id is not null)
    select 1 from up u join projects p on p.id = u.id where not p.enabled))`

/** Something is directly below a project. */
export const hasChildren = (projectId: string): SQL =>
  sql`exists (select 1 from projects where parent_id = ${projectId})`

/** A project above one is disabled. */
export const isBelowDisabled = (projectId: string): SQL =>
  sql`exists (with recursive up(id) as (select p.parent_id from projects p where p.id = ${projectId}
    union select p.parent_id from up u join projects p on p.id = u.id)
    select 1 from up u join projects p on p.id = u.id where not p.enabled)`

/** A project below one is enabled. */
export const isAboveEnabled = (projectId: string): SQL =>
  sql`exists (with recursive tree(id) as (select c.id from projects c where c.parent_id = ${projectId}
    union select c.id from tree t join projects c on c.parent_id = t.id)
    select 1 from tree t join projects p on p.id = t.id where p.enabled)`
