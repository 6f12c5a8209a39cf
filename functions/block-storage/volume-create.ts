import * as z from 'zod'
import { groupById } from '../../db/queries/block-storage/groups.ts'
import { type ImageRead, listImages, readImage } from '../../db/queries/image/images.ts'
import { projectOf } from '../broker/block-storage/volume.ts'
import { createVolume } from '../broker/block-storage/volume-create.ts'
import { asAsked, typeByDefault, typeOfImage, type VolumeType } from '../broker/block-storage/volume-types.ts'
import type { Context } from '../context.ts'
import { badRequest, conflict, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { invalidInput } from './refusals.ts'
import { boolean, label, metadata, size, text, uuid } from './shapes.ts'
import { typeOf } from './types/types.ts'
import { volumeView } from './volume-view.ts'
import { withoutFlag } from './volumes.ts'

/** Cinder's bodies are loose until 3.53 and strict since (cinder/api/schemas/volumes.py). */
const fields = {
  name: label,
  description: label,
  display_name: label,
  display_description: label,
  volume_type: text().nullish(),
  metadata: metadata.nullish(),
  snapshot_id: uuid.nullish(),
  source_volid: uuid.nullish(),
  consistencygroup_id: uuid.nullish(),
  size: size.nullish(),
  availability_zone: text().min(1).nullish(),
  multiattach: boolean.nullish(),
  image_id: text().nullish(),
  imageRef: text().nullish(),
}
const since13 = { ...fields, group_id: text().nullish() }
const since47 = { ...since13, backup_id: uuid.nullish() }
/** So many volumes are named at once. */
const MOST_NAMED = 100
const named = z
  .union([uuid.transform((id) => [id]), z.array(uuid).max(MOST_NAMED)])
  .optional()
  .default([])
/** cinder/api/schemas/scheduler_hints.py: what is unknown there is for filters that an operator wrote. */
const hints = {
  'OS-SCH-HNT:scheduler_hints': z.looseObject({ same_host: named, different_host: named }).nullish(),
}
type Hints = z.infer<(typeof hints)['OS-SCH-HNT:scheduler_hints']>
type Wish = z.infer<z.ZodObject<typeof since47>>
type Create = { volume: Wish; 'OS-SCH-HNT:scheduler_hints'?: Hints }
const createBody = (version: number): z.ZodType<Create> => {
  const volume =
    version >= 53 ? z.strictObject(since47) : z.looseObject(version >= 47 ? since47 : version >= 13 ? since13 : fields)
  return z.strictObject({ volume, ...hints }) as unknown as z.ZodType<Create>
}

const create = async (input: Input<Create>) => {
  const { context, body } = input
  const wish = body.volume
  const snapshotId = wish.snapshot_id ?? null
  const sourceVolumeId = wish.source_volid ?? null
  const imageRef = wish.imageRef || wish.image_id || null
  refuseWhatIsMissing(body)
  const ofAnother = snapshotId !== null || sourceVolumeId !== null
  const named = wish.volume_type ? await typeOf(context, wish.volume_type) : null
  const backupId = wish.backup_id ?? null
  const sources = [snapshotId, sourceVolumeId, imageRef, backupId].filter((source) => source !== null)
  if (sources.length > 1) throw invalidInput('May specify only one of snapshot, imageRef, source volume or backup')
  if (!wish.size && (!sources.length || imageRef))
    throw invalidInput(
      'Invalid volume size provided for create request: None (size argument must be an integer (or string representation of an integer) and greater than zero).',
    )
  const image = imageRef === null ? null : await imageOf(context, imageRef)
  const type =
    named ??
    (await typeOfImage(context, image)) ??
    (ofAnother || backupId !== null ? null : await typeByDefault(context, projectOf(context)))
  const group = wish.group_id ? await groupToJoin(context, wish.group_id, type) : null
  const imageId = image?.id ?? null
  const hinted = input.body['OS-SCH-HNT:scheduler_hints']
  const beside = { same: hinted?.same_host ?? [], different: hinted?.different_host ?? [] }
  const volume = await createVolume(context, {
    name: wish.name ?? wish.display_name ?? null,
    description: wish.description ?? wish.display_description ?? null,
    size: wish.size ?? null,
    zone: wish.availability_zone ?? null,
    snapshotId,
    sourceVolumeId,
    imageId,
    metadata: withoutFlag(wish.metadata ?? {}),
    ...(backupId === null ? {} : { backupId }),
    ...(group ? { groupId: group.id } : {}),
    ...(beside.same.length || beside.different.length ? { beside } : {}),
    type: type && (await asAsked(context, type)),
  })
  return { body: { volume: volumeView(input, volume) } }
}

/** Its group, whose types are said beforehand. */
const groupToJoin = async (context: Context, id: string, type: VolumeType | null) => {
  const group = await groupById(context.db, context.scope, id)
  if (!group) throw notFound(`Group ${id} could not be found.`)
  if (!type) throw invalidInput('volume_type must be provided when creating a volume in a group.')
  if (!group.volumeTypes.includes(type.id))
    throw invalidInput(`Invalid volume_type provided: ${type.name} (requested type must be supported by this group).`)
  return group
}

const refuseWhatIsMissing = ({ volume, 'OS-SCH-HNT:scheduler_hints': given }: Create): void => {
  if (volume.consistencygroup_id) throw notFound(`Group ${volume.consistencygroup_id} could not be found.`)
  if (volume.multiattach)
    throw badRequest(
      'multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types. There is none here: a volume is in one server at a time.',
    )
  const { same_host: _, different_host: __, ...others } = given ?? {}
  const [unheeded] = Object.keys(others)
  if (unheeded !== undefined)
    throw badRequest(
      `The scheduler hint ${unheeded} is not heeded: same_host, different_host and an availability zone choose where a volume is.`,
    )
}

/** An id, the last part of a URL, or a name that only one image has. */
const imageOf = async (context: Context, reference: string): Promise<ImageRead> => {
  const known = await readImage(context.db, context.scope, reference.split('/').at(-1)!)
  if (known) return known
  const sort = [{ key: 'id', descending: false }]
  const named =
    (await listImages(context.db, context.scope, { among: { name: [reference] } }, { sort, limit: 2 })) ?? []
  if (named.length > 1) throw conflict(`Multiple matches found for '${reference}', use an ID to be more specific.`)
  if (!named[0]) throw badRequest('Invalid image identifier or unable to access requested image.')
  return named[0]
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#create-a-volume */
export const createOperation: Operation = operation<Create>({
  name: 'volume.create',
  method: 'POST',
  path: '/volumes',
  who: 'member',
  summary: 'Creates a volume: empty, or of a snapshot, an image or another volume.',
  status: 202,
  body: createBody,
  handle: create,
})
