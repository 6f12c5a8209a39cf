import type { ImageSeen, NativeId } from '../../../adapters/contract.ts'
import { asCloudError } from '../../../adapters/errors.ts'
import { hideIfCopy } from '../../../db/queries/clouds/catalogue.ts'
import { type CloudRow, updateCloud } from '../../../db/queries/clouds/clouds.ts'
import { followCopies, forgetCopy, hasOther, nameCopy, usersOf } from '../../../db/queries/image/copies.ts'
import { imageMoved, updateImage } from '../../../db/queries/image/images.ts'
import { imageAwaited } from '../../../db/queries/line/awaited.ts'
import type { Binding } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { type Connected, connectCloud, connectMapped } from '../clouds/clouds.ts'
import { entryId } from '../clouds/image-names.ts'
import { isReadOnly } from '../clouds/read-only.ts'
import type { ImageOnClouds } from '../image/image.ts'
import { commit, guard } from '../line/commit.ts'

/** Why an object of a cloud is not to be an image's copy there, or why a copy stays, for the operator. */
export class CopyRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CopyRefused'
  }
}

const refuse = (reason: string): never => {
  throw new CopyRefused(reason)
}

/** So many projects are asked whether they see it, each by the account that it has there. */
const MOST_ASKED = 50

/**
 * Names the object that is an image on a cloud, for every project there: no other is made of the image's data from now on.
 * The cloud is asked for it by every account that may need it. Throws `CopyRefused`, `Refused` (guards `image-moved`, `copy-other`).
 */
export const nameImageCopy = async (
  context: Context,
  { row, bindings }: ImageOnClouds,
  cloud: CloudRow,
  nativeId: NativeId,
): Promise<void> => {
  if (isReadOnly(cloud)) refuse(`Cloud ${cloud.name} is connected read-only: nothing is made of an image there.`)
  const own = entryId(cloud.id, nativeId)
  if (row.projectId === null && bindings.some((there) => isEntry(row.id, cloud.id, there)))
    refuse(`Image ${row.id} is what cloud ${cloud.name} itself shows in its catalogue.`)
  if (!['queued', 'active'].includes(row.status)) refuse(`Image ${row.id} is ${row.status}.`)
  const seen = await lookAt(
    context,
    cloud,
    nativeId,
    row.visibility === 'private' ? (row.projectId ?? undefined) : undefined,
  )
  // One that nobody has said anything of yet is what its first copy is.
  const blank = row.blob === null && !bindings.some(({ phase }) => phase === 'bound')
  const os = seen.os ?? 'linux'
  if (!blank && seen.arch !== row.arch) refuse(`It is for ${seen.arch}, and image ${row.id} for ${row.arch}.`)
  if (!blank && os !== (row.properties.os_type ?? 'linux'))
    refuse(`It is of ${os}, and image ${row.id} of ${row.properties.os_type ?? 'linux'}.`)
  const now = Math.max(context.now(), row.updatedAt + 1)
  const entry = {
    action: 'name_copy',
    kind: 'image',
    resourceId: row.id,
    detail: { cloud: cloud.name, native_id: nativeId },
    handover: true,
  }
  await commit(context, entry, [
    guard(context, 'image-moved', imageMoved(row.id, row.updatedAt)),
    guard(context, 'copy-other', hasOther(row.id, cloud.id)),
    nameCopy(context.db, { imageId: row.id, cloudId: cloud.id, nativeId, token: context.newId(), now }),
    updateImage(context.db, row.id, {
      updatedAt: now,
      minDiskGib: Math.max(row.minDiskGib, seen.minDiskGiB),
      ...(blank ? { arch: seen.arch, properties: { ...row.properties, os_type: row.properties.os_type ?? os } } : {}),
    }),
    followCopies(context.db, row.id, now),
    hideIfCopy(context.db, cloud.id, { uuid: own, id: nativeId }),
  ])
}

/** What a cloud's catalogue shows under this very id. */
const isEntry = (imageId: string, cloudId: string, there: Binding): boolean =>
  there.cloudId === cloudId && !there.named && there.nativeId !== null && entryId(cloudId, there.nativeId) === imageId

/** The image as the operator sees it, once every account that may need it sees it too. @throws `CopyRefused` */
const lookAt = async (
  context: Context,
  cloud: CloudRow,
  nativeId: NativeId,
  project: string | undefined,
): Promise<ImageSeen> => {
  const asked = new Set<string>()
  const look = async (connecting: () => Promise<Connected>, who: string): Promise<ImageSeen | null> => {
    const { cloud: there, adapter, connection } = await connecting()
    const account = adapter.account(connection)
    if (asked.has(account)) return null
    asked.add(account)
    const seen = await there.image.get(nativeId)
    if (!seen || seen.health === 'gone') return refuse(`Cloud ${cloud.name} shows no image ${nativeId} to ${who}.`)
    if (seen.health !== 'ready') refuse(`Image ${nativeId} of cloud ${cloud.name} is ${seen.health} to ${who}.`)
    return seen
  }
  try {
    const seen = (await look(() => connectCloud(context, cloud, null, { throughBreaker: true }), 'its operator'))!
    for (const { projectId, mapping } of await usersOf(context.db, cloud.id, project, MOST_ASKED))
      await look(() => connectMapped(context, { cloud, mapping }, { throughBreaker: true }), `project ${projectId}`)
    return seen
  } catch (thrown) {
    if (thrown instanceof CopyRefused) throw thrown
    const error = asCloudError(thrown)
    return refuse(`Cloud ${cloud.name} could not be asked for image ${nativeId}: ${error.message}`)
  }
}

/**
 * A cloud has the image no more for all that was named: what its catalogue shows by a rule comes back with the next look
 * at it. The object itself stays. Throws `CopyRefused`, `Refused` (guard `copy-awaited`).
 */
export const forgetImageCopy = async (
  context: Context,
  { row, bindings }: ImageOnClouds,
  cloud: CloudRow,
): Promise<void> => {
  const there = bindings.find(({ cloudId, scope }) => cloudId === cloud.id && scope === '')
  if (!there?.named)
    throw new CopyRefused(
      there?.projectId === ''
        ? `Nobody named it: cloud ${cloud.name} shows it in its catalogue.`
        : `No copy of image ${row.id} was named on cloud ${cloud.name}.`,
    )
  const now = Math.max(context.now(), row.updatedAt + 1)
  const detail = { cloud: cloud.name, native_id: there.nativeId }
  const entry = { action: 'forget_copy', kind: 'image', resourceId: row.id, detail, handover: true }
  const id = there.nativeId ?? ''
  await commit(context, entry, [
    guard(context, 'copy-awaited', imageAwaited(row.id)),
    forgetCopy(context.db, there, now),
    followCopies(context.db, row.id, now),
    hideIfCopy(context.db, cloud.id, { uuid: entryId(cloud.id, id), id }),
    updateCloud(context.db, cloud.id, { inventoryDueAt: 0 }),
  ])
}
