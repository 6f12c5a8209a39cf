import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Capability,
  type FloatingIpSeen,
  type GroupPolicy,
  type ImageSeen,
  KINDS,
  type Kind,
  OBJECT_KINDS,
  PLUG_KINDS,
  type PortSeen,
  type SecurityRule,
  type Seen,
  type ServerRealm,
  type ServerSeen,
  type ServerSpec,
  type SnapshotSeen,
  type VolumeSeen,
} from '../../adapters/contract.ts'
import { capabilitiesOf } from '../../adapters/registry.ts'
import { diskIn } from '../support/disks.ts'
import { PUBLIC_KEY, refused, until, Workshop, type World } from './world.ts'

export { until, Workshop, type World } from './world.ts'

/** One promise of the contract, told as a story that any cloud can be asked to live up to. */
export interface Case {
  id: string
  title: string
  /** Capabilities without which there is nothing to ask; a cloud that lacks one says why in `lacks`. */
  needs: Capability[]
  run(shop: Workshop): Promise<void>
}

/** Case id -> why this cloud does not pass it. Whoever prints limitations prints these. */
export type Skips = Record<string, string>

const plugged = (kind: Kind): boolean => PLUG_KINDS.some((plug) => plug === kind)
const words = (kind: Kind): string => kind.replace('_', ' ')

/** What a specification of each kind stands on besides the kind itself. */
const NEEDS: Record<Kind, Capability[]> = {
  network: ['network'],
  subnet: ['network', 'subnet'],
  router: ['network', 'subnet', 'router'],
  security_group: ['network', 'security_group'],
  port: ['network', 'subnet', 'port'],
  keypair: ['keypair'],
  floating_ip: ['floating_ip'],
  volume: ['volume'],
  snapshot: ['volume', 'snapshot'],
  image: ['image'],
  server_group: ['server_group'],
  server: [],
  attachment: ['volume', 'attachment'],
  interface: ['port', 'interface'],
}

/** A change of each kind that can be changed in place. */
const CHANGES: Partial<Record<Kind, Record<string, unknown>>> = {
  network: { name: 'case-network-2' },
  subnet: { name: 'case-subnet-2' },
  router: { name: 'case-router-2' },
  port: { name: 'case-port-2' },
  volume: { name: 'case-volume-2' },
}

async function life(shop: Workshop, kind: Kind): Promise<void> {
  const realm = shop.realm(kind)
  const spec = await shop.spec(kind)
  const mark = shop.mark(kind)
  expect(await realm.find(mark, spec), 'nothing there before').toBeNull()
  const { id } = await shop.make(kind, spec, mark)
  const found = await until(
    shop.world,
    `${kind} found`,
    () => realm.find(mark, spec),
    (each) => each !== null,
  )
  expect(found?.id).toBe(id)
  const seen = (await realm.get(id)) as Seen
  expect(JSON.parse(JSON.stringify(seen)), 'what is seen is plain JSON').toEqual(seen)
  if (!plugged(kind)) expect(seen.mark).toMatchObject({ resource: mark.resource, token: mark.token, kind })
  const listed = await shop.pages((cursor) => realm.list(cursor))
  const inList = listed.filter((each) => each.id === id)
  expect(inList).toHaveLength(1)
  expect(inList[0], 'listing and look-up agree').toEqual(seen)
  if (realm.update && CHANGES[kind]) {
    const changed = { ...spec, ...CHANGES[kind] }
    for (const round of ['once', 'again']) {
      const after = await shop.settled(kind, await realm.update(id, changed))
      expect(after.id, round).toBe(id)
    }
    await shop.ready(kind, id)
  }
  await shop.remove(kind, id, mark)
  await realm.remove(id, mark)
  const after = await shop.pages((cursor) => realm.list(cursor))
  expect(after.filter((each) => each.id === id && each.health !== 'gone')).toEqual([])
  const trace = await realm.find(mark, spec)
  expect(trace === null || trace.health === 'gone').toBe(true)
}

async function twice(shop: Workshop, kind: Kind): Promise<void> {
  const realm = shop.realm(kind)
  const spec = await shop.spec(kind)
  const mark = shop.mark(kind)
  const { id } = await shop.make(kind, spec, mark)
  // Where the cloud does not deduplicate, a second create is only asked for after a look that found nothing.
  const found = await until(
    shop.world,
    `${kind} found`,
    () => realm.find(mark, spec),
    (each) => each !== null,
  )
  const second = realm.once === 'none' ? found : await shop.settled(kind, await realm.create(spec, mark))
  expect(second?.id).toBe(id)
  const listed = await shop.pages((cursor) => realm.list(cursor))
  const same = listed.filter((each) => each.mark?.token === mark.token || each.id === id)
  expect(same).toHaveLength(1)
}

async function race(shop: Workshop, kind: Kind): Promise<void> {
  const realm = shop.realm(kind)
  if (realm.once === 'none') return
  const spec = await shop.spec(kind)
  const mark = shop.mark(kind)
  const results = await Promise.allSettled([realm.create(spec, mark), realm.create(spec, mark)])
  const made = results.filter((each) => each.status === 'fulfilled').map((each) => each.value)
  expect(made.length, 'one of them at least is answered').toBeGreaterThan(0)
  const { id } = await shop.settled(kind, made[0] as Seen)
  shop.keep(kind, id, mark)
  await shop.ready(kind, id)
  const listed = await until(
    shop.world,
    `${kind} listed`,
    () => shop.pages((cursor) => realm.list(cursor)),
    (items) => items.some((each) => each.id === id),
  )
  expect(listed.filter((each) => each.mark?.token === mark.token)).toHaveLength(1)
}

/** The same account, seen by another deployment. */
function stranger({ world }: Workshop): Workshop {
  const connection = { ...world.connection, deployment: crypto.randomUUID() }
  return new Workshop({ ...world, connection, cloud: world.adapter.connect(connection, world.surroundings) })
}

async function foreign(shop: Workshop, kind: Kind): Promise<void> {
  const other = stranger(shop)
  try {
    const spec = await other.spec(kind)
    const { id } = await other.make(kind, spec)
    const realm = shop.realm(kind)
    expect((await realm.get(id))?.mark, 'the mark of another deployment is none of ours').toBeUndefined()
    await refused(realm.remove(id, shop.mark(kind)), 'denied', 'definitive')
    if (realm.update) await refused(Promise.resolve(realm.update(id, spec)), 'denied', 'definitive')
    expect((await other.realm(kind).get(id))?.health).toBe('ready')
  } finally {
    await other.close()
  }
}

const lives = KINDS.flatMap((kind): Case[] => [
  {
    id: `${kind}.life`,
    title: `${words(kind)}: made, found by its mark, seen, listed, changed, removed, removed again`,
    needs: NEEDS[kind],
    run: (shop) => life(shop, kind),
  },
  {
    id: `${kind}.twice`,
    title: `${words(kind)}: the same token twice is one object`,
    needs: NEEDS[kind],
    run: (shop) => twice(shop, kind),
  },
])

const strangers = OBJECT_KINDS.flatMap((kind): Case[] => [
  {
    id: `${kind}.foreign`,
    title: `${words(kind)}: one of another deployment is neither changed nor removed`,
    needs: NEEDS[kind],
    run: (shop) => foreign(shop, kind),
  },
])

const races = (['network', 'port', 'volume', 'floating_ip', 'server'] as const).map(
  (kind): Case => ({
    id: `${kind}.race`,
    title: `${words(kind)}: the same token twice at once is one object`,
    needs: NEEDS[kind],
    run: (shop) => race(shop, kind),
  }),
)

/** What is used, and how somebody comes to use it; taking all of it away afterwards proves that only the user stood in the way. */
const users: [Kind, string, Capability[], (shop: Workshop) => Promise<Seen>][] = [
  [
    'network',
    'it has a subnet',
    NEEDS.subnet,
    async (shop) => {
      await shop.subnet()
      return shop.network()
    },
  ],
  [
    'subnet',
    'it has a port',
    NEEDS.port,
    async (shop) => {
      await shop.port()
      return shop.subnet()
    },
  ],
  [
    'security_group',
    'a port uses it',
    [...NEEDS.port, 'security_group'],
    async (shop) => {
      await shop.port()
      return shop.group()
    },
  ],
  [
    'port',
    'a server uses it',
    NEEDS.port,
    async (shop) => {
      const port = await shop.port()
      await make(shop, { ports: [port.id] })
      return port
    },
  ],
  [
    'volume',
    'it is attached',
    NEEDS.attachment,
    async (shop) => {
      await shop.make('attachment', await shop.spec('attachment'))
      return shop.volume()
    },
  ],
]
const inUse = users.map(
  ([kind, why, needs, use]): Case => ({
    id: `${kind}.in_use`,
    title: `${words(kind)}: stays while ${why}`,
    needs,
    async run(shop) {
      const { id } = await use(shop)
      await refused(shop.realm(kind).remove(id, shop.markOf(id)), 'conflict')
      expect((await shop.realm(kind).get(id))?.health).toBe('ready')
    },
  }),
)

