import { type Column, getTableColumns } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { servers } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'
import { zoneMade } from '../clouds/aggregates.ts'

/** Columns that no view shows, or only an administrator's. */
const {
  userData,
  keypair,
  oldFlavor,
  wantPower,
  cloudId,
  places,
  bootedAt,
  parentId,
  forkMode,
  expiresAt,
  leaseEndsAt,
  leaseDueAt,
  leaseEnd,
  deletedAt,
  ...shown
} = getTableColumns(servers)

/** A column as the database gives it: JSON is text, and a flag 0 or 1. */
type Raw<C extends Column> = C['_']['driverParam'] | (C['_']['notNull'] extends true ? never : null)

/** A server with everything that a view shows. Names of JSON are JSON text still: most views need few of them. */
export type ServerView = { [Name in keyof typeof shown]: Raw<(typeof shown)[Name]> } & {
  cloud: string | null
  /** The zone of an aggregate that it is in; null: its cloud's. */
  zoneMade: string | null
  /**
   * `[[network, MAC, fixed addresses, floating addresses, names of security groups, position, created at]]`, in no order: to
   * sort takes SQLite as long as to find them, and most servers have one.
   */
  ports: string
  /** `[{id, delete_on_termination}]`. */
  volumes: string
  /** The cloud on which work for it is due; null: nothing is. */
  dueOn: string | null
  /** `[id]`; absent from lists. */
  groups?: string
  /** Only for admins. */
  userData?: string | null
  reservationId?: string | null
  /** As Nova tells it of the host of a server; null: it is on none yet. Only for admins. */
  hostStatus?: 'UP' | 'UNKNOWN' | 'MAINTENANCE' | null
}

const NAMES = Object.keys(shown)
const COLUMNS = Object.entries(shown)
  .map(([name, column]) => `s.${column.name} as "${name}"`)
  .join(', ')

/** A server's ports are the ones that name it as their device; a stranger's port that does so does not count. */
const PORTS = `(select json_group_array(json_array(n.name, p.mac_address, json(p.fixed_ips),
   json((select json_group_array(f.floating_ip_address) from floating_ips f where f.port_id = p.id and f.floating_ip_address is not null)),
   json((select json_group_array(g.name) from port_security_groups x join security_groups g on g.id = x.security_group_id
    where x.port_id = p.id and p.filters is not 'none')), o.position, p.created_at))
  from ports p join networks n on n.id = p.network_id left join server_ports o on o.server_id = s.id and o.port_id = p.id
  where p.device_id = s.id and +p.project_id = s.project_id) as ports`

const PARTS = `(select c.name from clouds c where c.id = s.cloud_id) as cloud,
 ${zoneMade('s.cloud_id', 's.zone')} as zoneMade,
 ${PORTS},
 (select json_group_array(json_object('id', a.volume_id, 'delete_on_termination', json(iif(a.delete_on_termination, 'true', 'false'))))
   from attachments a where a.server_id = s.id) as volumes,
 case when s.task_state is null then null else (select b.cloud_id from bindings b where b.resource_id = s.id
  and b.kind = 'server' and b.due_at <= ?1 and b.lease_until <= ?1 limit 1) end as dueOn`

const RESERVATION = `(select 'r-' || substr(a.request_id, 5, 8) from server_actions a where a.server_id = s.id and a.action = 'create')`

/** Of a cloud that tells its machines apart: 0 where the one that has a server is silent, or all of its zone, where it is on none yet; null: nobody says. */
const ANSWERS = `(select max(h.answers) from cloud_hosts h where h.cloud_id = s.cloud_id and h.zone = s.zone and h.name = ifnull(
  (select nullif(substr(b.native_id, 1, instr(b.native_id, '/') - 1), '') from bindings b
    where b.resource_id = s.id and b.kind = 'server' and b.cloud_id = s.cloud_id), h.name))`
/** nova/compute/api.py, `get_instance_host_status`: nobody forces a cloud down. */
const HOST_STATUS = `(select case when not (c.enabled and c.placing) then 'MAINTENANCE' when c.closed_until > ?1 or ${ANSWERS} = 0 then 'UNKNOWN' else 'UP' end
  from clouds c where c.id = s.cloud_id) as hostStatus`
/** Columns of a row, and their names in their order. */
export interface Selected {
  sql: string
  names: readonly string[]
}
/** What is selected `from servers s`; `?1` is the time. */
export const FULL: Selected = {
  sql: `${COLUMNS}, ${PARTS}`,
  names: [...NAMES, 'cloud', 'zoneMade', 'ports', 'volumes', 'dueOn'],
}
/** User data may be large, and only admins are shown it. */
export const FULLER: Selected = {
  sql: `${FULL.sql}, s.user_data as userData, ${RESERVATION} as reservationId, ${HOST_STATUS}`,
  names: [...FULL.names, 'userData', 'reservationId', 'hostStatus'],
}

const GROUPS = `(select json_group_array(g.id) from server_group_members m join server_groups g on g.id = m.group_id
  where m.server_id = s.id) as groups`

// Whole texts, made once: the database knows a statement by its text, and a text put together anew has to be read anew.
const SHOW = `select ${FULL.sql}, ${GROUPS} from servers s where s.id = ?2 and s.project_id = ?3 and s.deleted_at is null`
const SHOW_ANY = `select ${FULLER.sql}, ${GROUPS} from servers s where s.id = ?2 and s.deleted_at is null`
const ADDRESSES = `select s.vm_state as "vmState", ${PORTS} from servers s where s.id = ?1 and s.deleted_at is null`
const ADDRESSES_OWN = `${ADDRESSES} and s.project_id = ?2`

/** One live server within the scope. One query. */
export const viewServer = async (db: Database, scope: Scope, id: string, now: number): Promise<ServerView | null> =>
  'every' in scope
    ? db.$client.prepare(SHOW_ANY).bind(now, id).first<ServerView>()
    : db.$client.prepare(SHOW).bind(now, id, scope.projectId).first<ServerView>()

/** What tells the addresses of one live server within the scope. One query. */
export const viewAddresses = async (
  db: Database,
  scope: Scope,
  id: string,
): Promise<Pick<ServerView, 'vmState' | 'ports'> | null> =>
  'every' in scope
    ? db.$client.prepare(ADDRESSES).bind(id).first()
    : db.$client.prepare(ADDRESSES_OWN).bind(id, scope.projectId).first()
