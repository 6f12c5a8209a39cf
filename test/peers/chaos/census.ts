import {
  DescribeAddressesCommand,
  DescribeDhcpOptionsCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeInternetGatewaysCommand,
  DescribeKeyPairsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
  EC2Client,
  type Filter,
  type Tag,
} from '@aws-sdk/client-ec2'

/** One live object of the cloud with our mark. */
export interface Found {
  /** `instance`, `volume` … in EC2's words; a server has an instance and a volume. */
  type: string
  native: string
  kind: string
  resource: string
  token: string
  /** The volume's server and the address's interface; the network of a group. */
  at: string
}

const MARKED: Filter[] = [{ Name: 'tag-key', Values: ['plimsoll:resource'] }]
const DEAD = new Set(['terminated', 'shutting-down', 'deleted'])

/** Counts past the broker and past every fault: everything in an account that carries our mark. */
export const census = async (endpoint: string): Promise<Found[]> => {
  const credentials = { accessKeyId: 'census', secretAccessKey: 'census' }
  const ec2 = new EC2Client({ endpoint, region: 'us-east-1', credentials })
  const ask = { Filters: MARKED }
  const found: Found[] = []
  const note = (type: string, native: string | undefined, tags: Tag[] | undefined, at = '') => {
    const tag = (name: string) => tags?.find(({ Key }) => Key === `plimsoll:${name}`)?.Value ?? ''
    found.push({ type, native: native ?? '', kind: tag('kind'), resource: tag('resource'), token: tag('token'), at })
  }
  for (const { Instances = [] } of (await ec2.send(new DescribeInstancesCommand(ask))).Reservations ?? [])
    for (const each of Instances)
      if (!DEAD.has(each.State?.Name ?? '')) note('instance', each.InstanceId, each.Tags, each.State?.Name)
  for (const each of (await ec2.send(new DescribeVolumesCommand(ask))).Volumes ?? [])
    if (!DEAD.has(each.State ?? '')) note('volume', each.VolumeId, each.Tags, each.Attachments?.[0]?.InstanceId)
  for (const each of (await ec2.send(new DescribeVpcsCommand(ask))).Vpcs ?? []) note('vpc', each.VpcId, each.Tags)
  for (const each of (await ec2.send(new DescribeSubnetsCommand(ask))).Subnets ?? [])
    note('subnet', each.SubnetId, each.Tags)
  for (const each of (await ec2.send(new DescribeRouteTablesCommand(ask))).RouteTables ?? [])
    note('route table', each.RouteTableId, each.Tags)
  for (const each of (await ec2.send(new DescribeInternetGatewaysCommand(ask))).InternetGateways ?? [])
    note('gateway', each.InternetGatewayId, each.Tags)
  for (const each of (await ec2.send(new DescribeNetworkInterfacesCommand(ask))).NetworkInterfaces ?? [])
    note('interface', each.NetworkInterfaceId, each.TagSet, each.Attachment?.InstanceId)
  for (const each of (await ec2.send(new DescribeSecurityGroupsCommand(ask))).SecurityGroups ?? [])
    note('group', each.GroupId, each.Tags, each.VpcId)
  for (const each of (await ec2.send(new DescribeAddressesCommand(ask))).Addresses ?? [])
    note('address', each.AllocationId, each.Tags, each.NetworkInterfaceId)
  for (const each of (await ec2.send(new DescribeDhcpOptionsCommand(ask))).DhcpOptions ?? [])
    note('dhcp options', each.DhcpOptionsId, each.Tags)
  for (const each of (await ec2.send(new DescribeSnapshotsCommand(ask))).Snapshots ?? [])
    note('snapshot', each.SnapshotId, each.Tags)
  for (const each of (await ec2.send(new DescribeImagesCommand(ask))).Images ?? [])
    note('image', each.ImageId, each.Tags)
  for (const each of (await ec2.send(new DescribeKeyPairsCommand(ask))).KeyPairs ?? [])
    note('key', each.KeyPairId, each.Tags)
  ec2.destroy()
  return found
}

/** The leak check that ends every test on a cloud: what still carries our mark, as `type native (kind resource)`. */
export const leaks = async (endpoint: string): Promise<string[]> =>
  (await census(endpoint)).map(({ type, native, kind, resource }) => `${type} ${native} (${kind} ${resource})`)

/** How many of each type, in one line. */
export const tally = (found: Found[]): string => {
  const counts = new Map<string, number>()
  for (const { type } of found) counts.set(type, (counts.get(type) ?? 0) + 1)
  return [...counts].map(([type, n]) => `${n} ${type}`).join(', ') || 'nothing'
}
