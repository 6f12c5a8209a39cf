import { DescribeImagesCommand, DescribeInstancesCommand } from '@aws-sdk/client-ec2'
import { addEc2, IMAGE } from '../aws/index.ts'
import { type Look, lookAt } from '../aws/look.ts'
import { NEUTRON } from '../mixed/place.ts'
import { type FaultProxy, startProxy } from '../moto/fault-proxy.ts'
import { launch as launchMoto } from '../moto/launch.ts'
import { addCloud, dropSandbox, type People } from '../support/cloud.ts'
import { VCENTER } from '../vsphere/client.peer.ts'
import { launch as launchVcsim, type Vcsim } from '../vsphere/launch.ts'
import { marked } from '../vsphere/seen.ts'

export const HOME = 'dc1-vsphere'
export const AWAY = 'aws-east'
export const IMAGE_NAME = 'debian-12'
/** Where subnets have zones a segment is of one. */
export const PLACES = {
  [HOME]: { physical: HOME, zone: `${HOME}.DC0_C0`, cidr: '10.72.0.0/24', prefix: '10.72.0.' },
  [AWAY]: { physical: `${AWAY}.us-east-1a`, zone: `${AWAY}.us-east-1a`, cidr: '10.73.0.0/24', prefix: '10.73.0.' },
} as const
export type CloudName = keyof typeof PLACES

/** Two clouds of unlike formats and filters: vSphere (vcsim) at home, EC2 (moto, behind a proxy that refuses) away. */
export interface Ground {
  vcsim: Vcsim
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

export const layGround = async (): Promise<Ground> => {
  const moto = await launchMoto()
  const proxy = await startProxy(moto.url)
  const vcsim = await launchVcsim()
  const look = lookAt(moto.url)
  return {
    vcsim,
    moto: look,
    proxy,
    async refuse(cloud, times) {
      if (cloud === HOME) await vcsim.fail('CloneVM_Task', 'InsufficientResourcesFault', times)
      else proxy.rules.push({ action: 'RunInstances', fault: 'InsufficientInstanceCapacity', times })
    },
    async heal() {
      await vcsim.heal()
      proxy.rules.length = 0
    },
    async census() {
      const { machines } = await vcsim.inventory()
      const { Reservations } = await look.ec2.send(
        new DescribeInstancesCommand({
          Filters: [
            { Name: 'tag-key', Values: ['plimsoll:resource'] },
            { Name: 'instance-state-name', Values: ['pending', 'running'] },
          ],
        }),
      )
      return {
        [HOME]: machines.filter(({ settings, power }) => settings['plimsoll.mark'] && power === 'poweredOn').length,
        [AWAY]: (Reservations ?? []).flatMap(({ Instances }) => Instances ?? []).length,
      }
    },
    leftovers: async () => [...(await look.leftovers()), ...marked(await vcsim.inventory())],
    async stop() {
      await proxy.stop()
      await moto.stop()
      await vcsim.stop()
    },
  }
}

/**
 * What an operator says that the hosts at home lend: by themselves they have memory for little more than three servers, and
 * what is on its way counts twice there, so that not the mark of a story would be what ends home.
 */
const LENT = { vcpus: 64, ram_mib: 131_072 }

/** The two clouds instead of the embedded one, and what an administrator says once: the image is the same on both. */
export const settle = async (people: People, { proxy, vcsim, moto }: Ground): Promise<void> => {
  const { admin, demo } = people
  await dropSandbox(people)
  await addCloud(people, { ...VCENTER, endpoint: vcsim.url, options: { ...VCENTER.options, room: LENT } })
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
export const layNetwork = async (demo: Pick<People['demo'], 'must'>, name: string): Promise<string> => {
  const { network } = await demo.must('POST', `${NEUTRON}/networks`, { network: { name } })
  for (const { physical, cidr } of Object.values(PLACES)) {
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
