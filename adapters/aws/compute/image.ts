import {
  CreateImageCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  type Filter,
  type Image,
} from '@aws-sdk/client-ec2'
import { type ImageRealm, type ImageSeen, type Mark, type Page, reading } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { refuse } from '../errors.ts'
import { tagged, tagsFor, tagValue } from '../marks.ts'
import { describeImages, imageSeen, images } from '../records/image.ts'
import { markOf, unlessGone } from '../records/reader.ts'
import { type Ask, onePage } from '../wire/paging.ts'
import { amiName, beginUpload, goOnUploading, snapshotsOf } from './image-upload.ts'

/** What runs on the sizes that we offer. */
const ARCHS: Filter = { Name: 'architecture', Values: ['x86_64', 'arm64'] }

/**
 * An image is an AMI with its snapshots. The catalogue is what the operator's policy shows: images of the named
 * owners, narrowed by name, then the images listed by id. One of uploaded data is a task until it is registered.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html (no ClientToken; names collide)
 */
export const image = (context: Context): ImageRealm => {
  const { ec2, options } = context
  const amis = images(context)

  const catalog = async (cursor?: string): Promise<Page<ImageSeen>> => {
    const { owners, names, ids } = options.images
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

  /** What a name collides with was made before, with the same mark. */
  const once = async (mark: Mark, name: string, make: () => Promise<string>): Promise<ImageSeen> => {
    try {
      const ImageId = await make()
      const fresh = (await amis.get(ImageId)) ?? imageSeen(context, { ImageId, State: 'pending' })
      return { ...fresh, mark, name }
    } catch (error) {
      if (!(error instanceof CloudError && error.detail.cloudCode === 'InvalidAMIName.Duplicate')) throw error
      const mine = await amis.find(mark)
      if (!mine) throw error
      return mine
    }
  }

  return {
    once: 'unique',
    settleMs: options.settleMs,
    find: amis.find,
    get: amis.get,
    list: amis.list,
    catalog,
    mark: amis.mark,
    async read(id) {
      const found = await amis.raw(id)
      return found && reading({ name: tagValue(found.Tags, 'Name') || found.Name || id, source: null })
    },
    async create(spec, mark) {
      const { name, source } = spec
      if (!source) return refuse('An image is made of a server or of data.')
      if (source.kind === 'data') return beginUpload(context, name, source, mark)
      return once(mark, name, async () => {
        const { ImageId } = await ec2.send(
          new CreateImageCommand({
            InstanceId: source.id,
            Name: amiName(name, mark),
            NoReboot: !options.imageReboot,
            TagSpecifications: tagged(tagsFor(mark, name), 'image', 'snapshot'),
          }),
        )
        return ImageId!
      })
    },
    poll: (task) => goOnUploading(context, task, once),
    async remove(id, mark) {
      const found = await amis.ours(id, mark)
      if (found) await unlessGone(() => ec2.send(new DeregisterImageCommand({ ImageId: id })))
      // Snapshots outlive their image and carry the same mark.
      const snapshots = await snapshotsOf(context, markOf(context, found?.Tags) ?? mark)
      for (const { SnapshotId } of snapshots) {
        await unlessGone(() => ec2.send(new DeleteSnapshotCommand({ SnapshotId })))
      }
    },
  }
}
