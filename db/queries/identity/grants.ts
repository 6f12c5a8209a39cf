import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { domains, grants, projects } from '../../schema/index.ts'
import { deleteCredentialsOn } from './application-credentials.ts'
import { SYSTEM } from './held.ts'
import type { RoleRow } from './identity.ts'

/** Who has roles where: a user or a group, on a project, a domain or the system, or on all that is below. */
export interface Place {
  actor: 'user' | 'group'
  actorId: string
  target: 'project' | 'domain' | 'system'
  targetId: string
  inherited: boolean
}

const ACTORS = { user: 'users', group: 'user_groups' }
const TARGETS = { project: 'projects', domain: 'domains' }

interface Asked {
  form: Pick<Place, 'actor' | 'target'>
  actorId: string
  targetId: string
  inherited: number
  roleId?: string | undefined
}
/** The domain of a row, by its id; null: there is none. What has no domain of its own is in itself. */
const domainOf = (table: string, id: unknown): SQL<string | null> =>
  sql`(select ${sql.raw(table === 'domains' ? 'x.id' : 'x.domain_id')} from ${sql.raw(table)} x where x.id = ${id})`

const looking = prepared((db, { form, actorId, targetId, roleId, inherited }: Slots<Asked>) =>
  db
    .select({
      actorDomain: domainOf(ACTORS[form.actor], actorId),
      targetDomain: form.target === 'system' ? sql<string | null>`''` : domainOf(TARGETS[form.target], targetId),
      role: roleId
        ? sql<
            string | null
          >`(select json_object('id', r.id, 'name', r.name, 'domainId', r.domain_id) from roles r where r.id = ${roleId})`
        : sql<string | null>`null`,
      roles: sql<string>`(select json_group_array(json_object('id', r.id, 'name', r.name, 'domainId', r.domain_id,
          'description', r.description, 'options', json(r.options)) order by r.name)
        from grants g join roles r on r.id = g.role_id
        where g.actor_id = ${actorId} and g.target_id = ${targetId} and g.inherited = ${inherited})`,
    })
    .from(sql`(select 1)`),
)

/** What is known of a place: the domains of both sides, and the roles that are granted there. */
export interface Granted {
  /** Null: there is no such user or group. */
  actorDomain: string | null
  /** Null: there is no such project or domain. Empty: the system. */
  targetDomain: string | null
  /** The role that was named; null: there is none. */
  role: Pick<RoleRow, 'id' | 'name' | 'domainId'> | null
  roles: Omit<RoleRow, 'extra'>[]
}

/** Which of an actor, a target and (if one is named) a role there are, and the roles that are granted there. One query. */
export const grantedAt = async (db: Database, place: Place, roleId?: string): Promise<Granted> => {
  const { actor, target, inherited, ...ids } = place
  const [row] = await looking.run(db, { ...ids, form: { actor, target }, roleId, inherited: Number(inherited) })
  return { ...row!, role: JSON.parse(row!.role ?? 'null'), roles: JSON.parse(row!.roles) }
}

/** Statement: grants a role; twice is once. */
export const insertGrant = (db: Database, place: Place, roleId: string) =>
  db
    .insert(grants)
    .values({ ...place, roleId })
    .onConflictDoNothing()

/**
 * Statements: takes a role, and the application credentials that whoever loses it has in the project. Tokens have what is
 * left of them; those of other places stay as they are.
 */
export const deleteGrant = (db: Database, place: Place, roleId: string) =>
  [
    ...(place.target === 'project' && !place.inherited
      ? deleteCredentialsOn(
          db,
          place.targetId,
          place.actor === 'user' ? { user: place.actorId } : { group: place.actorId },
        )
      : []),
    db
      .delete(grants)
      .where(
        and(
          eq(grants.actorId, place.actorId),
          eq(grants.targetId, place.targetId),
          eq(grants.inherited, place.inherited),
          eq(grants.roleId, roleId),
        ),
      ),
  ] as const

