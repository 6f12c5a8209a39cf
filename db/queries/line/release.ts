import { and, eq, ne, type SQL, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { Kind } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { among } from '../../conditions.ts'
import { factsOf, KINDS_BY_RANK, kindsThat } from '../../kinds.ts'
import { prepared } from '../../prepared.ts'
import {
  attachments,
  bindings,
  interfaces,
  ipAllocations,
  portAddressPairs,
  portSecurityGroups,
  securityGroupRules,
  serverGroupMembers,
  serverPorts,
  servers,
} from '../../schema/index.ts'
import { isFoot } from '../network/network.ts'
import { releaseRows } from '../network/network-quotas.ts'
import { type Binding, type Ref, refOf } from './bindings.ts'

const ofUsers = kindsThat(({ owner }) => owner === 'user')

/** Bindings of these resources that are not gone. */
export const bindingsAmong = (db: Database, ids: Iterable<string>): Promise<Binding[]> =>
  db
    .select()
    .from(bindings)
    .where(sql`${bindings.resourceId} in ${among(ids)} and ${bindings.phase} <> 'gone'`)

/** Everything of a project that is on a cloud, but what is its users', and uploaded images of others. */
export const resourcesOf = async (db: Database, projectId: string, cloudId?: string): Promise<string[]> =>
  (
    await db
      .selectDistinct({ id: bindings.resourceId })
      .from(bindings)
      .where(
        and(
          eq(bindings.projectId, projectId),
          cloudId === undefined ? undefined : eq(bindings.cloudId, cloudId),
          sql`${bindings.phase} <> 'gone' and ${bindings.kind} not in ${among(ofUsers)}`,
          sql`(${bindings.kind} <> 'image' or exists (select 1 from images where id = ${bindings.resourceId} and project_id = ${projectId}))`,
        ),
      )
  ).map(({ id }) => id)

/** Images whose data is with us: they need no cloud to be there. */
export const imagesWithData = (db: Database, ids: Iterable<string>): Promise<string[]> =>
  columns(db, [sql`select id from images where id in ${among(ids)} and blob is not null`])

const handingBack = prepared((db) =>
  db.select().from(bindings).where(sql`${bindings.ownership} <> 'ours' and ${bindings.ownership} = 'releasing'`),
)

/** What somebody began to hand back and did not finish. */
export const beingReleased = (db: Database): Promise<Binding[]> => handingBack.run(db, {})

const oneOf = (these: Ref[]) => sql`(kind, resource_id, cloud_id, scope) in (
  select value ->> 'kind', value ->> 'resourceId', value ->> 'cloudId', value ->> 'scope' from json_each(${JSON.stringify(these.map(refOf))}))`

/** These very bindings, as they are now. */
export const bindingsAt = (db: Database, these: Ref[]): Promise<Binding[]> =>
  db.select().from(bindings).where(oneOf(these))

export interface BorrowedWish {
  /** All that a project has on clouds. */
  projectId: string | null
  /** These keypairs, wherever they are. */
  named: string[]
  /** Whatever these servers were made with, where they are. */
  servers: Iterable<string>
  cloudId: string | undefined
}

/**
 * What clouds have for a project of what is not the project's: keypairs of its users, uploaded images of others. With a
 * server that stays and needs it there. The resources stay; only what was made of them for the project is handed back.
 */
export const borrowed = async (
  db: Database,
  { projectId, named, servers: going, cloudId }: BorrowedWish,
): Promise<{ binding: Binding; neededBy: string | null }[]> => {
  const uses = sql`select s.id from servers s join keypairs k on k.user_id = s.user_id and k.name = s.key_name
    where k.id = bindings.resource_id and s.project_id = bindings.project_id and s.cloud_id = bindings.cloud_id and s.deleted_at is null`
  return db
    .select({ binding: bindings, neededBy: sql<string | null>`(${uses} and s.id not in ${among(going)} limit 1)` })
    .from(bindings)
    .where(
      and(
        ne(bindings.phase, 'gone'),
        cloudId === undefined ? undefined : eq(bindings.cloudId, cloudId),
        sql`(kind = 'keypair' and (project_id = ${projectId} or resource_id in ${among(named)} or exists (${uses} and s.id in ${among(going)}))
          or kind = 'image' and scope = ${projectId} and not exists (select 1 from images where id = bindings.resource_id and project_id = ${projectId}))`,
      ),
    )
}

/** One query each: a compound of more than five is refused by D1. */
const columns = async (db: Database, queries: ReturnType<typeof sql>[]): Promise<string[]> => {
  const found = new Set<string>()
  for (const query of queries) for (const { id } of await db.all<{ id: string }>(query)) found.add(id)
  return [...found]
}

/** What goes with servers, because it is in them, subnets of networks and the ways out that plans made of them, public addresses that lead to ports, and groups that nobody else is in or can name. */
export const partsOf = (db: Database, ids: Iterable<string>): Promise<string[]> =>
  columns(db, [
    sql`select port_id as id from server_ports where server_id in ${among(ids)}
      union select id from interfaces where server_id in ${among(ids)}`,
    sql`select id from attachments where server_id in ${among(ids)} or volume_id in ${among(ids)}
      union select volume_id from attachments where server_id in ${among(ids)}`,
    sql`select id from floating_ips where port_id in ${among(ids)}
      union select id from subnets where network_id in ${among(ids)}
      union select id from routers where egress_of in ${among(ids)}
      union select group_id from server_group_members m where server_id in ${among(ids)}
        and not exists (select 1 from server_groups where id = m.group_id)
        and not exists (select 1 from server_group_members o where o.group_id = m.group_id and o.server_id not in ${among(ids)})`,
  ])

interface Leaning {
  id: string
  by: string
}

/** What those that stay lean on: why it cannot go, one line each. */
export const leaningOn = async (db: Database, ids: Iterable<string>): Promise<Leaning[]> => {
  const set = among(ids)
  const machines = sql`select volume_id as id, 'server ' || server_id as by from attachments where volume_id in ${set} and server_id not in ${set}
    union select port_id, 'server ' || server_id from server_ports where port_id in ${set} and server_id not in ${set}
    union select volume_id, 'snapshot ' || id from snapshots where volume_id in ${set} and id not in ${set} and deleted_at is null
    limit 50`
  const ground = sql`select network_id as id, 'port ' || id as by from ports where network_id in ${set} and id not in ${set} and device_id not in ${set}
    union select network_id, 'subnet ' || id from subnets where network_id in ${set} and id not in ${set}
    union select a.subnet_id, 'port ' || p.id from ip_allocations a join ports p on p.id = a.port_id
      where a.subnet_id in ${set} and p.id not in ${set} and p.device_id not in ${set}
    limit 50`
  const groups = sql`select security_group_id as id, 'port ' || port_id as by from port_security_groups where security_group_id in ${set} and port_id not in ${set}
    union select remote_group_id, 'security group ' || security_group_id from security_group_rules
      where remote_group_id in ${set} and security_group_id not in ${set}
    union select scope, 'security group ' || resource_id from bindings where scope in ${set} and resource_id not in ${set} and phase <> 'gone'
    limit 50`
  return [...(await db.all<Leaning>(machines)), ...(await db.all<Leaning>(ground)), ...(await db.all<Leaning>(groups))]
}

/** Networks, subnets, groups and images that the given servers and ports stand on. */
export const groundOf = (db: Database, ids: Iterable<string>): Promise<string[]> => {
  const set = among(ids)
  return columns(db, [
    sql`select network_id as id from ports where id in ${set}
      union select subnet_id from ip_allocations where port_id in ${set}
      union select security_group_id from port_security_groups where port_id in ${set}`,
    sql`select remote_group_id as id from security_group_rules where security_group_id in ${set} and remote_group_id is not null
      union select id from subnets where network_id in ${set}
      union select i.id from servers s join images i on i.id = s.image_id and i.project_id = s.project_id where s.id in ${set}`,
  ])
}

/** True (as SQL) when one of them is being made, changed or removed, or was asked to change and may yet do so, or is written anew, or on its rescue disk. */
export const atWork = (ids: Iterable<string>, now: number) =>
  sql`(exists (select 1 from bindings where resource_id in ${among(ids)}
      and (phase in ('intent', 'calling', 'deleting') or lease_until > ${now} and ownership <> 'releasing'))
    or exists (select 1 from servers where id in ${among(ids)} and (task_state is not null or vm_state = 'rescued'))
    or exists (select 1 from server_moves where server_id in ${among(ids)} and state <> 'staying')
    or exists (select 1 from volumes where id in ${among(ids)} and rewrite is not null))`

const handedBack = sql`ownership in ('ours', 'adopting') and phase = 'bound'`
const begun = (now: number) => sql`ownership = 'releasing', due_at = null, fence = fence + 1, updated_at = ${now}`

/** From here on nothing changes them, and nobody takes them for lost. */
export const beginRelease = (db: Database, ids: Iterable<string>, cloudId: string | undefined, now: number) =>
  db.run(sql`update bindings set ${begun(now)} where resource_id in ${among(ids)} and ${handedBack}
    and ${onCloud(cloudId)}`)

/** Statement: the same for these very bindings of what is borrowed: a keypair goes back on one cloud, and stays on the others. */
export const beginBorrowed = (db: Database, these: Ref[], now: number) =>
  db.run(sql`update bindings set ${begun(now)} where ${oneOf(these)} and ${handedBack}`)

/** True (as SQL) when a cloud is at work with one of them. */
export const borrowedAtWork = (these: Ref[]) =>
  sql`exists (select 1 from bindings where ${oneOf(these)} and phase in ('intent', 'calling', 'deleting'))`

/** Of what is asked for by resource: on one cloud, or (undefined) on each. By the resource it is found, not by the cloud. */
const onCloud = (cloudId: string | undefined): SQL => (cloudId === undefined ? sql`true` : sql`+cloud_id = ${cloudId}`)

/** Those whose mark is off, or that never came to be. */
export const dropBorrowed = (db: Database, these: Ref[]) =>
  db.run(sql`delete from bindings where ${oneOf(these)} and (ownership = 'releasing' or phase = 'failed')`)

/** True (as SQL) while one of them is marked, as far as we know. */
export const stillMarked = (ids: Iterable<string>, cloudId: string | undefined) =>
  sql`exists (select 1 from bindings where resource_id in ${among(ids)} and ${handedBack}
    and ${onCloud(cloudId)})`

/** Bindings first: what follows then touches nothing that a cloud would hear of. */
export const dropBindings = (db: Database, ids: Iterable<string>, cloudId: string | undefined) =>
  db.run(sql`delete from bindings where resource_id in ${among(ids)}
    and ${onCloud(cloudId)}`)

/** Before `dropBindings`: what differed on their clouds is no concern of ours any more. */
export const settleReleased = (db: Database, ids: Iterable<string>, cloudId: string | undefined, now: number) =>
  db.run(sql`update drift set settled_at = ${now}
    where (kind, resource_id) in (select b.kind, b.resource_id from bindings b where b.resource_id in ${among(ids)})
    and ${onCloud(cloudId)}`)

const DELETED_SERVER = { status: 'DELETED', vmState: 'deleted', taskState: null, powerState: 0, oldFlavor: null }

/** What goes of a kind's rows, as SQL: a router takes its ports along. */
const going = (kind: Kind, set: SQL): SQL => {
  if (kind === 'port') return sql`(id in ${set} or (device_id in ${set} and ${isFoot('ports')}))`
  return factsOf(kind).tombstoned ? sql`(id in ${set} and deleted_at is null)` : sql`id in ${set}`
}

/** What the rows count for is given back while they are there. */
const giveBack = (db: Database, kind: Kind, set: SQL) =>
  Object.entries(factsOf(kind).quota).map(([word, amount]) =>
    db.run(sql`update quotas set used = max(0, used - coalesce((select ${sql.raw(amount)} from ${factsOf(kind).table}
      where ${going(kind, set)} and +project_id = quotas.project_id), 0))
      where resource = ${word} and project_id in (select project_id from ${factsOf(kind).table} where ${going(kind, set)})`),
  )

/** Rows go, or become tombstones, for the accounts. What is a user's outlives being handed back. */
const forgetKind = (db: Database, kind: Kind, set: SQL, now: number): BatchItem<'sqlite'>[] => {
  const { table, tombstoned, owner } = factsOf(kind)
  if (owner === 'user') return []
  if (kind === 'server')
    return [
      db
        .update(servers)
        .set({ ...DELETED_SERVER, terminatedAt: now, updatedAt: now, deletedAt: now })
        .where(going(kind, set)),
    ]
  return [
    tombstoned
      ? db.run(
          sql`update ${table} set status = 'deleted', deleted_at = ${now}, updated_at = ${now} where ${going(kind, set)}`,
        )
      : db.run(sql`delete from ${table} where ${going(kind, set)}`),
  ]
}

/** Rows and quota of resources of any kind, with what only they have: places of ports and volumes, addresses, rules. */
export const forgetRows = (db: Database, ids: Iterable<string>, now: number): BatchItem<'sqlite'>[] => {
  const set = among(ids)
  const ofPorts = sql`port_id in (select id from ports where ${going('port', set)})`
  return [
    ...KINDS_BY_RANK.flatMap((kind) => giveBack(db, kind, set)),
    releaseRows(db, 'security_group_rule', securityGroupRules, sql`security_group_id in ${set}`),
    db.delete(serverPorts).where(sql`server_id in ${set}`),
    db.delete(serverGroupMembers).where(sql`server_id in ${set}`),
    db.delete(interfaces).where(sql`server_id in ${set}`),
    db.delete(attachments).where(sql`server_id in ${set} or volume_id in ${set}`),
    db.delete(ipAllocations).where(ofPorts),
    db.delete(portSecurityGroups).where(ofPorts),
    db.delete(portAddressPairs).where(ofPorts),
    db.delete(securityGroupRules).where(sql`security_group_id in ${set}`),
    ...KINDS_BY_RANK.toReversed().flatMap((kind) => forgetKind(db, kind, set, now)),
  ]
}

/** One row of the journal for each resource that is handed back. */
export const noteReleases = (
  db: Database,
  released: Binding[],
  by: { requestId: string; globalRequestId: string | null; userId: string | null; at: number },
) =>
  db.run(sql`insert into journal (at, request_id, global_request_id, user_id, project_id, action, kind, resource_id, detail)
    select ${by.at}, ${by.requestId}, ${by.globalRequestId}, ${by.userId}, value->>'projectId', 'release', value->>'kind', value->>'resourceId',
      json_object('native_id', value->>'nativeId')
    from json_each(${JSON.stringify(released.map(({ kind, resourceId, projectId, nativeId }) => ({ kind, resourceId, projectId, nativeId })))})`)
