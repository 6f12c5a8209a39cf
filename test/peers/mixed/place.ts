import type { Api } from '../support/api.ts'
import { patience } from '../support/patiently.ts'

/** What one place of the shop got from the script. */
export interface Berth {
  zone: string
  network: string
  subnet: string
  server: string
  volume: string
}

export const NOVA = '/compute/v2.1/servers'
export const NEUTRON = '/network/v2.0'
export const cinder = (demo: Api): string => `/volume/v3/${demo.projectId}`

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Asks until it holds; throws what it is instead. */
export const eventually = async <T>(ask: () => Promise<T>, holds: (seen: T) => boolean, seconds = 60): Promise<T> => {
  for (const isOver = patience(seconds * 1000); ; await pause(500)) {
    const seen = await ask()
    if (holds(seen)) return seen
    if (isOver()) throw new Error(`after ${seconds} s still ${JSON.stringify(seen).slice(0, 400)}`)
  }
}

export const serverOf = async (demo: Api, id: string) => (await demo.must('GET', `${NOVA}/${id}`)).server
export const volumeOf = async (demo: Api, id: string) =>
  (await demo.must('GET', `${cinder(demo)}/volumes/${id}`)).volume
const imageNamed = async (demo: Api, name: string): Promise<string> =>
  (await demo.must('GET', `/image/v2/images?name=${name}`)).images[0].id
const flavorNamed = async (demo: Api, name: string): Promise<string> =>
  (await demo.must('GET', '/compute/v2.1/flavors')).flavors.find((each: { name: string }) => each.name === name).id

export const boot = async (
  demo: Api,
  wish: { name: string; zone: string; image: string; network: string; groups?: string[] },
): Promise<{ status: number; body: { server: { id: string }; conflictingRequest?: { message: string } } }> =>
  demo.call('POST', NOVA, {
    server: {
      name: wish.name,
      imageRef: wish.image,
      flavorRef: await flavorNamed(demo, 'm1.small'),
      networks: [{ uuid: wish.network }],
      availability_zone: wish.zone,
      ...(wish.groups ? { security_groups: wish.groups.map((name) => ({ name })) } : {}),
    },
  })

/** The script: the same for every place, which it knows by the name of its zone alone. */
export const berth = async (
  demo: Api,
  at: { zone: string; image: string; cidr: string; filters: boolean },
): Promise<Berth> => {
  const { zone, cidr } = at
  const { network } = await demo.must('POST', `${NEUTRON}/networks`, { network: { name: zone } })
  const { subnet } = await demo.must('POST', `${NEUTRON}/subnets`, {
    subnet: { network_id: network.id, ip_version: 4, cidr },
  })
  const wish = { name: `vm-${zone}`, zone, image: await imageNamed(demo, at.image), network: network.id }
  const guarded = await boot(demo, { ...wish, groups: ['web'] })
  if (at.filters !== (guarded.status === 202)) throw new Error(`a group is answered with ${JSON.stringify(guarded)}`)
  const { server } = at.filters ? guarded.body : (await boot(demo, wish)).body
  const { volume } = await demo.must('POST', `${cinder(demo)}/volumes`, {
    volume: { size: 1, name: `disk-${zone}`, availability_zone: zone },
  })
  return { zone, network: network.id, subnet: subnet.id, server: server.id, volume: volume.id }
}

/** Everything of it goes again. */
export const leave = async (demo: Api, { server, volume, subnet, network }: Berth): Promise<void> => {
  await demo.must('DELETE', `${NOVA}/${server}`)
  await eventually(
    async () => (await demo.call('GET', `${NOVA}/${server}`)).status,
    (status) => status === 404,
  )
  await eventually(
    async () => (await volumeOf(demo, volume)).status,
    (status) => status === 'available',
  )
  await demo.must('DELETE', `${cinder(demo)}/volumes/${volume}`)
  await demo.must('DELETE', `${NEUTRON}/subnets/${subnet}`)
  await demo.must('DELETE', `${NEUTRON}/networks/${network}`)
}
