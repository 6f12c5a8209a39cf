import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../adapters/contract.ts'
import { at, emptyList, emptyObject, flag, json } from './columns.ts'

/**
 * What a cloud does with security groups, for one project: it keeps to them; it does not, and the operator answers for what
 * stands before it; it does not.
 */
export type Filters = 'enforced' | 'trusted' | 'none'

/** An amount of money, in millionths of its currency. */
export interface Money {
  micros: number
  /** ISO 4217. */
  currency: string
}

/** What administrators want of the placement of a project's things, and of what these may cost. */
export interface Policy {
  /** Names of the clouds to which its things go by themselves, in this order; null: all, in the operator's. */
  chain: string[] | null
  /** Which availability zones are listed: each of each cloud, or one that leaves the choice to the broker. */
  zones: 'all' | 'policy'
  /** Name of the one. */
  zone_name: string
  /** The weakest that what is filtered now may be moved to. */
  min_filters: Filters
  /** By the name of a cloud: the share of its room, 0 to 1, up to which it takes servers of the project. */
  marks: Record<string, number>
  /** Once home was passed by: so much of its room has to be free below its mark before servers go home again. */
  hysteresis: number
  /** Whether servers go anywhere but home, which is the first of the chain. */
  spill: 'allowed' | 'never'
  /** So much of the project may be elsewhere than at home; null: as much as fits. */
  spill_cap: { instances?: number; cores?: number } | null
  /** Servers with one of these tags, or one of these items of metadata, stay at home. */
  never_spill: { tags: string[]; metadata: Record<string, string> }
  /** Regions of clouds to which its things go; empty: all. */
  regions: string[]
  /** Whether servers are bought that their cloud may take back. */
  spot: 'never' | 'allowed' | 'preferred'
  /** What all that it has may cost an hour; null: nobody has said. */
  max_hourly_cost: Money | null
  /** What it may cost in a month (UTC), and what happens when that is spent: new spending is refused, and with `stop-marked` servers stop that are marked so. */
  budget: (Money & { period: 'month'; at_100: 'refuse' | 'stop-marked' }) | null
  /** After so many seconds its servers stop that say nothing else; null: never. */
  lease: number | null
  /** Whether scheduler hints of ours are taken. */
  hints: boolean
}

export const clouds = sqliteTable(
  'clouds',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull().unique(),
    type: text('type').notNull(),
    endpoint: text('endpoint'),
    region: text('region'),
    options: json<Record<string, Json>>('options')
      .notNull()
      .default(emptyObject as never),
    /** Sealed by `broker/seal`; never leaves the process in the clear. */
    credentials: text('credentials'),
    credentialsVersion: integer('credentials_version').notNull().default(0),
    enabled: flag('enabled').notNull().default(true),
    /** New servers go there; what is there is served either way. And why none do, as an operator said. */
    placing: flag('placing').notNull().default(true),
    placingReason: text('placing_reason'),
    /** Order in which the broker prefers clouds of equal room: lower first. */
    position: integer('position').notNull().default(0),
    /** Breaker: consecutive failures, and until when it is open, which leaves the cloud alone. */
    failures: integer('failures').notNull().default(0),
    breakerOpenUntil: at('closed_until').notNull().default(0),
    /** When the cloud last answered, and when zones, offers and images were last read. */
    seenAt: at('seen_at'),
    inventoryAt: at('inventory_at'),
    inventoryDueAt: at('inventory_due_at').notNull().default(0),
    lastError: text('last_error'),
    createdAt: at('created_at').notNull(),
  },
  // Names are unique: so that it is known to be the whole order.
  (t) => [uniqueIndex('clouds_in_order').on(t.position, t.name)],
)

export const mappings = sqliteTable(
  'mappings',
  {
    projectId: text('project_id').notNull(),
    cloudId: text('cloud_id').notNull(),
    mapping: json<Record<string, Json>>('mapping')
      .notNull()
      .default(emptyObject as never),
    createdAt: at('created_at').notNull(),
    /** Since the last lapse a listing that began then has shown all servers that the project has there; null: none yet. */
    listedAt: at('listed_at'),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.cloudId] }), index('mappings_by_cloud').on(t.cloudId)],
)

