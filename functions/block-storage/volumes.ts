import { z } from 'zod'
import {
  countVolumes,
  listVolumes,
  VOLUME_SORT,
  type VolumeFilter,
  type VolumeRead,
  volumeMetadata,
} from '../../db/queries/block-storage/volumes.ts'
import { listImages } from '../../db/queries/image/images.ts'
import { createVolume, deleteVolume, describeVolume, volumeFor } from '../broker/block-storage/volume.ts'
import { volumeTypeFor } from '../broker/block-storage/volume-types.ts'
import { imageFor } from '../broker/image/image.ts'
import type { Context } from '../context.ts'
import { isTrue } from '../http/boolean.ts'
import { badRequest, conflict, forbidden, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { allowedFilters, dictIn, filtersIn, nextLinks, sliceOf, timesIn } from './listing.ts'
import { invalidInput, invalidVolume, noVolume, UNDELETABLE, whenStatus } from './refusals.ts'
import { listScope } from './routes.ts'
import { boolean, label, metadata, size, text, uuid } from './shapes.ts'
import { typeOf } from './volume-types.ts'
import { fullView, pursueVolumes, summary, volumeView } from './volume-view.ts'

/** The volume of the path; 404 in Cinder's words. */
export const volumeOf = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<VolumeRead> => {
  const volume = await volumeFor(context, params.id!)
  if (!volume) throw noVolume(params.id!)
  return volume
}

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
const hints = { 'OS-SCH-HNT:scheduler_hints': z.record(z.string(), z.unknown()).nullish() }
type Wish = z.infer<z.ZodObject<typeof since47>>
type Create = { volume: Wish; 'OS-SCH-HNT:scheduler_hints'?: Record<string, unknown> | null }
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
  const type = wish.volume_type ? await typeOf(context, wish.volume_type) : null
  const sources = [snapshotId, sourceVolumeId, imageRef].filter((source) => source !== null)
  if (sources.length > 1) throw invalidInput('May specify only one of snapshot, imageRef or source volume')
  if (!wish.size && (!sources.length || imageRef))
    throw invalidInput(
      'Invalid volume size provided for create request: None (size argument must be an integer (or string representation of an integer) and greater than zero).',
    )
  const imageId = imageRef && (await imageOf(context, imageRef))
  const volume = await createVolume(context, {
    name: wish.name ?? wish.display_name ?? null,
    description: wish.description ?? wish.display_description ?? null,
    size: wish.size ?? null,
    zone: wish.availability_zone ?? null,
    snapshotId,
    sourceVolumeId,
    imageId,
    metadata: withoutFlag(wish.metadata ?? {}),
    volumeType: type?.name ?? null,
  })
  return { body: { volume: volumeView(input, volume) } }
}

const refuseWhatIsMissing = ({ volume, 'OS-SCH-HNT:scheduler_hints': given }: Create): void => {
  const group = volume.consistencygroup_id ?? volume.group_id
  if (group) throw notFound(`Group ${group} could not be found.`)
  if (volume.backup_id) throw notFound(`Backup ${volume.backup_id} could not be found.`)
  if (volume.multiattach)
    throw badRequest(
      'multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types. There is none here: a volume is in one server at a time.',
    )
  if (Object.keys(given ?? {}).length)
    throw badRequest('Scheduler hints are not offered: name an availability zone to choose where a volume is.')
}

/** An id, the last part of a URL, or a name that only one image has. */
const imageOf = async (context: Context, reference: string): Promise<string> => {
  const id = reference.split('/').at(-1)!
  if (await imageFor(context, id)) return id
  const sort = [{ key: 'id', descending: false }]
  const named =
    (await listImages(context.db, context.scope, { among: { name: [reference] } }, { sort, limit: 2 })) ?? []
  if (named.length > 1) throw conflict(`Multiple matches found for '${reference}', use an ID to be more specific.`)
  if (!named[0]) throw badRequest('Invalid image identifier or unable to access requested image.')
  return named[0].id
}

/** The read-only flag is shown among the metadata, and is no item of theirs. */
export const withoutFlag = ({ readonly: _, ...items }: Record<string, string>): Record<string, string> => items
/** New items beside the flag as it stands. */
export const besideFlag = (volume: VolumeRead, items: Record<string, string>): Record<string, string> => ({
  ...withoutFlag(items),
  ...(volume.metadata.readonly === undefined ? {} : { readonly: volume.metadata.readonly }),
})

const NOTHING: VolumeFilter = { id: '' }
/** Cinder's filters as ours. What no volume can have leaves none. */
const filterOf = async (context: Context, given: Record<string, string>, version: number): Promise<VolumeFilter> => {
  const { 'name~': nameLike, display_name, name, status, availability_zone, volume_type_id, user_id, ...rest } = given
  const {
    metadata: items,
    glance_metadata,
    bootable,
    size: gib,
    consumes_quota,
    created_at,
    updated_at,
    ...unknown
  } = rest
  const wantedType = volume_type_id ?? unknown.volume_type
  delete unknown.volume_type
  const none =
    Object.keys(unknown).length > 0 ||
    (consumes_quota !== undefined && version >= 65 && !isTrue(consumes_quota)) ||
    (items !== undefined && !dictIn(items)) ||
    (gib !== undefined && !/^\d+$/.test(gib))
  if (none) return NOTHING
  return {
    name: name ?? display_name,
    nameLike,
    status,
    // A volume may have a type that no cloud offers any more: it is found by the name.
    type: wantedType && ((await volumeTypeFor(context, wantedType))?.name ?? wantedType),
    zone: availability_zone,
    userId: user_id,
    size: gib === undefined ? undefined : Number(gib),
    bootable: bootable === undefined ? undefined : isTrue(bootable),
    metadata: dictIn(items),
    imageMetadata: version >= 4 ? dictIn(glance_metadata) : undefined,
    times:
      version >= 60 ? timesIn({ ...(created_at ? { created_at } : {}), ...(updated_at ? { updated_at } : {}) }) : [],
  }
}

