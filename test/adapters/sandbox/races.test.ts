import { describe, expect, it } from 'vitest'
import type { Json, Seen, ServerSeen, Store } from '../../../adapters/contract.ts'
import type { CloudError } from '../../../adapters/errors.ts'
import { SandboxCrash } from '../../../adapters/sandbox/errors.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { until, Workshop } from '../world.ts'
import { sandboxWorld } from './world.ts'

/** Calls take turns in an order that differs from run to run of the generator, but never from one test run to the next. */
function shuffled(store: Store, seed: number): Store {
  let state = seed
  const pause = async () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    for (let i = state >>> 29; i > 0; i--) await Promise.resolve()
  }
  const wrap =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await pause()
      const answer = await call(...args)
      await pause()
      return answer
    }
  return {
    get: wrap((key: string) => store.get(key)),
    put: wrap((key: string, value: Json, expected: number) => store.put(key, value, expected)),
    delete: wrap((key: string, expected?: number) => store.delete(key, expected)),
    list: wrap((prefix: string, limit: number, after?: string) => store.list(prefix, limit, after)),
  }
}

/** Dies at the n-th write, before or after it took effect. */
function dying(store: Store, n: number, after: boolean): Store {
  let writes = 0
  const write = async <T>(effect: () => Promise<T>): Promise<T> => {
    const last = ++writes === n
    if (last && !after) throw new SandboxCrash('dead before the write')
    const answer = await effect()
    if (last) throw new SandboxCrash('dead after the write')
    return answer
  }
  return {
    get: (key) => store.get(key),
    put: (key, value, expected) => write(() => store.put(key, value, expected)),
    delete: (key, expected) => write(() => store.delete(key, expected)),
    list: (prefix, limit, from) => store.list(prefix, limit, from),
  }
}

const zones: Json = [{ name: 'a', vcpus: 5, ram_mib: 262_144, disk_gib: 4_000 }]
const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1)

describe('at once', () => {
  it.each(SEEDS)('many creates never overfill a zone (order %i)', async (seed) => {
    const world = sandboxWorld({ zones }, shuffled(new MemoryStore(), seed))
    const shop = new Workshop(world)
    const spec = await shop.serverSpec({ ports: [] })
    const results = await Promise.allSettled(
      Array.from({ length: 9 }, () => world.cloud.server.create(spec, shop.mark('server'))),
    )
    const failed = results.filter((each) => each.status === 'rejected').map((each) => (each.reason as CloudError).code)
    expect(failed).toEqual(Array(4).fill('capacity'))
    expect((await world.cloud.zones())[0]?.room?.vcpus).toEqual([5, 5])
  })

  it.each(SEEDS)('one token makes one server (order %i)', async (seed) => {
    const world = sandboxWorld({}, shuffled(new MemoryStore(), seed))
    const shop = new Workshop(world)
    const spec = await shop.serverSpec()
    const mark = shop.mark('server')
    const all = await Promise.all(Array.from({ length: 5 }, () => world.cloud.server.create(spec, mark)))
    expect(new Set((all as Seen[]).map(({ id }) => id)).size).toBe(1)
    expect((await world.cloud.server.list()).items).toHaveLength(1)
    expect((await world.cloud.zones())[0]?.room?.vcpus[0]).toBe(1)
    expect(((await world.cloud.server.list()).items[0] as ServerSeen).ports).toHaveLength(1)
  })

  it.each(SEEDS)('a port goes to one server, an address to one port (order %i)', async (seed) => {
    const world = sandboxWorld({}, shuffled(new MemoryStore(), seed))
    const shop = new Workshop(world)
    const port = await shop.port()
    const spec = await shop.serverSpec({ ports: [port.id] })
    const servers = await Promise.allSettled(
      Array.from({ length: 4 }, () => world.cloud.server.create(spec, shop.mark('server'))),
    )
    expect(servers.filter((each) => each.status === 'fulfilled')).toHaveLength(1)
    expect((await world.cloud.server.list()).items).toHaveLength(1)
    expect((await world.cloud.zones())[0]?.room?.vcpus[0], 'the others gave their room back').toBe(1)
    const wish = await shop.spec('port')
    const ports = await Promise.allSettled(
      Array.from({ length: 4 }, () => shop.realm('port').create(wish, shop.mark('port'))),
    )
    expect(ports.filter((each) => each.status === 'fulfilled')).toHaveLength(1)
  })

  it('a token stands for one request only', async () => {
    const world = sandboxWorld()
    const shop = new Workshop(world)
    const mark = shop.mark('network')
    await world.cloud.network?.create({ name: 'n', cidrs: [] }, mark)
    const other = world.cloud.network?.create({ cidrs: [], name: 'm' }, mark)
    await expect(other).rejects.toMatchObject({
      code: 'definitive',
      detail: { cloudCode: 'IdempotentParameterMismatch' },
    })
  })
})

