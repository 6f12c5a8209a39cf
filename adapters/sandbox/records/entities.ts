import type {
  FloatingIpSpec,
  ImageSeen,
  ImageSpec,
  KeypairSpec,
  Kind,
  Mark,
  NativeId,
  NetworkSpec,
  ObjectKind,
  PortSpec,
  RouterSpec,
  SecurityGroupSpec,
  ServerGroupSpec,
  ServerSpec,
  SnapshotSpec,
  SubnetSpec,
  VolumeSpec,
} from '../../contract.ts'

/** Kinds that have a record of their own; attachments and interfaces are holds on a volume or port. */
export type Stored = ObjectKind

/** What is remembered of every object. States that take time are never written: they follow from these times. */
export interface Base<K extends Kind = Kind> {
  kind: K
  id: NativeId
  name: string
  mark: Mark | null
  /** Digest of the specification at creation: a token stands for one request only. */
  asked: string
  zone: string | null
  createdAt: number
  readyAt: number
  /** Why it fails at `readyAt`; null: it becomes ready. */
  fault: string | null
  /** When its removal is complete; null: nobody asked. */
  goneAt: number | null
}

/** A server's hold on a port or volume. It lives in the record of what is held, so that one write decides who has it. */
export interface Hold {
  server: NativeId
  at: number
  readyAt: number
  goneAt: number | null
  /** Null: the server was built with it. */
  mark: Mark | null
  device: string | null
}

export interface Entities {
  network: Base<'network'> & { spec: NetworkSpec }
  subnet: Base<'subnet'> & { spec: SubnetSpec }
  router: Base<'router'> & { spec: RouterSpec }
  security_group: Base<'security_group'> & { spec: SecurityGroupSpec }
  port: Base<'port'> & { spec: PortSpec; hold: Hold | null }
  keypair: Base<'keypair'> & { spec: KeypairSpec; fingerprint: string }
  floating_ip: Base<'floating_ip'> & { spec: FloatingIpSpec; address: string }
  volume: Base<'volume'> & { spec: VolumeSpec; type: string; hold: Hold | null }
  snapshot: Base<'snapshot'> & { spec: SnapshotSpec; sizeGiB: number }
  image: Base<'image'> & {
    spec: ImageSpec | null
    /** Of the data that it was made of; null: it was made of a server, or is of the catalogue. */
    sha256: string | null
  } & Pick<ImageSeen, 'arch' | 'minDiskGiB' | 'sizeBytes' | 'os'>
  server_group: Base<'server_group'> & { spec: ServerGroupSpec }
  server: Base<'server'> & {
    /** Without its user data. */
    spec: ServerSpec
    /** What the guest found at its first start. */
    guest?: { userDataBytes: number; authorized: string | null; drive?: { path: string; bytes: number }[] }
    /** Where the power is heading, reached at `powerAt`. */
    power: 'running' | 'stopped' | 'paused' | 'suspended'
    powerAt: number
    /** When the guest last began to boot, and when it went off. */
    bootAt: number
    offAt: number | null
    size: string
    /** Empty: it boots from a volume. */
    image: NativeId
    metadata: Record<string, string>
    /** Why the cloud took it back, at `goneAt`; absent: it did not. */
    reclaimed?: string
    /** Since when, in milliseconds since 1970, it is said that the cloud takes it back soon; absent: it is not. */
    announcedAt?: number
    /** Token of the latest rebuild. */
    rebuilt: string | null
    /** Token of the rescue that it is in, and the image from which it runs; absent: it runs from its own disk. */
    rescued?: { token: string; image: NativeId }
    /** It takes no room, and does not run. */
    shelved?: true
    host: string
    /** Whatever was ever plugged in, in order; the hold says what still is. */
    ports: NativeId[]
    volumes: { id: NativeId; device: string }[]
  }
}
export type Entity = Entities[Stored]

/** Reads one object, wherever from. */
export type Lookup = <K extends Stored>(kind: K, id: NativeId) => Promise<Entities[K] | null>

/** Whether the object is there at all, even if it is on its way out. */
export const exists = (entity: Base | null, now: number): boolean =>
  entity !== null && (entity.goneAt === null || entity.goneAt > now)
