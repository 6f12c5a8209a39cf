import { Buffer } from 'node:buffer'
import {
  type BlockDeviceMapping,
  CreateSnapshotCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  RegisterImageCommand,
  type Snapshot,
} from '@aws-sdk/client-ec2'
import type { ImageData, ImageSpec, Json, Mark, Outcome, Seen, Task } from '../../contract.ts'
import { asCloudError, CloudError } from '../../errors.ts'
import { gone, refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { filtersFor, tagged, tagsFor } from '../marks.ts'
import { BLOCK } from '../wire/ebs.ts'
import { allPages } from '../wire/paging.ts'

/**
 * An image of uploaded data: a snapshot that is written block by block, then registered. Nothing of it is done twice,
 * because each step begins with what the task says that the one before it has done: a block may be written again, a
 * snapshot is found by its mark, an image collides with its name.
 */
interface Upload {
  name: string
  mark: Mark
  /** Of a copy of a volume there is none, but for the architecture. */
  data: ImageData
  snapshot: string
  /** The first block that has not been written yet. */
  next: number
  /** Blocks that were written: those of zeros are left out. */
  written: number
  /** No block comes any more. */
  sealed: boolean
}

type VolumeSource = NonNullable<ImageSpec['source']> & { kind: 'volume' }

/** What one turn writes at most, in blocks and in milliseconds, and how many of them at once. */
const TURN = 128
const TURN_MS = 8_000
const AT_ONCE = 4
const ROOT = '/dev/xvda'
const NOTHING = new Uint8Array(BLOCK)

const asTask = (upload: Upload, pollAfterMs = 0): Task => ({
  task: upload as unknown as Json,
  pollAfterMs,
  share: upload.sealed ? 1 : upload.next / Math.max(1, blocksOf(upload.data)),
})

const blocksOf = ({ sizeBytes }: ImageData): number => Math.ceil(sizeBytes / BLOCK)

/** Snapshots that carry this mark: of an image that is there, or that is still being made. */
export const snapshotsOf = ({ ec2 }: Context, mark: Mark): Promise<Snapshot[]> =>
  allPages(async (paging) => {
    const asked = { OwnerIds: ['self'], Filters: filtersFor(mark), ...paging }
    const answer = await ec2.send(new DescribeSnapshotsCommand(asked))
    return { items: answer.Snapshots ?? [], NextToken: answer.NextToken }
  })

/** Begins, or goes on with what an earlier call with this mark began. */
export const beginUpload = async (context: Context, name: string, data: ImageData, mark: Mark): Promise<Task> => {
  if (data.format !== 'raw/bare') refuse(`EC2 takes images of raw/bare data, not of ${data.format}.`)
  if (data.os === 'windows') refuse('EC2 registers no images of Windows from uploaded data.')
  const [earlier] = await snapshotsOf(context, mark)
  if (earlier?.State === 'error') {
    await context.ec2.send(new DeleteSnapshotCommand({ SnapshotId: earlier.SnapshotId }))
    refuse('The cloud could not make a snapshot of the data.')
  }
  const tags = tagsFor(mark, name)
  const snapshot =
    earlier?.SnapshotId ??
    (await context.ebs.startSnapshot({
      sizeGiB: Math.max(data.minDiskGiB, Math.ceil(data.sizeBytes / 2 ** 30), 1),
      description: name,
      tags,
      token: mark.token,
      encrypted: context.options.encryptVolumes,
    }))
  const sealed = earlier?.State === 'completed'
  return asTask({ name, mark, data, snapshot, next: 0, written: 0, sealed })
}

/** A snapshot of a volume as it is now, which is registered like one that was written. */
export const beginCopy = async (context: Context, name: string, source: VolumeSource, mark: Mark): Promise<Task> => {
  const [earlier] = await snapshotsOf(context, mark)
  const snapshot =
    earlier?.SnapshotId ??
    (
      await context.ec2.send(
        new CreateSnapshotCommand({
          VolumeId: source.id,
          Description: name.slice(0, 255),
          TagSpecifications: tagged(tagsFor(mark, name), 'snapshot'),
        }),
      )
    ).SnapshotId!
  const data: ImageData = { blob: '', format: '', sizeBytes: 0, arch: source.arch, os: 'linux', minDiskGiB: 0 }
  return asTask({ name, mark, data, snapshot, next: 0, written: 0, sealed: true }, 1_000)
}

/**
 * The next turn; `once` makes the image, or finds it. What fails for good takes the snapshot with it, since no image
 * will ever name it.
 */
export const goOnUploading = async <S extends Seen>(
  context: Context,
  task: Json,
  once: (mark: Mark, name: string, make: () => Promise<string>) => Promise<S>,
): Promise<Outcome<S>> => {
  const upload = task as unknown as Upload
  try {
    if (!upload.sealed) return await write(context, upload)
    const [found] = await snapshotsOf(context, upload.mark)
    if (!found) throw gone(upload.snapshot)
    if (found.State === 'error') refuse('The cloud could not make a snapshot of the data.')
    if (found.State !== 'completed') return asTask(upload, 5_000)
    return await once(upload.mark, upload.name, () => register(context, upload))
  } catch (raw) {
    const error = asCloudError(raw)
    if (error.code === 'definitive' || error.code === 'capacity') await abandon(context, upload)
    throw error
  }
}

/** Takes the snapshot away. @throws `not_found` where it is gone: there is nothing to go on with */
const abandon = async (context: Context, { mark, snapshot }: Upload): Promise<void> => {
  if (!(await snapshotsOf(context, mark)).length) throw gone(snapshot)
  await unlessGone(() => context.ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshot })))
}

