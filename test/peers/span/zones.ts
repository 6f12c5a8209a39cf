import assert from 'node:assert/strict'
import {
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
} from '@aws-sdk/client-ec2'
import { CREDENTIALS, IMAGE } from '../aws/index.ts'
import { type Look, lookAt } from '../aws/look.ts'
import { eventually, NEUTRON, NOVA } from '../mixed/place.ts'
import { type FaultProxy, startProxy } from '../moto/fault-proxy.ts'
import { launch } from '../moto/launch.ts'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, RUNTIMES, type Runtime, startBroker } from '../support/broker.ts'
import { addCloud, dropSandbox } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { drawn } from './ground.ts'

/*
 * One network over the zones of one region of EC2 (moto, behind a proxy that refuses): a server that a zone has no room for
 * goes on to another zone of the same VPC. Nobody made a segment or a subnet; all is counted in the books of the cloud.
 */

const CLOUD = 'aws-east'
const ZONES = ['a', 'b', 'c', 'd', 'f'].map((letter) => `us-east-1${letter}`)
/** Two sizes are as large as what is asked for, and each zone sells both. */
const SIZES = ['t3.small', 't3.medium']
const POOL = '10.64.0.0/16'
const LENGTH = 24

interface Scene {
  broker: Broker
  admin: Api
  demo: Api
  moto: Look
  proxy: FaultProxy
  /** Third octet of what somebody else has of the pool, from 0. */
  foreign: number
  network: string
}

interface Standing {
  server: string
  port: string
  zone: string
  address: string
  subnet: string
  vpc: string
}

/** On each runtime, in half a minute. */
export const zones = async (report: Report): Promise<void> => {
  await Promise.all(RUNTIMES.map((runtime) => zonesOn(runtime, report)))
}

