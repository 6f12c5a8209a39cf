import assert from 'node:assert/strict'
import { DescribeKeyPairsCommand, DescribeRouteTablesCommand, type IpPermission } from '@aws-sdk/client-ec2'
import { look, type Step, type World } from '../openstackclient/story.ts'
import { patiently } from '../support/patiently.ts'
import { type Look, NeverMade, tagsOf } from './look.ts'

const PATIENCE = 20_000

/** One permission in words: `tcp 22-22 0.0.0.0/0`. */
const words = (permissions: IpPermission[] = []): string[] =>
  permissions
    .flatMap(({ IpProtocol, FromPort, ToPort, IpRanges = [], Ipv6Ranges = [], UserIdGroupPairs = [] }) =>
      [
        ...IpRanges.map((r) => r.CidrIp),
        ...Ipv6Ranges.map((r) => r.CidrIpv6),
        ...UserIdGroupPairs.map((p) => p.GroupId),
      ].map((peer) => `${IpProtocol} ${IpProtocol === '-1' ? '' : `${FromPort}-${ToPort} `}${peer}`),
    )
    .sort()

/** What moto must hold at each moment of the story. */
export const seenOnAws = (aws: Look): ((moment: string) => Step[]) => {
  const at = (title: string, run: (world: World) => Promise<void>) => [
    // A client's command has been answered before the cloud was called: what is to be seen may take a while.
    look(`moto: ${title}`, (world) =>
      patiently(
        () => run(world),
        PATIENCE,
        (error) => error instanceof NeverMade,
      ),
    ),
  ]
  const moments: Record<string, Step[]> = {
    'router joined': at('a VPC with subnet, internet gateway and default route', async ({ vars }) => {
      const vpc = await aws.vpc(vars.n1)
      const subnet = await aws.subnet(vars.s1)
      assert.equal(subnet.CidrBlock, '10.5.0.0/24')
      assert.equal(subnet.VpcId, vpc.VpcId)
      assert.equal((await aws.gateways(vpc.VpcId!)).length, 1)
      const tables = await aws.ec2.send(
        new DescribeRouteTablesCommand({ Filters: [{ Name: 'association.subnet-id', Values: [subnet.SubnetId!] }] }),
      )
      const routes = tables.RouteTables?.flatMap((table) => table.Routes ?? []) ?? []
      assert.ok(
        routes.some((r) => r.DestinationCidrBlock === '0.0.0.0/0' && r.GatewayId?.startsWith('igw-')),
        'no default route',
      )
    }),
    'server built': at(
      'an instance as asked for, with our tags, its key, its group, its address',
      async ({ vars, demo }) => {
        const instance = await aws.instance(vars.vm1)
        assert.equal(instance.State?.Name, 'running')
        assert.equal(instance.InstanceType, 't3.small')
        assert.equal(instance.ImageId, vars.ami)
        const tags = tagsOf(instance)
        assert.equal(tags.Name, 'vm1')
        assert.equal(tags['plimsoll:project'], demo.projectId)
        assert.equal(tags['plimsoll:kind'], 'server')
        assert.equal(tags['metadata:role'], 'deck')
        assert.equal(`${vars.cloud}.${instance.Placement?.AvailabilityZone}`, vars.zone)
        const { KeyPairs } = await aws.ec2.send(new DescribeKeyPairsCommand({ KeyNames: [instance.KeyName!] }))
        assert.equal(KeyPairs?.length, 1)
        const [eni, ...others] = instance.NetworkInterfaces ?? []
        assert.equal(others.length, 0)
        assert.equal(eni?.SubnetId, (await aws.subnet(vars.s1)).SubnetId)
        const group = await aws.group(vars.sg1)
        assert.deepEqual(
          eni?.Groups?.map((g) => g.GroupId),
          [group.GroupId],
        )
        assert.deepEqual(
          words(group.IpPermissions),
          ['icmp -1--1 192.0.2.0/24', 'tcp 22-22 0.0.0.0/0', `tcp 8000-8080 ${group.GroupId}`].sort(),
        )
        assert.deepEqual(words(group.IpPermissionsEgress), ['-1 0.0.0.0/0', '-1 ::/0'])
        const { servers, ports } = {
          ...(await demo.must('GET', '/compute/v2.1/servers/detail')),
          ...(await demo.must('GET', `/network/v2.0/ports?device_id=${vars.vm1}`)),
        }
        const [fixed] = servers[0].addresses.n1
        assert.equal(eni?.PrivateIpAddress, fixed.addr)
        assert.equal(eni?.MacAddress, fixed['OS-EXT-IPS-MAC:mac_addr'])
        assert.equal(ports[0].mac_address, eni?.MacAddress)
      },
    ),
    'server stopped': at('the instance is stopped', async ({ vars }) => {
      assert.equal((await aws.instance(vars.vm1)).State?.Name, 'stopped')
    }),
    'server started': at('the instance runs again', async ({ vars }) => {
      assert.equal((await aws.instance(vars.vm1)).State?.Name, 'running')
    }),
    'port added': at('the interface is in the instance', async ({ vars }) => {
      const eni = await aws.eni(vars.p1)
      assert.equal(eni.Attachment?.InstanceId, (await aws.instance(vars.vm1)).InstanceId)
    }),
    'floating ip added': at('the elastic address leads to the instance', async ({ vars }) => {
      const address = await aws.address(vars.fip)
      assert.equal(address.PublicIp, vars.fip_address)
      const [eni] = (await aws.instance(vars.vm1)).NetworkInterfaces ?? []
      assert.equal(address.NetworkInterfaceId, eni?.NetworkInterfaceId)
      assert.equal(address.PrivateIpAddress, eni?.PrivateIpAddress)
    }),
    'group added': at('the instance has both groups', async ({ vars }) => {
      const wanted = [(await aws.group(vars.sg1)).GroupId, (await aws.group(vars.sg2)).GroupId].sort()
      const [eni] = (await aws.instance(vars.vm1)).NetworkInterfaces ?? []
      assert.deepEqual(eni?.Groups?.map((g) => g.GroupId).sort(), wanted)
    }),
    'server resized': at('the instance has the bigger type and runs', async ({ vars }) => {
      const instance = await aws.instance(vars.vm1)
      assert.equal(instance.InstanceType, 't3.medium')
      assert.equal(instance.State?.Name, 'running')
    }),
    'image made': at('an AMI of our own', async ({ vars }) => {
      const image = await aws.image(vars.snap1)
      assert.equal(image.State, 'available')
      assert.equal(image.Public, false)
    }),
    'volume made': at('an EBS volume of 1 GiB in the zone of the server', async ({ vars }) => {
      const volume = await aws.volume(vars.v1)
      assert.equal(volume.Size, 1)
      assert.equal(volume.AvailabilityZone, (await aws.instance(vars.vm1)).Placement?.AvailabilityZone)
    }),
    'volume grown': at('it has 2 GiB', async ({ vars }) => assert.equal((await aws.volume(vars.v1)).Size, 2)),
    'volume attached': at('it is in the instance', async ({ vars }) => {
      const [attachment] = (await aws.volume(vars.v1)).Attachments ?? []
      assert.equal(attachment?.InstanceId, (await aws.instance(vars.vm1)).InstanceId)
    }),
    'volume detached': at('it is in no instance', async ({ vars }) => {
      const volume = await aws.volume(vars.v1)
      assert.equal(volume.State, 'available')
      assert.deepEqual(volume.Attachments ?? [], [])
    }),
    'snapshot made': at('a snapshot of the volume', async ({ vars }) => {
      assert.equal((await aws.snapshot(vars.vs1)).VolumeId, (await aws.volume(vars.v1)).VolumeId)
    }),
    'server deleted': at('the instance is terminated', async ({ vars }) => {
      assert.equal((await aws.instance(vars.vm1)).State?.Name, 'terminated')
    }),
  }
  return (moment) => moments[moment] ?? []
}
