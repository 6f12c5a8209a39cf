import * as z from 'zod'
import type { ServerWish } from '../../broker/compute/server-wish.ts'
import { badRequest, conflict } from '../../http/fault.ts'
import { boolean, integer, text } from '../parameters.ts'
import { fieldsIf, tag, uuid } from './fields.ts'

const NO_BOOT_VOLUME =
  'Booting from a volume is not offered: no cloud behind this broker starts servers from a volume of the user. Boot from the image and attach the volume.'

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

type Volumes = ServerWish['volumes']
const invalid = (message: string) => badRequest(`Block Device Mapping is Invalid: ${message}`)

/**
 * Volumes to attach. The root disk is the image on a local disk; another one is refused, with the reason. Volumes that
 * exist are attached once the server runs. Boot indexes count from the root on, one each (nova/compute/api.py,
 * `_validate_bdm`); what follows the root is a disk like the others.
 */
export const volumesOf = (mappings: DeviceMapping[], imageRef: string): Volumes => {
  const root = mappings.find(({ boot_index }) => boot_index === 0)
  const indexes = mappings.flatMap(({ boot_index }) =>
    typeof boot_index === 'number' && boot_index >= 0 ? boot_index : [],
  )
  const sequence = (root || !imageRef ? indexes : [0, ...indexes]).toSorted((a, b) => a - b)
  if (mappings.length > 0 && (sequence.length === 0 || sequence.some((index, at) => index !== at)))
    throw invalid('Boot sequence for the instance and image/block device mapping combination is not valid.')
  if (root) checkRoot(root, imageRef)
  return mappings.filter((mapping) => mapping !== root).map(volumeOf)
}

const checkRoot = (root: DeviceMapping, imageRef: string): void => {
  const source = root.source_type ?? (root.volume_id ? 'volume' : root.snapshot_id ? 'snapshot' : 'image')
  if (source === 'blank')
    throw invalid("Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size and cannot boot.")
  const destination = root.destination_type ?? (source === 'image' ? 'local' : 'volume')
  if (source !== 'image' || destination !== 'local') throw conflict(NO_BOOT_VOLUME)
  if (!imageRef) throw invalid('Mapping image to local is not supported.')
  const named = root.uuid ?? root.image_id
  if (named !== undefined && named !== imageRef) throw invalid('The image that is mapped is not the one of the server.')
}

const volumeOf = (m: DeviceMapping): Volumes[number] => {
  const id = m.volume_id ?? (m.source_type === 'volume' ? m.uuid : undefined)
  if (id === undefined)
    throw badRequest(
      m.destination_type === 'local' || m.guest_format === 'swap'
        ? 'Ephemeral and swap disks are not offered by the clouds behind this broker.'
        : 'A server is created with volumes that exist already: create the volume first and give its id (source_type volume).',
    )
  return {
    id,
    device: m.device_name ?? null,
    tag: m.tag ?? null,
    deleteOnTermination: m.delete_on_termination ?? false,
  }
}
