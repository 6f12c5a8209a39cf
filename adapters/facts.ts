/** What a cloud says of itself, and of the connection to it. */
import type { Kind, NativeId } from './objects.ts'

export interface Zone {
  name: string
  available: boolean
  /** Absent where the cloud does not say how full it is. Used and total. */
  room?: { vcpus: [number, number]; ramMiB: [number, number]; diskGiB: [number, number] }
  /** What its machines were promised, where that is not what they use: of all of them, running or not. */
  promised?: { vcpus: number; ramMiB: number }
  /** The machines that it is, where the cloud tells them apart, and whether each answers now. The id of a server there is `<name>/…`. */
  hosts?: { name: string; answers: boolean }[]
}
export interface Offer {
  /** The cloud's own name, e.g. `t3.micro`. */
  name: string
  vcpus: number
  ramMiB: number
  /** Local disk; 0: the root disk is a volume of any size. */
  diskGiB: number
  arch: 'x86_64' | 'aarch64'
  gpus: number
  zones: string[]
}
/** The purchase option, which is how a server is bought: `spot` costs less, and its cloud may take it back at any time. */
export type PurchaseOption = 'on-demand' | 'spot'
/** What an hour of a size costs. */
export interface Price {
  size: string
  /** Null: in every zone for which nothing else is said. */
  zone: string | null
  option: PurchaseOption
  amount: number
  /** What it costs while the server is stopped, without its disks; absent: the same. */
  idle?: number
  currency: string
  /** When it was so, in milliseconds since 1970. */
  asOf: number
  /** Who says so: the cloud, the operator, or a list that is kept beside the adapter. */
  source: 'provider' | 'operator' | 'table'
}
/** What an hour of a GiB of a volume, or of one public address, costs, from when it is there until it is not. */
export interface PartPrice {
  what: 'disk' | 'address'
  /** Of a disk its type, as `VolumeType` names it; null: of what is made where none is asked for. Of an address null. */
  type: string | null
  /** A GiB costs little: as many decimals as there are. */
  amount: number
  currency: string
  /** As in `Price`. */
  asOf: number
  source: Price['source']
}
/** A kind of disk that the cloud tells from others, e.g. `gp3` or a storage policy. */
export interface VolumeType {
  /** As `VolumeSpec.type` takes it. Never `default`: above the line that is whatever the cloud takes by itself. */
  name: string
  /** Absent: every zone. */
  zones?: string[]
}
/** Addresses that something on the cloud has which is not ours: another's network, or another's subnet, be it in a network of ours. */
export interface HeldRange {
  cidr: string
  /** The network that has it: as the project's mapping, or an option, names one that is lent. */
  network: NativeId
  /** It is a block of the network, so that what is in a lent network lies in it; false: a subnet has it. */
  whole: boolean
}
export interface CheckReport {
  reachable: boolean
  account: string | null
  version: string | null
  /** Cloud's clock minus ours, in milliseconds. */
  clockSkewMs: number | null
  /** Calls that the credentials may not make. */
  denied: string[]
  warnings: string[]
}

/** Something that the cloud says has changed; what it is now, a look tells. */
export interface Change {
  kind: Kind
  id: NativeId
}
