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
import { driveImage } from '../../shared/config-drive.ts'
import { unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { filtersFor, tagged, tagsFor } from '../marks.ts'
import { BLOCK } from '../wire/ebs.ts'
import { allPages } from '../wire/paging.ts'
import { amiName, snapshotsOf } from './image-upload.ts'

/*
 * What RunInstances needs and nobody else does: an image with an empty disk, for an instance whose real root is a volume
 * that is there already, and the snapshot that a config drive is a copy of. It bears the token of the server, and is taken away when that runs or goes; what a crash leaves
 * of it says in its mark what it was for, and is an orphan once the server is none that is made any more.
 */

const ROOT = '/dev/xvda'
const WAIT_MS = 1_000
const WAITS = 8

const imageMark = (mark: Mark): Mark => ({ ...mark, kind: 'image', for: 'server' })
const snapshotMark = (mark: Mark): Mark => ({ ...mark, kind: 'snapshot', for: 'server' })

const imagesOf = ({ ec2 }: Context, mark: Mark): Promise<Image[]> =>
  allPages(async (paging) => {
    const asked = { Owners: ['self'], Filters: filtersFor(imageMark(mark)), ...paging }
    const answer = await ec2.send(new DescribeImagesCommand(asked))
    return { items: answer.Images ?? [], NextToken: answer.NextToken }
  })

/** What a snapshot is for: its description, which tells the two of one server apart. */
type Part = 'root' | 'drive'
const describe = (part: Part): string => `Plimsoll ${part} of a server that is made`

/**
 * A snapshot with these contents, begun or found.
 * @throws `throttled` while EC2 has not completed it: what is there then is found by the next call
 */
const snapshotWith = async (
  context: Context,
  mark: Mark,
  name: string,
  part: Part,
  data: Uint8Array,
): Promise<string> => {
  const { ebs, surroundings } = context
  const own = snapshotMark(mark)
  const look = async () => (await snapshotsOf(context, own)).find(({ Description }) => Description === describe(part))
  let found: Snapshot | undefined = await look()
  const id =
    found?.SnapshotId ??
    (await ebs.startSnapshot({
      sizeGiB: 1,
      description: describe(part),
      tags: tagsFor(own, name),
      token: `${mark.token}-${part}`,
      encrypted: context.options.encryptVolumes,
    }))
  if (found?.State !== 'completed') {
    await writeSnapshot(context, id, data).catch((error) => {
      // It was closed before, and is not done yet.
      if (!(found && error instanceof CloudError && /^(Validation|Conflict)/.test(error.detail.cloudCode ?? '')))
        throw error
    })
    for (let i = 0; i < WAITS && found?.State !== 'completed'; i++) {
      if (i > 0) await surroundings.sleep(WAIT_MS)
      found = await look()
    }
  }
  if (found?.State === 'completed') return id
  throw new CloudError('throttled', 'The cloud still prepares the disks of the server.', { retryAfterMs: 3_000 })
}

const writeSnapshot = async ({ ebs }: Context, id: string, data: Uint8Array): Promise<void> => {
  const count = Math.ceil(data.length / BLOCK)
  for (let i = 0; i < count; i++) {
    const block = new Uint8Array(BLOCK)
    block.set(data.subarray(i * BLOCK, (i + 1) * BLOCK))
    await ebs.putBlock(id, i, block)
  }
  await ebs.completeSnapshot(id, count)
}

/** The snapshot of the config drive of a server, written or found. */
export const driveSnapshot = (context: Context, spec: ServerSpec, mark: Mark): Promise<string> =>
  snapshotWith(context, mark, spec.name, 'drive', driveImage(spec))

/** What is known of that image before it is made. */
export const EMPTY: Image = {
  RootDeviceName: ROOT,
  BlockDeviceMappings: [{ DeviceName: ROOT, Ebs: { VolumeSize: 1 } }],
}

/** The image with an empty disk for the architecture of a server, made or found. */
export const emptyImage = async (context: Context, { name, boot }: ServerSpec, mark: Mark): Promise<Image> => {
  const [earlier] = await imagesOf(context, mark)
  if (earlier) return earlier
  const snapshot = await snapshotWith(context, mark, name, 'root', new Uint8Array())
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
