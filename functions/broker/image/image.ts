import {
  finishAction,
  insertAction,
  type ServerRow,
  serverGone,
} from '../../../db/queries/block-storage/attachments.ts'
import { endUpload, volumeAwaitsImage } from '../../../db/queries/block-storage/volumes.ts'
import { endUploading } from '../../../db/queries/compute/server-actions.ts'
import {
  blobsInUse,
  type ImageRead,
  type ImageRow,
  imageBindings,
  imageMoved,
  insertImage,
  readImage,
  updateImage,
} from '../../../db/queries/image/images.ts'
import { deleteMembers } from '../../../db/queries/image/members.ts'
import { tasksOf } from '../../../db/queries/image/tasks.ts'
import { imageAwaited } from '../../../db/queries/line/awaited.ts'
import type { Binding } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { commit, guard, type Write } from '../line/commit.ts'
import { Refusing } from '../line/refused.ts'
import { bindTo, changed, withdrawn } from '../line/resources.ts'
import { withinImageLimits } from './image-quota.ts'
import { dropParts, endImageTasks } from './image-tasks.ts'

/** An image that says so stands for a running server, and booting from it forks that: nothing that is made of it does. */
export const FORK_OF = 'plimsoll:fork_of'

/** Why an image will not do as asked. The service words it and gives it a status. */
export type ImageRefusal =
  /** Of another project, or with null of its cloud's catalogue. */
  | { kind: 'foreign'; projectId: string | null }
  | { kind: 'protected' }
  | { kind: 'status'; status: string; allowed: string[] }
  /** The server is on no cloud yet. */
  | { kind: 'unplaced' }
  /** It takes no data, or not now. */
  | { kind: 'transition'; from: string; to: string }
  | { kind: 'formats'; missing: string[] }
  /** There is nowhere to keep data. */
  | { kind: 'no-store' }
  | { kind: 'full' }
  /** In bytes; `worker`: larger bodies never get here. */
  | { kind: 'too-large'; limit: number; worker: boolean }
  /** The data is not what the image says it is. */
  | { kind: 'mismatch'; reason: string }
  /** The data ended before it was over. */
  | { kind: 'incomplete' }
  /** The image was deleted meanwhile. */
  | { kind: 'vanished' }
  | { kind: 'unstaged' }
  /** Its data is not here. */
  | { kind: 'nothing-to-copy' }

