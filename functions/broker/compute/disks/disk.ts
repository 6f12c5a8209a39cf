import type { Found } from '../../../../db/queries/compute/places.ts'
import type { ImageRow } from '../../../../db/queries/image/images.ts'
import type { AttachOptions } from '../../block-storage/attachment.ts'
import type { AskedType } from '../../block-storage/volume-types.ts'

/** So many disks a server may be asked for with: each is several statements of the batch that admits it. */
export const MOST_DISKS = 255

/** A disk of a new server that is a volume, as a user wishes for it. */
export interface DiskWish extends Omit<AttachOptions, 'bootIndex'> {
  /** The volume itself, or what one is made of; null: it is made empty. */
  source: { kind: 'volume' | 'snapshot' | 'image'; id: string } | null
  /** Null: as large as its source. */
  sizeGib: number | null
  /** Name or id; null: that of its source, else what the project has by default. */
  volumeType: string | null
  /** Its turn among the disks to boot from; null: it is none of them. */
  bootIndex: number | null
}

interface Site {
  cloudId: string
  zone: string
}

/** The wish with everything that it names found, and able to be granted; `sites`: where a volume that is nowhere yet could be made. */
export type Disk = { options: AttachOptions & { bootIndex: number | null } } & (
  | { volume: Found['volumes'][number]; sites: Site[] | null; made?: never }
  | { made: MadeDisk; volume?: never; sites?: never }
)

/** A volume that is made with its server. */
export interface MadeDisk {
  sizeGib: number
  /** What its cloud calls it, or `default`. */
  volumeType: string
  /** Of the type that an operator made; null: it is the cloud's. */
  typeId: string | null
  /** As it was asked for; null: that of its source, or none. */
  type: AskedType | null
  snapshotId: string | null
  image: ImageRow | null
  bootable: boolean
  imageMetadata: Record<string, string>
  /** Clouds that have, or can be brought, what it is made of; null: it is nowhere in particular. */
  clouds: string[] | null
}

/** The disk that a server boots from in place of one that is made of its image. */
export const bootDisk = (disks: Disk[]): Disk | undefined => disks.find(({ options }) => options.bootIndex === 0)

/** What the images of volumes say of the machine that they run on. */
export const archOf = (disk: Disk): string => {
  const metadata = disk.volume?.imageMetadata ?? disk.made?.imageMetadata ?? {}
  return disk.made?.image?.arch ?? metadata.architecture ?? 'x86_64'
}
