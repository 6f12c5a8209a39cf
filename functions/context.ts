import type { Blobs, Store } from '../adapters/contract.ts'
import type { Database } from '../db/client.ts'
import type { Scope } from '../db/scope.ts'

/** What an operator sets; the same on both runtimes. */
export interface Settings {
  region: string
  /** Origin that clients see, without a trailing slash; null: the origin of each request. */
  publicUrl: string | null
  /** 32 bytes from which the keys for tokens and credentials are derived; the first seals, all open. */
  secretKeys: Uint8Array[]
  /** How long a token lives, in seconds. */
  tokenLifetime: number
  /** How long the work that an answer leaves behind stays with its resource, in milliseconds; 0: one look. */
  lingerMs: number
  runtime: 'node' | 'workers'
}

export type Level = 'debug' | 'info' | 'warn' | 'error'
export type Log = (level: Level, message: string, fields?: Record<string, unknown>) => void

/** Where uploaded data is kept. A write that fails leaves nothing; removing what is absent is success. */
export interface BlobStore extends Blobs {
  write(key: string, data: ReadableStream<Uint8Array>): Promise<void>
  remove(key: string): Promise<void>
}

/** What the world outside provides: everything that a test replaces. */
export interface Host {
  db: Database
  /** The database below drizzle, for counting and raw batches. */
  d1: D1Database
  /** State of embedded clouds, apart from the broker's tables. */
  cloudState: Store
  /** Image data that users uploaded; null: there is no place for any. */
  blobs: BlobStore | null
  fetch: typeof fetch
  /** Milliseconds since 1970. */
  now(): number
  sleep(ms: number): Promise<void>
  newId(): string
  log: Log
  /** Work that outlives the answer: `waitUntil` on Workers, a tracked promise on Node. */
  defer(work: () => Promise<unknown>): void
  /** Hands accounts to be swept to whoever is free; absent: this process sweeps them itself. */
  spread?: (accounts: string[]) => Promise<void>
  settings: Settings
  deployment: Deployment
}

/** Who we are, read from the database once per process. */
export interface Deployment {
  id: string
}

export type { Database }

export const ROLES = ['reader', 'member', 'manager', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Who asks: what a verified token says. */
export interface Caller {
  userId: string
  userName: string
  userDomainId: string
  /** Empty for an unscoped token. */
  projectId: string
  projectName: string
  projectDomainId: string
  roles: string[]
  isAdmin: boolean
  auditId: string
  /** Milliseconds since 1970. */
  issuedAt: number
  expiresAt: number
  userEpoch: number
  projectEpoch: number
}

/** What broker functions are handed: the host, and who it is for. */
export interface Context extends Host {
  /** `req-<uuid>`; the cron has one per run. */
  requestId: string
  caller: Caller | null
  /** Rows that may be read and written. */
  scope: Scope
  /** The request carries a key of its own. Its first batch of writes takes the key; a repetition (`replay`) writes nothing. */
  once?: { key: string; bodyHash: string; seed: string; written: boolean; replay: boolean }
}
