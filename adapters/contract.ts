/**
 * What a cloud must and may do. An adapter is one folder that exports an `Adapter`; `adapters/README.md` walks
 * through writing one. Nine promises bind every implementation:
 *
 * 1. Nothing blocks: a call answers with what it sees, or with a `Task` that another isolate can poll hours later.
 * 2. Everything may be repeated: the same token gives the same object; removing what is absent is success.
 * 3. `find(mark)` exists for every kind that can be created: the broker asks it before any retry.
 * 4. The mark travels in the create call itself. Nothing without our mark is ever changed or removed.
 * 5. A listing says whether it is `complete`. Native ids are opaque outside the adapter.
 * 6. What a cloud can do is a member that is there; why it cannot is a sentence in `lacks`, and how much it takes `limits`.
 * 7. Sizes come as offers, all of them, always from the cloud.
 * 8. Every error is a `CloudError`; the table from SDK errors to codes is in one file.
 * 9. Transport, clock, store and cache are handed in: no globals, so one program runs everywhere.
 */

import type { Change, CheckReport, HeldRange, Offer, PartPrice, Price, VolumeType, Zone } from './facts.ts'
import type { Limits } from './limits.ts'
import { type Json, KINDS, type Mark, type NativeId, type Seen } from './objects.ts'
import type {
  AttachmentSeen,
  AttachmentSpec,
  Diagnostics,
  FloatingIpSeen,
  FloatingIpSpec,
  ImageSeen,
  ImageSpec,
  InterfaceSpec,
  KeypairSpec,
  NetworkSeen,
  NetworkSpec,
  PortSeen,
  PortSpec,
  RouterSpec,
  SecurityGroupSpec,
  ServerGroupSpec,
  ServerSeen,
  ServerSpec,
  Size,
  SnapshotSeen,
  SnapshotSpec,
  SubnetSpec,
  VolumeSeen,
  VolumeSpec,
} from './specs.ts'
import type { Connection, Line, Surroundings } from './surroundings.ts'

export type * from './facts.ts'
export * from './limits.ts'
export * from './objects.ts'
export type * from './specs.ts'
export type * from './surroundings.ts'

/** A long operation that the cloud runs for us: plain JSON, stored in the binding, polled by any process. */
export interface Task {
  task: Json
  /** When it is worth asking again, in milliseconds from now. */
  pollAfterMs?: number
  /** How much of it is done, 0 to 1, where that can be told. */
  share?: number
}
export type Outcome<S> = S | Task

/** Whether the cloud still works on it, so that there is no object to look at yet. */
export const isTask = <S extends object>(outcome: Outcome<S>): outcome is Task => 'task' in outcome

export interface Page<S> {
  items: S[]
  /** Opaque; absent on the last page. */
  next?: string
  /** False: something may be missing, so nothing may be concluded from an absence. */
  complete: boolean
  /** When the cloud was looked at, if that may have been before this was asked for: what was made later is not judged by it. */
  seenAt?: number
}

/** An object in the words of a specification, whoever made it: what `create` would have been asked for. */
export interface Reading<Spec> {
  spec: Spec
  /** What the spec cannot say and an update with it would take away, a sentence each. None: it can be managed by it. */
  lost: string[]
  /** What the spec cannot say and an update with it leaves as it is, a sentence each. */
  left: string[]
  /** Other objects that the cloud removes together with this one. */
  owns: NativeId[]
}
/** A reading of which nothing is lost, left or owned, unless `more` says so. */
export const reading = <Spec>(spec: Spec, more: Partial<Omit<Reading<Spec>, 'spec'>> = {}): Reading<Spec> => ({
  spec,
  lost: [],
  left: [],
  owns: [],
  ...more,
})