const list = (view: (input: Input, volume: VolumeRead) => unknown) => async (input: Input) => {
  const { context, query, version } = input
  const scope = listScope(context, query)
  const filter = await filterOf(context, allowedFilters(input, 'volume'), version)
  const page = await listVolumes(context.db, scope, filter, sliceOf(query, VOLUME_SORT))
  if (!page) throw noVolume(query.marker!)
  pursueVolumes(input, page)
  const counted = version >= 45 && isTrue(query.with_count)
  const links = nextLinks(input, page)
  return {
    body: {
      volumes: page.map((volume) => view(input, volume)),
      ...(links ? { volumes_links: links } : {}),
      ...(counted ? { count: (await countVolumes(context.db, scope, filter)).count } : {}),
    },
  }
}

const updateFields = {
  name: label,
  description: label,
  display_name: label,
  display_description: label,
  metadata: metadata.optional(),
}
type Update = { volume: z.infer<z.ZodObject<typeof updateFields>> }
const updateBody = (version: number): z.ZodType<Update> => {
  const volume = z.strictObject(updateFields)
  return z.strictObject({
    volume:
      version >= 53
        ? volume.refine((v) => Object.keys(v).length > 0, { error: '{} does not have enough properties' })
        : volume,
  }) as unknown as z.ZodType<Update>
}

const update = async (input: Input<Update>) => {
  const { context, body } = input
  const volume = await volumeOf(input)
  const { name, description, display_name, display_description, metadata: items } = body.volume
  const newName = name === undefined ? display_name : name
  const newText = description === undefined ? display_description : description
  const updated = await describeVolume(context, volume, {
    ...(newName === undefined ? {} : { name: newName }),
    ...(newText === undefined ? {} : { description: newText }),
    ...(items === undefined ? {} : { metadata: besideFlag(volume, items) }),
  })
  return { body: { volume: volumeView(input, updated) } }
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#volumes-volumes */
export const volumeOperations: Operation[] = [
  operation<Create>({
    name: 'volume.create',
    method: 'POST',
    path: '/volumes',
    who: 'member',
    summary: 'Creates a volume: empty, or of a snapshot, an image or another volume.',
    status: 202,
    body: createBody,
    handle: create,
  }),
  operation({
    name: 'volume.list',
    method: 'GET',
    path: '/volumes',
    who: 'reader',
    summary: 'Volumes by name.',
    status: 200,
    handle: list(summary),
  }),
  operation({
    name: 'volume.list_detail',
    method: 'GET',
    path: '/volumes/detail',
    who: 'reader',
    summary: 'Volumes in full.',
    status: 200,
    handle: list(fullView),
  }),
  operation({
    name: 'volume.summary',
    method: 'GET',
    path: '/volumes/summary',
    who: 'reader',
    summary: 'How many volumes there are and how large they are together.',
    status: 200,
    since: 12,
    handle: async ({ context, query, queries, version }) => {
      const scope = listScope(context, query)
      const filter = await filterOf(context, filtersIn(queries), version)
      const { count, size: total } = await countVolumes(context.db, scope, filter)
      const values = new Map<string, Set<string>>()
      if (version >= 36)
        for (const each of await volumeMetadata(context.db, scope))
          for (const [key, value] of Object.entries(each)) values.set(key, (values.get(key) ?? new Set()).add(value))
      const items = Object.fromEntries([...values].map(([key, set]) => [key, [...set]]))
      return {
        body: {
          'volume-summary': { total_count: count, total_size: total, ...(version >= 36 ? { metadata: items } : {}) },
        },
      }
    },
  }),
  operation({
    name: 'volume.show',
    method: 'GET',
    path: '/volumes/:id',
    who: 'reader',
    summary: 'One volume.',
    status: 200,
    handle: async (input) => {
      const volume = await volumeOf(input)
      pursueVolumes(input, [volume])
      return { body: { volume: fullView(input, volume) } }
    },
  }),
  operation<Update>({
    name: 'volume.update',
    method: 'PUT',
    path: '/volumes/:id',
    who: 'member',
    summary: 'Changes name, description or metadata.',
    status: 200,
    body: updateBody,
    handle: update,
  }),
  operation({
    name: 'volume.delete',
    method: 'DELETE',
    path: '/volumes/:id',
    who: 'member',
    summary: 'Deletes a volume; `cascade` its snapshots too, `force` (admins) whatever its status is.',
    status: 202,
    handle: async (input) => {
      const { context, query, version } = input
      const force = version >= 23 && isTrue(query.force)
      const volume = await volumeOf(input)
      if (force && !context.caller?.isAdmin)
        throw forbidden("Policy doesn't allow volume:force_delete to be performed.")
      await deleteVolume(context, volume, { cascade: isTrue(query.cascade), force })
      return {}
    },
    refuse: whenStatus(() => invalidVolume(UNDELETABLE)),
  }),
]
