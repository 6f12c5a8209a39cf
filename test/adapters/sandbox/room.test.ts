import { describe, expect, it } from 'vitest'
import type { Cloud, FloatingIpSeen, Json, ServerSpec, Size } from '../../../adapters/contract.ts'
import { vanish } from '../../../adapters/sandbox/backdoor.ts'
import { refused, Workshop } from '../world.ts'
import { sandboxWorld } from './world.ts'

const ZONES: Json = [
  { name: 'a', vcpus: 4, ram_mib: 16_384, disk_gib: 100 },
  { name: 'b', vcpus: 64, ram_mib: 65_536, disk_gib: 100, available: false },
]
const medium: Size = { native: 'sb.medium', vcpus: 2, ramMiB: 4096, diskGiB: 20 }

async function used(cloud: Cloud, zone = 'a') {
  const room = (await cloud.zones()).find(({ name }) => name === zone)?.room
  return [room?.vcpus[0], room?.ramMiB[0], room?.diskGiB[0]]
}

function setUp(options: Record<string, Json> = {}) {
  const world = sandboxWorld({ zones: ZONES, ...options })
  const shop = new Workshop(world)
  const spec = async (change: Partial<ServerSpec> = {}) => shop.serverSpec({ ports: [], size: medium, ...change })
  return { world, shop, spec, cloud: world.cloud, realm: world.cloud.server }
}

describe('room', () => {
  it('is finite, shown, and free again when a server is gone and no sooner', async () => {
    const { world, shop, spec, cloud, realm } = setUp()
    const marks = [shop.mark('server'), shop.mark('server')]
    const ids: string[] = []
    for (const mark of marks) ids.push(((await realm.create(await spec(), mark)) as { id: string }).id)
    expect(await used(cloud)).toEqual([4, 8192, 40])
    const third = shop.mark('server')
    await refused(realm.create(await spec(), third), 'capacity')
    expect(await realm.find(third, await spec())).toBeNull()
    await realm.remove(ids[0] as string, marks[0] as never)
    await refused(realm.create(await spec(), third), 'capacity')
    await world.advance(1_000)
    await realm.create(await spec(), third)
    expect(await used(cloud)).toEqual([4, 8192, 40])
  })

  it('is refused in a zone that is closed', async () => {
    const { spec, realm, shop } = setUp()
    await refused(realm.create(await spec({ zone: 'b' }), shop.mark('server')), 'capacity')
  })

  it('of disks is shared by servers and volumes, which grow within it', async () => {
    const { cloud, shop } = setUp()
    const base = { name: 'v', zone: 'a', type: null, source: null }
    const { id } = await shop.make('volume', { ...base, sizeGiB: 60 })
    await refused(Promise.resolve(cloud.volume?.create({ ...base, sizeGiB: 41 }, shop.mark('volume'))), 'capacity')
    await refused(Promise.resolve(cloud.volume?.update?.(id, { ...base, sizeGiB: 101 })), 'capacity')
    await cloud.volume?.update?.(id, { ...base, sizeGiB: 90 })
    expect(await used(cloud)).toEqual([0, 0, 90])
    await shop.close()
    expect(await used(cloud)).toEqual([0, 0, 0])
  })

  it('is what a resize changes; without room the server keeps its size', async () => {
    const { world, cloud, shop, realm, spec } = setUp()
    const { id } = await shop.make('server', await spec())
    const other = await shop.make(
      'server',
      await spec({ size: { native: 'sb.small', vcpus: 1, ramMiB: 2048, diskGiB: 10 } }),
    )
    const large: Size = { native: 'sb.large', vcpus: 4, ramMiB: 8192, diskGiB: 40 }
    expect(await realm.resize?.(id, large, 'running')).toBe('going')
    await world.advance(1_000)
    await refused(Promise.resolve(realm.resize?.(id, large, 'running')), 'capacity')
    expect(await realm.get(id)).toMatchObject({ size: 'sb.medium' })
    await shop.remove('server', other.id, shop.markOf(other.id))
    expect(await realm.resize?.(id, large, 'running')).toBe('going')
    expect(await used(cloud)).toEqual([4, 8192, 40])
  })

  it('of a server that vanished is found again when it is needed', async () => {
    const { world, shop, spec, cloud, realm } = setUp()
    for (let i = 0; i < 2; i++) {
      const { id } = (await realm.create(await spec(), shop.mark('server'))) as { id: string }
      await vanish(world.store, world.cloudId, 'server', id)
    }
    await world.advance(60_000)
    expect(await used(cloud)).toEqual([0, 0, 0])
    await realm.create(await spec(), shop.mark('server'))
    expect(await used(cloud)).toEqual([2, 4096, 20])
  })

  it('is shared by accounts that do not see each other', async () => {
    const { world, shop, spec, cloud, realm } = setUp()
    const connection = { ...world.connection, mapping: { account: 'other/one' } }
    const other = world.adapter.connect(connection, world.surroundings)
    expect(world.adapter.account(connection)).not.toBe(world.adapter.account(world.connection))
    await realm.create(await spec(), shop.mark('server'))
    await other.server.create(await spec(), shop.mark('server'))
    expect((await realm.list()).items).toHaveLength(1)
    expect((await other.server.list()).items).toHaveLength(1)
    expect(await used(cloud)).toEqual([4, 8192, 40])
    await refused(other.server.create(await spec(), shop.mark('server')), 'capacity')
  })

  it('for floating IPs ends with the pool, and comes back', async () => {
    const { cloud, shop } = setUp({ external_cidr: '203.0.113.0/29' })
    const made: FloatingIpSeen[] = []
    for (let i = 0; i < 5; i++) made.push(await shop.make<FloatingIpSeen>('floating_ip', { target: null }))
    expect(new Set(made.map(({ address }) => address)).size).toBe(5)
    for (const { address } of made) expect(address).toMatch(/^203\.0\.113\.[2-6]$/)
    await refused(Promise.resolve(cloud.floating_ip?.create({ target: null }, shop.mark('floating_ip'))), 'capacity')
    const [first] = made as [FloatingIpSeen]
    await shop.remove('floating_ip', first.id, shop.markOf(first.id))
    expect((await shop.make<FloatingIpSeen>('floating_ip', { target: null })).address).toBe(first.address)
  })
})