const rule = (change: Partial<SecurityRule>): SecurityRule => ({
  direction: 'ingress',
  family: 4,
  protocol: 'tcp',
  min: null,
  max: null,
  cidr: null,
  group: null,
  ...change,
})
const sorted = (rules: SecurityRule[]): string[] =>
  rules.map(({ description: _, ...each }) => JSON.stringify(Object.entries(each).sort())).sort()

async function securityRules(shop: Workshop): Promise<void> {
  const { world } = shop
  const base = await shop.spec('security_group')
  const peer = await shop.make('security_group', { ...base, name: 'case-peer' })
  const { id } = await shop.make('security_group', base)
  const ssh = rule({ min: 22, max: 22, cidr: '192.0.2.0/24' })
  const web = rule({ min: 80, max: 443, cidr: '0.0.0.0/0' })
  const inside = rule({ protocol: null, group: 'self' })
  const fromPeer = rule({ protocol: 'udp', min: 53, max: 53, group: peer.id })
  const ping = rule({ direction: 'egress', protocol: 'icmp', cidr: '0.0.0.0/0' })
  const out6 = rule({ direction: 'egress', family: 6, protocol: 'tcp', min: 443, max: 443, cidr: '::/0' })
  const rounds = [[], [ssh, inside, fromPeer, ping], [ssh, inside, fromPeer, ping], [web, inside, out6], []]
  for (const rules of rounds) {
    const realm = shop.realm('security_group')
    await shop.settled('security_group', (await realm.update?.(id, { ...base, rules })) as Seen)
    await shop.ready('security_group', id)
    if (world.rules) expect(sorted(await world.rules(id))).toEqual(sorted(rules))
  }
}

async function floatingIp(shop: Workshop): Promise<void> {
  const realm = shop.realm('floating_ip')
  const port = await shop.make<PortSeen>('port', await shop.spec('port'))
  await shop.router()
  const target = { port: port.id, address: port.addresses[0] as string }
  const made = await shop.make<FloatingIpSeen>('floating_ip', { target: null })
  expect(made.address).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
  expect(made.port).toBeNull()
  for (const wish of [target, target, null, null]) {
    await shop.settled(
      'floating_ip',
      await shop.patient(async () => (await realm.update?.(made.id, { target: wish })) as Seen),
    )
    const seen = await shop.ready<FloatingIpSeen>('floating_ip', made.id)
    expect(seen).toMatchObject({ address: made.address, port: wish?.port ?? null })
  }
  const second = await shop.make<FloatingIpSeen>('floating_ip', { target })
  expect(second.port).toBe(port.id)
  expect(second.address).not.toBe(made.address)
}

/** A router that leads out by it, and a public address of it; each of its addresses is had once. */
async function outside(shop: Workshop): Promise<void> {
  const network = await shop.make('network', { name: 'case-outside', cidrs: [], external: true })
  const plain = await shop.spec('subnet')
  const cidr = '198.51.100.0/24'
  const subnet = await shop.make('subnet', { ...plain, network: network.id, cidr, gateway: '198.51.100.1' })
  const port = await shop.make<PortSeen>('port', await shop.spec('port'))
  const at = (address: string) => ({ subnet: subnet.id, address })
  const way = { network: network.id, addresses: [at('198.51.100.9')] }
  await shop.make('router', { ...(await shop.spec('router')), gateway: true, outside: way })
  const target = { port: port.id, address: port.addresses[0] as string }
  const from = { network: network.id, ...at('198.51.100.10') }
  const made = await shop.make<FloatingIpSeen>('floating_ip', { target, from })
  expect(made).toMatchObject({ address: '198.51.100.10', port: port.id })
  const others = [
    ['198.51.100.9', 'conflict'],
    ['198.51.100.10', 'conflict'],
    ['192.0.2.1', 'definitive'],
  ] as const
  for (const [address, code] of others)
    await refused(shop.make('floating_ip', { target: null, from: { ...from, address } }), code)
}

/** A hole of zeros in it, and an end that fills no block: data as it is. */
async function uploadedImage(shop: Workshop): Promise<void> {
  const { world } = shop
  const { adapter, blobs } = world
  for (const format of adapter.imageFormats) expect(format).toMatch(/^[a-z0-9]+\/[a-z0-9]+$/)
  const { format, bytes } = world.fixtures.disk ?? diskIn(adapter.imageFormats)
  const blob = `case-${crypto.randomUUID()}`
  await blobs.write(blob, new Blob([bytes]).stream())
  const data = { blob, format, sizeBytes: bytes.length, arch: 'x86_64', os: 'linux', minDiskGiB: 3 }
  const spec = { name: `case-image-${blob.slice(5, 13)}`, source: { kind: 'data', ...data } }
  const mark = shop.mark('image')
  const image = await shop.make<ImageSeen>('image', spec, mark)
  expect(image).toMatchObject({ arch: 'x86_64', minDiskGiB: 3, mark: { token: mark.token } })
  const realm = shop.realm('image')
  const second = realm.once === 'none' ? realm.find(mark, spec) : realm.create(spec, mark)
  expect((await shop.settled('image', (await second) as Seen)).id, 'the same token is the same image').toBe(image.id)
  // From here on the cloud has what it needs.
  await blobs.remove(blob)
  const booted = await make(shop, { image: image.id })
  expect(booted).toMatchObject({ health: 'ready', power: 'running', image: image.id })
  await shop.remove('image', image.id, mark)
  const trace = await realm.find(mark, spec)
  expect(trace === null || trace.health === 'gone').toBe(true)
}

const server = (shop: Workshop): ServerRealm => shop.world.cloud.server
/** A server as a listing shows it. */
const listedServer = async (shop: Workshop, id: string): Promise<ServerSeen | undefined> =>
  (await shop.pages((cursor) => server(shop).list(cursor))).find((each) => each.id === id) as ServerSeen | undefined

/** A cloud that announces what it takes back says the same to whoever looks and to whoever lists; the server runs meanwhile. */
const toldBefore = async (shop: Workshop, id: string, announce: (id: string) => Promise<void>): Promise<void> => {
  expect(((await server(shop).get(id)) as ServerSeen).announced).toBeUndefined()
  await announce(id)
  const seen = (await server(shop).get(id)) as ServerSeen
  const announced = { at: expect.any(Number), words: expect.stringMatching(/spot/i) }
  expect(seen).toMatchObject({ health: 'ready', power: 'running', announced })
  const listed = () => listedServer(shop, id)
  const shown = await until(shop.world, 'a listing that says so', listed, (each) => each?.announced !== undefined)
  expect(shown?.announced).toEqual(seen.announced)
}
const make = async (shop: Workshop, change: Partial<ServerSpec> = {}): Promise<ServerSeen> =>
  shop.make<ServerSeen>('server', await shop.serverSpec(change))
const power = (shop: Workshop, id: string, wanted: string): Promise<ServerSeen | null> =>
  until(
    shop.world,
    `server ${wanted}`,
    () => server(shop).get(id),
    (seen) => seen?.health === 'ready' && seen.power === wanted,
  )

/** A volume that servers boot from: a copy of an image. */
const bootVolume = async (shop: Workshop): Promise<VolumeSeen> => {
  const { cloud, fixtures } = shop.world
  const { minDiskGiB = 1 } = (await cloud.image.get(fixtures.image)) ?? {}
  const sizeGiB = Math.max(minDiskGiB, fixtures.volumeGiB ?? 1, 1)
  const source = { kind: 'image', id: fixtures.image }
  return shop.make<VolumeSeen>('volume', { ...(await shop.spec('volume')), name: 'case-root', sizeGiB, source })
}

/** What `finish` takes in steps, taken. */
const finished = async (shop: Workshop, id: string): Promise<ServerSeen> => {
  const look = async () => {
    const seen = await server(shop).get(id)
    if (seen?.unfinished) {
      expect(seen.power, 'nobody may use what is not finished').toBe('changing')
      await shop.patient(async () => server(shop).finish?.(id))
    }
    return seen
  }
  const done = (seen: ServerSeen | null) => seen?.health === 'ready' && !seen.unfinished && seen.power === 'running'
  return (await until(shop.world, 'server finished', look, done)) as ServerSeen
}