describe('whoever dies in the middle', () => {
  const deaths = Array.from({ length: 24 }, (_, i) => [Math.floor(i / 2) + 1, i % 2 === 1] as const)

  it.each(deaths)('create or remove, at write %i (after it: %s): a retry leaves nothing behind', async (n, after) => {
    const store = new MemoryStore()
    const world = sandboxWorld({ log_calls: 0 }, store)
    const shop = new Workshop(world)
    const spec = await shop.serverSpec()
    const volume = await shop.make('volume', await shop.spec('volume'))
    const mark = shop.mark('server')
    const doomed = () =>
      world.adapter.connect(world.connection, { ...world.surroundings, store: dying(store, n, after) })
    const crash = (error: unknown) => expect(error).toBeInstanceOf(SandboxCrash)

    await doomed().server.create(spec, mark).catch(crash)
    const { id } = (await world.cloud.server.create(spec, mark)) as ServerSeen
    await shop.ready('server', id)
    const plug = { server: id, volume: volume.id, device: null }
    const attached = shop.mark('attachment')
    await doomed().attachment?.create(plug, attached).catch(crash)
    await world.cloud.attachment?.create(plug, attached)
    const seen = (await world.cloud.server.get(id)) as ServerSeen
    expect(seen.ports).toHaveLength(1)
    expect(seen.volumes).toEqual([{ id: volume.id, device: '/dev/vdb', root: false }])

    await doomed().server.remove(id, mark).catch(crash)
    await world.cloud.server.remove(id, mark)
    await world.advance(1_000)
    expect(await world.cloud.server.get(id)).toBeNull()
    const port = spec.ports[0] as string
    expect(await world.cloud.port?.get(port)).toMatchObject({ server: null })
    await shop.close()
    const room = (await world.cloud.zones())[0]?.room
    expect([room?.vcpus[0], room?.ramMiB[0], room?.diskGiB[0]]).toEqual([0, 0, 0])
    const left = (await store.list('', 1000)).map(({ key }) => key).filter((key) => key.includes('/objects/'))
    expect(left).toEqual([])
  })

  it.each(deaths.slice(0, 12))(
    'nobody retries, at write %i (after it: %s): what was claimed is free in time',
    async (n, after) => {
      const store = new MemoryStore()
      const world = sandboxWorld(
        { log_calls: 0, zones: [{ name: 'a', vcpus: 1, ram_mib: 2_048, disk_gib: 10 }] },
        store,
      )
      const shop = new Workshop(world)
      const spec = await shop.serverSpec()
      const mark = shop.mark('server')
      const doomed = world.adapter.connect(world.connection, { ...world.surroundings, store: dying(store, n, after) })
      const made = await doomed.server.create(spec, mark).then(
        () => true,
        () => false,
      )
      const there = await world.cloud.server.find(mark, spec)
      if (made || there) return
      await world.advance(60_000)
      await world.cloud.server.create(spec, shop.mark('server'))
      expect((await world.cloud.server.list()).items).toHaveLength(1)
    },
  )
})

