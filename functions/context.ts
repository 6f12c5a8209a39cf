import type { BatchItem } from 'drizzle-orm/batch'
import type { Blobs, Line, LineTo, Store } from '../adapters/contract.ts'
import type { Database } from '../db/client.ts'
import type { AccessRule } from '../db/queries/identity/application-credentials.ts'
import type { Ref } from '../db/queries/line/bindings.ts'
import type { Scope } from '../db/scope.ts'
import type { KnownPasswords, Remembered } from './auth/known-passwords.ts'
import type { PasswordHashes } from './auth/password.ts'
import type { ImportPool } from './broker/imports/pool.ts'
import type { Instruments } from './instruments/told.ts'
import type { Pages } from './pages/answer.ts'

/** What an operator sets; the same on both runtimes. */
export interface Settings {
  region: string
  /** Origin that clients see, without a trailing slash; null: the origin of each request. */
  publicUrl: string | null
  /** Names and addresses that requests may be for, `*.` in front for all below a name; null: any. */
  allowedHosts: string[] | null
  /** 32 bytes from which the keys for tokens and credentials are derived; the first seals, all open. */
  secretKeys: Uint8Array[]
  /** How long a token lives, in seconds. */
  tokenLifetime: number
  /** How long the work that an answer leaves behind stays with its resource, in milliseconds; 0: one look. */
  lingerMs: number
  /** The largest image that is taken, in bytes. */
  imageSizeCap: number
  /** Whether data has to be what its image says that it is. */
  imageFormatsChecked: boolean
  /** How much converted image data is kept, in bytes, apart from what is on its way to a cloud. */
  convertedBytes: number
  /** The largest disk that is converted, in bytes. */
  convertedDiskBytes: number
  /** Addresses and networks whose forwarding headers say where a request came from. */
  trustedProxies: string[]
  /** Requests a minute that one source, and one user, may make of a process; 0: no limit. */
  requestsPerSource: number
  requestsPerUser: number
  /** Of whom a password that was right is known for minutes. */
  rememberPasswords: Remembered
  passwords: PasswordRules
  /** Where identity providers are that users come from, and how they are spoken with. */
  oidc: OidcProvider[]
  /** Names and addresses within private networks, where providers may be, by https or http. */
  oidcHosts: string[]
  /** Addresses of dashboards that are told tokens of browsers, word for word. */
  trustedDashboards: string[]
  /** Names and addresses within private networks that webhooks may be sent to. */
  webhookHosts: string[]
  /** The same for addresses that images are fetched from. */
  importHosts: string[]
  homecoming: Homecoming
  /** How long it can be asked what something cost, in milliseconds. */
  costsKeptMs: number
  /** Who may read what is measured, beside administrators of the API: nobody, this machine, or whoever has the token. */
  metrics: 'off' | 'loopback' | { token: string }
  runtime: 'node' | 'workers'
}

/** A provider of OpenID Connect, as its operator says it. */
export interface OidcProvider {
  /** The identity provider of the API that it is. */
  idp: string
  /** As its tokens say it. */
  issuer: string
  /** For whom an access token has to be: one of these. */
  audience: string[]
  /** By which this broker is known to it, for logins of browsers and for tokens that it has to be asked about. */
  clientId?: string | undefined
  clientSecret?: string | undefined
  /** What browsers ask it for. */
  scope: string
}

/** What passwords have to be, besides right. */
interface PasswordRules {
  /** So many of a user in a row have to differ, the new one included; 0: none. */
  unique: number
  /** So long a user keeps one that he chose, in days; 0: as long as he likes. */
  minimumAgeDays: number
  /** After so many days one lets nobody in before it is changed; 0: it never ends. */
  expireDays: number
  /** One that an administrator set has to be changed before it lets anybody in. */
  changeFirst: boolean
}

/** How servers come home that may: all in milliseconds. */
interface Homecoming {
  /** So long home has to be below its mark before. */
  afterMs: number
  /** So long the new machine may take until its guest says that it is ready. */
  readyMs: number
  /** So long the old one has for its shutdown. */
  graceMs: number
  /** So long a server is left alone that could not come home. */
  againMs: number
}