const zonesOn = async (runtime: Runtime, report: Report): Promise<void> => {
  const story = `${runtime} × one network, zones of EC2`
  const ends: (() => unknown)[] = []
  let broker: Broker | undefined
  let [title, from] = ['the ground is laid', Date.now()]
  const step = async <T>(next: string, run: () => Promise<T>): Promise<T> => {
    title = next
    from = Date.now()
    const result = await run()
    report.step(story, title, 'passed', Date.now() - from)
    return result
  }
  try {
    broker = await startBroker(runtime)
    ends.push(broker.stop)
    const moto = await launch()
    ends.push(moto.stop)
    const proxy = await startProxy(moto.url)
    ends.push(proxy.stop)
    const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
    const base = { broker, admin, demo, proxy, moto: lookAt(moto.url), foreign: drawn(1, 5), network: '' }
    const started = broker
    const cron = setInterval(() => void started.cron().catch(() => {}), 3_000)
    ends.push(() => clearInterval(cron))
    const network = await step('a network without a segment, and a plan that gives it some', () => settle(base))
    const scene = { ...base, network }
    const first = await step('a server brings it to a zone', () => boot(scene, 'first'))
    const all = [first]
    for (const round of [1, 2])
      all.push(await step(`zones have no room: it stands in the one that is left (${round})`, () => goesOn(scene, all)))
    await step('subnets of the VPC are in their zones, and no address is held twice', () => agree(scene, all))
    await step('each has the way out of the VPC', () => leadsOut(scene, all))
    await step('nothing of it is left, and what is not ours stays', () => vanishes(scene, all))
  } catch (error) {
    const words = String(error instanceof Error ? error.stack : error).slice(0, 3_000)
    report.step(story, title, 'failed', Date.now() - from, words)
    console.log(`last words of the broker of ${story}:\n${broker?.tail(Number(process.env.PEERS_LOG ?? 20))}`)
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** What somebody else has: a VPC with the first ranges of the pool, as its own or as a subnet's. Then the cloud, and what is said of it. */
const settle = async (scene: Omit<Scene, 'network'>): Promise<string> => {
  const { admin, demo, moto, proxy, foreign } = scene
  const { Vpc } = await moto.ec2.send(new CreateVpcCommand({ CidrBlock: '10.64.0.0/21' }))
  for (let n = 0; n < foreign; n++)
    await moto.ec2.send(new CreateSubnetCommand({ VpcId: Vpc!.VpcId!, CidrBlock: `10.64.${n}.0/24` }))
  await dropSandbox({ admin, demo })
  await addCloud(scene, {
    ...{ name: CLOUD, type: 'aws', endpoint: proxy.url, region: 'us-east-1', credentials: CREDENTIALS },
    options: {
      ...{ allow_private: true, settle_seconds: 0, instance_types: SIZES },
      images: { owners: ['amazon'], names: [IMAGE] },
    },
  })
  const plan = { routed: true, pool: POOL, prefix_length: LENGTH, egress: true }
  await demo.must('PUT', `/broker/v1/projects/${demo.projectId}/network-plan`, { plan })
  return (await demo.must('POST', `${NEUTRON}/networks`, { network: { name: 'wide' } })).network.id
}

/** A server of the network that is ACTIVE, and where it is by the books of EC2. */
const boot = async ({ demo, moto, network }: Scene, name: string): Promise<Standing> => {
  const [{ images }, { flavors }] = await Promise.all([
    demo.must('GET', `/image/v2/images?name=${IMAGE}`),
    demo.must('GET', '/compute/v2.1/flavors'),
  ])
  const flavorRef = flavors.find((each: { name: string }) => each.name === 'm1.small').id
  const wish = { name, imageRef: images[0].id, flavorRef, networks: [{ uuid: network }] }
  const { server } = await demo.must('POST', NOVA, { server: wish })
  const portOf = async () => (await demo.must('GET', `${NEUTRON}/ports?device_id=${server.id}`)).ports
  const [asked] = await portOf()
  const seen = await eventually(
    async () => (await demo.must('GET', `${NOVA}/${server.id}`)).server,
    ({ status }) => status !== 'BUILD',
    120,
  )
  assert.equal(seen.status, 'ACTIVE', JSON.stringify(seen.fault))
  const [port, ...more] = await portOf()
  assert.deepEqual([port.id, more], [asked.id, []], 'the port is the one that it began with')
  const instance = await moto.instance(server.id)
  const zone = instance.Placement!.AvailabilityZone!
  assert.equal(seen['OS-EXT-AZ:availability_zone'], `${CLOUD}.${zone}`)
  const addresses: string[] = port.fixed_ips.map(({ ip_address }: { ip_address: string }) => ip_address)
  const address = instance.PrivateIpAddress!
  assert.deepEqual(addresses, [address], 'its address is the one that EC2 has')
  const { Subnets } = await moto.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [instance.SubnetId!] }))
  const { AvailabilityZone, CidrBlock, VpcId } = Subnets![0]!
  assert.equal(AvailabilityZone, zone)
  assert.equal(octets(CidrBlock!), octets(address), `${address} lies in ${CidrBlock}`)
  return { server: server.id, port: port.id, zone, address, subnet: instance.SubnetId!, vpc: VpcId! }
}

/** Of an address or a block of /24: what is the same in all of the block. */
const octets = (of: string): string => of.split('.').slice(0, 3).join('.')

/** All zones but one, which is drawn among those that have none of its servers yet, refuse whatever they are asked for. */
const goesOn = async (scene: Scene, before: Standing[]): Promise<Standing> => {
  const { admin, proxy } = scene
  const left = ZONES.filter((zone) => !before.some((each) => each.zone === zone))
  const survivor = left[drawn(0, left.length - 1)]!
  await admin.must('DELETE', `/broker/v1/clouds/${CLOUD}/refused-offers`)
  proxy.rules = ZONES.filter((zone) => zone !== survivor).map((zone) => ({
    action: 'RunInstances',
    fault: 'InsufficientInstanceCapacity',
    params: { 'Placement.AvailabilityZone': zone },
  }))
  const since = proxy.log.length
  const standing = await boot(scene, `over-${survivor}`)
  const refused = proxy.log.slice(since).filter(({ action, fault }) => action === 'RunInstances' && fault)
  assert.equal(standing.zone, survivor, `${refused.length} were refused`)
  assert.equal(standing.vpc, before[0]!.vpc, 'it stays in its VPC')
  proxy.rules = []
  return standing
}

interface Block {
  id: string
  cidr: string
  zone: string
}
const subnetsOf = async ({ moto }: Scene, vpc: string): Promise<Block[]> => {
  const { Subnets } = await moto.ec2.send(new DescribeSubnetsCommand({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] }))
  return Subnets!.map((each) => ({ id: each.SubnetId!, cidr: each.CidrBlock!, zone: each.AvailabilityZone! }))
}