describe('time', () => {
  it('passes by the given clock only, and states follow from it', async () => {
    const world = sandboxWorld({ build_ms: 5_000, boot_ms: 2_000, stop_ms: 1_000 })
    const shop = new Workshop(world)
    const { server } = world.cloud
    const { id } = (await server.create(await shop.serverSpec(), shop.mark('server'))) as ServerSeen
    const at = async (ms: number) => {
      await world.advance(ms)
      const { health, power } = (await server.get(id)) as ServerSeen
      return `${health} ${power}`
    }
    expect([await at(0), await at(4_999), await at(1)]).toEqual([
      'pending changing',
      'pending changing',
      'ready running',
    ])
    const young = (await server.consoleLog?.(id)) ?? ''
    await world.advance(1_000)
    const older = (await server.consoleLog?.(id)) ?? ''
    await world.advance(1_000)
    const old = (await server.consoleLog?.(id)) ?? ''
    expect(older.startsWith(young) && old.startsWith(older)).toBe(true)
    expect(young.length < older.length && older.length < old.length).toBe(true)
    expect(old).toContain('Hostname set to <case-server>')
    expect(old).toContain('10.77.0.20')
    await server.stop(id)
    expect([await at(0), await at(1_000)]).toEqual(['ready changing', 'ready stopped'])
    expect(await server.consoleLog?.(id)).toBe(old)
  })

  it('of nothing takes none', async () => {
    const none = { build_ms: 0, boot_ms: 0, stop_ms: 0, delete_ms: 0, attach_ms: 0, volume_ms: 0, image_ms: 0 }
    const world = sandboxWorld(none)
    const shop = new Workshop(world)
    const { server, image } = world.cloud
    const mark = shop.mark('server')
    const made = (await server.create(await shop.serverSpec(), mark)) as ServerSeen
    expect(made).toMatchObject({ health: 'ready', power: 'running' })
    await server.stop(made.id)
    expect(await server.get(made.id)).toMatchObject({ power: 'stopped' })
    expect(
      await image.create({ name: 'i', source: { kind: 'server', id: made.id } }, shop.mark('image')),
    ).toMatchObject({ health: 'ready' })
    await server.remove(made.id, mark)
    expect(await server.get(made.id)).toBeNull()
  })

  it('hides fresh objects from find and list, never from get', async () => {
    const world = sandboxWorld({ visibility_delay_ms: 2_000 })
    const shop = new Workshop(world)
    const realm = shop.realm('network')
    const mark = shop.mark('network')
    const { id } = (await realm.create({ name: 'n', cidrs: [] }, mark)) as Seen
    expect(realm.settleMs).toBe(2_000)
    expect(await realm.find(mark, {})).toBeNull()
    expect((await realm.list()).items).toEqual([])
    expect((await realm.get(id))?.id).toBe(id)
    await world.advance(2_000)
    expect((await realm.find(mark, {}))?.id).toBe(id)
    expect((await realm.list()).items).toHaveLength(1)
  })

  it('is what every call takes', async () => {
    const world = sandboxWorld({ latency_ms: 30 })
    const start = world.now()
    await world.cloud.zones()
    await world.cloud.network?.list()
    expect(world.now() - start).toBe(60)
  })

  it('leaves a tombstone of a server for as long as told', async () => {
    const world = sandboxWorld({ tombstone_ms: 5_000 })
    const shop = new Workshop(world)
    const mark = shop.mark('server')
    const { id } = await shop.make('server', await shop.serverSpec({ ports: [] }), mark)
    await world.cloud.server.remove(id, mark)
    await until(
      world,
      'gone',
      () => world.cloud.server.get(id),
      (seen) => seen?.health === 'gone',
    )
    await world.cloud.server.remove(id, mark)
    await until(
      world,
      'forgotten',
      () => world.cloud.server.get(id),
      (seen) => seen === null,
    )
  })

  it('of an image is a task that somebody else can ask after', async () => {
    const world = sandboxWorld({ image_ms: 4_000 })
    const shop = new Workshop(world)
    const server = await shop.server()
    const { image } = world.cloud
    const task = await image.create({ name: 'i', source: { kind: 'server', id: server.id } }, shop.mark('image'))
    expect(task).toMatchObject({ task: { image: expect.any(String) }, pollAfterMs: 4_000 })
    const elsewhere = world.adapter.connect(world.connection, world.surroundings)
    const stored = (task as { task: Json }).task
    expect(await elsewhere.image.poll?.(stored)).toMatchObject({ pollAfterMs: 4_000 })
    await world.advance(4_000)
    expect(await elsewhere.image.poll?.(stored)).toMatchObject({ health: 'ready', name: 'i', arch: 'x86_64' })
  })
})
