import { Buffer } from 'node:buffer'
import { sql } from 'drizzle-orm'
import { expect } from 'vitest'
import { remembered } from '../../../../adapters/sandbox/backdoor.ts'
import { getBinding } from '../../../../db/queries/line/bindings.ts'
import { openUserData } from '../../../../functions/broker/compute/user-data.ts'
import { runCron } from '../../../../functions/cron.ts'
import { createServer, imageNamed } from '../../../support/builders.ts'
import { type Client, type Plimsoll, type Start, startPlimsoll } from '../../../support/harness.ts'

const [NOVA, V2] = ['/compute/v2.1', '/network/v2.0']
const V96 = { 'OpenStack-API-Version': 'compute 2.96' }
const zones = (vcpus: number) => [{ name: 'a', vcpus, ram_mib: 262_144, disk_gib: 4_000 }]
const shared = { 'images.as': { linux: 'sandbox-linux' } }
const ORIGIN = 'https://broker.example'

/** What is said of the project, and what its servers are made of. */
const lay = async (admin: Client, demo: Client, { path, policy }: { path: string; policy: object }) => {
  const said = await admin.put(path, { policy })
  expect(said.status, JSON.stringify(said.body)).toBe(200)
  const imageRef = await imageNamed(demo, 'linux')
  const network = (await demo.post(`${V2}/networks`, { network: { name: 'n' } })).body.network.id as string
  const subnets: Record<string, string> = {}
  for (const [i, physical_network] of ['dc1.a', 'outside.a'].entries()) {
    const segment = { network_id: network, network_type: 'vlan', physical_network }
    const made = await demo.post(`${V2}/segments`, { segment })
    expect(made.status, JSON.stringify(made.body)).toBe(201)
    const { id } = made.body.segment
    const subnet = { network_id: network, segment_id: id, ip_version: 4, cidr: `10.${i}.0.0/24` }
    subnets[physical_network.split('.')[0]!] = (await demo.post(`${V2}/subnets`, { subnet })).body.subnet.id
  }
  return { imageRef, network, subnets }
}
type Laid = Awaited<ReturnType<typeof lay>>

