/** What is asked of each kind, and what is seen of it. Plain JSON: requests are frozen in rows. */
import type { PurchaseOption } from './facts.ts'
import type { Json, NativeId, Seen } from './objects.ts'

/* ---------------------------------------------------------------- what is asked of each kind */

export interface NetworkSpec {
  name: string
  /** CIDRs of the subnets known so far; a VPC must be wide enough for them. */
  cidrs: string[]
  /** Its subnets lead outside: public addresses, and those of routers there, are of them. Absent: it is a network of servers. */
  external?: true
}
export interface NetworkSeen extends Seen {
  /** What tells it from others where they share wires, e.g. a VLAN id. Absent: the cloud tells its networks by names alone. */
  segmentationId?: number
}
export interface SubnetSpec {
  name: string
  network: NativeId
  cidr: string
  /** Null: no gateway. */
  gateway: string | null
  zone: string
  dhcp: boolean
  dnsServers: string[]
  /** It lies directly on a wire that the operator names, where others are too: the cloud serves nothing there. Absent: it does not. */
  wire?: {
    /** Of `Adapter.wires`. */
    name: string
    /** The VLAN there; null: what goes without a tag. */
    vlan: number | null
  }
}
export interface RouterSpec {
  name: string
  /** Whether traffic leaves to the external network. */
  gateway: boolean
  /** An external network of the operator's own by which it leaves, and the router's addresses there. Absent: the cloud's way out. */
  outside?: { network: NativeId; addresses: { subnet: NativeId; address: string }[] }
  interfaces: { network: NativeId; subnet: NativeId }[]
  routes: { destination: string; nexthop: string }[]
}
export interface SecurityRule {
  direction: 'ingress' | 'egress'
  family: 4 | 6
  /** IP protocol name or number as text; null: any. */
  protocol: string | null
  /** For TCP and UDP a port range; for ICMP type and code. Null: any. */
  min: number | null
  max: number | null
  /** The peer: a CIDR, another group on the same network, or (both null) anyone of the family. */
  cidr: string | null
  group: NativeId | 'self' | null
  description?: string
}
export interface SecurityGroupSpec {
  name: string
  description: string
  network: NativeId
  /** Exactly what is allowed; everything else is refused in both directions. Empty at creation. */
  rules: SecurityRule[]
  /** What answers something that was let through is let through by a rule of its own only. Absent: it is let through with that. */
  stateless?: true
}
/** What a port may speak with beside its own addresses. */
export interface AddressPair {
  /** An address, or a block as `10.0.0.0/24`. */
  address: string
  /** Null: the port's own MAC address. */
  mac: string | null
}
/** The most that passes a port. */
export interface BandwidthLimit {
  /** As whoever has the port sees it: `egress` is what is sent. */
  direction: 'egress' | 'ingress'
  /** Kilobits, of 1,000 bits, a second. */
  kbps: number
  /** Kilobits that may go at once beyond that; 0: as the cloud has it. */
  burstKbits: number
}
export interface PortSpec {
  name: string
  network: NativeId
  addresses: { subnet: NativeId; address: string }[]
  /** A wish: some clouds choose their own, which `PortSeen` reports. */
  mac: string
  securityGroups: NativeId[]
  portSecurity: boolean
  /** Absent: none. Without port security there are none either: nothing is looked at. */
  addressPairs?: AddressPair[]
  /** What its guest is told by DHCP beside the usual, by the names of options that dnsmasq has. Absent: nothing. */
  dhcpOptions?: { name: string; value: string; family: 4 | 6 }[]
  /** One of a direction at most. Absent: there is no limit. */
  bandwidth?: BandwidthLimit[]
}
export interface KeypairSpec {
  /** Carries the fingerprint, so that a name never means another key. */
  name: string
  /** What its user calls it. */
  label: string
  publicKey: string
}
export interface FloatingIpSpec {
  /** Port and fixed address that the public address leads to; null: none. */
  target: { port: NativeId; address: string } | null
  /** An address of an external network of the operator's own. Absent: one that the cloud chooses of what it has. */
  from?: { network: NativeId; subnet: NativeId; address: string }
}
export interface VolumeSpec {
  name: string
  sizeGiB: number
  zone: string
  /** The cloud's own volume type; null: the connection's default. */
  type: string | null
  source: { kind: 'snapshot' | 'image' | 'volume'; id: NativeId } | null
}
export interface SnapshotSpec {
  name: string
  description: string
  volume: NativeId
}
/** Data that was uploaded to the broker, for a cloud to make an image of. */
export interface ImageData {
  /** The key of `Surroundings.blobs`. */
  blob: string
  /** One of the adapter's `imageFormats`. */
  format: string
  sizeBytes: number
  arch: 'x86_64' | 'aarch64'
  os: 'linux' | 'windows'
  minDiskGiB: number
}
export interface ImageSpec {
  name: string
  /** What it is made of, a volume as it is now or data; null: it is there, and nobody knows any more. */
  source: { kind: 'server'; id: NativeId } | VolumeSource | ({ kind: 'data' } & ImageData) | null
}
/** A volume that an image is made of, with what nothing on the cloud may tell. */
interface VolumeSource {
  kind: 'volume'
  id: NativeId
  arch: 'x86_64' | 'aarch64'
}
export interface Size {
  /** The cloud's own name of the size, from its offers. */
  native: string
  vcpus: number
  ramMiB: number
  /** Root disk; 0: as large as the image asks. */
  diskGiB: number
}
/** A volume that a server boots from: it stays a volume of its own, in the server and after it. */
interface BootVolume {
  volume: NativeId
  arch: 'x86_64' | 'aarch64'
}
/** What a group of servers keeps; the soft ones as far as it can be. */
export type GroupPolicy = 'affinity' | 'anti-affinity' | 'soft-affinity' | 'soft-anti-affinity'
export interface ServerGroupSpec {
  name: string
  policy: GroupPolicy
  /** Of anti-affinity: so many of its servers may share a host; null: one. */
  mostPerHost: number | null
}
/** The group that a server is in. */
export interface ServerGrouping extends Omit<ServerGroupSpec, 'name'> {
  /** The UUID above the line: the same for all servers of the group. */
  id: string
  /** The group's own object; null where the policy is soft, or the cloud has none. */
  native: NativeId | null
}
/** What a guest reads from its config drive, as OpenStack writes it; user data are the spec's own. */
interface ConfigDrive {
  metaData: Record<string, Json>
  networkData: Record<string, Json>
  vendorData: Record<string, Json>
}
export interface ServerSpec {
  name: string
  size: Size
  /** What its root disk is made of; empty: it boots from a volume, or nobody knows any more. */
  image: NativeId
  /** Absent where an earlier version froze the request: none. */
  boot?: BootVolume | null
  zone: string
  /** In the order in which the guest sees them. */
  ports: NativeId[]
  keypair: NativeId | null
  publicKey: string | null
  /** Base64 as the user sent it. */
  userData: string | null
  metadata: Record<string, string>
  configDrive: boolean
  /** What is on the config drive. Absent where an earlier version froze the request: it has none. */
  drive?: ConfigDrive | null
  /** A running server to go on from, where the cloud `forks`; `image` is then what that one was made of. */
  fork: NativeId | null
  /** Null: it is in none. Absent where an earlier version of this program froze the request. */
  group?: ServerGrouping | null
  /** `spot`: it ends when its cloud takes it back. Absent: on demand. */
  option?: PurchaseOption
  /** What the image says of the machine that it wants: those of its properties that Glance calls `hw_…`. Absent: nothing. */
  hardware?: Record<string, string>
}
export interface AttachmentSpec {
  server: NativeId
  volume: NativeId
  device: string | null
  /** The server was made with it to boot from: it is there, or will be, and nothing is to be done. */
  boot?: true
}
export interface InterfaceSpec {
  server: NativeId
  port: NativeId
}