async function bootsFromAnother(shop: Workshop): Promise<void> {
  const [first, ...others] = [await bootVolume(shop), await bootVolume(shop), await bootVolume(shop)]
  const asked = await shop.serverSpec({ image: '', boot: { volume: first.id, arch: 'x86_64' } })
  const { id } = await shop.make<ServerSeen>('server', asked)
  await finished(shop, id)
  const exchanged = async (volume: string, power: 'running' | 'stopped') => {
    const step = () => shop.patient(() => server(shop).bootFrom!(id, volume, power))
    await until(shop.world, 'the exchange', step, (progress) => progress === 'done')
  }
  let before = first.id
  for (const [i, power] of (['running', 'stopped'] as const).entries()) {
    const volume = others[i]!.id
    await exchanged(volume, power)
    await exchanged(volume, power)
    const seen = await server(shop).get(id)
    expect(seen).toMatchObject({ power, volumes: [expect.objectContaining({ id: volume, root: true })] })
    expect(await shop.realm('volume').get(volume)).toMatchObject({ server: id })
    expect(await shop.realm('volume').get(before)).toMatchObject({ server: null })
    await shop.remove('volume', before, shop.markOf(before))
    before = volume
  }
  await shop.patient(() => server(shop).start(id))
  await until(
    shop.world,
    'power',
    () => server(shop).get(id),
    (seen) => seen?.power === 'running',
  )
}

async function bootsFromVolume(shop: Workshop): Promise<void> {
  const volume = await bootVolume(shop)
  const mark = shop.mark('server')
  const asked = await shop.serverSpec({ image: '', boot: { volume: volume.id, arch: 'x86_64' } })
  const { id } = await shop.make<ServerSeen>('server', asked, mark)
  const seen = await finished(shop, id)
  expect(seen).toMatchObject({ mark: { token: mark.token }, size: shop.world.fixtures.size.native })
  expect(seen.volumes).toEqual([expect.objectContaining({ id: volume.id, root: true })])
  expect(seen.ports.map((port) => port.id)).toEqual(asked.ports)
  const twice = server(shop).once === 'none' ? server(shop).find(mark, asked) : server(shop).create(asked, mark)
  const again = await shop.settled<ServerSeen>('server', (await twice) as ServerSeen)
  expect(again.id, 'the same token is the same server').toBe(id)
  expect(await shop.realm('volume').get(volume.id)).toMatchObject({ server: id, health: 'ready' })

  const attached = shop.mark('attachment')
  const spec = { server: id, volume: volume.id, device: null, boot: true }
  const attachment = await shop.settled('attachment', await shop.realm('attachment').create(spec, attached))
  await shop.ready('attachment', attachment.id)
  await refused(shop.realm('attachment').remove(attachment.id, attached), 'conflict', 'definitive')
  const other = await make(shop)
  await refused(
    shop.realm('attachment').create({ server: other.id, volume: volume.id, device: null }, shop.mark('attachment')),
    'conflict',
    'definitive',
  )

  await server(shop).stop(id)
  await power(shop, id, 'stopped')
  await server(shop).start(id)
  await power(shop, id, 'running')
  await shop.remove('server', id, mark)
  const free = (each: Seen | null) => (each as VolumeSeen | null)?.server === null && each?.health === 'ready'
  await until(shop.world, 'volume free', () => shop.realm('volume').get(volume.id), free)
  expect(await shop.realm('attachment').get(attachment.id)).toBeNull()
}

/** The hosts of two servers that are in one group with that policy; undefined where the cloud tells of none. */
const hostsOfTwo = async (
  shop: Workshop,
  policy: GroupPolicy,
): Promise<{ hosts: (string | undefined)[]; group: Seen | null }> => {
  const mark = shop.mark('server_group')
  const spec = { name: 'case-server-group', policy, mostPerHost: null }
  const group = shop.world.cloud.server_group ? await shop.make('server_group', spec, mark) : null
  const grouping = { id: mark.resource, policy, mostPerHost: null, native: group?.id ?? null }
  const servers = [await make(shop, { group: grouping }), await make(shop, { group: grouping })]
  const seen = await Promise.all(servers.map(({ id }) => finished(shop, id)))
  return { hosts: seen.map(({ host }) => host), group }
}

/** One step after another until it is done. */
const steps = (shop: Workshop, step: () => Promise<'done' | 'going'>): Promise<unknown> =>
  until(
    shop.world,
    'the last step',
    () => shop.patient(step),
    (progress) => progress === 'done',
  )

