/** How a request says which user or project it means: an id, or a name within a domain that is told by id or name. */
export interface Naming {
  id?: string | undefined
  name?: string | undefined
  domainId?: string | undefined
  domainName?: string | undefined
}

/** As SQL, the id that a naming leads to, or null: of a name it is asked by its index. An id that is given is not looked up. */
const idOf = (table: 'users' | 'projects', named: string) => `coalesce(:${named}.id, (select id from ${table}
  where name = :${named}.name and domain_id = coalesce(:${named}.domainId, (select id from domains where name = :${named}.domainName))))`

/** As SQL, the id of the user that `user` names. */
export const USER = idOf('users', 'user')
/** As SQL, the id of the project that `project` names; of none, and with `ownProject`, that of the user. */
export const PROJECT = `coalesce(${idOf('projects', 'project')},
  case when :ownProject then (select default_project_id from users where id = ${USER}) end)`

/** As SQL, whether a user administrates anything, alone or with a group. */
export const administrates = (
  userId: string,
) => `exists (select 1 from grants g join roles r on r.id = g.role_id where r.name = 'admin'
  and g.actor_id in (select ${userId} union all select m.group_id from group_members m where m.user_id = ${userId}))`

/** The values of a naming, under the names that the SQL above has for them. */
export const named = (of: 'user' | 'project', { id, name, domainId, domainName }: Naming) => ({
  [`${of}.id`]: id ?? null,
  [`${of}.name`]: name ?? null,
  [`${of}.domainId`]: domainId ?? null,
  [`${of}.domainName`]: domainName ?? null,
})
