import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AttachInternetGatewayCommand,
  AttachVolumeCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateInternetGatewayCommand,
  CreateNetworkInterfaceCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVolumeCommand,
  CreateVpcCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  type EC2Client,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import { lookAt } from '../aws/look.ts'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, RUNTIMES, startBroker } from '../support/broker.ts'
import { patience } from '../support/patiently.ts'
import { Report } from '../support/report.ts'
import { type FaultProxy, startProxy } from './fault-proxy.ts'
import { launch } from './launch.ts'

const IMAGE = 'amzn-ami-hvm-2017.09.1.20171103-x86_64-gp2'
const CREDENTIALS = {
  access_key_id: 'AKIAIOSFODNN7EXAMPLE',
  secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const LOOKS = /^(Describe|Get)/
/** Of an interface in the same subnet that serves something else. */
const TAKEN = '10.40.1.77'

/** A machine as its owner made it, long before anybody thought of us. */
const build = async (ec2: EC2Client) => {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.40.0.0/16' }))
  const VpcId = Vpc!.VpcId!
  const { Subnet } = await ec2.send(
    new CreateSubnetCommand({ VpcId, CidrBlock: '10.40.1.0/24', AvailabilityZone: 'us-east-1a' }),
  )
  const { GroupId } = await ec2.send(
    new CreateSecurityGroupCommand({ VpcId, GroupName: 'web', Description: 'of the web team' }),
  )
  await ec2.send(
    new AuthorizeSecurityGroupIngressCommand({
      GroupId,
      IpPermissions: [
        { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: '192.0.2.0/24' }] },
        { IpProtocol: '-1', UserIdGroupPairs: [{ GroupId }] },
      ],
    }),
  )
  const { Images } = await ec2.send(new DescribeImagesCommand({ Filters: [{ Name: 'name', Values: [IMAGE] }] }))
  const { Instances } = await ec2.send(
    new RunInstancesCommand({
      ImageId: Images![0]!.ImageId!,
      InstanceType: 't3.micro',
      MinCount: 1,
      MaxCount: 1,
      // As EC2 would by itself; moto calls the disk otherwise than the image does.
      BlockDeviceMappings: [
        { DeviceName: Images![0]!.RootDeviceName!, Ebs: { VolumeSize: 8, DeleteOnTermination: true } },
      ],
      SubnetId: Subnet!.SubnetId!,
      SecurityGroupIds: [GroupId!],
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Name', Value: 'legacy' }] }],
    }),
  )
  const instance = Instances![0]!.InstanceId!
  const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 9 }))
  await ec2.send(new AttachVolumeCommand({ InstanceId: instance, VolumeId: VolumeId!, Device: '/dev/sdf' }))
  const { InternetGateway } = await ec2.send(new CreateInternetGatewayCommand({}))
  await ec2.send(new AttachInternetGatewayCommand({ VpcId, InternetGatewayId: InternetGateway!.InternetGatewayId! }))
  const { AllocationId, PublicIp } = await ec2.send(new AllocateAddressCommand({ Domain: 'vpc' }))
  const NetworkInterfaceId = Instances![0]!.NetworkInterfaces![0]!.NetworkInterfaceId!
  await ec2.send(new AssociateAddressCommand({ AllocationId, NetworkInterfaceId }))
  const SubnetId = Subnet!.SubnetId!
  await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId, PrivateIpAddress: TAKEN, Groups: [GroupId!] }))
  return { vpc: VpcId, subnet: SubnetId, group: GroupId!, instance, volume: VolumeId!, address: PublicIp! }
}

/** All of an instance that its owner would miss. */
const portrait = async (ec2: EC2Client, id: string) => {
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))
  const found = Reservations![0]!.Instances![0]!
  return {
    state: found.State?.Name,
    launched: found.LaunchTime?.toISOString(),
    type: found.InstanceType,
    tags: (found.Tags ?? []).map(({ Key, Value }) => `${Key}=${Value}`).sort(),
    cards: found.NetworkInterfaces?.map((card) => [
      card.NetworkInterfaceId,
      card.PrivateIpAddress,
      card.Groups?.length,
    ]),
    disks: found.BlockDeviceMappings?.map(({ DeviceName, Ebs }) => [DeviceName, Ebs?.VolumeId]),
  }
}

interface World {
  broker: Broker
  admin: Api
  demo: Api
  proxy: FaultProxy
}