export type Level = 'debug' | 'info' | 'warn' | 'error'
export type Log = (level: Level, message: string, fields?: Record<string, unknown>) => void

/** Where uploaded data is kept, under keys of letters, digits, dots and dashes. */
export interface BlobStore extends Blobs {
  /** All of it or, when it fails, nothing that counts. */
  write(key: string, data: ReadableStream<Uint8Array>): Promise<void>
  /** Removing what is absent is success. */
  remove(key: string): Promise<void>
  /** One page in the order of keys, after the key `after`, with what writes that broke off left behind. */
  list(after?: string): Promise<{ blobs: KeptBlob[]; next?: string }>
}
export interface KeptBlob {
  key: string
  /** When something was last written to it, in milliseconds since 1970. */
  writtenAt: number
}

/** Data of an image that a cloud takes in another format only. Formats are `<disk format>/<container format>`. */
export interface ConversionJob {
  /** The project whose image it is: they take turns. */
  project: string
  /** The key of what was uploaded. */
  blob: string
  sizeBytes: number
  from: string
  to: string
}
/** Data that was made of other data, for `Blobs` to read. */
interface Converted {
  key: string
  sizeBytes: number
}

/** Makes image data of one format data of another. */
export interface Conversion extends Blobs {
  reads: readonly string[]
  /** The first choice first. */
  writes: readonly string[]
  /** By what, for people. */
  tool: string
  /** Whether a key is of data that was made here. */
  has(key: string): boolean
  /**
   * What was made, or null while it is being made: it begins with the first call, once however many ask, and nobody waits.
   * @throws CloudError why it cannot be made; the next call tries again
   */
  make(job: ConversionJob): Promise<Converted | null>
  /** How much is done, 0 to 1; null: it is not under way, or does not say. */
  share(job: ConversionJob): number | null
  /** Drops what was made of blobs that are not among these. */
  keep(used: (blobs: string[]) => Promise<Set<string>>): Promise<void>
}

/** Whom a connection believes in place of the public authorities: one of both is set. */
export interface Trust {
  /** Certificates of authorities, PEM. */
  ca: string | null
  /** SHA-256 of the one certificate, 64 lower-case hexadecimal digits. */
  fingerprint: string | null
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
  /** Makes images of other formats of them; `lacking`: why nothing is converted here, a sentence. */
  conversion: Conversion | { lacking: string }
  fetch: typeof fetch
  /**
   * A `fetch` that reaches no address that is refused, whatever a name leads to when the connection is made, and believes
   * somebody of its own, or with null the public authorities. Nothing of a request is sent before the certificate was
   * looked at. Absent: this runtime has none.
   */
  trusting?: (trust: Trust | null, refused: (address: string) => boolean) => typeof fetch
  /** The same for a line of bytes. Absent: this runtime has none. */
  dial?: (to: LineTo, trust: Trust | null, refused: (address: string) => boolean) => Promise<Line>
  /** The files of the console. Absent: it was not built. */
  pages?: Pages
  /** The page by which a browser shows a screen, in files. Absent: this runtime brings no consoles to browsers. */
  consolePage?: (name: string) => Promise<{ type: string; bytes: Uint8Array<ArrayBuffer> } | null>
  /** Milliseconds since 1970. */
  now(): number
  sleep(ms: number): Promise<void>
  newId(): string
  log: Log
  /** Work that outlives the answer: `waitUntil` on Workers, a tracked promise on Node. */
  defer(work: () => Promise<unknown>): void
  /**
   * The engine: makes the cloud match the intent of one resource, once. Handed in, so that what writes an intent does not
   * know what fulfils it.
   */
  converge(context: Context, ref: Ref): Promise<void>
  /** After that: stays with the resource while more of its work is due within `settings.lingerMs`. */
  attend(context: Context, ref: Ref): Promise<void>
  /** Sends webhooks what is due, if there are any. Handed in, so that what is told of does not know who is told. */
  deliver(context: Context): Promise<void>
  /**
   * Calls back whenever this process told a project something, once that is committed, until what it gives is called. Absent: nobody
   * here knows, because others write to the database too.
   */
  onTold?: (projectId: string, heard: () => void) => () => void
  /** Hands accounts to be swept to a process that is free; absent: this process sweeps them itself. */
  spread?: (accounts: string[]) => Promise<void>
  /** Whether the process is about to end and should be sent nothing more. Absent: it is not told. */
  ending?(): boolean
  /** Since when this process alone works on the database, in milliseconds since 1970. Absent: others may. */
  aloneSince?: number
  /** Who is told what this process does, as it does it. Absent: nobody. */
  instruments?: Instruments
  /** What this process has counted, as Prometheus reads it. Absent: nothing is counted. */
  counted?: () => Promise<string>
  /** What this process fetches for images. */
  importPool: ImportPool
  settings: Settings
  /** The only way to make or compare a hash of a password. */
  hashes: PasswordHashes
  /** The same for secrets of application credentials. */
  secretHashes: PasswordHashes
  /** What this process knows of passwords that were right lately. */
  knownPasswords: KnownPasswords
  deployment: Deployment
}

