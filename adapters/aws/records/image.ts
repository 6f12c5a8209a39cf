import { DescribeImagesCommand, type Filter, type Image, type Instance } from '@aws-sdk/client-ec2'
import type { ImageSeen } from '../../contract.ts'
import type { Context } from '../context.ts'
import { tagValue } from '../marks.ts'
import type { Ask } from '../wire/paging.ts'
import { markOf, type Reader, reader } from './reader.ts'

const healthOf = (image: Image): ImageSeen['health'] => {
  switch (image.State) {
    case 'available':
      return 'ready'
    case 'deregistered':
      return 'gone'
    case 'failed':
    case 'error':
    case 'invalid':
    case 'disabled':
      return 'failed'
    default:
      return 'pending'
  }
}

/** The disk that the image boots from; undefined for images that live in an instance store. */
export const rootDisk = (image: Image) =>
  image.BlockDeviceMappings?.find((mapping) => mapping.DeviceName === image.RootDeviceName)?.Ebs

/** Of an image or an instance: every disk but the one that it boots from, as left out. Pure. */
export const besidesRoot = ({
  BlockDeviceMappings = [],
  RootDeviceName,
}: Pick<Instance, 'BlockDeviceMappings' | 'RootDeviceName'>): { DeviceName: string; NoDevice: string }[] =>
  BlockDeviceMappings.flatMap(({ DeviceName }) =>
    DeviceName && DeviceName !== RootDeviceName ? [{ DeviceName, NoDevice: '' }] : [],
  )

/** An AMI in the contract's words. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html (GiB) */
export const imageSeen = (context: Context, image: Image): ImageSeen => ({
  id: image.ImageId ?? '',
  mark: markOf(context, image.Tags),
  name: tagValue(image.Tags, 'Name') || image.Name,
  health: healthOf(image),
  ...(image.StateReason?.Message ? { fault: 'The cloud could not make the image.' } : {}),
  arch: image.Architecture === 'arm64' ? 'aarch64' : 'x86_64',
  minDiskGiB: rootDisk(image)?.VolumeSize ?? 0,
  sizeBytes: null,
  os: image.Platform?.toLowerCase() === 'windows' ? 'windows' : 'linux',
  createdAt: image.CreationDate ?? '',
  ...(image.Description ? { description: image.Description } : {}),
})

/** One Describe call: by filter, by owner, or everything that the account may see. */
export const describeImages =
  ({ ec2 }: Context, Filters: Filter[] | undefined, Owners?: string[]): Ask<Image> =>
  async (paging) => {
    const answer = await ec2.send(new DescribeImagesCommand({ Filters, ...(Owners ? { Owners } : {}), ...paging }))
    return { items: answer.Images ?? [], NextToken: answer.NextToken }
  }

/** Images by any owner, for `get` and for servers; `list` shows the account's own. */
export const images = (context: Context): Reader<Image, ImageSeen> =>
  reader<Image, ImageSeen>(context, {
    idFilter: 'image-id',
    idOf: (image) => image.ImageId,
    tags: (image) => image.Tags,
    beside: (image) => (image.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
    describe: (Filters) => (Filters ? describeImages(context, Filters) : describeImages(context, undefined, ['self'])),
    seen: (found) => found.map((item) => imageSeen(context, item)),
  })
