import { DescribeImagesCommand, DescribeInstancesCommand } from '@aws-sdk/client-ec2'
import { addEc2, IMAGE } from '../aws/index.ts'
import { type Look, lookAt } from '../aws/look.ts'
import { NEUTRON } from '../mixed/place.ts'
import { type FaultProxy, startProxy } from '../moto/fault-proxy.ts'
import { launch as launchMoto } from '../moto/launch.ts'
import { RUNTIMES, type Runtime } from '../support/broker.ts'
import { dropSandbox, type People } from '../support/cloud.ts'
import { HOME, type Home, IMAGE_NAME, type Upload, vcenter } from './home.ts'
import { rack } from './rack.ts'

export { HOME, IMAGE_NAME }
export const AWAY = 'aws-east'
/** The blocks of both segments. */
export const BLOCKS = {
  [HOME]: { cidr: '10.72.0.0/24', prefix: '10.72.0.' },
  [AWAY]: { cidr: '10.73.0.0/24', prefix: '10.73.0.' },
} as const
export type CloudName = keyof typeof BLOCKS

/** What can be a home. */
export const HOMES = { vsphere: vcenter, libvirt: rack } satisfies Record<string, () => Promise<Home>>
export type HomeKind = keyof typeof HOMES

/** Sockets of a host are for Node. */
export const runtimesOf = (home: HomeKind): readonly Runtime[] =>
  home === 'libvirt' ? RUNTIMES.filter((runtime) => runtime === 'node') : RUNTIMES

/** Where subnets have zones a segment is of one. */
type Places = Record<CloudName, { physical: string; zone: string; cidr: string }>

/** Two clouds of unlike formats and filters: one at home (by itself vSphere, which is vcsim), EC2 (moto, behind a proxy that refuses) away. */
export interface Ground {
  home: Home
  places: Places
  moto: Look
  proxy: FaultProxy
  /** Both have no room for so many more servers. */
  refuse(cloud: CloudName, times: number): Promise<void>
  heal(): Promise<void>
  /** How many machines of ours run on each, by their own books. */
  census(): Promise<Record<CloudName, number>>
  leftovers(): Promise<string[]>
  stop(): Promise<void>
}

export const layGround = async (kind: HomeKind = 'vsphere'): Promise<Ground> => {
  const moto = await launchMoto()
  const proxy = await startProxy(moto.url)
  const home = await HOMES[kind]()
  const look = lookAt(moto.url)
  const zone = `${AWAY}.us-east-1a`
  return {
    home,
    places: {
      [HOME]: { ...BLOCKS[HOME], physical: home.physical, zone: home.zone },
      [AWAY]: { ...BLOCKS[AWAY], physical: zone, zone },
    },
    moto: look,
    proxy,
    async refuse(cloud, times) {
      if (cloud === HOME) await home.refuse(times)
      else proxy.rules.push({ action: 'RunInstances', fault: 'InsufficientInstanceCapacity', times })
    },
    async heal() {
      await home.heal()
      proxy.rules.length = 0
    },
    async census() {
      const { Reservations } = await look.ec2.send(
        new DescribeInstancesCommand({
          Filters: [
            { Name: 'tag-key', Values: ['plimsoll:resource'] },
            { Name: 'instance-state-name', Values: ['pending', 'running'] },
          ],
        }),
      )
      return {
        [HOME]: await home.running(),
        [AWAY]: (Reservations ?? []).flatMap(({ Instances }) => Instances ?? []).length,
      }
    },
    leftovers: async () => [...(await look.leftovers()), ...(await home.leftovers())],
    async stop() {
      await proxy.stop()
      await moto.stop()
      await home.stop()
    },
  }
}

/** The two clouds instead of the embedded one, and what an administrator says once: the image is the same on both. */
export const settle = async (people: People, { proxy, home, moto }: Ground, upload?: Upload): Promise<void> => {
  const { admin, demo } = people
  await dropSandbox(people)
  await home.add(people, upload)
  await addEc2(people, proxy.url)
  await admin.must('PUT', `/broker/v1/projects/${demo.projectId}/clouds/${HOME}`, { mapping: { filters: 'trusted' } })
  const { Images } = await moto.ec2.send(new DescribeImagesCommand({ Filters: [{ Name: 'name', Values: [IMAGE] }] }))
  const { images } = await demo.must('GET', `/image/v2/images?name=${IMAGE_NAME}`)
  await admin.must('PUT', `/broker/v1/images/${images[0].id}/copies/${AWAY}`, { native_id: Images![0]!.ImageId })
}

/** In which order clouds are taken. Home is trusted to filter, and what goes from away to home has to allow that. */
export const prefer = ({ admin, demo }: Pick<People, 'admin' | 'demo'>, chain: CloudName[]): Promise<unknown> =>
  admin.must('PUT', `/broker/v1/projects/${demo.projectId}/policy`, { policy: { chain, min_filters: 'trusted' } })

/** Both have room again, and an operator says so: else what they refused is left alone for minutes. */
export const forget = async ({ admin }: Pick<People, 'admin'>): Promise<void> => {
  for (const cloud of [HOME, AWAY]) await admin.must('DELETE', `/broker/v1/clouds/${cloud}/refused-offers`)
}

/** A network with a segment and a subnet on each cloud; its id. */
export const layNetwork = async (
  demo: Pick<People['demo'], 'must'>,
  name: string,
  { places }: Pick<Ground, 'places'>,
): Promise<string> => {
  const { network } = await demo.must('POST', `${NEUTRON}/networks`, { network: { name } })
  for (const { physical, cidr } of Object.values(places)) {
    const { segment } = await demo.must('POST', `${NEUTRON}/segments`, {
      segment: { network_id: network.id, physical_network: physical, network_type: 'vlan' },
    })
    await demo.must('POST', `${NEUTRON}/subnets`, {
      subnet: { network_id: network.id, segment_id: segment.id, ip_version: 4, cidr },
    })
  }
  return network.id
}

/** Home lends room for so many servers of one vCPU, and takes them up to its mark; away is for the rest. */
export const markHome = async (
  { admin, demo }: Pick<People, 'admin' | 'demo'>,
  mark: number,
  room: number,
  more: Record<string, unknown> = {},
): Promise<void> => {
  await admin.must('PUT', `/broker/v1/projects/${demo.projectId}/clouds/${HOME}`, {
    mapping: { filters: 'trusted', room: { vcpus: room, ram_mib: room * 2048 } },
  })
  const policy = { chain: [HOME, AWAY], min_filters: 'trusted', marks: { [HOME]: mark }, ...more }
  await admin.must('PUT', `/broker/v1/projects/${demo.projectId}/policy`, { policy })
}

/** A whole number from one to another, both included. */
export const drawn = (from: number, to: number): number => from + Math.floor(Math.random() * (to - from + 1))