/** A home of eight vCPUs with its mark at six, a cloud outside that has enough, and a network that is on both. */
export const awayFromHome = async ({
  options = {},
  types = {},
  laid,
  ...start
}: Partial<Start> & { options?: object; types?: { dc1?: string }; laid?: Laid } = {}) => {
  const plimsoll = await startPlimsoll({
    clouds: [
      { name: 'outside', type: 'sandbox', options: { ...shared, ...options, zones: zones(500) } },
      { name: 'dc1', type: types.dc1 ?? 'sandbox', options: { ...shared, ...options, zones: zones(8) } },
    ],
    settings: { publicUrl: ORIGIN },
    ...start,
  })
  const [admin, demo] = [plimsoll.as('admin'), plimsoll.as('demo')]
  const policy = { chain: ['dc1', 'outside'], marks: { dc1: 0.75 }, hysteresis: 0 }
  const path = `/broker/v1/projects/${plimsoll.projectId('demo')}/policy`
  const { imageRef, network, subnets } = laid ?? (await lay(admin, demo, { path, policy }))
  const boot = (wish: object = {}) => createServer(plimsoll, demo, { imageRef, networks: [{ uuid: network }], ...wish })
  const server = async (id: string) => (await demo.get(`${NOVA}/servers/${id}`, V96)).body.server
  const portOf = async (id: string) => (await demo.get(`${V2}/ports?device_id=${id}`)).body.ports[0]
  return {
    plimsoll,
    admin,
    demo,
    network,
    subnets,
    imageRef,
    boot,
    server,
    portOf,
    path,
    policy,
    /** Fills home up to its mark, and gives what is there. */
    fill: async () => {
      const ids: string[] = []
      for (let i = 0; i < 6; i++) ids.push(await boot())
      return ids
    },
    remove: async (ids: string[]) => {
      for (const id of ids) await demo.delete(`${NOVA}/servers/${id}`)
      await plimsoll.settle()
    },
    act: (id: string, action: object) => demo.post(`${NOVA}/servers/${id}/action`, action, V96),
    tell: async (id: string, metadata: Record<string, string>) => {
      expect((await demo.post(`${NOVA}/servers/${id}/metadata`, { metadata })).status).toBe(200)
      await plimsoll.runDeferred()
    },
    cloudOf: async (id: string): Promise<string> =>
      (await server(id))?.['OS-EXT-AZ:availability_zone'].split('.')[0] || 'nowhere',
    /** The subnet of its one port, and its address. */
    addressOf: async (id: string) => {
      const { fixed_ips } = await portOf(id)
      const [name] = Object.entries(subnets).find(([, subnet]) => subnet === fixed_ips[0].subnet_id)!
      return { lies: name, address: fixed_ips[0].ip_address as string, ports: fixed_ips.length }
    },
    homecoming: async (id: string) => (await demo.get(`/broker/v1/servers/${id}/placement`)).body.placement.homecoming,
    events: async (id: string): Promise<string[]> =>
      (await demo.get(`${NOVA}/servers/${id}/os-instance-actions`, V96)).body.instanceActions.map(
        ({ action }: { action: string }) => action,
      ),
    /** Machines that a cloud has now, as it knows them. */
    machines: async (cloud: 'dc1' | 'outside') =>
      (await remembered(plimsoll.host.cloudState, plimsoll.cloudId(cloud), 'server')).filter(
        ({ goneAt }) => goneAt === null || goneAt > plimsoll.clock.now,
      ),
    /** So much later, every loop has its turn. */
    later: (ms: number) => later(plimsoll, ms),
    /** Home is looked at again: what left it is not taken for somebody else's, and it is known to be below its mark. */
    known: async () => {
      await later(plimsoll, 61_000)
      await later(plimsoll, 61_000)
    },
    /** The path that the guest of an arriving machine is told: its cloud was sent that much, and keeps no user data. */
    reportPath: async (id: string): Promise<string> => {
      const { host } = plimsoll
      const all = await remembered(host.cloudState, plimsoll.cloudId('dc1'), 'server')
      const machine = all.findLast(({ mark }) => mark?.resource === id)!
      const ref = { kind: 'server', resourceId: id, cloudId: plimsoll.cloudId('dc1'), scope: '' } as const
      const frozen = (await getBinding(plimsoll.db, ref))!.frozen as { userData: string }
      const userData = openUserData(plimsoll.context(), id, frozen.userData)!
      expect(machine.guest?.userDataBytes).toBe(Buffer.from(userData, 'base64').length)
      return pathIn(userData)
    },
  }
}
export type Away = Awaited<ReturnType<typeof awayFromHome>>

/** So much later, every loop has its turn, and what they began is done as far as it goes at once. */
const later = async (plimsoll: Plimsoll, ms: number): Promise<void> => {
  plimsoll.clock.advance(ms)
  await plimsoll.db.run(sql`delete from leases`)
  await runCron(plimsoll.host, 25_000)
  await plimsoll.runDeferred()
}

/** The path of the URL by which a guest reports, in its user data. */
const pathIn = (userData: string): string => {
  const text = Buffer.from(userData, 'base64').toString('latin1')
  const part = text.slice(text.indexOf('Content-Type: text/x-shellscript'))
  const script = Buffer.from(part.split('\r\n\r\n')[1]!.split('\r\n--')[0]!, 'base64').toString('utf8')
  return /^url='https:\/\/broker\.example(.+)'$/m.exec(script)![1]!
}

export const MOVABLE = { 'plimsoll:movable': 'true' }
/** So long home has to be below its mark, and the old machine has for its shutdown. */
export const [AFTER, READY, GRACE, AGAIN] = [600_000, 900_000, 60_000, 21_600_000]
