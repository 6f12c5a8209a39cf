import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeKeyPairsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import { aws } from '../../../adapters/aws/index.ts'
import { TAG } from '../../../adapters/aws/marks.ts'
import { type Grant, grantsIn } from '../../../adapters/aws/network/rules.ts'
import { readOptions } from '../../../adapters/aws/options.ts'
import { connectEc2, type Ec2 } from '../../../adapters/aws/wire/client.ts'
import type { Connection, Kind, SecurityRule, Surroundings } from '../../../adapters/contract.ts'
import { MemoryBlobs } from '../../support/memory-blobs.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { type FaultProxy, startProxy } from './fault-proxy.ts'
import { launch, type Moto } from './launch.ts'

/** Amazon Linux with an EBS root disk of 8 GiB, in every moto. */
const IMAGE_NAMES = ['amzn-ami-hvm-2017.09.1.20171103-x86_64-gp2']

/** What the adapter may touch, on Node. */
export const surroundings = (blobs = new MemoryBlobs()): Surroundings => ({
  blobs,
  fetch: (input, init) => fetch(input, init),
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  store: new MemoryStore(),
  cache: new Map(),
  log() {},
  timeoutMs: 20_000,
  runtime: 'node',
})

export const connection = (endpoint: string, change: Partial<Connection> = {}): Connection => ({
  cloudId: 'c1f6b2b4-55a5-4a52-8f39-0d6c4f0a7f10',
  name: 'moto',
  endpoint,
  region: 'us-east-1',
  options: {
    settle_seconds: 0,
    instance_types: ['t3.*', 'm6g.medium'],
    prices: { 't3.micro': 0.0104 },
    images: { owners: ['amazon'], names: IMAGE_NAMES },
  },
  credentials: { access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  mapping: {},
  deployment: '5e0e2f0e-6f5b-4f2e-9d6c-3f7f9b8a1c11',
  ...change,
})

/** A grant as the rule that it came from, as far as EC2 can tell. */
const ruleOf = (group: string, { direction, protocol, from, to, peer }: Grant): SecurityRule => {
  const any = from === undefined || from === -1 || (from === 0 && to === 65_535)
  const anyone = peer.value === '0.0.0.0/0' || peer.value === '::/0'
  return {
    direction,
    family: peer.kind === 'v6' ? 6 : 4,
    protocol: protocol === '-1' ? null : protocol,
    min: any ? null : from,
    max: any || to === undefined || to === -1 ? null : to,
    cidr: peer.kind === 'group' ? null : anyone && protocol === '-1' ? null : peer.value,
    group: peer.kind !== 'group' ? null : peer.value === group ? 'self' : peer.value,
  }
}

/**
 * A connected cloud behind the fault proxy, in front of a moto of its own.
 * @returns the pieces that the adapter's cases need, and the proxy to make trouble with
 */
export const motoCloud = async () => {
  const moto: Moto = await launch()
  const proxy: FaultProxy = await startProxy(moto.url)
  const blobs = new MemoryBlobs()
  const around = surroundings(blobs)
  const linked = connection(proxy.url)
  const cloud = aws.connect(linked, around)
  const { ec2 } = connectEc2(linked, readOptions(linked.options).options, { role: null, vpc: null }, around)
  const [image] = (await cloud.image.catalog()).items
  if (!image) throw new Error('moto has none of the images that its catalogue is asked for')
  return {
    moto,
    proxy,
    adapter: aws,
    connection: linked,
    surroundings: around,
    blobs,
    /** The client, past the adapter. */
    ec2,
    cloud,
    advance: (ms: number) => around.sleep(Math.min(ms, 20)),
    fixtures: {
      zone: 'us-east-1a',
      size: { native: 't3.micro', vcpus: 2, ramMiB: 1024, diskGiB: 0 },
      otherSize: { native: 't3.small', vcpus: 2, ramMiB: 2048, diskGiB: 0 },
      image: image.id,
      cidr: '10.20.0.0/24',
    },
    async rules(group: string): Promise<SecurityRule[]> {
      const Filters = [{ Name: 'group-id', Values: [group] }]
      const [found] = (await ec2.send(new DescribeSecurityGroupsCommand({ Filters }))).SecurityGroups ?? []
      const grants = [
        ...grantsIn('ingress', found?.IpPermissions).values(),
        ...grantsIn('egress', found?.IpPermissionsEgress).values(),
      ]
      return grants.map((grant) => ruleOf(group, grant))
    },
    async passes(port: string): Promise<boolean> {
      const Filters = [{ Name: 'network-interface-id', Values: [port] }]
      const [eni] = (await ec2.send(new DescribeNetworkInterfacesCommand({ Filters }))).NetworkInterfaces ?? []
      const rules = await Promise.all((eni?.Groups ?? []).map(({ GroupId = '' }) => this.rules(GroupId)))
      const open = rules
        .flat()
        .filter(({ protocol, cidr, group }) => protocol === null && cidr === null && group === null)
      const ways = new Set(open.map(({ direction, family }) => `${direction} ${family}`))
      return eni?.SourceDestCheck === false && ways.size === 4
    },
    // Its check of source and destination is of all addresses or of none.
    async speaks(port: string): Promise<boolean> {
      const Filters = [{ Name: 'network-interface-id', Values: [port] }]
      const [eni] = (await ec2.send(new DescribeNetworkInterfacesCommand({ Filters }))).NetworkInterfaces ?? []
      return eni?.SourceDestCheck === false
    },
    async announce(id: string) {
      proxy.announced.set(id, Date.now())
    },
    async reclaim(id: string) {
      proxy.interrupted.set(id, Date.now())
      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    },
    async disown(kind: Kind, id: string) {
      const Tags = [{ Key: TAG.deployment, Value: linked.deployment }]
      const Resources = [kind === 'keypair' ? await keyPairId(ec2, id) : id]
      await ec2.send(new DeleteTagsCommand({ Resources, Tags }))
      return async () => {
        await ec2.send(new CreateTagsCommand({ Resources, Tags }))
      }
    },
    async close() {
      await proxy.stop()
      await moto.stop()
    },
  }
}

/** Tags of a keypair go to its id; we know it by its name. */
const keyPairId = async (ec2: Ec2, name: string): Promise<string> => {
  const Filters = [{ Name: 'key-name', Values: [name] }]
  const { KeyPairs } = await ec2.send(new DescribeKeyPairsCommand({ Filters }))
  return KeyPairs?.[0]?.KeyPairId ?? name
}
