/** What a cloud says of itself, and of the connection to it. */
import type { Kind, NativeId } from './objects.ts'

export interface Zone {
  name: string
  available: boolean
  /** Absent where the cloud does not say how full it is. Used and total. */
  room?: { vcpus: [number, number]; ramMiB: [number, number]; diskGiB: [number, number] }
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
  /** Per hour, on demand, where known. */
  price?: { amount: number; currency: string }
}
/** A kind of disk that the cloud tells from others, e.g. `gp3` or a storage policy. */
export interface VolumeType {
  /** As `VolumeSpec.type` takes it. Never `default`: above the line that is whatever the cloud takes by itself. */
  name: string
  /** Absent: every zone. */
  zones?: string[]
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
