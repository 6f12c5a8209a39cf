import { DescribeInstancesCommand, type EC2Client, type Instance, TerminateInstancesCommand } from '@aws-sdk/client-ec2'
import { CREDENTIALS, IMAGE } from '../aws/index.ts'
import { NEUTRON } from '../mixed/place.ts'
import { type FaultProxy, startProxy } from '../moto/fault-proxy.ts'
import { launch } from '../moto/launch.ts'
import { clientOf } from '../onward/offers.ts'
import type { Api } from '../support/api.ts'
import { addCloud, dropSandbox, type People } from '../support/cloud.ts'

const CLOUD = 'aws-east'
const REGION = 'us-east-1'
const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c']
const TYPES = ['t3.small', 't3.medium']
/** What EC2 calls an instance that is there, or will be. */
const THERE = ['pending', 'running']

/** One region of EC2 (moto), which may take back what was bought as spot, by its own books. */
export interface Ground {
  proxy: FaultProxy
  ec2: EC2Client
  /** Every instance that ever stood for a server, oldest first. */
  instancesOf(server: string): Promise<Instance[]>
  /** How the one that stands for it now is bought, as EC2 says; null: none does. Throws where several do. */
  boughtAs(server: string): Promise<'spot' | 'on-demand' | null>
  /** EC2 says that it is about to interrupt the spot instance of a server; gives its id. */
  announce(server: string): Promise<string>
  /** EC2 interrupts the spot instance of a server; gives its id. */
  interrupt(server: string): Promise<string>
  /** Instances of ours that run. */
  running(): Promise<number>
  stop(): Promise<void>
}

export const layGround = async (): Promise<Ground> => {
  const moto = await launch()
  const proxy = await startProxy(moto.url)
  const ec2 = clientOf(moto.url, REGION)
  const tagged = async (filter: { Name: string; Values: string[] }): Promise<Instance[]> => {
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ Filters: [filter] }))
    return (Reservations ?? [])
      .flatMap(({ Instances }) => Instances ?? [])
      .toSorted((one, other) => Number(one.LaunchTime) - Number(other.LaunchTime))
  }
  const isThere = ({ State }: Instance) => THERE.includes(State?.Name ?? '')
  const instancesOf = (server: string) => tagged({ Name: 'tag:plimsoll:resource', Values: [server] })
  const current = async (server: string): Promise<Instance | undefined> => {
    const there = (await instancesOf(server)).filter(isThere)
    if (there.length > 1) throw new Error(`${there.length} instances are one server`)
    return there[0]
  }
  const spotOf = async (server: string): Promise<Instance> => {
    const there = await current(server)
    if (there?.InstanceLifecycle !== 'spot') throw new Error(`EC2 interrupts no ${there?.InstanceLifecycle} instance`)
    return there
  }
  return {
    proxy,
    ec2,
    instancesOf,
    async boughtAs(server) {
      const there = await current(server)
      return there ? (there.InstanceLifecycle === 'spot' ? 'spot' : 'on-demand') : null
    },
    async announce(server) {
      const there = await spotOf(server)
      proxy.announced.set(there.InstanceId!, Date.now())
      return there.InstanceId!
    },
    async interrupt(server) {
      const there = await spotOf(server)
      proxy.announced.delete(there.InstanceId!)
      proxy.interrupted.set(there.InstanceId!, Date.now())
      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [there.InstanceId!] }))
      return there.InstanceId!
    },
    running: async () => (await tagged({ Name: 'tag-key', Values: ['plimsoll:resource'] })).filter(isThere).length,
    async stop() {
      await proxy.stop()
      await moto.stop()
    },
  }
}

export interface Wish {
  imageRef: string
  flavorRef: string
  networks: { uuid: string }[]
}

/** A price for an hour on demand of each type, by the dice. */
const drawn = (): Record<string, number> =>
  Object.fromEntries(TYPES.map((type, n) => [type, (n + 1) * (1 + Math.floor(Math.random() * 9)) * 0.01]))

/** The cloud with drawn prices, a project that buys spot first, and a network with a segment in each zone. Gives what is asked for. */
export const settle = async (people: People & { admin: Api; demo: Api }, { proxy }: Ground): Promise<Wish> => {
  const { admin, demo } = people
  await dropSandbox(people)
  const prices = drawn()
  console.log(`prices on demand: ${JSON.stringify(prices)}`)
  await addCloud(people, {
    ...{ name: CLOUD, type: 'aws', endpoint: proxy.url, region: REGION, credentials: CREDENTIALS },
    options: {
      ...{ allow_private: true, settle_seconds: 0, instance_types: TYPES, prices },
      images: { owners: ['amazon'], names: [IMAGE] },
    },
  })
  await admin.must('PUT', `/broker/v1/projects/${demo.projectId}/policy`, { policy: { spot: 'preferred' } })
  const { network } = await demo.must('POST', `${NEUTRON}/networks`, { network: { name: 'everywhere' } })
  for (const [n, zone] of ZONES.entries()) {
    const { segment } = await demo.must('POST', `${NEUTRON}/segments`, {
      segment: { network_id: network.id, physical_network: `${CLOUD}.${zone}`, network_type: 'vlan' },
    })
    await demo.must('POST', `${NEUTRON}/subnets`, {
      subnet: { network_id: network.id, segment_id: segment.id, ip_version: 4, cidr: `10.81.${n}.0/24` },
    })
  }
  const { images } = await demo.must('GET', `/image/v2/images?name=${IMAGE}`)
  const { flavors } = await demo.must('GET', '/compute/v2.1/flavors')
  const flavorRef = flavors.find(({ name }: { name: string }) => name === 'm1.small').id
  return { imageRef: images[0].id, flavorRef, networks: [{ uuid: network.id }] }
}

/** Nothing is remembered of what EC2 refused. */
export const forgive = ({ admin }: { admin: Api }): Promise<unknown> =>
  admin.must('DELETE', `/broker/v1/clouds/${CLOUD}/refused-offers`)
