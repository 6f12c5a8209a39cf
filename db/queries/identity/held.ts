import { type Placeholder, type SQL, sql } from 'drizzle-orm'

/** The target of roles on the system, beside the ids of projects and domains. */
export const SYSTEM = 'system'

/**
 * As SQL, what goes after `with`: `held` has the ids of the roles that `:user` has on `:target`. They were granted to the user
 * or to a group of the user's, there or, inherited, on what is above, and imply each other.
 */
const HELD = `recursive
  actors(id) as (select :user union all select m.group_id from group_members m where m.user_id = :user),
  places(id, inherited) as (select :target, 0 union all
    select coalesce(up.parent_id, up.domain_id), 1 from places l join projects up on up.id = l.id),
  held(id) as (
    select g.role_id from places l cross join actors who
      cross join grants g on g.actor_id = who.id and g.target_id = l.id and g.inherited = l.inherited
    union select i.implied_id from held h join implied_roles i on i.prior_id = h.id)`

/** `HELD` for a user and a target that are SQL as text. */
export const heldBy = (user: string, target: string): string =>
  HELD.replaceAll(':user', user).replaceAll(':target', target)

/** `HELD` for a user and a target that are slots of a query. */
export const heldIn = (user: Placeholder | SQL, target: Placeholder | SQL): SQL =>
  sql.join(
    HELD.split(/(:user|:target)/).map((part) =>
      part === ':user' ? sql`${user}` : part === ':target' ? sql`${target}` : sql.raw(part),
    ),
  )

/** As SQL, the names of what is held: roles of one domain stand for what they imply, and no token names them. */
export const HELD_NAMES = `select r.name from held h join roles r on r.id = h.id where r.domain_id = ''`