/** First and last address, as numbers. */
const rangeOf = (cidr: string): [from: number, to: number] => {
  const [address, length] = cidr.split('/') as [string, string]
  const from = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  return [from, from + 2 ** (32 - Number(length)) - 1]
}
const overlap = (one: string, other: string): boolean => {
  const [[a, b], [c, d]] = [rangeOf(one), rangeOf(other)]
  return a <= d && c <= b
}

const agree = async (scene: Scene, all: Standing[]): Promise<void> => {
  const { demo, moto, network } = scene
  const vpc = all[0]!.vpc
  const zones = new Set(all.map(({ zone }) => zone))
  assert.equal(zones.size, all.length, 'each is in a zone of its own')
  const ours = await patiently(async () => {
    const found = await subnetsOf(scene, vpc)
    const { subnets } = await demo.must('GET', `${NEUTRON}/subnets?network_id=${network}`)
    const { segments } = await demo.must('GET', `${NEUTRON}/segments?network_id=${network}`)
    const rows = subnets.map((row: { cidr: string; segment_id: string }) => {
      const { physical_network } = segments.find(({ id }: { id: string }) => id === row.segment_id)
      return `${CLOUD}.${row.cidr} ${physical_network}`
    })
    const books = found.map(({ cidr, zone }) => `${CLOUD}.${cidr} ${CLOUD}.${zone}`)
    assert.deepEqual(books.sort(), rows.sort(), 'books of the cloud and rows')
    return found
  }, 30_000)
  for (const { subnet, zone } of all) assert.equal(ours.find(({ id }) => id === subnet)?.zone, zone)
  const { Vpcs } = await moto.ec2.send(new DescribeVpcsCommand({}))
  const blocks = (of: (id: string) => boolean) =>
    Vpcs!.flatMap(({ VpcId, CidrBlock, CidrBlockAssociationSet }) =>
      of(VpcId!) ? (CidrBlockAssociationSet?.map((each) => each.CidrBlock!) ?? [CidrBlock!]) : [],
    )
  const theirs = blocks((id) => id !== vpc)
  assert.ok(theirs.length >= 2, 'somebody else has the default VPC, and one within the pool')
  for (const [n, { cidr }] of ours.entries()) {
    assert.ok(overlap(cidr, POOL) && cidr.endsWith(`/${LENGTH}`), `${cidr} is of the pool`)
    for (const other of [...theirs, ...ours.slice(n + 1).map((each) => each.cidr)])
      assert.ok(!overlap(cidr, other), `${cidr} and ${other} have addresses in common`)
  }
}

const leadsOut = async (scene: Scene, all: Standing[]): Promise<void> =>
  patiently(async () => {
    const { moto } = scene
    const vpc = all[0]!.vpc
    const gateways = (await moto.gateways(vpc)).map(({ InternetGatewayId }) => InternetGatewayId)
    assert.equal(gateways.length, 1)
    const { RouteTables } = await moto.ec2.send(
      new DescribeRouteTablesCommand({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] }),
    )
    for (const { subnet, zone } of all) {
      const table =
        RouteTables!.find(({ Associations }) => Associations?.some(({ SubnetId }) => SubnetId === subnet)) ??
        RouteTables!.find(({ Associations }) => Associations?.some(({ Main }) => Main))
      const out = table?.Routes?.find(({ DestinationCidrBlock }) => DestinationCidrBlock === '0.0.0.0/0')
      assert.equal(out?.GatewayId, gateways[0], `the way out of ${zone}`)
    }
  }, 30_000)

const vanishes = async (scene: Scene, all: Standing[]): Promise<void> => {
  const { broker, demo, moto, network, foreign } = scene
  for (const { server } of all) await demo.must('DELETE', `${NOVA}/${server}`)
  await eventually(
    async () => (await demo.must('GET', NOVA)).servers.length,
    (left) => left === 0,
  )
  await demo.must('DELETE', `${NEUTRON}/networks/${network}`)
  await patiently(async () => {
    await broker.cron()
    assert.deepEqual(await moto.leftovers(), [])
  }, 60_000)
  const { Subnets } = await moto.ec2.send(
    new DescribeSubnetsCommand({ Filters: [{ Name: 'cidr-block', Values: ['10.64.*'] }] }),
  )
  assert.equal(Subnets!.length, foreign)
}
