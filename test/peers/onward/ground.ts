import { DescribeInstancesCommand, type EC2Client } from '@aws-sdk/client-ec2'
import { CREDENTIALS, IMAGE } from '../aws/index.ts'
import { NEUTRON, NOVA } from '../mixed/place.ts'
import { type FaultProxy, startProxy } from '../moto/fault-proxy.ts'
import { launch } from '../moto/launch.ts'
import type { Api } from '../support/api.ts'
import { addCloud, dropSandbox, type People } from '../support/cloud.ts'
import { clientOf, FLAVOR, REGIONS, type Sold, sizesThatFit } from './offers.ts'

/** The cloud that is left when no region has anything. */
export const LAST = 'spare'
const FAMILY = 't3.'

/** Two regions of EC2 (moto) behind a proxy that refuses what it is told to, and another cloud behind them. */
export interface Ground {
  proxy: FaultProxy
  sold: Sold[]
  /** Smallest first. */
  sizes: string[]
  /** Where the instance of a server is, by the books of EC2; null: it has none that runs. */
  instanceOf(server: string): Promise<Sold | null>
  stop(): Promise<void>
}

const each = <T>(work: (region: (typeof REGIONS)[number], ec2: EC2Client) => Promise<T>, url: string): Promise<T[]> =>
  Promise.all(REGIONS.map((region) => work(region, clientOf(url, region.region))))

export const layGround = async (): Promise<Ground> => {
  const moto = await launch()
  const proxy = await startProxy(moto.url)
  const bySize = await each(
    async ({ cloud, zones }, ec2) =>
      Promise.all(zones.map(async (zone) => ({ cloud, zone, sizes: await sizesThatFit(ec2, zone, FAMILY) }))),
    moto.url,
  )
  const zones = bySize.flat()
  return {
    proxy,
    sold: zones.flatMap(({ cloud, zone, sizes }) => sizes.map((size) => ({ cloud, zone, size }))),
    sizes: zones[0]!.sizes,
    async instanceOf(server) {
      const found = await each(async ({ cloud }, ec2) => {
        const { Reservations } = await ec2.send(
          new DescribeInstancesCommand({
            Filters: [
              { Name: 'tag:plimsoll:resource', Values: [server] },
              { Name: 'instance-state-name', Values: ['pending', 'running'] },
            ],
          }),
        )
        return (Reservations ?? [])
          .flatMap(({ Instances }) => Instances ?? [])
          .map(({ InstanceType: size, Placement: at }) => ({
            cloud,
            zone: at!.AvailabilityZone!,
            size: size! as string,
          }))
      }, moto.url)
      const all = found.flat()
      if (all.length > 1) throw new Error(`${all.length} instances are one server`)
      return all[0] ?? null
    },
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

/** The clouds in their order, one image that all have, and one network that has a segment in every zone. Gives what is asked for. */
export const settle = async (people: People & { admin: Api; demo: Api }, { proxy }: Ground): Promise<Wish> => {
  const { admin, demo } = people
  await dropSandbox(people)
  for (const { cloud: name, region } of REGIONS)
    await addCloud(people, {
      ...{ name, type: 'aws', endpoint: proxy.url, region, credentials: CREDENTIALS },
      options: {
        ...{ allow_private: true, settle_seconds: 0, instance_types: [`${FAMILY}*`] },
        images: { owners: ['amazon'], names: [IMAGE] },
      },
    })
  await addCloud(people, { name: LAST, type: 'sandbox', credentials: {} })
  const clouds = [...REGIONS.map(({ cloud }) => cloud), LAST]
  await admin.must('PUT', `/broker/v1/projects/${demo.projectId}/policy`, { policy: { chain: clouds } })
  /** Its own id of an image; null: it has none yet. */
  const copyOn = async (image: string, cloud: string): Promise<string | null> => {
    const { copies } = await admin.must('GET', `/broker/v1/images/${image}/copies`)
    return copies.find((copy: { cloud: string }) => copy.cloud === cloud)?.native_id ?? null
  }
  const imageOn = async (name: string, cloud: string) => {
    const { images } = await demo.must('GET', `/image/v2/images?name=${name}`)
    for (const { id } of images) {
      const native = await copyOn(id, cloud)
      if (native !== null) return { id: id as string, native }
    }
    throw new Error(`no image ${name} is on ${cloud}`)
  }
  const [first, ...others] = REGIONS
  const { id: image } = await imageOn(IMAGE, first.cloud)
  for (const [name, cloud] of [...others.map((region) => [IMAGE, region.cloud]), ['sandbox-linux', LAST]] as const)
    if ((await copyOn(image, cloud!)) === null) {
      const { native } = await imageOn(name!, cloud!)
      await admin.must('PUT', `/broker/v1/images/${image}/copies/${cloud}`, { native_id: native })
    }
  const { network } = await demo.must('POST', `${NEUTRON}/networks`, { network: { name: 'everywhere' } })
  const grounds = [...REGIONS.flatMap(({ cloud, zones }) => zones.map((zone) => `${cloud}.${zone}`)), `${LAST}.a`]
  for (const [n, physical_network] of grounds.entries()) {
    const { segment } = await demo.must('POST', `${NEUTRON}/segments`, {
      segment: { network_id: network.id, physical_network, network_type: 'vlan' },
    })
    await demo.must('POST', `${NEUTRON}/subnets`, {
      subnet: { network_id: network.id, segment_id: segment.id, ip_version: 4, cidr: `10.80.${n}.0/24` },
    })
  }
  const { flavors } = await demo.must('GET', `${NOVA.replace('servers', 'flavors')}`)
  const flavorRef = flavors.find(({ name }: { name: string }) => name === FLAVOR.name).id
  return { imageRef: image, flavorRef, networks: [{ uuid: network.id }] }
}