/* ---------------------------------------------------------------- what is seen of each kind */

export interface PortSeen extends Seen {
  mac: string
  addresses: string[]
  /** Where each of them is, if the cloud says. */
  placed?: { subnet: NativeId; address: string }[]
  server: NativeId | null
}
export interface FloatingIpSeen extends Seen {
  address: string
  port: NativeId | null
}
export interface VolumeSeen extends Seen {
  sizeGiB: number
  /** The server that holds it, if any. */
  server: NativeId | null
  device: string | null
  type?: string
}
export interface SnapshotSeen extends Seen {
  sizeGiB: number
}
export interface ImageSeen extends Seen {
  arch: 'x86_64' | 'aarch64'
  minDiskGiB: number
  sizeBytes: number | null
  os: 'linux' | 'windows' | null
  createdAt: string
  description?: string
}
export type Power = 'running' | 'stopped' | 'paused' | 'suspended' | 'changing' | 'unknown'
export interface ServerSeen extends Seen {
  power: Power
  /** The cloud's own name of the size. */
  size: string
  image?: NativeId
  volumes: { id: NativeId; device: string | null; root: boolean }[]
  ports: { id: NativeId; mac: string; addresses: string[] }[]
  /** Opaque name of the machine below, hashed by the broker before anybody sees it. */
  host?: string
  /** When its power went on last, in milliseconds since 1970, where the cloud says. */
  bootedAt?: number
  /** Its cloud took it back, as it may what is bought as `spot`. Said of what is `gone` alone; absent: somebody removed it. */
  reclaimed?: Reclaim
  /** Its cloud has said that it is going to take it back, and has not yet. Absent: it has not said so, or does not say. */
  announced?: Reclaim
  /** It runs from another disk than its own, as `ServerRealm.rescue` leaves it. */
  rescued?: true
  /** It is not yet what was asked for: `ServerRealm.finish` goes on. Its power is `changing` until then. */
  unfinished?: true
}
/** What a cloud says of taking a server back. */
export interface Reclaim {
  /** When it took it, or announced that it will, in milliseconds since 1970; null: it does not say. */
  at: number | null
  /** Why, in its words. */
  words: string
}
export interface AttachmentSeen extends Seen {
  device: string | null
}
/** What went through a card in one direction. */
interface Traffic {
  octets: number
  packets: number
  errors: number
  dropped: number
}
/** What the machine of a server has used, counted by what runs it. */
export interface Diagnostics {
  /** In Nova's words (nova/objects/fields.py, `HypervisorDriver`), and what it runs machines by. */
  driver: 'libvirt'
  hypervisor: 'kvm' | 'qemu'
  /** In KiB: how much it may have, and by the cloud's own words what it has. */
  memory: { maximumKiB: number; told: Record<string, number> }
  /** Processor time of each virtual one, in nanoseconds. */
  cpus: { id: number; time: number }[]
  /** By the name that the cloud gives each. */
  disks: { name: string; reads: number; readBytes: number; writes: number; writtenBytes: number }[]
  cards: { name: string; mac: string; received: Traffic; sent: Traffic }[]
}