const stories: Case[] = [
  {
    id: 'cloud.check',
    title: 'the cloud answers a check',
    needs: [],
    async run({ world }) {
      const report = await world.cloud.check()
      expect(report.reachable).toBe(true)
      expect(report.denied).toEqual([])
      expect(Math.abs(report.clockSkewMs ?? 0)).toBeLessThan(300_000)
    },
  },
  {
    id: 'cloud.zones',
    title: 'zones have names of their own, and room within its bounds where it is known',
    needs: [],
    async run({ world }) {
      const zones = await world.cloud.zones()
      expect(zones.map(({ name }) => name)).toContain(world.fixtures.zone)
      expect(new Set(zones.map(({ name }) => name)).size).toBe(zones.length)
      for (const { room } of zones) {
        for (const [used, total] of Object.values(room ?? {})) expect(used >= 0 && used <= total).toBe(true)
      }
    },
  },
  {
    id: 'cloud.offers',
    title: 'offers have positive sizes, names of their own and zones that exist',
    needs: [],
    async run({ world }) {
      const zones = new Set((await world.cloud.zones()).map(({ name }) => name))
      const offers = await world.cloud.offers()
      expect(offers.map(({ name }) => name)).toContain(world.fixtures.size.native)
      expect(new Set(offers.map(({ name }) => name)).size).toBe(offers.length)
      for (const { name, vcpus, ramMiB, diskGiB, gpus, arch, zones: sold } of offers) {
        expect(vcpus > 0 && ramMiB > 0 && diskGiB >= 0 && gpus >= 0, name).toBe(true)
        expect(['x86_64', 'aarch64']).toContain(arch)
        expect(sold.length > 0 && sold.every((zone) => zones.has(zone)), name).toBe(true)
      }
    },
  },
  {
    id: 'cloud.prices',
    title: 'prices are of offers that there are, dated, one for each way to buy one in a zone',
    needs: [],
    async run({ world }) {
      const offers = await world.cloud.offers()
      const zones = new Map(offers.map(({ name, zones: sold }) => [name, sold]))
      const prices = (await world.cloud.prices?.(offers)) ?? []
      for (const { size, zone, option, amount, currency, asOf, source } of prices) {
        expect(zones.has(size), size).toBe(true)
        if (zone !== null) expect(zones.get(size), size).toContain(zone)
        expect(['on-demand', 'spot']).toContain(option)
        expect(amount, size).toBeGreaterThan(0)
        expect(currency).toMatch(/^[A-Z]{3}$/)
        expect(asOf, size).toBeGreaterThan(0)
        expect(['provider', 'operator', 'table']).toContain(source)
      }
      const keys = prices.map(({ size, zone, option }) => JSON.stringify([size, zone, option]))
      expect(new Set(keys).size).toBe(keys.length)
    },
  },
  {
    id: 'cloud.part-prices',
    title: 'prices of disks are of types that there are, dated, one for each',
    needs: [],
    async run({ world }) {
      const types = new Set(((await world.cloud.volumeTypes?.()) ?? []).map(({ name }) => name))
      const prices = (await world.cloud.partPrices?.()) ?? []
      for (const { what, type, amount, currency, asOf, source } of prices) {
        expect(['disk', 'address']).toContain(what)
        if (type !== null) expect(types).toContain(type)
        if (what === 'address') expect(type).toBeNull()
        expect(amount, what).toBeGreaterThan(0)
        expect(currency).toMatch(/^[A-Z]{3}$/)
        expect(asOf, what).toBeGreaterThan(0)
        expect(['provider', 'operator', 'table']).toContain(source)
      }
      const keys = prices.map(({ what, type }) => JSON.stringify([what, type]))
      expect(new Set(keys).size).toBe(keys.length)
    },
  },
  {
    id: 'cloud.capabilities',
    title: 'everything the cloud cannot do has a sentence that says why',
    needs: [],
    async run({ world }) {
      const { adapter } = world
      for (const [name, { available, reason }] of Object.entries(capabilitiesOf(world.cloud, adapter))) {
        expect(available ? reason : adapter.lacks[name as Capability], name).toBe(reason)
        if (!available) expect(reason, name).toMatch(/^[A-Z].{10,}\.$/)
      }
      expect(adapter.runtimes.length).toBeGreaterThan(0)
    },
  },
  {
    id: 'cloud.account',
    title: 'the connection is valid, and its account has a key that stays the same',
    needs: [],
    async run({ world: { adapter, connection } }) {
      expect(adapter.validate(connection, 'node')).toEqual([])
      expect(adapter.account(connection)).toBe(adapter.account({ ...connection, deployment: 'another' }))
      expect(adapter.account(connection).length).toBeGreaterThan(0)
    },
  },
  {
    id: 'image.catalog',
    title: 'the catalogue of images is complete and has what servers boot from',
    needs: [],
    async run(shop) {
      const { cloud, fixtures } = shop.world
      const images = await shop.pages<ImageSeen>((cursor) => cloud.image.catalog(cursor))
      const image = images.find(({ id }) => id === fixtures.image)
      expect(image?.health).toBe('ready')
      expect(await cloud.image.get(fixtures.image)).toMatchObject({ id: fixtures.image, arch: image?.arch })
    },
  },
  {
    id: 'server.parts',
    title:
      'server: shows its size, its ports with their addresses, and the machine that it is on by its id, and frees its ports when it is gone',
    needs: NEEDS.port,
    async run(shop) {
      const ports = [await shop.port(), await shop.port()].map(({ id }) => id)
      const mark = shop.mark('server')
      const { id } = await shop.make('server', await shop.serverSpec({ ports }), mark)
      const seen = (await server(shop).get(id)) as ServerSeen
      expect(seen).toMatchObject({ power: 'running', size: shop.world.fixtures.size.native })
      expect(seen.ports.map((port) => port.id)).toEqual(ports)
      const { hosts } = (await shop.world.cloud.zones()).find(({ name }) => name === seen.zone) ?? {}
      if (hosts) expect(hosts.map(({ name }) => name)).toContain(id.split('/')[0])
      for (const port of seen.ports) {
        const own = (await shop.realm('port').get(port.id)) as PortSeen
        expect(own).toMatchObject({ server: id, mac: port.mac, addresses: port.addresses })
      }
      await shop.remove('server', id, mark)
      const free = (port: Seen | null) => (port as PortSeen | null)?.server === null
      for (const port of ports) await until(shop.world, 'port free', () => shop.realm('port').get(port), free)
    },
  },
  {
    id: 'server_group.apart',
    title:
      'server group: of two servers that are kept apart each has a host of its own, and the group stays while it has them',
    needs: ['server_group', ...NEEDS.port],
    async run(shop) {
      const { hosts, group } = await hostsOfTwo(shop, 'anti-affinity')
      if (hosts.every((host) => host !== undefined)) expect(new Set(hosts).size).toBe(2)
      if (group) await refused(shop.realm('server_group').remove(group.id, shop.markOf(group.id)), 'conflict')
    },
  },
  {
    id: 'server_group.together',
    title: 'server group: two servers that are kept together are on one host',
    needs: ['server_group', 'server_group.affinity', ...NEEDS.port],
    async run(shop) {
      const { hosts } = await hostsOfTwo(shop, 'affinity')
      expect(hosts[0]).toBeDefined()
      expect(new Set(hosts).size).toBe(1)
    },
  },
  {
    id: 'server.fork',
    title: 'server: forks go on beside the one that runs, once per token, with ports and marks of their own',
    needs: ['server.fork', ...NEEDS.port],
    async run(shop) {
      const parent = await make(shop, { metadata: { role: 'parent' } })
      const spec = await shop.serverSpec({ name: 'case-fork', fork: parent.id, image: parent.image ?? '' })
      const mark = shop.mark('server')
      const made = await shop.make<ServerSeen>('server', spec, mark)
      expect(made).toMatchObject({ name: 'case-fork', power: 'running', size: parent.size, zone: parent.zone, mark })
      expect(made.id).not.toBe(parent.id)
      expect(made.ports.map(({ id }) => id)).toEqual(spec.ports)
      const port = (await shop.realm('port').get(spec.ports[0]!)) as PortSeen
      expect(port).toMatchObject({ server: made.id, mac: made.ports[0]?.mac, addresses: made.ports[0]?.addresses })
      expect(made.ports[0]?.mac).not.toBe(parent.ports[0]?.mac)
      expect(await server(shop).get(parent.id), 'the parent is as it was').toMatchObject({
        power: 'running',
        mark: parent.mark,
        ports: parent.ports,
      })
      expect((await server(shop).find(mark, spec))?.id).toBe(made.id)
      expect((await shop.settled<ServerSeen>('server', await server(shop).create(spec, mark))).id).toBe(made.id)
      const listed = await shop.pages((cursor) => server(shop).list(cursor))
      expect(listed.filter((seen) => seen.mark?.token === mark.token)).toHaveLength(1)

      await server(shop).stop(parent.id)
      await power(shop, parent.id, 'stopped')
      const late = await shop.serverSpec({ name: 'case-late', fork: parent.id, image: parent.image ?? '' })
      await refused(
        (async () => shop.settled('server', await server(shop).create(late, shop.mark('server'))))(),
        'conflict',
      )
      expect((await shop.settled<ServerSeen>('server', await server(shop).create(spec, mark))).id, 'again').toBe(
        made.id,
      )
      await shop.remove('server', made.id, mark)
      expect((await server(shop).get(parent.id))?.health).toBe('ready')
    },
  },
  {
    id: 'server.power',
    title: 'server: stops, starts and reboots, whatever it is asked twice',
    needs: [],
    async run(shop) {
      const { id } = await make(shop)
      for (const [wanted, wish] of [
        ['stopped', () => server(shop).stop(id)],
        ['running', () => server(shop).start(id)],
      ] as const) {
        await wish()
        await shop.patient(wish)
        await power(shop, id, wanted)
        await wish()
      }
      const realm = server(shop)
      const { token } = shop.mark('server')
      if (realm.restart) await steps(shop, () => realm.restart!(id, token))
      for (const hard of realm.restart ? [true] : [false, true]) {
        await shop.patient(() => realm.reboot(id, hard))
        await power(shop, id, 'running')
      }
    },
  },
  {
    id: 'server.diagnostics',
    title: 'server: tells what its machine has used while it runs, and nothing while it is off',
    needs: ['server.diagnostics'],
    async run(shop) {
      const { id } = await make(shop)
      const { vcpus, ramMiB } = shop.world.fixtures.size
      const { memory, cpus, disks } = await server(shop).diagnose!(id)
      expect([cpus.length, memory.maximumKiB]).toEqual([vcpus, ramMiB * 1024])
      expect(disks.length).toBeGreaterThan(0)
      const used = async () => (await server(shop).diagnose!(id)).cpus.reduce((sum, { time }) => sum + time, 0)
      await until(shop.world, 'time of its processors', used, (time) => time > 0)
      await shop.patient(() => server(shop).stop(id))
      await power(shop, id, 'stopped')
      await refused(server(shop).diagnose!(id), 'conflict')
    },
  },
  {
    id: 'server.foreign_power',
    title: 'server: one of another deployment is not even stopped',
    needs: [],
    async run(shop) {
      const other = stranger(shop)
      try {
        const { id } = await make(other)
        await refused(server(shop).stop(id), 'denied', 'definitive')
        await refused(server(shop).reboot(id, true), 'denied', 'definitive')
        await power(other, id, 'running')
      } finally {
        await other.close()
      }
    },
  },
  {
    id: 'server.resize',
    title: 'server: becomes another size in steps, and ends with the power that is wanted',
    needs: ['server.resize'],
    async run(shop) {
      const { otherSize } = shop.world.fixtures
      if (!otherSize) throw new Error('the world needs fixtures.otherSize')
      const { id } = await make(shop)
      for (const wanted of ['running', 'stopped'] as const) {
        await steps(shop, async () => (await server(shop).resize?.(id, otherSize, wanted)) ?? 'going')
        expect(await server(shop).get(id)).toMatchObject({ size: otherSize.native, power: wanted, health: 'ready' })
      }
    },
  },
  {
    id: 'server.rebuild',
    title: 'server: gets a fresh disk once per token and keeps its ports',
    needs: ['server.rebuild'],
    async run(shop) {
      const before = await make(shop)
      for (const token of [crypto.randomUUID(), crypto.randomUUID()]) {
        const step = async () => (await server(shop).rebuild?.(before.id, shop.world.fixtures.image, token)) ?? 'going'
        await steps(shop, step)
        expect(await step()).toBe('done')
        const after = (await power(shop, before.id, 'running')) as ServerSeen
        expect(after.ports).toEqual(before.ports)
      }
    },
  },
  {
    id: 'server.reseed',
    title: 'server: finds another key and other user data after a rebuild that brings them',
    needs: ['server.reseed'],
    async run(shop) {
      const { id } = await make(shop)
      const token = crypto.randomUUID()
      const seed = { publicKey: null, userData: btoa('#!/bin/sh\n'), drive: null }
      const step = async () => (await server(shop).rebuild?.(id, shop.world.fixtures.image, token, seed)) ?? 'going'
      await steps(shop, step)
      expect(await power(shop, id, 'running')).toMatchObject({ health: 'ready' })
    },
  },
  {
    id: 'server.rescue',
    title: 'server: runs from another disk, its own beside it, and from its own again',
    needs: ['server.rescue'],
    async run(shop) {
      const before = await make(shop)
      const { image } = shop.world.fixtures
      await server(shop).stop(before.id)
      await power(shop, before.id, 'stopped')
      for (const token of [crypto.randomUUID(), crypto.randomUUID()]) {
        const rescue = async () => (await server(shop).rescue?.(before.id, image, token)) ?? 'going'
        await steps(shop, rescue)
        expect(await rescue()).toBe('done')
        expect(await server(shop).get(before.id)).toMatchObject({
          power: 'running',
          rescued: true,
          ports: before.ports,
        })
        const unrescue = async () => (await server(shop).unrescue?.(before.id)) ?? 'going'
        await steps(shop, unrescue)
        expect(await unrescue()).toBe('done')
        const { bootedAt: _, ...after } = (await server(shop).get(before.id)) as ServerSeen
        const { bootedAt: __, ...own } = before
        expect(after).toEqual(own)
      }
    },
  },
  {
    id: 'server.shelve',
    title: 'server: is shelved whether it runs or not, and comes back as it was',
    needs: ['server.shelve'],
    async run(shop) {
      const { id, ports } = await make(shop)
      for (const first of ['running', 'stopped']) {
        if (first === 'stopped') await server(shop).stop(id)
        await power(shop, id, first)
        for (const [wanted, step] of [
          ['stopped', async () => (await server(shop).shelve?.(id)) ?? 'going'],
          ['running', async () => (await server(shop).unshelve?.(id)) ?? 'going'],
        ] as const) {
          await steps(shop, step)
          expect(await step()).toBe('done')
          expect(await server(shop).get(id)).toMatchObject({ power: wanted, health: 'ready', ports })
        }
      }
    },
  },
  {
    id: 'server.pause',
    title: 'server: pauses and goes on',
    needs: ['server.pause'],
    async run(shop) {
      const { id } = await make(shop)
      for (const [wanted, wish] of [
        ['paused', () => server(shop).pause?.(id)],
        ['running', () => server(shop).unpause?.(id)],
      ] as const) {
        await wish()
        await power(shop, id, wanted)
        await wish()
      }
    },
  },
  {
    id: 'server.suspend',
    title: 'server: is suspended and resumed',
    needs: ['server.suspend'],
    async run(shop) {
      const { id } = await make(shop)
      for (const [wanted, wish] of [
        ['suspended', () => server(shop).suspend?.(id)],
        ['running', () => server(shop).resume?.(id)],
      ] as const) {
        await wish()
        await power(shop, id, wanted)
        await wish()
      }
    },
  },
  {
    id: 'server.console',
    title: 'server: writes to its console while it boots',
    needs: ['server.console_log'],
    async run(shop) {
      const { id } = await make(shop, { userData: btoa('#!/bin/sh\necho hello\n'), metadata: { role: 'case' } })
      const text = await until(
        shop.world,
        'console text',
        async () => (await server(shop).consoleLog?.(id)) ?? '',
        (each) => each.length > 0,
      )
      expect(typeof text).toBe('string')
    },
  },
  {
    id: 'server.describe',
    title: 'server: shows its new name',
    needs: ['server.describe'],
    async run(shop) {
      const { id } = await make(shop)
      const label = { name: 'case-renamed', metadata: { role: 'case' } }
      await server(shop).describe?.(id, label)
      await server(shop).describe?.(id, label)
      const seen = await until(
        shop.world,
        'new name',
        () => server(shop).get(id),
        (each) => each?.name === label.name,
      )
      expect(seen?.mark, 'it keeps its mark').toBeDefined()
    },
  },
  {
    id: 'server.keypair',
    title: 'server: boots with a keypair',
    needs: ['keypair'],
    async run(shop) {
      const keypair = (await shop.make('keypair', await shop.spec('keypair'))).id
      expect((await make(shop, { keypair, publicKey: PUBLIC_KEY })).health).toBe('ready')
    },
  },
  {
    id: 'server.refusals',
    title: 'server: what cannot be is refused at once, with a clear code',
    needs: [],
    async run(shop) {
      const spec = await shop.serverSpec()
      const { image, size, zone } = shop.world.fixtures
      const create = (change: Partial<ServerSpec>) => server(shop).create({ ...spec, ...change }, shop.mark('server'))
      await refused(create({ size: { ...size, native: 'no.such-size' } }), 'definitive')
      await refused(create({ zone: `${zone}-no-such` }), 'definitive')
      await refused(create({ image: image.replace(/.{4}$/, '0000') }), 'definitive', 'not_found')
      const mine = await shop.pages((cursor) => server(shop).list(cursor))
      expect(mine.filter(({ name, health }) => name === spec.name && health !== 'gone')).toEqual([])
    },
  },
  {
    id: 'server.spot',
    title: 'server: is bought as spot where there is a price for that, is read as that, and is refused elsewhere',
    needs: [],
    async run(shop) {
      const { cloud, fixtures } = shop.world
      const prices = (await cloud.prices?.(await cloud.offers())) ?? []
      const sold = prices.some(
        ({ option, size, zone }) =>
          option === 'spot' && size === fixtures.size.native && (zone ?? fixtures.zone) === fixtures.zone,
      )
      const spec = { ...(await shop.serverSpec()), option: 'spot' as const }
      if (!sold) {
        await refused(server(shop).create(spec, shop.mark('server')), 'definitive')
        return
      }
      const { id } = await shop.make('server', spec)
      expect((await server(shop).read?.(id))?.spec).toMatchObject({ option: 'spot' })
      const { id: kept } = await shop.make('server', await shop.serverSpec())
      expect((await server(shop).read?.(kept))?.spec.option ?? 'on-demand').toBe('on-demand')
    },
  },
  {
    id: 'server.reclaimed',
    title:
      'server: taken back by its cloud, with a word before where that gives one, it is gone and says so, its ports are free, and what was removed says nothing',
    needs: [],
    async run(shop) {
      const { reclaim } = shop.world
      if (!reclaim) return
      const mark = shop.mark('server')
      const spec = { ...(await shop.serverSpec()), option: 'spot' as const }
      const { id } = await shop.make('server', spec, mark)
      expect(((await server(shop).get(id)) as ServerSeen).reclaimed).toBeUndefined()
      if (shop.world.announce) await toldBefore(shop, id, shop.world.announce)
      await reclaim(id)
      const seen = (await server(shop).get(id)) as ServerSeen
      expect(seen).toMatchObject({ health: 'gone', reclaimed: { words: expect.stringMatching(/spot/i) } })
      expect(seen.announced).toBeUndefined()
      const { at } = seen.reclaimed!
      expect(at === null || Math.abs(at - shop.world.surroundings.now()) < 60_000, 'it was taken just now').toBe(true)
      const listed = () => listedServer(shop, id)
      await until(shop.world, 'a listing that says so', listed, (each) => each?.reclaimed !== undefined)
      // Another machine has its port, and is nothing but what it was asked for.
      const next = shop.mark('server')
      const successor = await shop.make('server', spec, next)
      expect(successor.id).not.toBe(id)
      await server(shop).remove(id, mark)
      await shop.remove('server', successor.id, next)
      const trace = (await server(shop).get(successor.id)) as ServerSeen | null
      expect(trace?.reclaimed).toBeUndefined()
    },
  },
  {
    id: 'attachment.shown',
    title: 'attachment: server and volume name each other, until it is removed or the server is',
    needs: NEEDS.attachment,
    async run(shop) {
      const volume = await shop.volume()
      const mark = shop.mark('server')
      const { id } = await shop.make('server', await shop.serverSpec(), mark)
      const attached = shop.mark('attachment')
      const spec = { server: id, volume: volume.id, device: null }
      const first = await shop.make('attachment', spec, attached)
      const { deviceFor } = shop.world.adapter
      if (deviceFor) expect(first).toMatchObject({ device: deviceFor(null, []) })
      expect(await shop.realm('volume').get(volume.id)).toMatchObject({ server: id })
      const seen = (await server(shop).get(id)) as ServerSeen
      expect(seen.volumes.map((each) => each.id)).toContain(volume.id)
      await shop.remove('attachment', first.id, attached)
      const free = (each: Seen | null) => (each as VolumeSeen | null)?.server === null
      await until(shop.world, 'volume free', () => shop.realm('volume').get(volume.id), free)
      await shop.make('attachment', spec)
      await shop.remove('server', id, mark)
      await until(shop.world, 'volume free', () => shop.realm('volume').get(volume.id), free)
    },
  },
  {
    id: 'server.boot_volume',
    title: 'server: boots from a volume, once per token, which stays in it and outlives it',
    needs: ['server.boot_from_volume', ...NEEDS.attachment],
    run: bootsFromVolume,
  },
  {
    id: 'server.config_drive',
    title: 'server: has its config drive from the start, which is no volume of anybody and leaves nothing',
    needs: ['server.config_drive'],
    async run(shop) {
      const { cloud } = shop.world
      const drive = { metaData: { uuid: 'u', name: 'case' }, networkData: { links: [] }, vendorData: {} }
      const mark = shop.mark('server')
      const asked = await shop.serverSpec({ configDrive: true, drive, userData: btoa('#cloud-config') })
      const { id } = await shop.make<ServerSeen>('server', asked, mark)
      const seen = await finished(shop, id)
      expect(seen.volumes.filter(({ root }) => !root)).toEqual([])
      const again = server(shop).once === 'none' ? server(shop).find(mark, asked) : server(shop).create(asked, mark)
      expect((await shop.settled<ServerSeen>('server', (await again) as ServerSeen)).id).toBe(id)
      await shop.remove('server', id, mark)
      for (const realm of [cloud.image, cloud.volume, cloud.snapshot])
        if (realm) {
          const listed = await shop.pages<Seen>((cursor) => realm.list(cursor))
          expect(listed.filter((each) => each.mark?.token === mark.token && each.health !== 'gone')).toEqual([])
        }
    },
  },
  {
    id: 'server.boot_volume_killed',
    title: 'server: one that was to boot from a volume and is removed on its way there lets go of it',
    needs: ['server.boot_from_volume', ...NEEDS.attachment],
    async run(shop) {
      const volume = await bootVolume(shop)
      const mark = shop.mark('server')
      const asked = await shop.serverSpec({ image: '', boot: { volume: volume.id, arch: 'x86_64' } })
      const { id } = await shop.settled<ServerSeen>('server', await server(shop).create(asked, mark))
      await shop.remove('server', id, mark)
      const free = (each: Seen | null) => (each as VolumeSeen | null)?.server === null
      await until(shop.world, 'volume free', () => shop.realm('volume').get(volume.id), free)
      const left = (await shop.pages<Seen>((cursor) => shop.world.cloud.image.list(cursor))).filter(
        (each) => each.mark?.token === mark.token,
      )
      expect(left).toEqual([])
    },
  },
  {
    id: 'server.boot_from_another',
    title:
      'server: boots from another volume in place of its own, which is free then, and has the power that is wanted',
    needs: ['server.boot_from_volume', ...NEEDS.attachment],
    run: bootsFromAnother,
  },
  {
    id: 'image.volume',
    title: 'image: one made of a volume boots a server',
    needs: ['image', 'image.volume', 'volume'],
    async run(shop) {
      const volume = await bootVolume(shop)
      const source = { kind: 'volume', id: volume.id, arch: 'x86_64' }
      const spec = { name: `case-image-${crypto.randomUUID().slice(0, 8)}`, source }
      const mark = shop.mark('image')
      const image = await shop.make<ImageSeen>('image', spec, mark)
      expect(image).toMatchObject({ arch: 'x86_64', mark: { token: mark.token } })
      expect(image.minDiskGiB).toBeGreaterThan(0)
      const realm = shop.realm('image')
      const second = realm.once === 'none' ? realm.find(mark, spec) : realm.create(spec, mark)
      expect((await shop.settled('image', (await second) as Seen)).id).toBe(image.id)
      const booted = await make(shop, { image: image.id })
      expect(booted).toMatchObject({ health: 'ready', power: 'running', image: image.id })
    },
  },
  {
    id: 'attachment.exclusive',
    title: 'attachment: a volume is in one server only',
    needs: NEEDS.attachment,
    async run(shop) {
      const [a, b] = [await make(shop), await make(shop)]
      const volume = await shop.volume()
      await shop.make('attachment', { server: a.id, volume: volume.id, device: null })
      const second = { server: b.id, volume: volume.id, device: null }
      await refused(shop.realm('attachment').create(second, shop.mark('attachment')), 'conflict', 'definitive')
    },
  },
  {
    id: 'interface.shown',
    title: 'interface: a port goes into a running server and out again',
    needs: [...NEEDS.port, 'interface'],
    async run(shop) {
      const { id } = await make(shop)
      const port = await shop.port()
      const mark = shop.mark('interface')
      const plug = await shop.make('interface', { server: id, port: port.id }, mark)
      const ids = async () => (await server(shop).get(id))?.ports.map((each) => each.id)
      expect(await ids()).toContain(port.id)
      await shop.remove('interface', plug.id, mark)
      await until(
        shop.world,
        'port free',
        () => shop.realm('port').get(port.id),
        (each) => (each as PortSeen).server === null,
      )
      expect(await ids()).not.toContain(port.id)
    },
  },
  {
    id: 'security_group.rules',
    title: 'security group: its rules become what is asked, by difference, its own group and others included',
    needs: NEEDS.security_group,
    run: securityRules,
  },
  {
    id: 'security_group.exchange',
    title: 'port: its security groups can be exchanged',
    needs: [...NEEDS.port, 'security_group'],
    async run(shop) {
      const spec = await shop.spec('port')
      const other = await shop.make('security_group', { ...(await shop.spec('security_group')), name: 'case-other' })
      const { id } = await shop.make('port', spec)
      const changed = { ...spec, securityGroups: [other.id] }
      await shop.settled('port', (await shop.realm('port').update?.(id, changed)) as Seen)
      expect((await shop.ready<PortSeen>('port', id)).addresses).toEqual(
        (spec.addresses as { address: string }[]).map((each) => each.address),
      )
    },
  },
  {
    id: 'port.open',
    title: 'port: everything passes one without port security, and nothing remains of that when it is gone',
    needs: NEEDS.port,
    async run(shop) {
      const { world } = shop
      const realm = shop.realm('port')
      const closed = await shop.spec('port')
      const open = { ...closed, securityGroups: [], portSecurity: false }
      const mark = shop.mark('port')
      const { id } = await shop.make('port', open, mark)
      const passes = async (port: string, wanted: boolean) => {
        if (world.passes) expect(await world.passes(port)).toBe(wanted)
      }
      const change = async (spec: object) => {
        await shop.settled('port', (await realm.update?.(id, spec)) as Seen)
        await shop.ready('port', id)
      }
      // An update with the full spec follows every creation.
      await change(open)
      await passes(id, true)
      const [{ address }] = closed.addresses as [{ subnet: string; address: string }]
      const addresses = [{ ...(closed.addresses as object[])[0], address: shop.address() }]
      const beside = { ...open, addresses, mac: 'fa:16:3e:00:01:01' }
      const other = await shop.make('port', beside)
      await shop.settled('port', (await realm.update?.(other.id, beside)) as Seen)
      expect(((await realm.get(id)) as PortSeen).addresses).toEqual([address])
      if (closed.portSecurity) {
        await change(closed)
        await passes(id, false)
        await passes(other.id, true)
        await change(open)
        await passes(id, true)
      }
      await shop.remove('port', id, mark)
      await passes(other.id, true)
    },
  },
  {
    id: 'port.readdress',
    title: 'port: gets a further address in a server, and loses it again',
    needs: [...NEEDS.port, 'port.readdress'],
    async run(shop) {
      const spec = await shop.spec('port')
      const { id } = await shop.make<PortSeen>('port', spec)
      await make(shop, { ports: [id] })
      const [first] = spec.addresses as { subnet: string; address: string }[]
      const more = { ...first!, address: shop.address() }
      for (const addresses of [[first!, more], [first!, more], [first!]]) {
        await shop.settled('port', (await shop.realm('port').update?.(id, { ...spec, addresses })) as Seen)
        const seen = (await shop.ready('port', id)) as PortSeen
        expect(seen.addresses.toSorted()).toEqual(addresses.map(({ address }) => address).toSorted())
      }
    },
  },
  {
    id: 'security_group.stateless',
    title: 'security group: is made stateless, and becomes stateful and stateless again',
    needs: [...NEEDS.security_group, 'security_group.stateless'],
    async run(shop) {
      const realm = shop.realm('security_group')
      const spec = await shop.spec('security_group')
      const mark = shop.mark('security_group')
      const { id } = await shop.make('security_group', { ...spec, stateless: true }, mark)
      for (const next of [spec, { ...spec, stateless: true }]) {
        await shop.settled('security_group', (await realm.update?.(id, next)) as Seen)
        expect((await realm.get(id))?.health).toBe('ready')
      }
      await shop.remove('security_group', id, mark)
    },
  },
  {
    id: 'port.address_pairs',
    title: 'port: may speak with the addresses of its pairs, and loses that with them',
    needs: [...NEEDS.port, 'port.address_pairs'],
    async run(shop) {
      const { world } = shop
      const realm = shop.realm('port')
      const spec = await shop.spec('port')
      const mark = shop.mark('port')
      const pair = { address: shop.address(), mac: null }
      const { id } = await shop.make<PortSeen>('port', { ...spec, addressPairs: [pair] }, mark)
      const change = async (addressPairs: object[]) => {
        await shop.settled('port', (await realm.update?.(id, { ...spec, addressPairs })) as Seen)
        await shop.ready('port', id)
      }
      const speaks = async (wanted: boolean) => {
        if (world.speaks) expect(await world.speaks(id, pair.address)).toBe(wanted)
      }
      // An update with the full spec follows every creation.
      await change([pair])
      await speaks(true)
      await change([pair])
      await speaks(true)
      await change([])
      await speaks(false)
      await change([pair, { address: '198.51.100.0/24', mac: null }])
      await speaks(true)
      const addresses = (spec.addresses as { address: string }[]).map(({ address }) => address)
      expect(((await realm.get(id)) as PortSeen).addresses).toEqual(addresses)
      await shop.remove('port', id, mark)
    },
  },
  {
    id: 'port.bandwidth',
    title: 'port: lets through no more than its limits say, and loses them again',
    needs: [...NEEDS.port, 'port.bandwidth'],
    async run(shop) {
      const { world } = shop
      const realm = shop.realm('port')
      const spec = await shop.spec('port')
      const mark = shop.mark('port')
      const limits = [
        { direction: 'egress', kbps: 8_000, burstKbits: 1024 },
        { direction: 'ingress', kbps: 16_000, burstKbits: 0 },
      ]
      const { id } = await shop.make<PortSeen>('port', { ...spec, bandwidth: limits }, mark)
      let plugged = false
      const change = async (bandwidth: object[]) => {
        const wanted = { ...spec, ...(bandwidth.length ? { bandwidth } : {}) }
        await shop.settled('port', (await realm.update?.(id, wanted)) as Seen)
        await shop.ready('port', id)
        if (plugged && world.limits) expect(await world.limits(id)).toEqual(bandwidth)
      }
      // An update with the full spec follows every creation.
      await change(limits)
      await make(shop, { ports: [id] })
      plugged = true
      for (const bandwidth of [limits, limits.slice(0, 1), [], limits.slice(1), limits]) await change(bandwidth)
      await refused((async () => realm.update?.(id, { ...spec, bandwidth: [limits[0], limits[0]] }))(), 'definitive')
    },
  },
  {
    id: 'port.dhcp_options',
    title: 'port: has options of DHCP beside the usual, and loses them again',
    needs: [...NEEDS.port, 'port.dhcp_options'],
    async run(shop) {
      const { world } = shop
      const realm = shop.realm('port')
      const spec = await shop.spec('port')
      const options = [
        { name: 'bootfile-name', value: 'pxelinux.0', family: 4 },
        { name: 'router', value: '', family: 4 },
      ]
      const { id } = await shop.make<PortSeen>('port', { ...spec, dhcpOptions: options })
      // An update with the full spec follows every creation.
      for (const dhcpOptions of [options, options, options.slice(0, 1), [], options]) {
        const wanted = { ...spec, ...(dhcpOptions.length ? { dhcpOptions } : {}) }
        await shop.settled('port', (await realm.update?.(id, wanted)) as Seen)
        await shop.ready('port', id)
        if (world.tells) expect(await world.tells(id)).toEqual(dhcpOptions)
      }
    },
  },
  {
    id: 'port.address',
    title: 'port: has the address and the MAC address it was asked for, which nobody else gets',
    needs: NEEDS.port,
    async run(shop) {
      const spec = await shop.spec('port')
      const seen = await shop.make<PortSeen>('port', spec)
      expect(seen.addresses).toEqual((spec.addresses as { address: string }[]).map((each) => each.address))
      expect(seen.mac).toBe(spec.mac)
      await refused(shop.realm('port').create(spec, shop.mark('port')), 'conflict', 'definitive')
    },
  },
  {
    id: 'router.change',
    title: 'router: loses and gets back its gateway and its interfaces',
    needs: NEEDS.router,
    async run(shop) {
      const spec = await shop.spec('router')
      const { id } = await shop.make('router', spec)
      for (const change of [{ gateway: false }, { gateway: false, interfaces: [] }, { interfaces: [] }, {}]) {
        await shop.settled('router', (await shop.realm('router').update?.(id, { ...spec, ...change })) as Seen)
        await shop.ready('router', id)
      }
    },
  },
  {
    id: 'floating_ip.association',
    title: 'floating ip: leads to a port, to none, and to a port from the start',
    needs: [...NEEDS.port, 'router', 'floating_ip'],
    run: floatingIp,
  },
  {
    id: 'network.external',
    title: 'network: leads outside by addresses of its own, of which each is had once',
    needs: [...NEEDS.port, 'router', 'floating_ip', 'network.external'],
    run: outside,
  },
  {
    id: 'volume.extend',
    title: 'volume: grows and never shrinks',
    needs: ['volume'],
    async run(shop) {
      const spec = await shop.spec('volume')
      const { id } = await shop.make('volume', spec)
      const realm = shop.realm('volume')
      const sizeGiB = Number(spec.sizeGiB) + 1
      await shop.settled('volume', (await realm.update?.(id, { ...spec, sizeGiB })) as Seen)
      const grown = (seen: Seen | null) => seen?.health === 'ready' && (seen as VolumeSeen).sizeGiB === sizeGiB
      await until(shop.world, 'a larger volume', () => realm.get(id), grown)
      await refused((async () => realm.update?.(id, spec))(), 'definitive')
    },
  },
  {
    id: 'volume.types',
    title: 'volume: of each type that the cloud offers, and of no other',
    needs: ['volume', 'volume.type'],
    async run(shop) {
      const { cloud } = shop.world
      const types = (await cloud.volumeTypes?.()) ?? []
      expect(types.length).toBeGreaterThan(0)
      expect(new Set([...types.map(({ name }) => name), 'default']).size).toBe(types.length + 1)
      const zones = (await cloud.zones()).map(({ name }) => name)
      const spec = await shop.spec('volume')
      for (const { name: type, zones: sold = zones } of types) {
        expect(zones).toEqual(expect.arrayContaining(sold))
        const zone = sold.includes(String(spec.zone)) ? spec.zone : sold[0]
        const made = await shop.make<VolumeSeen>('volume', { ...spec, zone, type })
        expect(made).toMatchObject({ type, zone })
        expect((await shop.realm('volume').read?.(made.id))?.spec ?? { type }).toMatchObject({ type })
      }
      const unknown = { ...spec, type: 'of-no-such-type' }
      await refused((async () => shop.realm('volume').create(unknown, shop.mark('volume')))(), 'definitive')
    },
  },
  {
    id: 'volume.retype',
    title: 'volume: becomes one of another type where it is, and stays what it is otherwise',
    needs: ['volume', 'volume.type', 'volume.retype'],
    async run(shop) {
      const types = (await shop.world.cloud.volumeTypes?.()) ?? []
      const spec = { ...(await shop.spec('volume')), type: types[0]!.name }
      const made = await shop.make<VolumeSeen>('volume', spec)
      const to = types.find(({ name }) => name !== made.type)!.name
      const realm = shop.realm('volume')
      await shop.settled('volume', (await realm.update?.(made.id, { ...spec, type: to })) as Seen)
      const changed = (seen: Seen | null) => seen?.health === 'ready' && (seen as VolumeSeen).type === to
      const after = await until(shop.world, 'a volume of another type', () => realm.get(made.id), changed)
      expect(after).toMatchObject({ sizeGiB: made.sizeGiB, zone: made.zone })
      const unknown = { ...spec, type: 'of-no-such-type' }
      await refused((async () => realm.update?.(made.id, unknown))(), 'definitive')
    },
  },
  {
    id: 'snapshot.volume',
    title: 'snapshot: a volume is made from it',
    needs: NEEDS.snapshot,
    async run(shop) {
      const spec = await shop.spec('volume')
      const snapshot = await shop.make<SnapshotSeen>('snapshot', await shop.spec('snapshot'))
      expect(snapshot.sizeGiB).toBe(spec.sizeGiB)
      const source = { kind: 'snapshot', id: snapshot.id }
      const copy = await shop.make<VolumeSeen>('volume', { ...spec, sizeGiB: Number(spec.sizeGiB) + 1, source })
      expect(copy.sizeGiB).toBe(snapshot.sizeGiB + 1)
    },
  },
  {
    id: 'snapshot.outlives',
    title: 'snapshot: it is there when its volume is gone, and a volume is made from it',
    needs: [...NEEDS.snapshot, 'volume.backup'],
    async run(shop) {
      const spec = await shop.spec('volume')
      const mark = shop.mark('volume')
      const volume = await shop.make<VolumeSeen>('volume', spec, mark)
      const snapshot = await shop.make<SnapshotSeen>('snapshot', { name: 'backup', description: '', volume: volume.id })
      await shop.remove('volume', volume.id, mark)
      expect(await shop.realm('snapshot').get(snapshot.id)).toMatchObject({ id: snapshot.id, health: 'ready' })
      const source = { kind: 'snapshot', id: snapshot.id }
      const copy = await shop.make<VolumeSeen>('volume', { ...spec, source })
      expect(copy).toMatchObject({ health: 'ready', sizeGiB: snapshot.sizeGiB })
    },
  },
  {
    id: 'image.boots',
    title: 'image: one made from a server boots another',
    needs: ['image'],
    async run(shop) {
      const image = await shop.make<ImageSeen>('image', await shop.spec('image'))
      expect(image.createdAt).toMatch(/^\d{4}-\d\d-\d\dT/)
      const second = await make(shop, { image: image.id })
      expect(second).toMatchObject({ health: 'ready', image: image.id })
    },
  },
  {
    id: 'image.upload',
    title: 'image: one made of uploaded data boots a server',
    needs: ['image', 'image.upload'],
    run: uploadedImage,
  },
  ...(['network', 'volume', 'server'] as const).map(
    (kind): Case => ({
      id: `${kind}.unmarked`,
      title: `${words(kind)}: one without a mark is neither changed nor removed`,
      needs: NEEDS[kind],
      async run(shop) {
        const { world } = shop
        if (!world.disown) return
        const spec = await shop.spec(kind)
        const mark = shop.mark(kind)
        const realm = shop.realm(kind)
        const { id } = await shop.make(kind, spec, mark)
        const giveBack = await world.disown(kind, id)
        try {
          expect((await realm.get(id))?.mark).toBeUndefined()
          expect(await realm.find(mark, spec)).toBeNull()
          await refused(realm.remove(id, mark), 'denied', 'definitive')
          expect((await realm.get(id))?.health).toBe('ready')
        } finally {
          await giveBack()
        }
      },
    }),
  ),
]