export const zones = sqliteTable(
  'zones',
  {
    cloudId: text('cloud_id').notNull(),
    /** The cloud's own name; above the line it is `<cloud>.<zone>`. */
    name: text('name').notNull(),
    available: flag('available').notNull().default(true),
    /** Share of the scarcest resource that is taken, 0 to 1; null where the cloud does not say. */
    load: real('load'),
    freeVcpus: integer('free_vcpus'),
    freeRamMib: integer('free_ram_mib'),
    position: integer('position').notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.cloudId, t.name] })],
)

/** The machines that a cloud is, where it tells them apart. */
export const cloudHosts = sqliteTable(
  'cloud_hosts',
  {
    cloudId: text('cloud_id').notNull(),
    /** Its zone, as the cloud calls it. */
    zone: text('zone').notNull(),
    name: text('name').notNull(),
    /** Whether it answered when it was asked last. */
    answers: flag('answers').notNull(),
    /** When it answered last; null: it never did. */
    seenAt: at('seen_at'),
  },
  (t) => [primaryKey({ columns: [t.cloudId, t.name] })],
)

export const flavors = sqliteTable(
  'flavors',
  {
    /** Native flavors: UUID v5 of the name, so that every cloud and every deployment agrees. */
    id: text('id').primaryKey(),
    name: text('name').notNull().unique(),
    vcpus: integer('vcpus').notNull(),
    ramMib: integer('ram_mib').notNull(),
    diskGib: integer('disk_gib').notNull(),
    ephemeralGib: integer('ephemeral_gib').notNull().default(0),
    swapMib: integer('swap_mib').notNull().default(0),
    isPublic: flag('is_public').notNull().default(true),
    description: text('description'),
    /** Stored and shown, as Nova does; no cloud asks for it. */
    rxtxFactor: real('rxtx_factor').notNull().default(1),
    extraSpecs: json<Record<string, string>>('extra_specs')
      .notNull()
      .default(emptyObject as never),
    /** A size by a provider's name, met only by offers of that name; otherwise a common size that any cloud may meet. */
    native: flag('native').notNull().default(false),
    /** No cloud offers it any more; stays readable while servers have it. */
    retired: flag('retired').notNull().default(false),
    createdAt: at('created_at').notNull(),
  },
  (t) => [index('flavors_by_size').on(t.ramMib, t.id)],
)

/** Projects that see a flavor which is not public. */
export const flavorAccess = sqliteTable(
  'flavor_access',
  {
    flavorId: text('flavor_id').notNull(),
    projectId: text('project_id').notNull(),
  },
  (t) => [primaryKey({ columns: [t.flavorId, t.projectId] })],
)

/** Kinds of disk that a cloud offers; the same name may be offered by several. */
export const volumeTypes = sqliteTable(
  'volume_types',
  {
    cloudId: text('cloud_id').notNull(),
    name: text('name').notNull(),
    /** Null: every zone. */
    zones: json<string[]>('zones'),
  },
  (t) => [primaryKey({ columns: [t.cloudId, t.name] })],
)

/** The most that one server can have in a zone of what a cloud sells there: kept with the offers, which are many. */
export const zoneSizes = sqliteTable(
  'zone_sizes',
  {
    cloudId: text('cloud_id').notNull(),
    zone: text('zone').notNull(),
    vcpus: integer('vcpus').notNull(),
    ramMib: integer('ram_mib').notNull(),
    /** Null: a disk of any size. */
    diskGib: integer('disk_gib'),
    archs: json<string[]>('archs').notNull(),
  },
  (t) => [primaryKey({ columns: [t.cloudId, t.zone] })],
)

export const offers = sqliteTable(
  'offers',
  {
    cloudId: text('cloud_id').notNull(),
    name: text('name').notNull(),
    vcpus: integer('vcpus').notNull(),
    ramMib: integer('ram_mib').notNull(),
    diskGib: integer('disk_gib').notNull(),
    arch: text('arch').notNull(),
    gpus: integer('gpus').notNull().default(0),
    zones: json<string[]>('zones')
      .notNull()
      .default(emptyList as never),
  },
  (t) => [
    primaryKey({ columns: [t.cloudId, t.name] }),
    index('offers_in_order').on(t.cloudId, t.ramMib, t.vcpus, t.name),
  ],
)