/** One kind of object on one cloud. `Spec` is plain JSON: it is frozen in the binding before the first call. */
export interface Realm<Spec, S extends Seen = Seen> {
  /**
   * How a repeated create avoids a second object: `token` (the cloud deduplicates), `unique` (a name or UUID that we
   * choose collides) or `none` (the broker looks up twice, `settleMs` apart, before it asks again).
   */
  readonly once: 'token' | 'unique' | 'none'
  /** How long a fresh object may stay invisible to `find` and `list`, in milliseconds. */
  readonly settleMs: number
  /** Its things are records of ours beside the cloud: that they are shown does not tell whether the cloud answers. */
  readonly recorded?: true
  /**
   * Creates, or gives back what an earlier call with this mark's token made. Where that takes several calls, the object
   * may come back unfinished: an `update` with the full spec always follows, and raises what stays wrong.
   */
  create(spec: Spec, mark: Mark): Promise<Outcome<S>>
  /** The object that carries this mark's token, or null if the cloud shows none. */
  find(mark: Mark, spec: Spec): Promise<S | null>
  /** Null: the cloud says that there is no such object. */
  get(id: NativeId): Promise<S | null>
  /**
   * Everything visible to the connection, ours or not.
   * @param since what the cloud was seen to have at this time or later is fresh enough, in milliseconds since 1970: listings
   *   of several kinds may share one look, and say so in `seenAt`. Absent: the cloud is looked at now.
   */
  list(cursor?: string, since?: number): Promise<Page<S>>
  /** Asks after a task that `create` or `update` handed out. */
  poll?(task: Json): Promise<Outcome<S>>
  /** Makes a ready object match `spec` by difference; safe to repeat. Absent: the kind cannot be changed in place. */
  update?(id: NativeId, spec: Spec): Promise<Outcome<S>>
  /** Starts the removal; absent is success. Throws `conflict` while something still uses the object. */
  remove(id: NativeId, mark: Mark): Promise<void>
  /**
   * The spec that stands for the object as it is now, ours or not; null if it is absent. Changes nothing. Throws
   * `definitive` where no spec does. Absent: objects of this kind cannot be adopted.
   */
  read?(id: NativeId): Promise<Reading<Spec> | null>
  /**
   * Puts our mark on an object that has none, or (null) takes ours off: the one call that changes what is not ours, and
   * it changes nothing else. Repeating it does nothing; another mark than the one given is refused. Absent: the kind
   * carries no mark of its own.
   */
  mark?(id: NativeId, mark: Mark | null): Promise<void>
}

/* ---------------------------------------------------------------- servers do more than exist */

/** `done`: the wish is fulfilled as of now; `going`: ask again, the call may be repeated. */
export type Progress = 'done' | 'going'

/** A way to a server's screen and keyboard, in Nova's words for protocol and type. */
export interface ConsoleType {
  protocol: 'vnc' | 'spice' | 'serial' | 'mks'
  type: 'novnc' | 'spice-html5' | 'serial' | 'webmks'
}

/** Consoles that a browser opens at the cloud itself. */
export interface HandedOut {
  types: ConsoleType[]
  /** A URL that opens the console once and soon. */
  open(id: NativeId, type: ConsoleType): Promise<string>
}

/** Consoles that no browser reaches: the broker brings their bytes to it. */
export interface Brought {
  types: ConsoleType[]
  /** Throws what `connect` would throw by what is known without connecting, so that nobody is handed a URL in vain. */
  admit(id: NativeId, type: ConsoleType): Promise<void>
  /**
   * The console, for whoever holds the line: who comes asks for no password of the cloud's. It is open until either side
   * closes it, or the signal aborts. @throws `conflict` while there is none, because the server is off
   */
  connect(id: NativeId, type: ConsoleType, limit: AbortSignal): Promise<Line>
}

/** Whether the broker brings such consoles to browsers. */
export const isBrought = (consoles: HandedOut | Brought): consoles is Brought => 'connect' in consoles

/** What a guest reads at its first start. */
export type Seed = Pick<ServerSpec, 'publicKey' | 'userData' | 'drive'>

