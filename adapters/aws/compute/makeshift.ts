import {
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  type Image,
  RegisterImageCommand,
  type Snapshot,
} from '@aws-sdk/client-ec2'
import type { Mark, ServerSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { filtersFor, tagged, tagsFor } from '../marks.ts'
import { allPages } from '../wire/paging.ts'
import { amiName, snapshotsOf } from './image-upload.ts'

/*
 * What RunInstances needs and nobody else does: an image with an empty disk, for an instance whose real root is a volume
 * that is there already. It bears the token of the server, and is taken away when that runs or goes; what a crash leaves
 * of it is an orphan of its own kind.
 */

const ROOT = '/dev/xvda'
const WAIT_MS = 1_000
const WAITS = 8

const imageMark = (mark: Mark): Mark => ({ ...mark, kind: 'image' })
const snapshotMark = (mark: Mark): Mark => ({ ...mark, kind: 'snapshot' })

const imagesOf = ({ ec2 }: Context, mark: Mark): Promise<Image[]> =>
  allPages(async (paging) => {
    const asked = { Owners: ['self'], Filters: filtersFor(imageMark(mark)), ...paging }
    const answer = await ec2.send(new DescribeImagesCommand(asked))
    return { items: answer.Images ?? [], NextToken: answer.NextToken }
  })

/**
 * A snapshot without a block that is not zero, begun or found.
 * @throws `throttled` while EC2 has not completed it: what is there then is found by the next call
 */
const emptySnapshot = async (context: Context, mark: Mark, name: string): Promise<string> => {
  const { ebs, surroundings } = context
  const own = snapshotMark(mark)
  let [found]: (Snapshot | undefined)[] = await snapshotsOf(context, own)
  const id =
    found?.SnapshotId ??
    (await ebs.startSnapshot({
      sizeGiB: 1,
      description: name,
      tags: tagsFor(own, name),
      token: mark.token,
      encrypted: context.options.encryptVolumes,
    }))
  if (found?.State !== 'completed') {
    await ebs.completeSnapshot(id, 0).catch((error) => {
      // It was closed before, and is not done yet.
      if (!(found && error instanceof CloudError && /^(Validation|Conflict)/.test(error.detail.cloudCode ?? '')))
        throw error
    })
    for (let i = 0; i < WAITS && found?.State !== 'completed'; i++) {
      if (i > 0) await surroundings.sleep(WAIT_MS)
      ;[found] = await snapshotsOf(context, own)
    }
  }
  if (found?.State === 'completed') return id
  throw new CloudError('throttled', 'The cloud still prepares the disk of the server.', { retryAfterMs: 3_000 })
}

/** The image with an empty disk for the architecture of a server, made or found. */
export const emptyImage = async (context: Context, { name, boot }: ServerSpec, mark: Mark): Promise<Image> => {
  const [earlier] = await imagesOf(context, mark)
  if (earlier) return earlier
  const snapshot = await emptySnapshot(context, mark, name)
  const Architecture = boot?.arch === 'aarch64' ? 'arm64' : 'x86_64'
  const BlockDeviceMappings = [{ DeviceName: ROOT, Ebs: { SnapshotId: snapshot, DeleteOnTermination: true } }]
  const { ImageId } = await context.ec2.send(
    new RegisterImageCommand({
      Name: amiName(name, mark),
      Architecture,
      VirtualizationType: 'hvm',
      EnaSupport: true,
      RootDeviceName: ROOT,
      BlockDeviceMappings,
      TagSpecifications: tagged(tagsFor(imageMark(mark), name), 'image'),
    }),
  )
  const disk = { DeviceName: ROOT, Ebs: { SnapshotId: snapshot, VolumeSize: 1 } }
  return { ImageId: ImageId!, RootDeviceName: ROOT, BlockDeviceMappings: [disk] }
}

/** Takes away what is left of it. */
export const clearMakeshift = async (context: Context, mark: Mark): Promise<void> => {
  const { ec2 } = context
  for (const { ImageId } of await imagesOf(context, mark))
    await unlessGone(() => ec2.send(new DeregisterImageCommand({ ImageId })))
  for (const { SnapshotId } of await snapshotsOf(context, snapshotMark(mark)))
    await unlessGone(() => ec2.send(new DeleteSnapshotCommand({ SnapshotId })))
}
