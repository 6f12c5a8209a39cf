import * as z from 'zod'
import type { DiskWish } from '../../broker/compute/disks/disk.ts'
import { badRequest } from '../../http/fault.ts'
import { boolean, integer, text } from '../parameters.ts'
import { fieldsIf, tag, uuid } from './fields.ts'

/** `block_device_mapping_v2` (https://docs.openstack.org/nova/latest/user/block-device-mapping.html). */
export const deviceMapping = (version: number) =>
  z.strictObject({
    source_type: z.enum(['volume', 'image', 'snapshot', 'blank']).optional(),
    destination_type: z.enum(['local', 'volume']).optional(),
    uuid: text(1, 255).optional(),
    boot_index: z
      .union([
        z.int(),
        z
          .string()
          .regex(/^-?\d+$/)
          .transform(Number),
      ])
      .nullish(),
    device_name: text(1, 255)
      .regex(/^[a-zA-Z0-9._/-]*$/)
      .optional(),
    delete_on_termination: boolean().optional(),
    volume_size: integer(1).optional(),
    guest_format: text(0, 255).optional(),
    device_type: text(0, 255).nullish(),
    disk_bus: text(0, 255).nullish(),
    volume_id: uuid().optional(),
    image_id: uuid().optional(),
    snapshot_id: uuid().optional(),
    virtual_name: text(0, 255).optional(),
    no_device: z.unknown().optional(),
    connection_info: text(0, 16_777_215).optional(),
    ...fieldsIf(version === 32 || version >= 42, { tag: tag().optional() }),
    ...fieldsIf(version >= 67, { volume_type: text(0, 255).nullish() }),
  })
export type DeviceMapping = z.infer<ReturnType<typeof deviceMapping>>

/** The API before it: only ever about volumes. */
export const legacyMapping = z.strictObject({
  virtual_name: text(0, 255).optional(),
  volume_id: uuid().optional(),
  snapshot_id: uuid().optional(),
  volume_size: integer(1).optional(),
  device_name: text(1, 255).optional(),
  delete_on_termination: boolean().optional(),
  no_device: z.unknown().optional(),
  connection_info: text(0, 16_777_215).optional(),
})

type Source = NonNullable<DeviceMapping['source_type']>
/** A mapping with what it leaves unsaid, and its id by the one name. */
interface Mapping extends Omit<DeviceMapping, 'source_type' | 'destination_type' | 'boot_index'> {
  source: Source
  local: boolean
  id: string | undefined
  index: number
}

const invalid = (details: string) => badRequest(`Block Device Mapping is Invalid: ${details}`)
const SEQUENCE = 'Boot sequence for the instance and image/block device mapping combination is not valid.'

/** Each on its own (nova/block_device.py, `BlockDeviceDict.from_api`). */
const understood = (m: DeviceMapping, imageRef: string): Mapping => {
  const source = m.source_type ?? (m.volume_id ? 'volume' : m.snapshot_id ? 'snapshot' : m.image_id ? 'image' : 'blank')
  const local =
    (m.destination_type ?? (source === 'image' || m.guest_format === 'swap' ? 'local' : 'volume')) === 'local'
  const index = m.boot_index ?? -1
  const id = m.uuid ?? { volume: m.volume_id, snapshot: m.snapshot_id, image: m.image_id, blank: undefined }[source]
  if (source === 'blank' && id !== undefined) throw invalid('Invalid device UUID.')
  if (source !== 'blank' && id === undefined) throw invalid('Missing device UUID.')
  if (source === 'image' && local && !(imageRef && index === 0))
    throw invalid('Mapping image to local is not supported.')
  if (local && m.volume_type) throw invalid('Specifying a volume_type with destination_type=local is not supported.')
  if (source === 'volume' && m.volume_type) throw invalid('Specifying volume type to existing volume is not supported.')
  return { ...m, source, local, id, index }
}

/** Turns count from the root on, one each (nova/compute/api.py, `_validate_bdm`); an image that none of them names is the root. */
const refuseGaps = (mappings: Mapping[], imageRef: string): void => {
  const named = mappings.flatMap(({ index }) => (index >= 0 ? index : []))
  const sequence = named.includes(0) || !imageRef ? named : [0, ...named]
  const inOrder = sequence.toSorted((a, b) => a - b)
  if (!inOrder.length || inOrder.some((index, at) => index !== at)) throw invalid(SEQUENCE)
}

/**
 * Disks of a server that are volumes, there already or made with it. The one with boot index 0 is the root; where none is,
 * the root is made of the image, on a disk that goes with the server.
 */
export const disksOf = (given: DeviceMapping[], imageRef: string): DiskWish[] => {
  const mappings = given.filter(({ no_device }) => !no_device).map((mapping) => understood(mapping, imageRef))
  if (mappings.length) refuseGaps(mappings, imageRef)
  return mappings.filter((mapping) => !isImageRoot(mapping, imageRef)).map(diskOf)
}

const isImageRoot = ({ source, local, id }: Mapping, imageRef: string): boolean => {
  if (source !== 'image' || !local) return false
  if (id !== imageRef) throw invalid('The image that is mapped is not the one of the server.')
  return true
}

const diskOf = (m: Mapping): DiskWish => {
  const { source, local, id, index } = m
  if (local) throw badRequest('Ephemeral and swap disks are not offered by the clouds behind this broker.')
  return {
    source: source === 'blank' ? null : { kind: source, id: id! },
    // An existing volume is as large as it is, whatever is said of it.
    sizeGib: source === 'volume' ? null : (m.volume_size ?? null),
    volumeType: m.volume_type || null,
    bootIndex: index >= 0 ? index : null,
    // What a root is called is for its cloud to say.
    device: index === 0 ? null : (m.device_name ?? null),
    tag: m.tag ?? null,
    deleteOnTermination: m.delete_on_termination ?? false,
  }
}
