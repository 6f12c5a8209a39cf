import { finishAction, insertAction, type ServerRow, serverGone } from '../../db/queries/attachments.ts'
import type { Binding } from '../../db/queries/bindings.ts'
import {
  type ImageRead,
  type ImageRow,
  imageBindings,
  imageMoved,
  insertImage,
  readImage,
  updateImage,
} from '../../db/queries/images.ts'
import type { Context } from '../context.ts'
import { commit, guard, type Write } from './commit.ts'
import { convergeSoon } from './converge.ts'
import { bindTo, changed, unwanted } from './resources.ts'

/** Why an image will not do as asked. The service words it and gives it a status. */
export type ImageRefusal =
  /** Of a cloud's catalogue, or of somebody else. */
  | { kind: 'foreign' }
  | { kind: 'protected' }
  | { kind: 'status'; status: string; allowed: string[] }
  /** The server is on no cloud yet. */
  | { kind: 'unplaced' }

export class ImageRefused extends Error {
  readonly refusal: ImageRefusal
  constructor(refusal: ImageRefusal) {
    super(`image refused: ${JSON.stringify(refusal)}`)
    this.name = 'ImageRefused'
    this.refusal = refusal
  }
}

export interface ImageOnClouds {
  row: ImageRead
  /** On clouds that the scope's project is mapped to; `phase` 'bound' where it can be used now. */
  bindings: Binding[]
}

/** An image that the caller may see, with the clouds that have it; null: none. */
export const imageFor = async (context: Context, id: string): Promise<ImageOnClouds | null> => {
  const [row, bindings] = await Promise.all([
    readImage(context.db, context.scope, id),
    imageBindings(context.db, context.scope, id),
  ])
  return row && { row, bindings }
}

/**
 * Makes an image of a server: a private row, queued, and Nova's action `createImage`, which converge ends. `also` goes
 * into the same batch. Throws `Refused` with guard `server-gone`, `ImageRefused` (`unplaced`).
 */
export const createServerImage = async (
  context: Context,
  server: ServerRow,
  name: string,
  properties: Record<string, string>,
  also: Write[] = [],
): Promise<string> => {
  const { cloudId, projectId } = server
  if (!cloudId) throw new ImageRefused({ kind: 'unplaced' })
  const source = server.imageId ? await readImage(context.db, context.scope, server.imageId) : null
  const now = context.now()
  const row = {
    id: context.newId(),
    projectId,
    name,
    visibility: 'private' as const,
    status: 'queued' as const,
    containerFormat: 'bare',
    diskFormat: 'raw',
    arch: source?.arch ?? 'x86_64',
    minDiskGib: Math.max(server.flavor.diskGib, source?.minDiskGib ?? 0),
    minRamMib: source?.minRamMib ?? 0,
    properties: {
      ...source?.properties,
      image_type: 'snapshot',
      instance_uuid: server.id,
      ...(server.imageId ? { base_image_ref: server.imageId } : {}),
      user_id: context.caller?.userId ?? server.userId,
      owner_id: projectId,
      ...properties,
    },
    serverId: server.id,
    createdAt: now,
    updatedAt: now,
  }
  await commit(
    context,
    { action: 'createImage', kind: 'server', resourceId: server.id, detail: { image_id: row.id } },
    [
      guard(context, 'server-gone', serverGone(server.id)),
      insertImage(context.db, row),
      bindTo(context, 'image', row, cloudId),
      insertAction(context.db, {
        serverId: server.id,
        projectId,
        userId: context.caller?.userId ?? '',
        requestId: context.requestId,
        action: 'createImage',
        args: { image_id: row.id },
        now,
      }),
      ...also,
    ],
  )
  convergeSoon(context, [{ kind: 'image', resourceId: row.id, cloudId, scope: '' }])
  return row.id
}

export type NewImage = Pick<ImageRow, 'id'> &
  Partial<Omit<ImageRow, 'projectId' | 'status' | 'createdAt' | 'updatedAt'>>

/** A record of an image whose data is still to come. */
export const createImageRecord = async (context: Context, projectId: string, wish: NewImage): Promise<ImageRead> => {
  const now = context.now()
  const row: ImageRow = {
    ...NOTHING_SAID,
    ...wish,
    projectId,
    status: 'queued',
    createdAt: now,
    updatedAt: now,
  }
  await commit(context, { action: 'create', kind: 'image', resourceId: row.id }, [insertImage(context.db, row)])
  return { ...row, clouds: [], dueAt: null }
}

const NOTHING_SAID = {
  name: null,
  visibility: 'shared' as const,
  protected: false,
  hidden: false,
  containerFormat: null,
  diskFormat: null,
  arch: 'x86_64',
  minDiskGib: 0,
  minRamMib: 0,
  sizeBytes: null,
  virtualSizeBytes: null,
  checksum: null,
  hashAlgo: null,
  hashValue: null,
  properties: {},
  tags: [],
  serverId: null,
  blob: null,
  forkId: null,
  fault: null,
  deletedAt: null,
}

/** Whether the caller may change it: his own, or an admin anything that is not a cloud's catalogue. */
export const mayChange = ({ scope }: Context, image: ImageRow): boolean =>
  image.projectId !== null && ('every' in scope || image.projectId === scope.projectId)

/** Changes the record, under the guard (`image-moved`) that nobody else has since. Throws `ImageRefused` (`foreign`). */
export const changeImage = async (context: Context, image: ImageRead, set: Partial<ImageRow>): Promise<ImageRead> => {
  if (!mayChange(context, image)) throw new ImageRefused({ kind: 'foreign' })
  // Two changes within one millisecond would both hold the guard.
  const updatedAt = Math.max(context.now(), image.updatedAt + 1)
  const renamed = set.name !== undefined && set.name !== image.name
  await commit(context, { action: 'update', kind: 'image', resourceId: image.id }, [
    guard(context, 'image-moved', imageMoved(image.id, image.updatedAt)),
    updateImage(context.db, image.id, { ...set, updatedAt }),
    ...(renamed ? [changed(context, 'image', image.id)] : []),
  ])
  return { ...image, ...set, updatedAt }
}

/** Deletes an image: the row at once, what a cloud has of it when converge gets there. */
export const deleteImage = async (context: Context, image: ImageRead): Promise<void> => {
  if (!mayChange(context, image)) throw new ImageRefused({ kind: 'foreign' })
  if (image.protected) throw new ImageRefused({ kind: 'protected' })
  const { bindings } = (await imageFor(context, image.id)) ?? { bindings: [] }
  const now = context.now()
  await commit(context, { action: 'delete', kind: 'image', resourceId: image.id }, [
    updateImage(context.db, image.id, { status: 'deleted', deletedAt: now, updatedAt: now }),
    unwanted(context, 'image', image.id),
    // The server it was being made of is not copied any more.
    ...(image.serverId && image.status !== 'active'
      ? [
          finishAction(context.db, 'createImage', image.serverId, image.id, { failed: 'The image was deleted.', now }),
          changed(context, 'server', image.serverId),
        ]
      : []),
  ])
  convergeSoon(
    context,
    bindings.map(({ kind, resourceId, cloudId, scope }) => ({ kind, resourceId, cloudId, scope })),
  )
}
