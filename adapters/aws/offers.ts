import {
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  type Filter,
  type InstanceTypeInfo,
} from '@aws-sdk/client-ec2'
import type { Offer } from '../contract.ts'
import type { Context } from './context.ts'
import { allPages } from './wire/paging.ts'

/** EC2's own limit for DescribeInstanceTypes. */
const TYPES_PAGE = 100
const OFFERINGS_PAGE = 1_000
const FILTER_VALUES = 200

/** Macs and 32-bit-only types have no image above the line. */
const archOf = (type: InstanceTypeInfo): Offer['arch'] | null => {
  const archs = type.ProcessorInfo?.SupportedArchitectures ?? []
  if (archs.includes('x86_64')) return 'x86_64'
  return archs.includes('arm64') ? 'aarch64' : null
}

const count = (devices: { Count?: number }[] | undefined): number =>
  (devices ?? []).reduce((sum, device) => sum + (device.Count ?? 0), 0)

/**
 * Every instance type that the operator's globs admit, with the zones that sell it. The root disk is always a volume,
 * so `diskGiB` is 0; instance-store disks come on top and are not promised to anybody.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html (MiB, counts)
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html
 */
export const offers = async ({ ec2, options }: Pick<Context, 'ec2' | 'options'>): Promise<Offer[]> => {
  const named: Filter[] = options.instanceTypes ? [{ Name: 'instance-type', Values: options.instanceTypes }] : []
  const current: Filter[] = options.generations === 'current' ? [{ Name: 'current-generation', Values: ['true'] }] : []
  const types = await allPages(async (paging) => {
    const answer = await ec2.send(new DescribeInstanceTypesCommand({ Filters: [...named, ...current], ...paging }))
    return { items: answer.InstanceTypes ?? [], NextToken: answer.NextToken }
  }, TYPES_PAGE)
  const names = types.flatMap((type) => type.InstanceType ?? [])
  // A filter takes this many values; for more types than that the whole list is the shorter question.
  const Filters = names.length <= FILTER_VALUES ? [{ Name: 'instance-type', Values: names }] : undefined
  if (names.length === 0) return []
  const places = await allPages(async (paging) => {
    const answer = await ec2.send(
      new DescribeInstanceTypeOfferingsCommand({ LocationType: 'availability-zone', Filters, ...paging }),
    )
    return { items: answer.InstanceTypeOfferings ?? [], NextToken: answer.NextToken }
  }, OFFERINGS_PAGE)
  const zones = new Map<string, string[]>()
  for (const { InstanceType, Location } of places) {
    if (InstanceType && Location) zones.set(InstanceType, [...(zones.get(InstanceType) ?? []), Location])
  }
  return types.flatMap((type): Offer[] => {
    const arch = archOf(type)
    const name = type.InstanceType
    const where = zones.get(name ?? '')
    if (!arch || !name || !where) return []
    return [
      {
        name,
        vcpus: type.VCpuInfo?.DefaultVCpus ?? 0,
        ramMiB: type.MemoryInfo?.SizeInMiB ?? 0,
        diskGiB: 0,
        arch,
        gpus: count(type.GpuInfo?.Gpus),
        zones: where.toSorted(),
      },
    ]
  })
}