export class ImageRefused extends Refusing<ImageRefusal> {
  constructor(refusal: ImageRefusal) {
    super(refusal, `image refused: ${JSON.stringify(refusal)}`)
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
 * into the same batch. Throws `Refused` with guard `server-gone` or quota `image_count_total`, `ImageRefused` (`unplaced`).
 */
export const createServerImage = async (
  context: Context,
  server: ServerRow,
  name: string,
  properties: Record<string, string>,
  also: Write[] = [],
): Promise<string> => {
  const { cloudId } = server
  if (!cloudId) throw new ImageRefused({ kind: 'unplaced' })
  const source = server.imageId ? await readImage(context.db, context.scope, server.imageId) : null
  const row = imageOfServer(context, server, source, name, properties)
  await commit(
    context,
    { action: 'createImage', kind: 'server', resourceId: server.id, detail: { image_id: row.id } },
    [
      guard(context, 'server-gone', serverGone(server.id)),
      ...withinImageLimits(context, row.projectId!, { image_count_total: 1 }),
      ...saveServer(context, { ...server, cloudId }, row),
      ...also,
    ],
  )
  return row.id
}

/** An image of a server that is still to be made. It has the properties of the one that the server was made of. */
export const imageOfServer = (
  context: Context,
  server: ServerRow,
  source: ImageRow | null,
  name: string,
  properties: Record<string, string>,
): ImageRow => {
  const now = context.now()
  const { [FORK_OF]: _, ...rest } = source?.properties ?? {}
  const inherited = Object.fromEntries(Object.entries(rest).filter(([key]) => !key.startsWith('os_glance')))
  return {
    ...NOTHING_SAID,
    id: context.newId(),
    projectId: server.projectId,
    name,
    visibility: 'private',
    status: 'queued',
    containerFormat: 'bare',
    diskFormat: 'raw',
    arch: source?.arch ?? 'x86_64',
    minDiskGib: Math.max(server.flavor.diskGib, source?.minDiskGib ?? 0),
    minRamMib: source?.minRamMib ?? 0,
    properties: {
      ...inherited,
      image_type: 'snapshot',
      instance_uuid: server.id,
      ...(server.imageId ? { base_image_ref: server.imageId } : {}),
      user_id: context.caller?.userId ?? server.userId,
      owner_id: server.projectId,
      ...properties,
    },
    serverId: server.id,
    createdAt: now,
    updatedAt: now,
  }
}

/** Writes that end the copying of a server or a volume: Nova's action is over in the same moment in which the image says so. */
export const endImageCopy = (
  context: Context,
  { id, serverId, volumeId }: Pick<ImageRow, 'id' | 'serverId' | 'volumeId'>,
  failed?: string,
): Write[] => [
  ...(volumeId ? [endUpload(context.db, volumeId, context.now())] : []),
  ...(serverId
    ? [
        finishAction(context.db, 'createImage', serverId, id, { failed, now: context.now() }),
        endUploading(context.db, serverId, context.now()),
        changed(context, 'server', serverId),
      ]
    : []),
]

/** Writes that have it made: the row, its binding, and the action in the history of the server. */
export const saveServer = (context: Context, server: ServerRow & { cloudId: string }, row: ImageRow): Write[] => [
  insertImage(context.db, row),
  bindTo(context, 'image', { id: row.id, projectId: server.projectId }, { cloudId: server.cloudId }),
  insertAction(context.db, {
    serverId: server.id,
    projectId: server.projectId,
    userId: context.caller?.userId ?? '',
    requestId: context.requestId,
    action: 'createImage',
    args: { image_id: row.id },
    now: context.now(),
  }),
]

export type NewImage = Pick<ImageRow, 'id'> &
  Partial<Omit<ImageRow, 'projectId' | 'status' | 'createdAt' | 'updatedAt'>>

/** A record of an image whose data is still to come. Throws `Refused` (`quota`). */
export const createImageRecord = async (context: Context, projectId: string, wish: NewImage): Promise<ImageRead> => {
  const row = newImageRow(context, { ...wish, projectId })
  await commit(context, { action: 'create', kind: 'image', resourceId: row.id }, [
    ...withinImageLimits(context, projectId, { image_count_total: 1 }),
    insertImage(context.db, row),
  ])
  return { ...row, clouds: [], dueAt: null }
}

/** An image whose data is still to come, wherever from. */
export const newImageRow = (context: Context, wish: Partial<ImageRow>): ImageRow => {
  const now = context.now()
  return {
    ...NOTHING_SAID,
    id: wish.id ?? context.newId(),
    projectId: null,
    ...wish,
    status: 'queued',
    createdAt: now,
    updatedAt: now,
  }
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
  volumeId: null,
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
  if (!mayChange(context, image)) throw new ImageRefused({ kind: 'foreign', projectId: image.projectId })
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

/** Writes with which an image goes: the row at once, what clouds have of it afterwards. */
const imageGone = (context: Context, id: string): Write[] => {
  const now = context.now()
  return [
    updateImage(context.db, id, { status: 'deleted', deletedAt: now, updatedAt: now }),
    deleteMembers(context.db, id),
    ...withdrawn(context, 'image', id, imageAwaited(id)),
  ]
}

/**
 * Deletes an image: the row at once, what clouds and the store have of it afterwards. What was admitted with it before is
 * still made of it. Guard: `image-needed` while a volume of it is nowhere yet, which is made when somebody uses it.
 */
export const deleteImage = async (context: Context, image: ImageRead): Promise<void> => {
  if (!mayChange(context, image)) throw new ImageRefused({ kind: 'foreign', projectId: image.projectId })
  if (image.protected) throw new ImageRefused({ kind: 'protected' })
  await commit(context, { action: 'delete', kind: 'image', resourceId: image.id }, [
    guard(context, 'image-needed', volumeAwaitsImage(image.id)),
    ...imageGone(context, image.id),
    endImageTasks(context, image.id, 'The image was deleted.'),
    // The server it was being made of is not copied any more.
    ...(image.status === 'active' ? [] : endImageCopy(context, image, 'The image was deleted.')),
  ])
  const { blob } = image
  const { blobs } = context
  if (!blobs || !(blob || image.status === 'importing')) return
  context.defer(async () => {
    if (blob && !(await blobsInUse(context.db, [blob])).has(blob)) await blobs.remove(blob)
    for (const { work } of await tasksOf(context.db, image.id)) if (work?.kind === 'fetch') await dropParts(blobs, work)
  })
}
