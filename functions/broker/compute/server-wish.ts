import type { Json } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import type { Found, NetworkRow } from '../../../db/queries/compute/places.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import type { KeypairSnapshot } from '../../../db/schema/index.ts'
import { leastDiskGib } from '../image/image-takers.ts'
import type { Write } from '../line/commit.ts'
import type { Disk, DiskWish } from './disks/disk.ts'
import type { Reach } from './place/reach.ts'
import type { Places } from './server-facts.ts'
import { refuse } from './server-refusal.ts'

/** A server to go on from, if not the image says which, and how long the new one lives. */
interface ForkWish {
  of: string | null
  ttlSeconds: number | null
}

/** Servers that something of ours makes, whoever asks: a burst its members. As many are made as fit in the best place, or none. */
interface Making {
  /** Whose they are. */
  userId: string
  /** The burst whose money they are bought with. */
  burstId: string
  /** What each has for itself; `at`: its turn in the batch that admits them. */
  own(at: number): Pick<ServerRow, 'name' | 'launchIndex' | 'userData'>
  /** For the batch that admits them: what comes before their rows, with the conditions on which they are made. */
  before(servers: Pick<ServerRow, 'id'>[]): Write[]
}

/** One network interface that a user wants a server to have. */
export type Nic = { portId: string } | { networkId: string; fixedIp: string | null }

export interface ServerWish {
  name: string
  description: string | null
  /** Null: made of the name. */
  hostname: string | null
  flavorId: string
  /** Empty: it boots from a volume. */
  imageId: string
  /** `auto`: the one network there is; `any`: the same, but none will do as well. */
  nics: Nic[] | 'auto' | 'any'
  keyName: string | null
  /** Names or ids; null: the project's default group. */
  securityGroups: string[] | null
  metadata: Record<string, string>
  tags: string[]
  userData: string | null
  configDrive: boolean
  /** `<cloud>` or `<cloud>.<zone>`; null: anywhere. */
  zone: string | null
  accessIpv4: string
  accessIpv6: string
  diskConfig: 'AUTO' | 'MANUAL'
  minCount: number
  maxCount: number
  /** Its disks besides one that is made of its image: volumes, there already or made with it. */
  disks: DiskWish[]
  fork: ForkWish | null
  /** The id of the server group that it is to be in. */
  groupId: string | null
  /** Scheduler hints as they were sent. */
  hints: Record<string, Json>
  /** Absent: they are made at a user's request. */
  making?: Making
}

/** A wish that says no more than it has to. */
export const NO_SERVER: Omit<ServerWish, 'flavorId' | 'imageId'> = {
  name: 'server',
  description: null,
  hostname: null,
  nics: 'any',
  keyName: null,
  securityGroups: null,
  metadata: {},
  tags: [],
  userData: null,
  configDrive: false,
  zone: null,
  accessIpv4: '',
  accessIpv6: '',
  diskConfig: 'MANUAL',
  minCount: 1,
  maxCount: 1,
  disks: [],
  fork: null,
  groupId: null,
  hints: {},
}

/** What a new server begins from beside its image: for most nothing. */
export interface Origin {
  /** Of its row; `imageId`: the image that users see, where it is not the one it boots from. */
  columns: Pick<ServerRow, 'parentId' | 'forkMode' | 'expiresAt'> & Partial<Pick<ServerRow, 'imageId'>>
  /** What its metadata say of it, whatever the user wrote there. */
  metadata: Record<string, string>
  /** The image that is made for it to boot from, if one is. */
  boots: Pick<Places, 'image'>
  /** It can be in one place only: without that it is refused. */
  tied: boolean
  /** For the batch that admits the servers. */
  writes(servers: Pick<ServerRow, 'id'>[]): Write[]
}

export const NO_ORIGIN: Origin = {
  columns: { parentId: null, forkMode: null, expiresAt: null },
  metadata: {},
  boots: {},
  tied: false,
  writes: () => [],
}

/** What every named thing turned out to be. */
export interface Understood {
  flavor: NonNullable<Found['flavor']>
  /** Null: it boots from a volume, and no image was named besides. */
  image: Found['image']
  /** Of the machine that what it boots from runs on. */
  arch: string
  disks: Disk[]
  nics: { network: NetworkRow; fixedIp: string | null; port: Found['ports'][number] | null }[]
  groupIds: string[] | null
  keypair: KeypairSnapshot | null
  /** Absent: it may be where it does not reach what else is on its networks. */
  reach?: Reach
}

/** Throws `ServerRefused` (`too-small`) for an image that the disk of a flavor cannot hold; 0: as large as the image. */
export const refuseSmallDisk = (diskGib: number, image: Pick<ImageRow, 'minDiskGib' | 'virtualSizeBytes'>): void => {
  const needs = leastDiskGib(image)
  if (diskGib > 0 && diskGib < needs)
    refuse({ kind: 'too-small', what: needs > image.minDiskGib ? 'image' : 'min-disk', has: diskGib, needs })
}

/** The same where it was not known yet: the disk of a converted image may tell its size late. Throws `definitive`. */
export const assertFits = (
  { flavor: { diskGib } }: Pick<ServerRow, 'flavor'>,
  image: Pick<ImageRow, 'minDiskGib' | 'virtualSizeBytes'>,
): void => {
  const needs = leastDiskGib(image)
  if (diskGib > 0 && diskGib < needs)
    throw new CloudError(
      'definitive',
      `Flavor's disk is too small for requested image. Flavor disk is ${diskGib} GiB, image is ${needs} GiB.`,
    )
}

/** The project's clouds that have the image, or will if they are asked. */
export const cloudsWith = (found: Found): string[] =>
  found.imageClouds.filter((id) => found.clouds.some((each) => each.id === id))

/** The default group alone is what Nova adds by itself: nobody asked for it. */
export const namesGroups = ({ securityGroups }: ServerWish): boolean =>
  securityGroups?.some((name) => name !== 'default') ?? false

/** Groups are for ports with port security. */
export const refuseUnsecured = (wish: ServerWish, { nics }: Understood): void => {
  if (namesGroups(wish) && nics.some(({ network, port }) => !port && !network.portSecurity))
    refuse({ kind: 'no-port-security' })
}