export interface ServerRealm extends Realm<ServerSpec, ServerSeen> {
  /** `create` keeps what `spec.group` says, without an object for the group. */
  readonly groups?: true
  /** `create` takes `spec.fork`: the new server goes on from the memory and disks of one that runs. */
  readonly forks?: true
  start(id: NativeId): Promise<void>
  stop(id: NativeId): Promise<void>
  /** The one call that is not idempotent: the broker repeats it only after an ambiguous answer. It is always hard where there is `restart`. */
  reboot(id: NativeId, hard: boolean): Promise<void>
  /**
   * Takes one step towards having been started anew: its guest is asked to shut down, and has so long, then its power is cut. Repeated
   * until `done`; `token` tells one restart from the next. Absent: the cloud itself sees to it that a soft reboot comes to an end.
   */
  restart?(id: NativeId, token: string): Promise<Progress>
  /** Takes one step towards `size` with the power that is wanted at the end; repeated until `done`. */
  resize?(id: NativeId, size: Size, power: 'running' | 'stopped'): Promise<Progress>
  /**
   * Takes one step towards a fresh root disk from `image`; `token` tells one rebuild from the next. `seed` is given where it
   * `reseeds`, and the guest is to find another one than before.
   */
  rebuild?(id: NativeId, image: NativeId, token: string, seed?: Seed): Promise<Progress>
  /** `rebuild` takes a seed: absent, a guest finds what it found at its very first start. */
  readonly reseeds?: true
  /**
   * Takes one step towards booting from `volume` in place of the one that it boots from, with the power that is wanted at the
   * end; repeated until `done`. The other one is free then, and stays.
   */
  bootFrom?(id: NativeId, volume: NativeId, power: 'running' | 'stopped'): Promise<Progress>
  /**
   * Takes one step towards running from a fresh disk of `image`, with the one that it boots from as its second; repeated until
   * `done`. It is seen as `rescued` from then on. `token` tells one rescue from the next.
   */
  rescue?(id: NativeId, image: NativeId, token: string): Promise<Progress>
  /** Takes one step towards running from its own disk again, with the other one gone; repeated until `done`. */
  unrescue?(id: NativeId): Promise<Progress>
  /**
   * Takes one step towards off, with all the room given back that it takes while it runs; repeated until `done`. Its disks and
   * ports stay its own.
   */
  shelve?(id: NativeId): Promise<Progress>
  /** Takes one step towards running again; repeated until `done`. Like `start`, it throws `capacity` where there is no room by now. */
  unshelve?(id: NativeId): Promise<Progress>
  pause?(id: NativeId): Promise<void>
  unpause?(id: NativeId): Promise<void>
  suspend?(id: NativeId): Promise<void>
  resume?(id: NativeId): Promise<void>
  /** Sets the password of the guest's administrator at once: it is kept nowhere. Throws `conflict` while nothing in the guest hears. */
  changePassword?(id: NativeId, password: string): Promise<void>
  /** What its machine has used since its power went on. Throws `conflict` while that is off. */
  diagnose?(id: NativeId): Promise<Diagnostics>
  /** Console text, oldest first. */
  consoleLog?(id: NativeId): Promise<string>
  /** Its screen, and what it says on a serial port, for people, in one of the ways that the cloud has. */
  remoteConsole?: HandedOut | Brought
  /**
   * Takes the next step of a creation that is more than one call, while the server is seen `unfinished`. What is to be done
   * is told by the cloud alone, so that any process goes on with it; safe to repeat.
   */
  finish?(id: NativeId): Promise<void>
  /** Changes name and metadata where the cloud shows them. */
  describe?(id: NativeId, label: { name: string; metadata: Record<string, string> }): Promise<void>
}

export interface ImageRealm extends Realm<ImageSpec, ImageSeen> {
  /** Images that the cloud's visibility policy offers to every mapped project. */
  catalog(cursor?: string): Promise<Page<ImageSeen>>
}

/* ---------------------------------------------------------------- the cloud */

/** One connection to one cloud as one project. A kind that is absent cannot be made there. */
export interface Cloud {
  /** How it answers, and what may not be done there; `looking`: found out by calls that only read, so of reading alone. */
  check(only?: 'looking'): Promise<CheckReport>
  /**
   * Tells of changes as they happen, whoever makes them, until the signal aborts; throws where it cannot go on. What
   * happened while nobody watched is not told: listings find it.
   */
  watch?(signal: AbortSignal): AsyncIterable<Change[]>
  zones(): Promise<Zone[]>
  offers(): Promise<Offer[]>
  /**
   * What these offers cost, as far as it is known: for what is not here nothing is said, and it is not free. A size is sold
   * as `spot` where that has a price. Absent: nothing is known of prices.
   */
  prices?(offers: Offer[]): Promise<Price[]>
  /** What disks and public addresses cost, as far as it is known: what is not here is not counted, and listed as that. Absent: nothing is known of that. */
  partPrices?(): Promise<PartPrice[]>
  /** All that `VolumeSpec.type` takes, from the cloud or its options. Absent: it has disks of one kind. */
  volumeTypes?(): Promise<VolumeType[]>
  /** Where a guest finds the files of its config drive, if that is in no drive: as shown to users. Absent: in a drive. */
  driveBy?: string
  /** Ranges of addresses to stay away from. Absent: the cloud tells of none. */
  heldRanges?(): Promise<HeldRange[]>
  server: ServerRealm
  image: ImageRealm
  /** Absent: what servers are told of their group is enough, or the cloud keeps none. */
  server_group?: Realm<ServerGroupSpec>
  network?: Realm<NetworkSpec, NetworkSeen>
  subnet?: Realm<SubnetSpec>
  router?: Realm<RouterSpec>
  security_group?: Realm<SecurityGroupSpec>
  port?: Realm<PortSpec, PortSeen>
  keypair?: Realm<KeypairSpec>
  floating_ip?: Realm<FloatingIpSpec, FloatingIpSeen>
  volume?: Realm<VolumeSpec, VolumeSeen>
  snapshot?: Realm<SnapshotSpec, SnapshotSeen>
  attachment?: Realm<AttachmentSpec, AttachmentSeen>
  interface?: Realm<InterfaceSpec>
}

