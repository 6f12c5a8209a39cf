import { type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'

/** What role assignments are asked for; absent: whatever. */
export interface AssignmentFilter {
  userId?: string | undefined
  groupId?: string | undefined
  roleId?: string | undefined
  projectId?: string | undefined
  domainId?: string | undefined
  /** Whose targets are of this domain: what its administrators see. */
  withinDomainId?: string | undefined
  /** At most so many. */
  most: number
  form: {
    /** What follows from grants, and not these themselves. */
    effective: boolean
    /** With the project all that are below it. */
    subtree: boolean
    system: boolean
    /** Grants for all that is below their target alone. */
    inherited: boolean
  }
}

/** A role of somebody somewhere, with what grant it follows from. */
export interface Assignment {
  actor: 'user' | 'group'
  actorId: string
  actorName: string
  actorDomainId: string
  actorDomain: string
  target: 'project' | 'domain' | 'system'
  targetId: string
  targetName: string
  targetDomainId: string
  targetDomain: string
  roleId: string
  role: string
  roleDomainId: string
  roleDomain: string | null
  inherited: number
  /** The grant: whose, and on what. */
  fromActor: 'user' | 'group'
  fromActorId: string
  fromTarget: 'project' | 'domain' | 'system'
  fromTargetId: string
  /** The role that implies this one; null: it was granted itself. */
  priorId: string | null
}

type Slot = Placeholder | undefined
const when = (slot: Slot, then: SQL): SQL => (slot ? then : sql``)

/** As SQL, the ids of a project and of all that are below it; a domain is the project above those that have none above. */
const subtreeOf = (projectId: Placeholder): SQL => sql`(with recursive tree(id) as (select ${projectId}
  union select c.id from tree t join projects c on c.parent_id = t.id
  union select c.id from tree t join projects c on c.domain_id = t.id and c.parent_id is null) select t.id from tree t)`

/** As SQL, the ids of a domain and of the projects in it. */
const targetsIn = (domainId: Placeholder): SQL =>
  sql`(select ${domainId} union all select w.id from projects w where w.domain_id = ${domainId})`

/** What was granted, to whom and where it says. */
const plain = ({ userId, groupId, projectId, domainId, withinDomainId, form }: Slots<AssignmentFilter>): SQL =>
  sql`select g.actor, g.actor_id, g.target, g.target_id, g.role_id, g.inherited,
    g.actor as from_actor, g.actor_id as from_actor_id, g.target as from_target, g.target_id as from_target_id, null as prior_id
  from grants g where 1
    ${when(userId, sql`and g.actor = 'user' and g.actor_id = ${userId}`)}
    ${when(groupId, sql`and g.actor = 'group' and g.actor_id = ${groupId}`)}
    ${when(projectId, form.subtree ? sql`and g.target_id in ${subtreeOf(projectId!)}` : sql`and g.target_id = ${projectId}`)}
    ${when(domainId, sql`and g.target_id = ${domainId}`)}
    ${when(withinDomainId, sql`and g.target_id in ${targetsIn(withinDomainId!)}`)}
    ${form.system ? sql`and g.target_id = 'system'` : sql``}
    ${form.inherited ? sql`and g.inherited` : sql``}`

/** What follows from grants: for each member of a group, each project below, each role that is implied. */
const effective = ({ userId, projectId, domainId, withinDomainId, form }: Slots<AssignmentFilter>): SQL => {
  const here = projectId && !form.subtree
  return sql`with recursive
    ${when(
      userId,
      sql`actors(id) as (select ${userId} union all
      select m.group_id from group_members m where m.user_id = ${userId}),`,
    )}
    ${
      here
        ? sql`places(id, inherited) as (select ${projectId}, 0 union all
      select coalesce(up.parent_id, up.domain_id), 1 from places l join projects up on up.id = l.id),`
        : sql``
    }
    given as (select g.* from grants g where 1
      ${when(userId, sql`and g.actor_id in (select w.id from actors w)`)}
      ${here ? sql`and (g.target_id, g.inherited) in (select l.id, l.inherited from places l)` : sql``}
      ${when(domainId, sql`and g.target_id = ${domainId} and not g.inherited`)}
      ${when(withinDomainId, sql`and g.target_id in ${targetsIn(withinDomainId!)}`)}
      ${form.system ? sql`and g.target_id = 'system'` : sql``}
      ${form.inherited ? sql`and g.inherited` : sql``}),
    people as (select coalesce(m.user_id, v.actor_id) as user_id, v.* from given v
      left join group_members m on v.actor = 'group' and m.group_id = v.actor_id
      where (v.actor = 'user' or m.user_id is not null)
        ${when(userId, sql`and coalesce(m.user_id, v.actor_id) = ${userId}`)}),
    spread(user_id, target, target_id, role_id, inherited, from_actor, from_actor_id, from_target, from_target_id, own) as (
      select o.user_id, o.target, o.target_id, o.role_id, o.inherited, o.actor, o.actor_id, o.target, o.target_id, 1 from people o
      union select s.user_id, 'project', c.id, s.role_id, 1, s.from_actor, s.from_actor_id, s.from_target, s.from_target_id, 0
        from spread s join projects c on c.parent_id = s.target_id where s.inherited
      union select s.user_id, 'project', c.id, s.role_id, 1, s.from_actor, s.from_actor_id, s.from_target, s.from_target_id, 0
        from spread s join projects c on c.domain_id = s.target_id and c.parent_id is null where s.inherited),
    everything(actor, actor_id, target, target_id, role_id, inherited,
        from_actor, from_actor_id, from_target, from_target_id, prior_id) as (
      select 'user', s.user_id, s.target, s.target_id, s.role_id, s.inherited,
        s.from_actor, s.from_actor_id, s.from_target, s.from_target_id, null
      from spread s where (not s.inherited or not s.own)
        ${when(projectId, form.subtree ? sql`and s.target_id in ${subtreeOf(projectId!)}` : sql`and s.target_id = ${projectId}`)}
      union select e.actor, e.actor_id, e.target, e.target_id, i.implied_id, e.inherited,
        e.from_actor, e.from_actor_id, e.from_target, e.from_target_id, e.role_id
      from everything e join implied_roles i on i.prior_id = e.role_id)
  select e.* from everything e join roles r on r.id = e.role_id and r.domain_id = ''
  group by e.actor_id, e.target_id, e.role_id`
}

const text = (name: string) => sql<string>`${sql.raw(name)}`
const columns = {
  actor: text('a.actor') as SQL<Assignment['actor']>,
  actorId: text('a.actor_id'),
  actorName: text('coalesce(u.name, t.name)'),
  actorDomainId: text('coalesce(u.domain_id, t.domain_id)'),
  actorDomain: text('ad.name'),
  target: text('a.target') as SQL<Assignment['target']>,
  targetId: text('a.target_id'),
  targetName: text("coalesce(p.name, d.name, '')"),
  targetDomainId: text("coalesce(p.domain_id, d.id, '')"),
  targetDomain: text("coalesce(pd.name, d.name, '')"),
  roleId: text('a.role_id'),
  role: text('r.name'),
  roleDomainId: text('r.domain_id'),
  roleDomain: sql<string | null>`rd.name`,
  inherited: sql<number>`a.inherited`,
  fromActor: text('a.from_actor') as SQL<Assignment['fromActor']>,
  fromActorId: text('a.from_actor_id'),
  fromTarget: text('a.from_target') as SQL<Assignment['fromTarget']>,
  fromTargetId: text('a.from_target_id'),
  priorId: sql<string | null>`a.prior_id`,
}

const listing = prepared((db, filter: Slots<AssignmentFilter>) =>
  db
    .select(columns)
    .from(
      sql`(${filter.form.effective ? effective(filter) : plain(filter)}) a
      join roles r on r.id = a.role_id
      left join domains rd on rd.id = r.domain_id
      left join users u on a.actor = 'user' and u.id = a.actor_id
      left join user_groups t on a.actor = 'group' and t.id = a.actor_id
      left join domains ad on ad.id = coalesce(u.domain_id, t.domain_id)
      left join projects p on a.target = 'project' and p.id = a.target_id
      left join domains pd on pd.id = p.domain_id
      left join domains d on a.target = 'domain' and d.id = a.target_id`,
    )
    .where(
      sql`coalesce(u.id, t.id) is not null ${when(filter.roleId, sql`and a.role_id = ${filter.roleId}`)}
      ${when(filter.withinDomainId, sql`and coalesce(p.domain_id, d.id) = ${filter.withinDomainId}`)}`,
    )
    .orderBy(sql`coalesce(u.name, t.name), coalesce(p.name, d.name, ''), r.name`)
    .limit(filter.most),
)

/** Role assignments with every name that a view may show, the first `most` of them. One query. */
export const listAssignments = (db: Database, filter: AssignmentFilter): Promise<Assignment[]> =>
  listing.run(db, filter) as Promise<Assignment[]>
