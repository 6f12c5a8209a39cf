import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../adapters/contract.ts'
import type { Filters } from './clouds.ts'
import { at, emptyList, emptyObject, flag, json } from './columns.ts'

export interface FlavorSnapshot {
  id: string
  name: string
  vcpus: number
  ramMib: number
  diskGib: number
  ephemeralGib: number
  swapMib: number
  extraSpecs: Record<string, string>
  /** One size of a cloud, under its own name; absent where an earlier version of this program wrote the row. */
  native?: boolean
}
/** The key that a server was admitted with, whatever becomes of its name. */
export interface KeypairSnapshot {
  id: string
  publicKey: string
  fingerprint: string
}
export interface Fault {
  code: number
  message: string
  created: number
  details?: string
}

export const servers = sqliteTable(
  'servers',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    userId: text('user_id').notNull(),
    name: text('name').notNull(),
    description: text('description'),
    hostname: text('hostname').notNull(),
    metadata: json<Record<string, string>>('metadata')
      .notNull()
      .default(emptyObject as never),
    tags: json<string[]>('tags')
      .notNull()
      .default(emptyList as never),
    /** What the user asked for. */
    flavor: json<FlavorSnapshot>('flavor').notNull(),
    /** During and after a resize, until it is confirmed: the flavor to go back to. */
    oldFlavor: json<FlavorSnapshot>('old_flavor'),
    /** Its place among those of one request, from 0. */
    launchIndex: integer('launch_index').notNull().default(0),
    imageId: text('image_id'),
    keyName: text('key_name'),
    keypair: json<KeypairSnapshot>('keypair'),
    /** Sealed (`broker/compute/user-data`). */
    userData: text('user_data'),
    configDrive: flag('config_drive').notNull().default(false),
    wantPower: text('want_power').$type<'running' | 'stopped' | 'paused' | 'suspended'>().notNull().default('running'),
    /** The zone that the user named, as written (`<cloud>` or `<cloud>.<zone>`); null: left to the broker. */
    pinnedZone: text('pinned_zone'),
    locked: flag('locked').notNull().default(false),
    lockedReason: text('locked_reason'),
    accessIpv4: text('access_ip_v4').notNull().default(''),
    accessIpv6: text('access_ip_v6').notNull().default(''),
    diskConfig: text('disk_config').$type<'AUTO' | 'MANUAL'>().notNull().default('MANUAL'),
    /** Written by `broker/lifecycle` alone, from intent, phase and observation. */
    status: text('status').notNull().default('BUILD'),
    vmState: text('vm_state').notNull().default('building'),
    taskState: text('task_state'),
    powerState: integer('power_state').notNull().default(0),
    progress: integer('progress').notNull().default(0),
    fault: json<Fault>('fault'),
    /** Where it was placed. */
    cloudId: text('cloud_id'),
    zone: text('zone'),
    /** It is elsewhere than at the home of its project. */
    spilled: flag('spilled').notNull().default(false),
    /** What its cloud does with security groups (`broker/clouds/filters`), as it was placed; null: nowhere yet. */
    filters: text('filters').$type<Filters>(),
    /** Where it is, where it may still go when a cloud has no capacity, and where a resize came from (`broker/server-facts`). */
    places: json<Json>('places'),
    /** Hash of the machine below the line. */
    hostId: text('host_id').notNull().default(''),
    /** When the cloud last saw its power go on. */
    bootedAt: at('booted_at'),
    /** The server that it was forked from, which cannot be deleted before it. */
    parentId: text('parent_id'),
    /** How: from the memory of the parent, or from an image made of it. */
    forkMode: text('fork_mode').$type<'instant' | 'snapshot'>(),
    /** When a fork is removed by the cron. */
    expiresAt: at('expires_at'),
    /** When its lease is over; null: it has none (`broker/compute/lease`). */
    leaseEndsAt: at('lease_ends_at'),
    /** When the broker sees to that next. */
    leaseDueAt: at('lease_due_at'),
    /** What becomes of it then. */
    leaseEnd: text('lease_end').$type<'stop' | 'delete'>(),
    launchedAt: at('launched_at'),
    terminatedAt: at('terminated_at'),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
    deletedAt: at('deleted_at'),
  },
  (t) => [
    // Lists go along these; the name comes last so that those that have a part of it are found without a look at the rows.
    index('servers_by_project').on(t.projectId, t.deletedAt, t.createdAt, t.id, t.name),
    // What is alike is as old as few others: those are put in order of their ids as they come, and no index has to have these.
    index('servers_by_name').on(t.projectId, t.name, t.createdAt).where(sql`deleted_at IS NULL`),
    index('servers_by_status').on(t.projectId, t.status, t.createdAt).where(sql`deleted_at IS NULL`),
    index('servers_by_vm_state').on(t.projectId, t.vmState, t.createdAt).where(sql`deleted_at IS NULL`),
    index('servers_by_user').on(t.projectId, t.userId, t.createdAt).where(sql`deleted_at IS NULL`),
    index('servers_by_key').on(t.projectId, sql`coalesce(key_name, '')`, t.createdAt).where(sql`deleted_at IS NULL`),
    index('servers_by_zone').on(t.projectId, t.cloudId, t.zone, t.createdAt).where(sql`deleted_at IS NULL`),
    index('servers_by_image').on(t.projectId, sql`coalesce(image_id, '')`, t.createdAt).where(sql`deleted_at IS NULL`),
    index('servers_by_launch')
      .on(t.projectId, sql`coalesce(launched_at, 0)`, t.createdAt)
      .where(sql`deleted_at IS NULL`),
    index('servers_by_change').on(t.projectId, t.updatedAt, t.createdAt),
    index('servers_by_id').on(t.projectId, t.id),
    index('servers_gone').on(t.projectId, t.createdAt).where(sql`deleted_at IS NOT NULL`),
    // Of columns that have one value in most rows: those rows that have another.
    index('servers_busy')
      .on(t.projectId, t.taskState, t.createdAt)
      .where(sql`deleted_at IS NULL AND task_state IS NOT NULL`),
    index('servers_locked').on(t.projectId, t.locked, t.createdAt).where(sql`deleted_at IS NULL AND locked = 1`),
    index('servers_with_drive')
      .on(t.projectId, t.configDrive, t.createdAt)
      .where(sql`deleted_at IS NULL AND config_drive = 1`),
    index('servers_auto_disk')
      .on(t.projectId, t.diskConfig, t.createdAt)
      .where(sql`deleted_at IS NULL AND disk_config = 'AUTO'`),
    index('servers_unpowered')
      .on(t.projectId, t.powerState, t.createdAt)
      .where(sql`deleted_at IS NULL AND power_state <> 1`),
    index('servers_in_progress')
      .on(t.projectId, t.progress, t.createdAt)
      .where(sql`deleted_at IS NULL AND progress <> 100`),
    index('servers_of_many')
      .on(t.projectId, t.launchIndex, t.createdAt)
      .where(sql`deleted_at IS NULL AND launch_index > 0`),
    index('servers_by_access_v4')
      .on(t.projectId, t.accessIpv4, t.createdAt)
      .where(sql`deleted_at IS NULL AND access_ip_v4 <> ''`),
    index('servers_by_access_v6')
      .on(t.projectId, t.accessIpv6, t.createdAt)
      .where(sql`deleted_at IS NULL AND access_ip_v6 <> ''`),
    index('servers_pinned')
      .on(t.projectId, t.pinnedZone, t.createdAt)
      .where(sql`deleted_at IS NULL AND pinned_zone IS NOT NULL`),
    index('servers_asked_for_zone')
      .on(t.pinnedZone, t.cloudId, t.zone)
      .where(sql`deleted_at IS NULL AND pinned_zone IS NOT NULL`),
    index('servers_tagged').on(t.projectId, t.createdAt).where(sql`deleted_at IS NULL AND tags <> '[]'`),
    index('servers_described').on(t.projectId, t.createdAt).where(sql`deleted_at IS NULL AND description IS NOT NULL`),
    index('servers_terminated').on(t.projectId, t.terminatedAt, t.createdAt).where(sql`terminated_at IS NOT NULL`),
    // What operators ask of all projects.
    index('servers_by_time').on(t.createdAt, t.id).where(sql`deleted_at IS NULL`),
    index('servers_on_cloud').on(t.cloudId, t.createdAt).where(sql`deleted_at IS NULL`),
    index('servers_unsettled')
      .on(t.status, t.createdAt)
      .where(sql`deleted_at IS NULL AND status NOT IN ('ACTIVE', 'SHUTOFF')`),
    index('servers_changed').on(t.updatedAt),
    index('servers_by_flavor').on(sql`flavor ->> 'id'`, t.projectId, t.createdAt, t.id).where(sql`deleted_at IS NULL`),
    index('servers_by_hostname').on(t.hostname, t.projectId).where(sql`deleted_at IS NULL`),
    index('servers_deleted').on(t.deletedAt).where(sql`deleted_at IS NOT NULL`),
    index('servers_sealed').on(sql`substr(user_data, 1, 12)`).where(sql`user_data IS NOT NULL`),
    index('servers_by_cloud').on(t.cloudId, t.deletedAt, t.projectId, t.createdAt, t.id),
    index('servers_by_parent').on(t.parentId).where(sql`parent_id IS NOT NULL`),
    index('servers_stopped_at_budget')
      .on(t.projectId)
      .where(sql`deleted_at IS NULL AND metadata ->> 'plimsoll:stop_at_budget' = 'true'`),
    index('servers_movable')
      .on(t.projectId, t.createdAt)
      .where(sql`deleted_at IS NULL AND spilled = 1 AND metadata ->> 'plimsoll:movable' = 'true'`),
    index('servers_by_lease')
      .on(t.leaseDueAt)
      .where(
        sql`lease_due_at IS NOT NULL AND deleted_at IS NULL AND locked = 0 AND (lease_end = 'delete' OR vm_state <> 'stopped')`,
      ),
    index('servers_by_expiry').on(t.expiresAt).where(sql`expires_at IS NOT NULL AND deleted_at IS NULL`),
  ],
)