/** Something that an operator wired, on which networks may lie directly: what Neutron calls a physical network. */
export interface Wire {
  name: string
  /** VLANs that it carries, both ends included; null: it is one network, and that is without a tag. */
  vlans: [lowest: number, highest: number] | null
  /** It carries what goes without a tag, too, or nothing else. */
  flat: boolean
  /** Why no port on it is filtered, a sentence; null: ports on it are filtered as everywhere. */
  whyUnfiltered: string | null
}

/** Every capability by name, so that a client can ask before it tries. */
export const CAPABILITIES = [
  ...KINDS.filter((kind) => kind !== 'server'),
  'network.external',
  'security_group.stateless',
  'port.address_pairs',
  'port.bandwidth',
  'port.dhcp_options',
  'port.readdress',
  'server.resize',
  'server.rebuild',
  'server.reseed',
  'server.pause',
  'server.suspend',
  'server.console_log',
  'server.describe',
  'server.rescue',
  'server.shelve',
  'server.change_password',
  'server.remote_console',
  'server.diagnostics',
  'server.boot_from_volume',
  'server.config_drive',
  'server.fork',
  'server_group.affinity',
  'image.upload',
  'image.volume',
  'volume.type',
  'volume.retype',
  'volume.clone',
  'volume.backup',
] as const
export type Capability = (typeof CAPABILITIES)[number]

/** An option that an operator may set on a cloud of a type. */
export interface AskedOption {
  name: string
  /** What it is where nothing is said. */
  usual: Json
  /** What it must be, as the end of a sentence. */
  want: string
  required: boolean
}

export interface Adapter {
  /** The `type` of a registered cloud, e.g. `aws`. */
  type: string
  runtimes: ('node' | 'workers')[]
  /** How far it was proved: on the real thing, on a simulator, or against a schema only. */
  maturity: 'real' | 'simulator' | 'schema'
  /** Addresses at the head and tail of every subnet that the cloud keeps for itself. */
  reservedAddresses: { head: number; tail: number }
  /** A subnet lives in one zone, so that the servers in it must be there too. Absent: subnets span the cloud. */
  zonalSubnets?: boolean
  /**
   * What the cloud is going to call one more volume in a server that was made here, where others are called `taken`; `wish`: what its
   * user would have it called. Null: it has no more names. Absent: it never says.
   */
  deviceFor?(wish: string | null, taken: string[]): string | null
  /** Wires that the options of a connection name, on which an administrator may make networks. Absent: there are none on such clouds. */
  wires?(options: Connection['options']): Wire[]
  /** Uploaded images that it takes, as `<disk format>/<container format>` in Glance's words, e.g. `vmdk/ova`. */
  imageFormats: string[]
  /** The kind of VMDK that it takes alone, by the name in its descriptor. Absent: any that is one file. */
  vmdkType?: string
  /** What it can take of what it makes: heeded beforehand, so that nothing is promised that never comes. */
  limits: Limits
  /** What a way out by a router asks of the servers behind it, as a sentence for people. Absent: nothing, addresses are translated. */
  wayOut?: string
  /** Why a capability is absent, one sentence each, for people. Every absent one is here. */
  lacks: Partial<Record<Capability, string>>
  /** What is there and was proved less far than `maturity` says, one sentence each, for people. */
  unverified?: Partial<Record<Capability, string>>
  /** Checks endpoint, region, options and credentials at registration; gives the faults as sentences, empty if none. */
  validate(connection: Omit<Connection, 'mapping' | 'deployment' | 'cloudId'>, runtime: 'node' | 'workers'): string[]
  /** What an operator is told at registration, a sentence each; it refuses nothing. */
  advice?(
    connection: Pick<Connection, 'name' | 'endpoint' | 'region' | 'options'>,
    runtime: 'node' | 'workers',
  ): string[]
  /** What `validate` takes: the options with their defaults, and the credentials, some of which may be left out. */
  asks: { options: AskedOption[]; credentials: { name: string; required: boolean }[] }
  /** Two connections with the same account key see the same objects; one listing serves both. */
  account(connection: Connection): string
  connect(connection: Connection, surroundings: Surroundings): Cloud
}