const connect = async ({ admin, demo, broker, proxy }: World, name: string, options: object): Promise<void> => {
  const cloud = {
    name,
    type: 'aws',
    endpoint: proxy.url,
    region: 'us-east-1',
    options: {
      allow_private: true,
      settle_seconds: 0,
      images: { owners: ['amazon'], names: [IMAGE] },
      instance_types: ['t3.*'],
      ...options,
    },
    credentials: CREDENTIALS,
  }
  await admin.must('POST', '/broker/v1/clouds', { cloud })
  await admin.must('PUT', `/broker/v1/projects/${demo.projectId}/clouds/${name}`, { mapping: {} })
  for (const isOver = patience(60_000); !isOver(); ) {
    await broker.cron()
    if ((await admin.must('GET', `/broker/v1/clouds/${name}`)).cloud.inventory_at) return
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  throw new Error('the inventory of the cloud was not taken within 60 s')
}

/** Adopts what the owner of an account made, works with it, and hands it back; then only looks at all of the account. */
export const adoptOnMoto = async (report: Report): Promise<void> => {
  const moto = await launch()
  try {
    for (const runtime of RUNTIMES) {
      await moto.reset()
      const proxy = await startProxy(moto.url)
      const broker = await startBroker(runtime)
      try {
        const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
        await story({ broker, admin, demo, proxy }, moto.url, (title, run) =>
          timed(report, `adoption on moto, ${runtime}`, title, run),
        )
      } finally {
        await broker.stop()
        await proxy.stop()
      }
    }
  } finally {
    await moto.stop()
  }
}

type Step = (title: string, run: () => Promise<void>) => Promise<void>

const timed = async (report: Report, name: string, title: string, run: () => Promise<void>): Promise<void> => {
  const started = Date.now()
  try {
    await run()
    report.step(name, title, 'passed', Date.now() - started)
  } catch (error) {
    report.step(name, title, 'failed', Date.now() - started, String(error))
  }
}

const story = async (world: World, url: string, step: Step): Promise<void> => {
  const { admin, demo, broker, proxy } = world
  const look = lookAt(url)
  const nova = '/compute/v2.1'
  /** What was asked of EC2 since then that is not looking. */
  const changesSince = (from: number) =>
    proxy.log
      .slice(from)
      .map(({ action }) => action)
      .filter((action) => !LOOKS.test(action))
  const adopt = (more: object) =>
    admin.must('POST', '/broker/v1/adopt', { cloud: 'aws-east', project_id: demo.projectId, ...more })
  const until = async (id: string, status: string) => {
    for (const isOver = patience(30_000); !isOver(); ) {
      await broker.cron()
      const { server } = await demo.must('GET', `${nova}/servers/${id}`)
      if (server.status === status) return
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    throw new Error(`the server is not ${status} within 30 s`)
  }
  const sweep = async () => {
    for (let i = 0; i < 2; i++) await admin.must('POST', '/broker/v1/reconcile', {})
    await broker.cron()
  }
  await connect(world, 'aws-east', {})
  const theirs = await build(look.ec2)
  const before = await portrait(look.ec2, theirs.instance)
  let server = ''

  await step('what nobody manages is listed with its interfaces and volumes', async () => {
    const { adoptable } = await admin.must('GET', '/broker/v1/adoptable?cloud=aws-east&kind=server')
    assert.equal(adoptable.length, 1)
    assert.equal(adoptable[0].native_id, theirs.instance)
    assert.equal(adoptable[0].ports.length, 1)
    assert.deepEqual(
      adoptable[0].volumes
        .filter(({ root }: { root: boolean }) => !root)
        .map(({ native_id }: { native_id: string }) => native_id),
      [theirs.volume],
    )
  })
  await step('without a tag nothing is written, and what would change it does not get there', async () => {
    const from = proxy.log.length
    const { adopted, refused } = await adopt({ native_ids: [theirs.instance], tag: false })
    assert.deepEqual(refused, [])
    server = adopted.find(({ kind }: { kind: string }) => kind === 'server').resource_id
    assert.equal((await demo.must('GET', `${nova}/servers/${server}`)).server.status, 'ACTIVE')
    for (const action of [{ 'os-stop': null }, { reboot: { type: 'SOFT' } }])
      assert.equal((await demo.call('POST', `${nova}/servers/${server}/action`, action)).status, 403)
    assert.equal((await demo.call('DELETE', `${nova}/servers/${server}`)).status, 403)
    await sweep()
    assert.deepEqual(changesSince(from), [])
    assert.deepEqual(await look.leftovers(), [])
  })
  await step('with a tag the tag is all that is written, and no sweep has anything to add', async () => {
    const from = proxy.log.length
    const { adopted, refused } = await adopt({ native_ids: [theirs.instance] })
    assert.deepEqual(refused, [])
    assert.equal(adopted.find(({ kind }: { kind: string }) => kind === 'server').resource_id, server)
    await sweep()
    assert.deepEqual([...new Set(changesSince(from))], ['CreateTags'])
    // The instance, its interface, public address, group, volume, network and subnet.
    assert.equal(changesSince(from).length, 7)
    const { tags, ...now } = await portrait(look.ec2, theirs.instance)
    const { tags: _, ...was } = before
    assert.deepEqual(now, was)
    assert(tags.includes(`plimsoll:resource=${server}`) && tags.includes('Name=legacy'))
  })
  await step('its public address is a floating IP, and its internet gateway is no router of ours', async () => {
    const { floatingips } = await demo.must('GET', '/network/v2.0/floatingips')
    const { ports } = await demo.must('GET', `/network/v2.0/ports?device_id=${server}`)
    assert.deepEqual(
      floatingips.map((each: Record<string, string>) => [each.floating_ip_address, each.port_id, each.status]),
      [[theirs.address, ports[0].id, 'ACTIVE']],
    )
    const { adoptable } = await admin.must('GET', '/broker/v1/adoptable?cloud=aws-east&kind=router')
    assert.deepEqual(adoptable, [])
  })
  await step('nobody gets an address that something else in the subnet has', async () => {
    const [subnet] = (await demo.must('GET', '/network/v2.0/subnets')).subnets
    const port = { network_id: subnet.network_id, fixed_ips: [{ subnet_id: subnet.id, ip_address: TAKEN }] }
    const { status, body } = await demo.call('POST', '/network/v2.0/ports', { port })
    assert.deepEqual([status, body.NeutronError?.type], [409, 'IpAddressAlreadyAllocated'])
  })
  await step('it is stopped and started through Nova', async () => {
    await demo.must('POST', `${nova}/servers/${server}/action`, { 'os-stop': null })
    await until(server, 'SHUTOFF')
    assert.equal((await portrait(look.ec2, theirs.instance)).state, 'stopped')
    await demo.must('POST', `${nova}/servers/${server}/action`, { 'os-start': null })
    await until(server, 'ACTIVE')
  })
  await step('a rule is added to its group, and the others stay', async () => {
    const { security_groups: groups } = await demo.must('GET', '/network/v2.0/security-groups?name=web')
    const rule = {
      security_group_id: groups[0].id,
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 80,
      port_range_max: 80,
    }
    const from = proxy.log.length
    await demo.must('POST', '/network/v2.0/security-group-rules', { security_group_rule: rule })
    for (const isOver = patience(20_000); !isOver() && !changesSince(from).length; ) {
      await broker.cron()
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    await sweep()
    assert.deepEqual(
      changesSince(from).filter((action) => action !== 'CreateTags'),
      ['AuthorizeSecurityGroupIngress'],
    )
  })
  await step('handed back it runs as before, with no tag of ours, and nothing here knows it', async () => {
    const from = proxy.log.length
    const { released, waiting, refused } = await admin.must('POST', '/broker/v1/release', { resource_ids: [server] })
    assert.deepEqual([waiting, refused], [[], []])
    assert(released.length >= 6)
    assert.deepEqual([...new Set(changesSince(from))], ['DeleteTags'])
    assert.deepEqual(await look.leftovers(), [])
    const now = await portrait(look.ec2, theirs.instance)
    assert.deepEqual({ ...now, launched: '' }, { ...before, launched: '' })
    assert.equal((await demo.call('GET', `${nova}/servers/${server}`)).status, 404)
    assert.deepEqual((await admin.must('GET', '/broker/v1/export?cloud=aws-east')).objects, [])
    await sweep()
    assert.equal((await portrait(look.ec2, theirs.instance)).state, 'running')
  })
  await step('a cloud that is connected read-only is listed as a whole, and only looked at on the wire', async () => {
    await admin.must('DELETE', `/broker/v1/projects/${demo.projectId}/clouds/aws-east`)
    const from = proxy.log.length
    await connect(world, 'aws-look', { read_only: true })
    const wish = { cloud: 'aws-look', project_id: demo.projectId, all: true, tag: false }
    let many = 0
    for (let more: { marker?: string } | null = {}; more; ) {
      const { adopted, refused, next } = await admin.must('POST', '/broker/v1/adopt', { ...wish, ...more })
      assert.deepEqual(refused, [])
      many += adopted.length
      more = next === null ? null : { marker: next }
    }
    assert(many > 8)
    const { servers } = await demo.must('GET', `${nova}/servers`)
    assert.deepEqual(
      servers.map(({ name }: { name: string }) => name),
      ['legacy'],
    )
    const { volumes } = await demo.must('GET', `/volume/v3/${demo.projectId}/volumes`)
    const { subnets } = await demo.must('GET', '/network/v2.0/subnets')
    assert.equal(volumes.length, 1)
    assert(subnets.length > 1)
    const refusals: [string, string, unknown?][] = [
      ['POST', `${nova}/servers/${servers[0].id}/action`, { 'os-stop': null }],
      ['DELETE', `${nova}/servers/${servers[0].id}`],
      ['PUT', `/volume/v3/${demo.projectId}/volumes/${volumes[0].id}`, { volume: { name: 'mine' } }],
      ['POST', '/network/v2.0/ports', { port: { network_id: subnets[0].network_id } }],
    ]
    for (const [method, path, body] of refusals) assert.equal((await demo.call(method, path, body)).status, 403, path)
    await sweep()
    assert.deepEqual(changesSince(from), [])
    assert((await look.leftovers()).length === 0)
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = new Report()
  await adoptOnMoto(report)
  report.print()
  process.exit(report.count('failed') ? 1 : 0)
}