/** What live servers take in a zone, by what their flavors say: triggers on `servers` write it, nothing else does. */
export const zoneUse = sqliteTable(
  'zone_use',
  {
    cloudId: text('cloud_id').notNull(),
    zone: text('zone').notNull(),
    servers: integer('servers').notNull(),
    vcpus: integer('vcpus').notNull(),
    ramMib: integer('ram_mib').notNull(),
    diskGib: integer('disk_gib').notNull(),
  },
  (t) => [primaryKey({ columns: [t.cloudId, t.zone] })],
)

/** What users asked of a server and how far it got; the converge queue and Nova's instance actions are one table. */
export const serverActions = sqliteTable(
  'server_actions',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    serverId: text('server_id').notNull(),
    projectId: text('project_id').notNull(),
    userId: text('user_id').notNull(),
    requestId: text('request_id').notNull(),
    /** Nova's word: create, start, stop, reboot, resize, confirmResize, rebuild, createImage, attach_volume, delete … */
    action: text('action').notNull(),
    args: json<Record<string, Json>>('args')
      .notNull()
      .default(emptyObject as never),
    /** `pending` and `calling` are work for converge; `done` and `failed` are history. */
    state: text('state').$type<'pending' | 'calling' | 'done' | 'failed'>().notNull().default('pending'),
    message: text('message'),
    startedAt: at('started_at').notNull(),
    updatedAt: at('updated_at').notNull(),
    finishedAt: at('finished_at'),
  },
  (t) => [
    index('server_actions_by_server').on(t.serverId, t.id),
    index('server_actions_by_request').on(sql`substr(request_id, 5, 8)`),
    index('server_actions_rebuilding')
      .on(t.serverId)
      .where(sql`action = 'rebuild' AND state IN ('pending', 'calling')`),
    index('server_actions_moving').on(t.id).where(sql`action IN ('resize', 'homecoming')`),
    index('server_actions_moving_of_project').on(t.projectId, t.id).where(sql`action IN ('resize', 'homecoming')`),
    index('server_actions_moving_of_user').on(t.userId, t.id).where(sql`action IN ('resize', 'homecoming')`),
    index('server_actions_rescuing').on(t.serverId).where(sql`action = 'rescue' AND state IN ('pending', 'calling')`),
  ],
)

