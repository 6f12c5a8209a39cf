import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../adapters/contract.ts'
import { at, emptyList, emptyObject, flag, json } from './columns.ts'

/** A volume is given another object of its cloud, made of something else: what, and how far that is. */
export interface Rewrite {
  /** What was asked for. */
  action: 'revert' | 'reimage' | 'restore'
  source: { kind: 'snapshot' | 'image'; id: string }
  /** Of the fresh object. */
  token: string
  startedAt: number
  /** What its cloud was asked for when, and the fence of the one that asked. */
  asked?: { spec: Json; at: number; fence: number }
  /** The cloud still makes it. */
  task?: Json
  /** It is there. */
  fresh?: string
  /** It stands for the volume; what did so before is to go. */
  old?: { id: string; token: string; epoch: number }
  /** What the volume says of itself from then on. */
  after?: { imageId?: string; bootable: boolean; imageMetadata: Record<string, string> }
}

/** What a backup is besides a snapshot that outlives its volume. */
export interface BackupFacts {
  container: string | null
  zone: string | null
  /** What volumes made of it have again. */
  volumeType: string
  typeId: string | null
  bootable: boolean
  metadata: Record<string, string>
  imageMetadata: Record<string, string>
}

/** What an operator says of the volumes of a zone: its `cinder-volume`. A zone without a row is enabled and not frozen. */
export const volumeServices = sqliteTable(
  'volume_services',
  {
    cloudId: text('cloud_id').notNull(),
    zone: text('zone').notNull(),
    /** It takes no new volumes; and why, as somebody said. */
    disabled: flag('disabled').notNull().default(false),
    disabledReason: text('disabled_reason'),
    /** Volumes and snapshots there are neither made nor deleted. */
    frozen: flag('frozen').notNull().default(false),
    changedAt: at('changed_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.cloudId, t.zone] })],
)

/** What a volume is of again where its cloud does not make it what it was asked for. */
export interface RetypedFrom {
  volumeType: string
  typeId: string | null
}

export const volumes = sqliteTable(
  'volumes',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    userId: text('user_id').notNull(),
    name: text('name'),
    description: text('description'),
    sizeGib: integer('size_gib').notNull(),
    /** A type of its cloud, or `default`: what the cloud takes by itself. */
    volumeType: text('volume_type').notNull(),
    /** The type that an operator made of it, which is what users see; null: none. */
    typeId: text('type_id'),
    /** What it was of before, until its cloud has made it what it is to be of; null: it is. */
    retypedFrom: json<RetypedFrom>('retyped_from'),
    /** Where it is; null: nowhere yet, it is made where it is first used. */
    cloudId: text('cloud_id'),
    zone: text('zone'),
    /** The zone that was named without saying where; null: where it is was named, or nothing. */
    pinnedZone: text('pinned_zone'),
    snapshotId: text('snapshot_id'),
    sourceVolumeId: text('source_volume_id'),
    imageId: text('image_id'),
    /** The group that it is in; null: none. */
    groupId: text('group_id'),
    /** The backup it is made of. */
    backupId: text('backup_id'),
    /** It is being written anew; null: it stays as it is. */
    rewrite: json<Rewrite>('rewrite'),
    bootable: flag('bootable').notNull().default(false),
    readonly: flag('readonly').notNull().default(false),
    metadata: json<Record<string, string>>('metadata')
      .notNull()
      .default(emptyObject as never),
    imageMetadata: json<Record<string, string>>('image_metadata')
      .notNull()
      .default(emptyObject as never),
    /** Written by `broker/lifecycle` alone. */
    status: text('status').notNull().default('creating'),
    fault: text('fault'),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
    deletedAt: at('deleted_at'),
  },
  (t) => [
    index('volumes_by_project').on(t.projectId, t.deletedAt, t.createdAt, t.id),
    index('volumes_by_name').on(t.projectId, sql`coalesce(name, '')`, t.createdAt, t.id).where(sql`deleted_at IS NULL`),
    index('volumes_by_status').on(t.projectId, t.status, t.createdAt, t.id).where(sql`deleted_at IS NULL`),
    index('volumes_by_size').on(t.projectId, t.sizeGib, t.createdAt, t.id).where(sql`deleted_at IS NULL`),
    index('volumes_by_time').on(t.createdAt, t.id).where(sql`deleted_at IS NULL`),
    index('volumes_with_metadata').on(t.projectId).where(sql`deleted_at IS NULL AND metadata <> '{}'`),
    index('volumes_deleted').on(t.deletedAt).where(sql`deleted_at IS NOT NULL`),
    index('volumes_by_snapshot').on(t.snapshotId).where(sql`snapshot_id IS NOT NULL`),
    index('volumes_by_source').on(t.sourceVolumeId).where(sql`source_volume_id IS NOT NULL`),
    index('volumes_by_cloud').on(t.cloudId, t.deletedAt),
    index('volumes_by_made_type').on(t.typeId).where(sql`type_id IS NOT NULL AND deleted_at IS NULL`),
    index('volumes_by_group').on(t.groupId).where(sql`group_id IS NOT NULL AND deleted_at IS NULL`),
    index('volumes_by_backup').on(t.backupId).where(sql`backup_id IS NOT NULL`),
    index('volumes_rewritten').on(sql`rewrite ->> 'token'`).where(sql`rewrite IS NOT NULL`),
    index('volumes_awaiting_image').on(t.imageId).where(sql`cloud_id IS NULL AND deleted_at IS NULL`),
  ],
)

export const snapshots = sqliteTable(
  'snapshots',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    userId: text('user_id').notNull(),
    name: text('name'),
    description: text('description'),
    volumeId: text('volume_id').notNull(),
    /** The snapshot of a group that it is part of; null: none. */
    groupSnapshotId: text('group_snapshot_id'),
    /** It is a backup: no snapshot to its users, and its volume may go before it; null: a snapshot. */
    backup: json<BackupFacts>('backup'),
    /** The backup on which it was asked to build; null: it stands by itself. */
    parentId: text('parent_id'),
    sizeGib: integer('size_gib').notNull(),
    cloudId: text('cloud_id').notNull(),
    metadata: json<Record<string, string>>('metadata')
      .notNull()
      .default(emptyObject as never),
    status: text('status').notNull().default('creating'),
    /** How far somebody said that it is, as `80%`; null: nobody did. */
    progress: text('progress'),
    fault: text('fault'),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
    deletedAt: at('deleted_at'),
  },
  (t) => [
    index('snapshots_by_project').on(t.projectId, t.deletedAt, t.createdAt, t.id),
    index('snapshots_by_name')
      .on(t.projectId, sql`coalesce(name, '')`, t.createdAt, t.id)
      .where(sql`deleted_at IS NULL`),
    index('snapshots_by_status').on(t.projectId, t.status, t.createdAt, t.id).where(sql`deleted_at IS NULL`),
    index('snapshots_by_time').on(t.createdAt, t.id).where(sql`deleted_at IS NULL`),
    index('snapshots_deleted').on(t.deletedAt).where(sql`deleted_at IS NOT NULL`),
    index('snapshots_by_volume').on(t.volumeId),
    index('snapshots_by_group').on(t.groupSnapshotId).where(sql`group_snapshot_id IS NOT NULL AND deleted_at IS NULL`),
    index('backups_by_project')
      // As the index of all snapshots begins, of which SQLite takes the smaller one then.
      .on(t.projectId, t.deletedAt, t.createdAt, t.id)
      .where(sql`backup IS NOT NULL AND deleted_at IS NULL`),
    index('backups_by_time').on(t.createdAt, t.id).where(sql`backup IS NOT NULL AND deleted_at IS NULL`),
    index('backups_by_parent').on(t.parentId).where(sql`parent_id IS NOT NULL AND deleted_at IS NULL`),
  ],
)

