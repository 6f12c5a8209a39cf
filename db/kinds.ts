import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import type { Kind } from '../adapters/contract.ts'
import {
  attachments,
  floatingIps,
  images,
  interfaces,
  keypairs,
  networks,
  ports,
  routers,
  securityGroups,
  serverGroups,
  servers,
  snapshots,
  subnets,
  volumes,
} from './schema/index.ts'

/** What the broker has to know of a kind, besides how it is made (`functions/broker/kinds`). */
export interface KindFacts {
  /** Its rows. */
  table: SQLiteTable & { id: SQLiteColumn }
  /** A removed row stays, with `deleted_at`: services still show it, and accounts still count it. */
  tombstoned?: true
  /** One row may have an object on every cloud that needs it, on each once for a network, or once for a project; absent: it is on one cloud. */
  realised?: 'per cloud' | 'per network' | 'per project'
  /** It is tried again after a failure when it changes; absent: what failed stays in ERROR. */
  revived?: true
  /** A row belongs to a user and outlives being handed back; absent: it is its project's. */
  owner?: 'user'
  /** What a row counts for: word of the quota, to the sum over the rows as SQL. */
  quota: Record<string, string>
  /**
   * `turn`: when everything on a cloud is adopted; `sought`: when an id is looked for. What is in a server comes with it, so
   * servers are before volumes, ports and addresses. `by mark`: only what carries ours, or comes with others; null: never.
   */
  adopted: { turn: number; sought: number } | 'by mark' | null
}

const held = (amount: string) => `sum(max(flavor ->> '$.${amount}', coalesce(old_flavor ->> '$.${amount}', 0)))`

/**
 * One row for each kind, in the order of their rank: what is made of others stands behind them, is driven first, and goes
 * first. A new kind has its name in `adapters/objects.ts`, a row here, its steps in `functions/broker/kinds` and, if it is adopted, an
 * adopter in `functions/broker/adopt`.
 */
export const kindFacts = {
  network: {
    table: networks,
    realised: 'per cloud',
    revived: true,
    quota: { network: 'count(*)' },
    adopted: { turn: 1, sought: 3 },
  },
  subnet: {
    table: subnets,
    realised: 'per cloud',
    revived: true,
    quota: { subnet: 'count(*)' },
    adopted: { turn: 2, sought: 4 },
  },
  router: {
    table: routers,
    realised: 'per cloud',
    revived: true,
    quota: { router: 'count(*)' },
    // What leads out of a network is a router only if it reads as one: that is asked last.
    adopted: { turn: 4, sought: 8 },
  },
  security_group: {
    table: securityGroups,
    realised: 'per network',
    revived: true,
    quota: { security_group: 'count(*)' },
    adopted: { turn: 3, sought: 5 },
  },
  port: { table: ports, quota: { port: 'count(*)' }, adopted: { turn: 7, sought: 6 } },
  // The limit of a user's keypairs is the user's own, and no counter of a project.
  keypair: { table: keypairs, realised: 'per project', owner: 'user', quota: {}, adopted: 'by mark' },
  floating_ip: {
    table: floatingIps,
    revived: true,
    quota: { floatingip: 'count(*)' },
    adopted: { turn: 8, sought: 7 },
  },
  volume: {
    table: volumes,
    tombstoned: true,
    quota: { volumes: 'count(*)', gigabytes: 'sum(size_gib)' },
    adopted: { turn: 6, sought: 2 },
  },
  snapshot: {
    table: snapshots,
    tombstoned: true,
    quota: {
      snapshots: 'sum(backup is null)',
      gigabytes: 'sum(iif(backup is null, size_gib, 0))',
      backups: 'sum(backup is not null)',
      backup_gigabytes: 'sum(iif(backup is null, 0, size_gib))',
    },
    adopted: 'by mark',
  },
  image: { table: images, tombstoned: true, realised: 'per project', quota: {}, adopted: { turn: 9, sought: 9 } },
  // Which servers were in it only its row says: what has lost that keeps nothing together or apart.
  server_group: {
    table: serverGroups,
    realised: 'per cloud',
    quota: { server_groups: 'count(*)' },
    adopted: null,
  },
  server: {
    table: servers,
    tombstoned: true,
    quota: { instances: 'count(*)', cores: held('vcpus'), ram: held('ramMib') },
    adopted: { turn: 5, sought: 1 },
  },
  attachment: { table: attachments, quota: {}, adopted: 'by mark' },
  interface: { table: interfaces, quota: {}, adopted: null },
} as const satisfies Record<Kind, KindFacts>

type Facts = typeof kindFacts
type KindThat<Fact> = { [K in Kind]: Facts[K] extends Fact ? K : never }[Kind]

/** Kinds whose removed rows stay. */
export type Tombstoned = KindThat<{ tombstoned: true }>
/** Kinds that an operator may adopt. */
export type AdoptableKind = KindThat<{ adopted: { turn: number } }>
/** Kinds whose objects can become rows, be it by our mark alone. */
export type ReadableKind = KindThat<{ adopted: object | string }>

/** The facts of one kind. */
export const factsOf = (kind: Kind): KindFacts => kindFacts[kind]

export const KINDS_BY_RANK = Object.keys(kindFacts) as Kind[]

/** The kinds for which something holds, by rank. */
export const kindsThat = (holds: (facts: KindFacts) => boolean): Kind[] =>
  KINDS_BY_RANK.filter((kind) => holds(kindFacts[kind]))