export const keypairs = sqliteTable(
  'keypairs',
  {
    /** What bindings point at; users know a keypair by its name. */
    id: text('id').primaryKey(),
    userId: text('user_id').notNull(),
    name: text('name').notNull(),
    type: text('type').$type<'ssh' | 'x509'>().notNull().default('ssh'),
    publicKey: text('public_key').notNull(),
    fingerprint: text('fingerprint').notNull(),
    createdAt: at('created_at').notNull(),
  },
  (t) => [uniqueIndex('keypairs_by_name').on(t.userId, t.name)],
)

/** Volumes in servers. Above the line the attachment's id is its own; Nova before 2.89 shows the volume's. */
export const attachments = sqliteTable(
  'attachments',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    /** Empty: the volume is kept (`reserved`) for who has not said yet which server. */
    serverId: text('server_id').notNull(),
    volumeId: text('volume_id').notNull(),
    device: text('device'),
    tag: text('tag'),
    deleteOnTermination: flag('delete_on_termination').notNull().default(false),
    /** Its turn among the disks that the server may boot from; 0: it does. Null: it is none of them. */
    bootIndex: integer('boot_index'),
    status: text('status')
      .$type<'reserved' | 'attaching' | 'attached' | 'detaching' | 'error'>()
      .notNull()
      .default('attaching'),
    createdAt: at('created_at').notNull(),
    attachedAt: at('attached_at'),
  },
  (t) => [
    /** A volume is in one server at a time; the constraint, not a check before it, keeps that true. */
    uniqueIndex('attachments_by_volume').on(t.volumeId),
    index('attachments_by_server').on(t.serverId),
    index('attachments_by_project').on(t.projectId, t.createdAt, t.id),
    index('attachments_by_time').on(t.createdAt, t.id),
  ],
)

/** Ports plugged into a server after it was built. */
export const interfaces = sqliteTable(
  'interfaces',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    serverId: text('server_id').notNull(),
    portId: text('port_id').notNull().unique(),
    createdAt: at('created_at').notNull(),
  },
  (t) => [index('interfaces_by_server').on(t.serverId)],
)

export const serverPorts = sqliteTable(
  'server_ports',
  {
    serverId: text('server_id').notNull(),
    portId: text('port_id').notNull().unique(),
    /** Order in which the guest sees them. */
    position: integer('position').notNull(),
    /** Made for this server by the broker, removed with it. */
    owned: flag('owned').notNull().default(false),
  },
  (t) => [primaryKey({ columns: [t.serverId, t.portId] })],
)
