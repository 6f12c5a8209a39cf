import {
  CreateImageCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  type Filter,
  type Image,
} from '@aws-sdk/client-ec2'
import { type ImageRealm, type ImageSeen, type ImageSpec, type Mark, type Page, reading } from '../../contract.ts'
import { markedRealm } from '../../shared/realm.ts'
import { orEarlier, refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { tagged, tagsFor, tagValue } from '../marks.ts'
import { besidesRoot, describeImages, imageSeen, images } from '../records/image.ts'
import { ourInstance } from '../records/instance.ts'
import { markOf } from '../records/reader.ts'
import { type Ask, onePage } from '../wire/paging.ts'
import { amiName, beginCopy, beginUpload, goOnUploading, snapshotsOf } from './image-upload.ts'

/** What runs on the sizes that we offer. */
const ARCHS: Filter = { Name: 'architecture', Values: ['x86_64', 'arm64'] }

/** A page of what the operator's policy shows: one query for each of its parts, one after the other. */
const catalog = async (context: Context, cursor?: string): Promise<Page<ImageSeen>> => {
  const { owners, names, ids } = context.options.images
  const queries: Ask<Image>[] = []
  const byName = names.length > 0 ? [{ Name: 'name', Values: names }] : []
  if (owners.length > 0) queries.push(describeImages(context, [ARCHS, ...byName], owners))
  if (ids.length > 0) queries.push(describeImages(context, [ARCHS, { Name: 'image-id', Values: ids }]))
  const [, which = '0', token] = /^(\d+) (.*)$/s.exec(cursor ?? '') ?? []
  const index = Number(which)
  const page = await onePage(queries[index]!, token || undefined)
  const next = page.next ? `${index} ${page.next}` : index + 1 < queries.length ? `${index + 1} ` : undefined
  return {
    items: page.items.map((item) => imageSeen(context, item)),
    complete: page.complete,
    ...(next ? { next } : {}),
  }
}

/**
 * An image is an AMI with its snapshots. The catalogue is what the operator's policy shows: images of the named
 * owners, narrowed by name, then the images listed by id. One of uploaded data is a task until it is registered.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html (no ClientToken; names collide)
 */
export const image = (context: Context): ImageRealm => {
  const { ec2, options, connection } = context
  const amis = images(context)

  /** What a name collides with was made before, with the same mark. */
  const once = (mark: Mark, name: string, make: () => Promise<string>): Promise<ImageSeen> =>
    orEarlier(
      'InvalidAMIName.Duplicate',
      async () => {
        const ImageId = await make()
        const fresh = (await amis.get(ImageId)) ?? imageSeen(context, { ImageId, State: 'pending' })
        return { ...fresh, mark, name }
      },
      () => amis.find(mark),
    )

  /** Snapshots outlive their image and carry the same mark. */
  const dropSnapshots = async (mark: Mark): Promise<void> => {
    for (const { SnapshotId } of await snapshotsOf(context, mark)) {
      await unlessGone(() => ec2.send(new DeleteSnapshotCommand({ SnapshotId })))
    }
  }

  const realm = markedRealm<ImageSpec, ImageSeen, Image>(connection, amis, {
    once: 'unique',
    settleMs: options.settleMs,
    async create({ name, source }, mark) {
      if (!source) return refuse('An image is made of a server, a volume or data.')
      if (source.kind === 'data') return beginUpload(context, name, source, mark)
      if (source.kind === 'volume') return beginCopy(context, name, source, mark)
      return once(mark, name, async () => {
        const BlockDeviceMappings = besidesRoot(await ourInstance(context, source.id))
        const { ImageId } = await ec2.send(
          new CreateImageCommand({
            InstanceId: source.id,
            Name: amiName(name, mark),
            NoReboot: !options.imageReboot,
            // Its config drive is its own, and its volumes are no part of its image.
            ...(BlockDeviceMappings.length ? { BlockDeviceMappings } : {}),
            TagSpecifications: tagged(tagsFor(mark, name), 'image', 'snapshot'),
          }),
        )
        return ImageId!
      })
    },
    poll: (task) => goOnUploading(context, task, once),
    async remove({ ImageId, Tags }, mark) {
      await unlessGone(() => ec2.send(new DeregisterImageCommand({ ImageId })))
      await dropSnapshots(markOf(context, Tags) ?? mark)
    },
    removeRest: dropSnapshots,
    read: ({ ImageId = '', Name, Tags }) => reading({ name: tagValue(Tags, 'Name') || Name || ImageId, source: null }),
  })
  return { ...realm, catalog: (cursor) => catalog(context, cursor) }
}