export const images = sqliteTable(
  'images',
  {
    /** Images of a cloud's catalogue: UUID v5 of cloud and native id. */
    id: text('id').primaryKey(),
    /** The owner; null: the catalogue of the cloud. */
    projectId: text('project_id'),
    name: text('name'),
    visibility: text('visibility').$type<'public' | 'private' | 'shared' | 'community'>().notNull(),
    status: text('status')
      .$type<'queued' | 'uploading' | 'importing' | 'saving' | 'active' | 'killed' | 'deleted' | 'deactivated'>()
      .notNull(),
    protected: flag('protected').notNull().default(false),
    hidden: flag('hidden').notNull().default(false),
    containerFormat: text('container_format'),
    diskFormat: text('disk_format'),
    arch: text('arch').notNull().default('x86_64'),
    minDiskGib: integer('min_disk_gib').notNull().default(0),
    minRamMib: integer('min_ram_mib').notNull().default(0),
    sizeBytes: integer('size_bytes'),
    virtualSizeBytes: integer('virtual_size_bytes'),
    checksum: text('checksum'),
    hashAlgo: text('hash_algo'),
    hashValue: text('hash_value'),
    properties: json<Record<string, string>>('properties')
      .notNull()
      .default(emptyObject as never),
    tags: json<string[]>('tags')
      .notNull()
      .default(emptyList as never),
    /** The server it is taken from (createImage). */
    serverId: text('server_id'),
    /** The volume it is taken from (os-volume_upload_image). */
    volumeId: text('volume_id'),
    /** Where the data is that was uploaded; null: none was. */
    blob: text('blob'),
    /** Made only for this server to be forked from; it goes when the server is there. */
    forkId: text('fork_id'),
    fault: text('fault'),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
    deletedAt: at('deleted_at'),
  },
  (t) => [
    index('images_by_project').on(t.projectId, t.deletedAt, t.createdAt, t.id),
    index('images_by_visibility').on(t.visibility, t.deletedAt, t.createdAt, t.id),
    index('images_by_name').on(sql`coalesce(name, '')`, t.createdAt).where(sql`deleted_at IS NULL`),
    index('images_by_time').on(t.createdAt, t.id).where(sql`deleted_at IS NULL`),
    index('images_deleted').on(t.deletedAt).where(sql`deleted_at IS NOT NULL`),
    index('images_coming').on(t.updatedAt).where(sql`status IN ('saving', 'uploading')`),
    index('images_by_server').on(t.serverId, t.createdAt).where(sql`server_id IS NOT NULL AND deleted_at IS NULL`),
    index('images_by_fork').on(t.forkId).where(sql`fork_id IS NOT NULL AND deleted_at IS NULL`),
  ],
)