/** As SQL, the ids of a user and of the groups of that user. */
const actors = (userId: unknown): SQL =>
  sql`(select ${userId} union all select m.group_id from group_members m where m.user_id = ${userId})`

const projectsFor = prepared((db, { userId }: Slots<{ userId: string }>) =>
  db
    .select()
    .from(projects)
    .where(
      sql`${projects.id} in (with recursive
        given(id, inherited) as (select g.target_id, g.inherited from grants g where g.actor_id in ${actors(userId)}),
        below(id, own) as (select v.id, 1 from given v where v.inherited
          union select c.id, 0 from below b join projects c on c.parent_id = b.id
          union select c.id, 0 from below b join projects c on c.domain_id = b.id)
        select v.id from given v where not v.inherited union select b.id from below b where not b.own)`,
    )
    .orderBy(asc(projects.name), asc(projects.id)),
)
/** Projects in which a user has any role: granted alone or with a group, there or further above. */
export const projectsOfUser = (db: Database, userId: string) => projectsFor.run(db, { userId })

const domainsFor = prepared((db, { userId }: Slots<{ userId: string }>) =>
  db
    .select()
    .from(domains)
    .where(
      sql`${domains.id} in (select g.target_id from grants g where g.actor_id in ${actors(userId)}
        and g.target = 'domain' and not g.inherited)`,
    )
    .orderBy(asc(domains.name)),
)
/** Domains on which a user has any role, alone or with a group. */
export const domainsOfUser = (db: Database, userId: string) => domainsFor.run(db, { userId })

const onSystem = prepared((db, { userId }: Slots<{ userId: string }>) =>
  db
    .select({ roleId: grants.roleId })
    .from(grants)
    .where(and(sql`${grants.actorId} in ${actors(userId)}`, eq(grants.targetId, SYSTEM)))
    .limit(1),
)
/** Whether a user has any role on the system, alone or with a group. */
export const isOnSystem = async (db: Database, userId: string): Promise<boolean> =>
  (await onSystem.run(db, { userId })).length > 0

interface Rank {
  /** A user or a group. */
  actorId: string
  /** The domain of whoever would have power over the actor. */
  domainId: string
  /** 1: who is no administrator of that domain, but manages it. */
  manager: number
}

/**
 * As SQL, whether a user, alone or with a group, or a group has a role that counts for more than those of one who manages a
 * domain: any on the system, as it reads what everybody keeps, and that of an administrator or a service, or what implies
 * one, elsewhere than on the domain; for one who is no administrator of the domain there as well.
 */
export const standsAbove = ({ actorId, domainId, manager }: Slots<Rank> | Rank): SQL =>
  sql`exists (with recursive powers(id) as (
      select r.id from roles r where r.domain_id = '' and r.name in ('admin', 'service')
      union select i.prior_id from powers w join implied_roles i on i.implied_id = w.id)
    select 1 from grants g where g.actor_id in ${actors(actorId)} and (g.target_id = ${SYSTEM}
      or (${manager} or g.inherited or g.target_id <> ${domainId}) and g.role_id in (select w.id from powers w)))`

const ranked = prepared((db, rank: Slots<Rank>) =>
  db.select({ above: sql<number>`${standsAbove(rank)}` }).from(sql`(select 1)`),
)
/** Whether a user or a group has such a role: who manages a domain does not manage such. One query. */
export const isAbove = async (db: Database, rank: Rank): Promise<boolean> =>
  (await ranked.run(db, rank))[0]!.above === 1

const ofUser = prepared((db, { userId }: Slots<{ userId: string }>) =>
  db
    .select({ targetId: grants.targetId, roleId: grants.roleId })
    .from(grants)
    .where(and(eq(grants.actorId, userId), eq(grants.target, 'project'), eq(grants.inherited, false))),
)
/** The roles that a user was granted by himself on projects. */
export const grantsOfUser = (db: Database, userId: string): Promise<{ targetId: string; roleId: string }[]> =>
  ofUser.run(db, { userId })
