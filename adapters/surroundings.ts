/** What an adapter is handed: the connection that it serves, and all that it may touch besides its arguments. */
import type { Json } from './objects.ts'

/** What an adapter keeps between calls, e.g. the embedded cloud's whole state. Versions make updates safe. */
export interface Store {
  get(key: string): Promise<{ value: Json; version: number } | null>
  /** Writes if the version is still `expected` (0: the key is absent); false if somebody was faster. */
  put(key: string, value: Json, expected: number): Promise<boolean>
  /** With `expected` only if the version is still that one; false if it was not, or the key was absent. */
  delete(key: string, expected?: number): Promise<boolean>
  /** In key order, `limit` at most, after the key `after`. */
  list(prefix: string, limit: number, after?: string): Promise<{ key: string; value: Json; version: number }[]>
}

/** Data that was uploaded to the broker, read as a stream of the whole or of a range in bytes. */
export interface Blobs {
  read(key: string, range?: { offset: number; length: number }): Promise<ReadableStream<Uint8Array>>
  /** Ranges in bytes, in their order, outside of which there are zeros; null or absent: nobody knows. */
  extents?(key: string): Promise<{ offset: number; length: number }[] | null>
}

/** Where a line leads: a socket of this machine, a port of a host, with TLS or without, or what is behind the SSH server of one. */
export type LineTo =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; host: string; port: number }
  /** `certificate` and `key`, PEM, are the client's own; null: the host asks for none. */
  | { kind: 'tls'; host: string; port: number; client: { certificate: string; key: string } | null }
  | ({ kind: 'ssh'; behind: Behind[] } & SshServer)

/** Who is logged in to as whom; lines to one share a connection. */
export interface SshServer {
  host: string
  port: number
  user: string
  /** The private key that logs in, as `ssh-keygen` writes it, and what opens it. */
  key: { text: string; passphrase: string | null } | null
  /** Those by which the host is known; without one it is not logged in to. */
  hostKeys: HostKey[]
  /** For somebody who stays: by another connection, so that those who come and go always find room on theirs. */
  lasting?: boolean
}

/** A public key of an SSH server: its SHA-256 in base64, and its type where that is known. */
export interface HostKey {
  fingerprint: string
  type: string | null
}

/** What a host reaches for us: a socket of its own, a port of its loopback, or what a command says. The first that opens is taken. */
export type Behind =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; port: number }
  | { kind: 'command'; command: string }

/** Bytes in both directions, for clouds that do not speak HTTP. */
export interface Line {
  /** Whatever was sent before goes first. */
  send(bytes: Uint8Array): void
  /** Comes once there is room for more: who sends what a stranger sends waits for it. Absent: there always is. */
  drained?(): Promise<void>
  /** What came since; null: nothing will come any more. Rejects where the line broke. */
  receive(): Promise<Uint8Array | null>
  close(): void
}

/** Everything an adapter may touch besides its arguments. */
export interface Surroundings {
  fetch: typeof fetch
  /** Opens a line, as far as the cloud's own endpoint may be reached. Absent: this runtime has none. */
  dial?(to: LineTo): Promise<Line>
  blobs: Blobs
  /** Milliseconds since 1970. */
  now(): number
  sleep(ms: number): Promise<void>
  store: Store
  /** Process-local, may vanish at any time: sessions, type catalogues. */
  cache: Map<string, { value: unknown; until: number }>
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void
  /** A call that has not answered within this many milliseconds is ambiguous. */
  timeoutMs: number
  runtime: 'node' | 'workers'
}

/** A configured cloud with its secrets opened, seen by one project. */
export interface Connection {
  cloudId: string
  name: string
  endpoint: string | null
  region: string | null
  /** Operator's settings; their shape is the adapter's (`Adapter.options`). */
  options: Record<string, Json>
  credentials: Record<string, string>
  /** The project's tenant mapping: account, role_arn, vpc, folder, limits. */
  mapping: Record<string, Json>
  deployment: string
}