/** Kinds that can be adopted, with what of a specification reads back on every cloud. */
const READABLE = {
  network: ['name', 'cidrs'],
  subnet: ['name', 'network', 'cidr', 'gateway', 'zone', 'dhcp', 'dnsServers'],
  security_group: ['name', 'network', 'rules'],
  port: ['name', 'network', 'addresses', 'securityGroups', 'portSecurity'],
  keypair: ['name', 'label', 'publicKey'],
  volume: ['name', 'sizeGiB', 'zone'],
  server: ['name', 'image', 'zone', 'ports', 'metadata', 'configDrive'],
} satisfies Partial<Record<Kind, string[]>>
const readable = Object.keys(READABLE) as (keyof typeof READABLE)[]

const adoptions: Case[] = [
  ...readable.map(
    (kind): Case => ({
      id: `${kind}.read`,
      title: `${words(kind)}: what is there reads as what was asked for, and asking for that changes nothing`,
      needs: NEEDS[kind],
      async run(shop) {
        const realm = shop.realm(kind)
        if (!realm.read) return
        const spec = await shop.spec(kind)
        const { id } = await shop.make(kind, spec)
        const before = await realm.get(id)
        const read = await realm.read(id)
        expect(read?.lost).toEqual([])
        expect(JSON.parse(JSON.stringify(read)), 'a reading is plain JSON').toEqual(read)
        const told = Object.fromEntries(READABLE[kind].map((key) => [key, spec[key]]))
        expect(read?.spec).toMatchObject(told)
        expect(Object.keys(read?.spec as object).sort(), 'all of a specification').toEqual(Object.keys(spec).sort())
        if (realm.update) await shop.settled(kind, await realm.update(id, read?.spec))
        expect(await realm.get(id)).toEqual(before)
        expect(await realm.read('nothing-of-the-kind')).toBeNull()
      },
    }),
  ),
  {
    id: 'security_group.reading',
    title: 'security group: its rules read as they were written',
    needs: NEEDS.security_group,
    async run(shop) {
      const realm = shop.realm('security_group')
      if (!realm.read || !realm.update) return
      const any = { protocol: null, min: null, max: null, cidr: null, group: null }
      const rules: SecurityRule[] = [
        { direction: 'ingress', family: 4, ...any, protocol: 'tcp', min: 443, max: 443, cidr: '192.0.2.0/24' },
        { direction: 'ingress', family: 4, ...any, protocol: 'icmp', min: 8 },
        { direction: 'ingress', family: 4, ...any, group: 'self' },
        { direction: 'egress', family: 4, ...any },
        { direction: 'egress', family: 6, ...any, protocol: 'udp', min: 53, max: 53 },
      ]
      const spec = { ...(await shop.spec('security_group')), rules }
      const { id } = await shop.make('security_group', spec)
      await shop.settled('security_group', await realm.update(id, spec))
      const read = await realm.read(id)
      const inOrder = (list: SecurityRule[]) =>
        list.map((rule) => JSON.stringify(rule, Object.keys(rule).sort())).sort()
      expect(read?.lost).toEqual([])
      expect(inOrder(read?.spec.rules)).toEqual(inOrder(rules))
    },
  },
  ...readable.map(
    (kind): Case => ({
      id: `${kind}.mark`,
      title: `${words(kind)}: one without a mark takes ours, no other after that, and gives it back`,
      needs: NEEDS[kind],
      async run(shop) {
        const { world } = shop
        const realm = shop.realm(kind)
        if (!world.disown || !realm.mark) return
        const own = shop.mark(kind)
        const { id } = await shop.make(kind, await shop.spec(kind), own)
        await world.disown(kind, id)
        const before = { ...(await realm.get(id)), mark: undefined }
        const mark = shop.mark(kind)
        try {
          for (const round of ['once', 'again']) {
            await realm.mark(id, mark)
            expect((await realm.get(id))?.mark, round).toEqual(mark)
          }
          await refused(realm.mark(id, shop.mark(kind)), 'denied', 'definitive')
          for (const round of ['off', 'off again']) {
            await realm.mark(id, null)
            expect({ ...(await realm.get(id)), mark: undefined }, round).toEqual(before)
          }
          expect((await realm.get(id))?.mark).toBeUndefined()
          await realm.mark('nothing-of-the-kind', null)
        } finally {
          await realm.mark(id, null)
          await realm.mark(id, own)
        }
      },
    }),
  ),
]