const write = async (context: Context, upload: Upload): Promise<Task> => {
  const count = blocksOf(upload.data)
  // Written down before it is sealed: a turn that is repeated must not write to a snapshot that is closed.
  if (upload.next < count) return asTask(await writeBlocks(context, upload, count))
  try {
    await context.ebs.completeSnapshot(upload.snapshot, upload.written)
  } catch (error) {
    // The answer of the first time was lost: its state tells how it went.
    const closed = error instanceof CloudError && /^(Validation|Conflict)/.test(error.detail.cloudCode ?? '')
    if (!closed) throw error
  }
  return asTask({ ...upload, sealed: true }, 1_000)
}

const writeBlocks = async ({ ebs, surroundings }: Context, upload: Upload, count: number): Promise<Upload> => {
  const { snapshot, data } = upload
  let next = Math.min(count, await pastHole(surroundings, upload))
  if (next === count) return { ...upload, next }
  const until = surroundings.now() + TURN_MS
  const last = Math.min(count, next + TURN)
  const offset = next * BLOCK
  const length = Math.min(last * BLOCK, data.sizeBytes) - offset
  const blocks = inBlocks(await surroundings.blobs.read(data.blob, { offset, length }))
  let { written } = upload
  for (let more = true; more && next < last && surroundings.now() < until; ) {
    const group: Uint8Array[] = []
    while (group.length < AT_ONCE && next + group.length < last) {
      const block = await blocks.next()
      more = !block.done
      if (block.done) break
      group.push(block.value)
    }
    const first = next
    await Promise.all(
      group.map(async (block, i) => {
        if (Buffer.from(block.buffer, block.byteOffset, block.length).equals(NOTHING)) return
        await ebs.putBlock(snapshot, first + i, block)
        written++
      }),
    )
    next += group.length
    if (!more && next < last) refuse('The data of the image is shorter than it should be.')
  }
  await blocks.return(undefined)
  return { ...upload, next, written }
}

/** The next block that holds anything, by what is known of holes: nothing is read of what would be left out. */
const pastHole = async ({ blobs }: Context['surroundings'], { data, next }: Upload): Promise<number> => {
  const extents = await blobs.extents?.(data.blob)
  if (!extents) return next
  const ahead = extents.find(({ offset, length }) => offset + length > next * BLOCK)
  return ahead ? Math.max(next, Math.floor(ahead.offset / BLOCK)) : Number.MAX_SAFE_INTEGER
}

/** Whole blocks; the end of the last one is zeros. */
async function* inBlocks(data: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  let block = new Uint8Array(BLOCK)
  let filled = 0
  for await (const chunk of data)
    for (let rest = chunk; rest.length; ) {
      const taken = rest.subarray(0, BLOCK - filled)
      block.set(taken, filled)
      filled += taken.length
      rest = rest.subarray(taken.length)
      if (filled < BLOCK) continue
      yield block
      block = new Uint8Array(BLOCK)
      filled = 0
    }
  if (filled) yield block
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RegisterImage.html (no ClientToken; names collide) */
const register = async ({ ec2 }: Context, { name, mark, data, snapshot }: Upload): Promise<string> => {
  const disk: BlockDeviceMapping = { DeviceName: ROOT, Ebs: { SnapshotId: snapshot, DeleteOnTermination: true } }
  const { ImageId } = await ec2.send(
    new RegisterImageCommand({
      Name: amiName(name, mark),
      Description: name.slice(0, 255),
      Architecture: data.arch === 'aarch64' ? 'arm64' : 'x86_64',
      VirtualizationType: 'hvm',
      EnaSupport: true,
      RootDeviceName: ROOT,
      BlockDeviceMappings: [disk],
      TagSpecifications: tagged(tagsFor(mark, name), 'image'),
    }),
  )
  return ImageId!
}

/** AMI names are unique in an account, 3 to 128 characters out of a few. */
export const amiName = (name: string, mark: Mark): string =>
  `${name.replaceAll(/[^a-zA-Z0-9()[\] ./\-'@_]/g, '_').slice(0, 80)} ${mark.token}`.trim()
