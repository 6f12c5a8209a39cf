import { asc, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { projects } from '../../schema/index.ts'

interface ById {
  id: string
}

const above = prepared((db, { id }: Slots<ById>) =>
  db
    .select()
    .from(projects)
    .where(
      sql`${projects.id} in (with recursive up(id) as (select p.parent_id from projects p where p.id = ${id}
        union select p.parent_id from up u join projects p on p.id = u.id) select u.id from up u)`,
    ),
)
/** The projects above a project, in no order. One query. */
export const projectsAbove = (db: Database, id: string) => above.run(db, { id })

const below = prepared((db, { id }: Slots<ById>) =>
  db
    .select()
    .from(projects)
    .where(
      sql`${projects.id} in (with recursive tree(id) as (select c.id from projects c where c.parent_id = ${id}
        union select c.id from tree t join projects c on c.parent_id = t.id) select t.id from tree t)`,
    )
    .orderBy(asc(projects.name), asc(projects.id)),
)
/** The projects below a project, by name. One query. */
export const projectsBelow = (db: Database, id: string) => below.run(db, { id })