/** Every case, in the order in which it is best read. */
export const CASES: Case[] = [
  ...stories.slice(0, 6),
  ...lives,
  ...races,
  ...strangers,
  ...inUse,
  ...stories.slice(6),
  ...adoptions,
]

/** Cases of a cloud with the reason where one does not apply, for the page of limitations. */
export const limitations = (skips: Skips): { id: string; title: string; reason: string }[] =>
  CASES.filter(({ id }) => id in skips).map(({ id, title }) => ({ id, title, reason: skips[id] as string }))

/**
 * The suite that every adapter passes. `world` is made once; each case makes its own objects in it and removes them.
 * A case that does not apply is skipped with its reason in the title; one whose capability the cloud lacks, with the
 * adapter's own sentence.
 */
export function adapterCases(name: string, world: () => Promise<World>, skips: Skips = {}): void {
  describe(`${name}: what every cloud promises`, () => {
    let current: World
    beforeAll(async () => {
      current = await world()
    })
    afterAll(() => current?.close?.())

    it('skips only cases that exist, with a reason', () => {
      const known = new Set(CASES.map(({ id }) => id))
      for (const [id, reason] of Object.entries(skips)) {
        expect(known, id).toContain(id)
        expect(reason.length, id).toBeGreaterThan(10)
      }
    })

    for (const { id, title, needs, run } of CASES) {
      if (skips[id] !== undefined) {
        it.skip(`${title} [${id}; skipped: ${skips[id]}]`, () => {})
        continue
      }
      it(`${title} [${id}]`, async ({ skip }) => {
        const lack = needs
          .map((each) => capabilitiesOf(current.cloud, current.adapter)[each])
          .find((each) => !each.available)
        if (lack) skip(lack.reason)
        if (id.endsWith('.unmarked') && !current.disown) skip('this world cannot take a mark off')
        const shop = new Workshop(current)
        try {
          await run(shop)
        } finally {
          await shop.close()
        }
      })
    }
  })
}
