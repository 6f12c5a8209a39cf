import { DescribeInstanceTypeOfferingsCommand, DescribeInstanceTypesCommand, EC2Client } from '@aws-sdk/client-ec2'

/* Where a server has to end, worked out from what the cloud itself sells: nothing here is the broker's. */

/** EC2 by its own words for it. */
export interface Sold {
  cloud: string
  zone: string
  size: string
}

export const REGIONS = [
  { cloud: 'aws-east', region: 'us-east-1', zones: ['us-east-1a', 'us-east-1b', 'us-east-1c'] },
  { cloud: 'aws-west', region: 'us-west-2', zones: ['us-west-2a', 'us-west-2b'] },
] as const

/** What is asked for: sizes of a machine are never smaller in any dimension. */
export const FLAVOR = { name: 'm1.medium', vcpus: 2, ramMib: 4096 }

/** A client of one region, past the broker. */
export const clientOf = (endpoint: string, region: string): EC2Client =>
  new EC2Client({ endpoint, region, credentials: { accessKeyId: 'look', secretAccessKey: 'look' } })

/** Types of the family in the order in which they have to be tried, smallest first. */
export const sizesThatFit = async (ec2: EC2Client, zone: string, family: string): Promise<string[]> => {
  const offered = await ec2.send(
    new DescribeInstanceTypeOfferingsCommand({
      LocationType: 'availability-zone',
      Filters: [{ Name: 'location', Values: [zone] }],
    }),
  )
  const types = (offered.InstanceTypeOfferings ?? []).flatMap(({ InstanceType: type }) =>
    type?.startsWith(family) ? type : [],
  )
  if (!types.length) return []
  const { InstanceTypes } = await ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: types }))
  return (InstanceTypes ?? [])
    .map(({ InstanceType: size, VCpuInfo: cpu, MemoryInfo: memory }) => ({
      size: size!,
      vcpus: cpu?.DefaultVCpus ?? 0,
      ramMib: memory?.SizeInMiB ?? 0,
    }))
    .filter(({ vcpus, ramMib }) => vcpus >= FLAVOR.vcpus && ramMib >= FLAVOR.ramMib)
    .toSorted((one, other) => one.vcpus - other.vcpus || one.ramMib - other.ramMib)
    .map(({ size }) => size)
}

export const keyOf = ({ cloud, zone, size }: Sold): string => `${cloud}.${zone}/${size}`

/** Of what every region sells, level by level and zone by zone, what is not refused; null: another cloud has to have it. */
export const survivorOf = (sold: Sold[], sizes: string[], refused: Map<string, string>): Sold | null => {
  for (const { cloud } of REGIONS)
    for (const size of sizes) {
      const left = sold.filter((each) => each.cloud === cloud && each.size === size && !refused.has(keyOf(each)))
      if (left.length > 1) throw new Error(`the draw leaves a choice: ${left.map(keyOf).join(', ')}`)
      if (left[0]) return left[0]
    }
  return null
}
