import { DescribeInstanceTypesCommand, type Instance } from '@aws-sdk/client-ec2'
import { type Reading, reading, type ServerSpec, type Size } from '../../contract.ts'
import { asCloudError } from '../../errors.ts'
import { readGrouping } from '../../shared/grouping.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { BOOT_TAG, GROUP_TAG, metadataFrom, tagValue } from '../marks.ts'
import { DRIVE } from '../records/instance.ts'

/** A server as it would have been asked for, whoever started it. Its user data stays with whoever wrote it. */
export const readServer = async (context: Context, instance: Instance): Promise<Reading<ServerSpec> | null> => {
  if (instance.State?.Name === 'terminated') return null
  const cards = (instance.NetworkInterfaces ?? []).toSorted(
    (a, b) => (a.Attachment?.DeviceIndex ?? 0) - (b.Attachment?.DeviceIndex ?? 0),
  )
  if (cards.length === 0) refuse('The server has no network interface in a VPC.')
  const disks = (instance.BlockDeviceMappings ?? []).filter(
    ({ DeviceName }) => DeviceName !== instance.RootDeviceName && DeviceName !== DRIVE,
  )
  const spot = instance.InstanceLifecycle === 'spot'
  const left = [
    ...(instance.InstanceLifecycle && !spot ? [`It is a ${instance.InstanceLifecycle} instance.`] : []),
    ...(instance.RootDeviceType === 'instance-store' ? ['Its root disk is lost when it stops.'] : []),
    ...(instance.PublicIpAddress ? [`It has the public address ${instance.PublicIpAddress}.`] : []),
  ]
  const boot = tagValue(instance.Tags, BOOT_TAG)
  const spec: ServerSpec = {
    name: tagValue(instance.Tags, 'Name') || instance.InstanceId || '',
    size: await sizeOf(context, instance),
    image: boot === undefined ? (instance.ImageId ?? '') : '',
    zone: instance.Placement?.AvailabilityZone ?? '',
    ports: cards.flatMap(({ NetworkInterfaceId }) => NetworkInterfaceId ?? []),
    keypair: instance.KeyName ?? null,
    publicKey: null,
    userData: null,
    metadata: metadataFrom(instance.Tags),
    configDrive: (instance.BlockDeviceMappings ?? []).some(({ DeviceName }) => DeviceName === DRIVE),
    drive: null,
    fork: null,
    boot: boot === undefined ? null : { volume: boot, arch: instance.Architecture === 'arm64' ? 'aarch64' : 'x86_64' },
    group: readGrouping(tagValue(instance.Tags, GROUP_TAG)),
    ...(spot ? { option: 'spot' } : {}),
  }
  const owns = [
    ...cards.flatMap((card) => (card.Attachment?.DeleteOnTermination ? (card.NetworkInterfaceId ?? []) : [])),
    ...disks.flatMap(({ Ebs }) => (Ebs?.DeleteOnTermination ? (Ebs.VolumeId ?? []) : [])),
  ]
  return reading(spec, { left, owns })
}

/** What the instance type has; one that the region does not know any more is told by the instance alone. */
const sizeOf = async ({ ec2 }: Context, { InstanceType, CpuOptions }: Instance): Promise<Size> => {
  const size = {
    native: InstanceType ?? '',
    vcpus: (CpuOptions?.CoreCount ?? 1) * (CpuOptions?.ThreadsPerCore ?? 1),
    ramMiB: 0,
    diskGiB: 0,
  }
  if (!InstanceType) return size
  try {
    const { InstanceTypes } = await ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: [InstanceType] }))
    const [type] = InstanceTypes ?? []
    return { ...size, vcpus: type?.VCpuInfo?.DefaultVCpus ?? size.vcpus, ramMiB: type?.MemoryInfo?.SizeInMiB ?? 0 }
  } catch (error) {
    if (['throttled', 'ambiguous', 'denied'].includes(asCloudError(error).code)) throw error
    return size
  }
}
