import assert from 'node:assert/strict'
import {
  DescribeAddressesCommand,
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
} from '@aws-sdk/client-ec2'

/** There is nothing to wait for. */
export class NeverMade extends Error {}

/** What the cloud itself holds, asked past the broker. Each finds the one object that carries a resource's id. */
export const lookAt = (endpoint: string) => {
  const ec2 = new EC2Client({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'look', secretAccessKey: 'look' },
  })
  const of = (resource: string | undefined): { Filters: Filter[] } => {
    if (!resource) throw new NeverMade('the story never got so far')
    return { Filters: [{ Name: 'tag:plimsoll:resource', Values: [resource] }] }
  }
  const one = <T>(found: T[] | undefined, what: string): T => {
    assert.equal(found?.length ?? 0, 1, `${found?.length ?? 0} ${what}s carry our tag, not one`)
    return found![0]!
  }
  return {
    ec2,
    instance: async (id: string | undefined) =>
      one(
        (await ec2.send(new DescribeInstancesCommand(of(id)))).Reservations?.flatMap((r) => r.Instances ?? []),
        'instance',
      ),
    vpc: async (id: string | undefined) => one((await ec2.send(new DescribeVpcsCommand(of(id)))).Vpcs, 'VPC'),
    subnet: async (id: string | undefined) =>
      one((await ec2.send(new DescribeSubnetsCommand(of(id)))).Subnets, 'subnet'),
    eni: async (id: string | undefined) =>
      one((await ec2.send(new DescribeNetworkInterfacesCommand(of(id)))).NetworkInterfaces, 'interface'),
    group: async (id: string | undefined) =>
      one((await ec2.send(new DescribeSecurityGroupsCommand(of(id)))).SecurityGroups, 'group'),
    address: async (id: string | undefined) =>
      one((await ec2.send(new DescribeAddressesCommand(of(id)))).Addresses, 'address'),
    volume: async (id: string | undefined) =>
      one((await ec2.send(new DescribeVolumesCommand(of(id)))).Volumes, 'volume'),
    snapshot: async (id: string | undefined) =>
      one((await ec2.send(new DescribeSnapshotsCommand(of(id)))).Snapshots, 'snapshot'),
    image: async (id: string | undefined) => one((await ec2.send(new DescribeImagesCommand(of(id)))).Images, 'image'),
    gateways: async (vpc: string) =>
      (await ec2.send(new DescribeInternetGatewaysCommand({ Filters: [{ Name: 'attachment.vpc-id', Values: [vpc] }] })))
        .InternetGateways ?? [],
    /** Everything that carries our mark; instances that are terminated do not count, tags of what is gone neither. */
    async leftovers(): Promise<string[]> {
      const marked = { Filters: [{ Name: 'tag-key', Values: ['plimsoll:resource'] }] }
      const instances = (await ec2.send(new DescribeInstancesCommand(marked))).Reservations?.flatMap(
        (r) => r.Instances ?? [],
      )
      return [
        ...(instances ?? []).filter((each) => each.State?.Name !== 'terminated').map((each) => each.InstanceId),
        ...((await ec2.send(new DescribeVpcsCommand(marked))).Vpcs ?? []).map((each) => each.VpcId),
        ...((await ec2.send(new DescribeSubnetsCommand(marked))).Subnets ?? []).map((each) => each.SubnetId),
        ...((await ec2.send(new DescribeRouteTablesCommand(marked))).RouteTables ?? []).map(
          (each) => each.RouteTableId,
        ),
        ...((await ec2.send(new DescribeInternetGatewaysCommand(marked))).InternetGateways ?? []).map(
          (each) => each.InternetGatewayId,
        ),
        ...((await ec2.send(new DescribeNetworkInterfacesCommand(marked))).NetworkInterfaces ?? []).map(
          (each) => each.NetworkInterfaceId,
        ),
        ...((await ec2.send(new DescribeSecurityGroupsCommand(marked))).SecurityGroups ?? []).map(
          (each) => each.GroupId,
        ),
        ...((await ec2.send(new DescribeAddressesCommand(marked))).Addresses ?? []).map((each) => each.AllocationId),
        ...((await ec2.send(new DescribeVolumesCommand(marked))).Volumes ?? []).map((each) => each.VolumeId),
        ...((await ec2.send(new DescribeSnapshotsCommand(marked))).Snapshots ?? []).map((each) => each.SnapshotId),
        ...((await ec2.send(new DescribeImagesCommand(marked))).Images ?? []).map((each) => each.ImageId),
        ...((await ec2.send(new DescribeKeyPairsCommand(marked))).KeyPairs ?? []).map((each) => each.KeyName),
      ].map(String)
    },
  }
}

export type Look = ReturnType<typeof lookAt>

export const tagsOf = (object: {
  Tags?: { Key?: string; Value?: string }[]
  TagSet?: { Key?: string; Value?: string }[]
}) =>
  Object.fromEntries((object.Tags ?? object.TagSet ?? []).map(({ Key, Value }) => [Key, Value])) as Record<
    string,
    string
  >
