import * as z from 'zod'
import type { ImageRow } from '../../db/queries/image/images.ts'
import { CLOUDS } from './image-view.ts'

/** Of Glance's configuration: the formats that it knows. */
export const CONTAINER_FORMATS = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'] as const
export const DISK_FORMATS = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'] as const

const text = z.string().max(255)
/** What may be said of an image, and what is wrong with it otherwise (glance/api/v2/images.py, get_base_properties). */
export const FIELDS = {
  name: text.nullable(),
  visibility: z.enum(['community', 'public', 'private', 'shared']),
  protected: z.boolean(),
  os_hidden: z.boolean(),
  container_format: z.enum(CONTAINER_FORMATS).nullable(),
  disk_format: z.enum(DISK_FORMATS).nullable(),
  min_disk: z.int().min(0).max(0x7fffffff),
  min_ram: z.int().min(0).max(0x7fffffff),
  owner: text.nullable(),
  tags: z.array(text).transform((tags) => [...new Set(tags)]),
}
export type Fields = { [K in keyof typeof FIELDS]?: z.infer<(typeof FIELDS)[K]> }

/** Attribute -> column. */
export const columnsOf = (fields: Fields): Partial<ImageRow> => {
  const set: Partial<ImageRow> = {}
  if (fields.name !== undefined) set.name = fields.name
  if (fields.visibility !== undefined) set.visibility = fields.visibility
  if (fields.protected !== undefined) set.protected = fields.protected
  if (fields.os_hidden !== undefined) set.hidden = fields.os_hidden
  if (fields.container_format !== undefined) set.containerFormat = fields.container_format
  if (fields.disk_format !== undefined) set.diskFormat = fields.disk_format
  if (fields.min_disk !== undefined) set.minDiskGib = fields.min_disk
  if (fields.min_ram !== undefined) set.minRamMib = fields.min_ram
  if (fields.owner !== undefined && fields.owner !== null) set.projectId = fields.owner
  if (fields.tags !== undefined) set.tags = fields.tags
  return set
}

/** What it runs on, by Glance's property of that name. */
export const architectureOf = ({ architecture }: Record<string, string>): 'x86_64' | 'aarch64' =>
  architecture === 'aarch64' || architecture === 'arm64' ? 'aarch64' : 'x86_64'

/** Set by Glance, shown to everybody. */
export const READONLY = [
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'size',
  'virtual_size',
  'direct_url',
  'self',
  'file',
  'schema',
  'id',
  'os_hash_algo',
  'os_hash_value',
  'stores',
]
/** Whether a property is one that Glance keeps for itself. */
export const isReserved = (name: string): boolean =>
  ['location', 'locations', 'deleted', 'deleted_at', CLOUDS].includes(name) || name.startsWith('os_glance')
