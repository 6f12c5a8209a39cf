import * as z from 'zod'
import {
  countVolumes,
  listVolumes,
  sumVolumes,
  VOLUME_SORT,
  type VolumeFilter,
  type VolumeRead,
} from '../../db/queries/block-storage/volumes.ts'
import { changeVolume, deleteVolume, volumeFor } from '../broker/block-storage/volume.ts'
import { volumeTypeFor } from '../broker/block-storage/volume-types.ts'
import type { Context } from '../context.ts'
import { isTrue } from '../http/boolean.ts'
import { forbidden } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { allowedFilters, dictIn, filtersIn, nextLinks, sliceOf, timesIn } from './listing.ts'
import { invalidVolume, noVolume, UNDELETABLE, whenStatus } from './refusals.ts'
import { listScope } from './routes.ts'
import { label, metadata } from './shapes.ts'
import { fullView, pursueVolumes, summary, volumeView } from './volume-view.ts'

/** The volume of the path; 404 in Cinder's words. */
export const volumeOf = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<VolumeRead> => {
  const volume = await volumeFor(context, params.id!)
  if (!volume) throw noVolume(params.id!)
  return volume
}

/** The read-only flag is shown among the metadata, and is no item of theirs. */
export const withoutFlag = ({ readonly: _, ...items }: Record<string, string>): Record<string, string> => items
/** New items beside the flag as it stands. */
export const besideFlag = (volume: VolumeRead, items: Record<string, string>): Record<string, string> => ({
  ...withoutFlag(items),
  ...(volume.metadata.readonly === undefined ? {} : { readonly: volume.metadata.readonly }),
})

/** A volume may have a type that no cloud offers any more: it is found by the name. */
const ofType = async (context: Context, idOrName: string): Promise<VolumeFilter> => {
  const type = await volumeTypeFor(context, idOrName)
  return type?.made ? { typeId: type.id } : { type: type?.name ?? idOrName }
}

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
    group_id,
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
    ...(wantedType === undefined ? {} : await ofType(context, wantedType)),
    groupId: version >= 10 ? group_id : undefined,
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
  const updated = await changeVolume(context, volume, {
    ...(newName === undefined ? {} : { name: newName }),
    ...(newText === undefined ? {} : { description: newText }),
    ...(items === undefined ? {} : { metadata: besideFlag(volume, items) }),
  })
  return { body: { volume: volumeView(input, updated) } }
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#volumes-volumes */
export const volumeOperations: Operation[] = [
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
      if (version < 36) {
        const { count, size } = await countVolumes(context.db, scope, filter)
        return { body: { 'volume-summary': { total_count: count, total_size: size } } }
      }
      const { count, size, metadata } = await sumVolumes(context.db, scope, filter)
      const values = new Map<string, Set<string>>()
      for (const each of metadata)
        for (const [key, value] of Object.entries(each)) values.set(key, (values.get(key) ?? new Set()).add(value))
      const items = Object.fromEntries([...values].map(([key, set]) => [key, [...set]]))
      return { body: { 'volume-summary': { total_count: count, total_size: size, metadata: items } } }
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