/** Who we are, read from the database once per process. */
export interface Deployment {
  id: string
}

export type { Arrival, CloudCall } from './instruments/told.ts'
export type { Database }

const ROLES = ['reader', 'member', 'manager', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Who asks: what a verified token says. */
export interface Caller {
  userId: string
  userName: string
  userDomainId: string
  /** Empty for a token that is for no project. */
  projectId: string
  projectName: string
  projectDomainId: string
  /** What the token is for in place of a project: a domain, or the system. */
  domain?: { id: string; name: string; epoch: number }
  system?: true
  roles: string[]
  /** Of everything: who is an administrator of a domain is none. */
  isAdmin: boolean
  auditId: string
  /** Milliseconds since 1970. */
  issuedAt: number
  expiresAt: number
  userEpoch: number
  projectEpoch: number
  /** By which the token was got; absent: another way. */
  credential?: TokenCredential
  /** By which the token was got; absent: by no trust. */
  trust?: TokenTrust
  /** What a user gave a program, by which the token was got; absent: another way. */
  oauth?: { id: string; consumerId: string }
  /** Who said who the user is, by which protocol; absent: nobody but this broker. */
  federation?: { idpId: string; protocolId: string }
  /** What alone the token may be used for; absent: whatever its roles allow. */
  accessRules?: AccessRule[]
}

/** What a token says of the trust by which it was got. */
export interface TokenTrust {
  id: string
  /** Whose roles it has. */
  trustorId: string
  /** Who got it. */
  trusteeId: string
  /** Whether the one is taken for the other. */
  impersonation: boolean
  /** That of the one of the two who the token's user is not: what ends his tokens ends this one. */
  otherEpoch: number
}

/** What a token says of the application credential by which it was got. */
export interface TokenCredential {
  id: string
  name: string
  /** It may make and remove application credentials. */
  unrestricted: boolean
  /** It has access rules. They never change, and are not in the token because there may be many. */
  ruled: boolean
}

/** What broker functions are handed: the host, and who it is for. */
/** The look at the caller's token with which a change begins, to be taken along by the first reads (`functions/auth/look.ts`). */
export interface Look {
  pending: boolean
  statement(db: Database): BatchItem<'sqlite'>
  settle(rows: { left: string | null }[]): void
  settled(db: Database): Promise<void>
}

export interface Context extends Host {
  /** `req-<uuid>`; the cron has one per run. */
  requestId: string
  /** What the client calls the operation that its request is part of; absent or null: it does not say. */
  globalRequestId?: string | null
  caller: Caller | null
  /** The address that the request came from, as limits count it; absent: there was no request. */
  source?: string
  /** Rows that may be read and written. */
  scope: Scope
  /** Absent: the token has been looked at. */
  look?: Look
  once?: Once
  /** What the request makes every batch of its own depend on, e.g. the revision that it knows of a resource. */
  conditions?: Condition[]
}

/** A statement that undoes its batch where it does not hold. */
type Condition = BatchItem<'sqlite'>

/** The request carries a key of its own. Its first batch of writes takes the key; a repetition (`replay`) writes nothing. */
interface Once {
  key: string
  bodyHash: string
  /** What all ids of the request follow from. */
  seed: string
  written: boolean
  replay: boolean
  /** Ids for what is no part of the request. */
  otherId(): string
}
