import { describe, expect, it } from 'vitest'
import type { Cloud, Json } from '../../../adapters/contract.ts'
import type { CloudError } from '../../../adapters/errors.ts'
import { callLog, plantFaults } from '../../../adapters/sandbox/backdoor.ts'
import { SandboxCrash } from '../../../adapters/sandbox/errors.ts'
import { type FaultRule, matches } from '../../../adapters/sandbox/faults.ts'
import { sandbox } from '../../../adapters/sandbox/index.ts'
import { refused, Workshop } from '../world.ts'
import { sandboxWorld } from './world.ts'

const rules = (...faults: FaultRule[]): Record<string, Json> => ({ faults: faults as unknown as Json })
const network = { name: 'n', cidrs: [] }
const create = (cloud: Cloud, shop: Workshop, mark = shop.mark('network')) => cloud.network?.create(network, mark)
const count = async (cloud: Cloud) => (await cloud.network?.list())?.items.length

describe('faults as data', () => {
  it.each([
    ['throttled', 'throttled'],
    ['capacity', 'capacity'],
    ['conflict', 'conflict'],
    ['not_found', 'not_found'],
    ['denied', 'denied'],
    ['definitive', 'definitive'],
    ['ambiguous_before', 'ambiguous'],
  ] as const)('%s: nothing happens, the caller sees %s', async (fault, code) => {
    const world = sandboxWorld(rules({ method: 'network.create', fault, count: 1, retry_after_ms: 70 }))
    const shop = new Workshop(world)
    const error = await refused(Promise.resolve(create(world.cloud, shop)), code)
    expect(error.detail.requestId).toMatch(/^req-sbx-/)
    expect(error.detail.cloudCode).toBeTruthy()
    if (fault === 'throttled') expect(error.detail.retryAfterMs).toBe(70)
    expect(await count(world.cloud)).toBe(0)
    await create(world.cloud, shop)
    expect(await count(world.cloud)).toBe(1)
  })

  it('lost_answer: the object is there, and the same token leads to it', async () => {
    const world = sandboxWorld(rules({ method: 'network.create', fault: 'lost_answer', count: 1 }))
    const shop = new Workshop(world)
    const mark = shop.mark('network')
    await refused(Promise.resolve(create(world.cloud, shop, mark)), 'ambiguous')
    const found = await world.cloud.network?.find(mark, network)
    expect(found?.mark).toEqual(mark)
    expect((await create(world.cloud, shop, mark)) as unknown).toEqual(found)
    expect(await count(world.cloud)).toBe(1)
  })

  it('crash: the caller dies after the effect, with an error that is none of the cloud', async () => {
    const world = sandboxWorld(rules({ method: 'network.create', fault: 'crash' }))
    await expect(create(world.cloud, new Workshop(world))).rejects.toBeInstanceOf(SandboxCrash)
    expect(await count(world.cloud)).toBe(1)
  })

  it('fails_later: the object ends as failed and says why', async () => {
    const world = sandboxWorld(rules({ method: 'server.create', fault: 'fails_later' }))
    const shop = new Workshop(world)
    const mark = shop.mark('server')
    const { id } = (await world.cloud.server.create(await shop.serverSpec({ ports: [] }), mark)) as { id: string }
    expect(await world.cloud.server.get(id)).toMatchObject({ health: 'pending' })
    await world.advance(2_000)
    expect(await world.cloud.server.get(id)).toMatchObject({ health: 'failed', fault: expect.any(String) })
    await shop.remove('server', id, mark)
  })

  it.each([
    ['truncated_list', false],
    ['lying_list', true],
  ] as const)('%s: half of the items, complete: %s', async (fault, complete) => {
    const world = sandboxWorld(rules({ method: '*.list', fault, count: 1 }))
    const shop = new Workshop(world)
    for (let i = 0; i < 4; i++) await create(world.cloud, shop)
    const page = await world.cloud.network?.list()
    expect(page?.items).toHaveLength(2)
    expect(page?.complete).toBe(complete)
    expect(await count(world.cloud)).toBe(4)
  })

  it('slow: the answer takes its time; beyond the deadline there is none, but the effect', async () => {
    const slow = { method: 'network.create', fault: 'slow' } as const
    const world = sandboxWorld(rules({ ...slow, delay_ms: 3_000, count: 1 }, { ...slow, delay_ms: 60_000 }))
    const shop = new Workshop(world)
    const start = world.now()
    await create(world.cloud, shop)
    expect(world.now() - start).toBe(3_000)
    await refused(Promise.resolve(create(world.cloud, shop)), 'ambiguous')
    expect(world.now() - start).toBe(3_000 + world.surroundings.timeoutMs)
    expect(await count(world.cloud)).toBe(2)
  })

  it('strikes the same calls in every run with the same seed, and others with another', async () => {
    const run = async (seed: number) => {
      const world = sandboxWorld(rules({ method: 'network.list', fault: 'throttled', probability: 0.4, seed }))
      const outcomes: string[] = []
      for (let i = 0; i < 60; i++) {
        outcomes.push(await count(world.cloud).then(String, (error: CloudError) => error.code))
      }
      return outcomes.join()
    }
    const first = await run(1)
    expect(await run(1)).toBe(first)
    expect(await run(2)).not.toBe(first)
    expect(first.split('throttled').length - 1).toBeGreaterThan(10)
    expect(first.split('throttled').length - 1).toBeLessThan(40)
  })

  it('lets calls pass first, strikes as often as told, and takes rules while it runs', async () => {
    const world = sandboxWorld(rules({ method: 'network.*', fault: 'throttled', after: 2, count: 1 }))
    const outcomes: string[] = []
    const ask = async () =>
      outcomes.push(
        await count(world.cloud).then(
          () => 'ok',
          (error: CloudError) => error.code,
        ),
      )
    for (let i = 0; i < 4; i++) await ask()
    await plantFaults(world.store, world.cloudId, [{ method: 'network.list', fault: 'denied', count: 1 }])
    for (let i = 0; i < 2; i++) await ask()
    expect(outcomes.slice(0, 4)).toEqual(['ok', 'ok', 'throttled', 'ok'])
    expect(outcomes[4]).toBe('denied')
  })

  it('names methods with stars', () => {
    expect(matches('server.create', 'server.create')).toBe(true)
    expect(matches('*.create', 'server.create')).toBe(true)
    expect(matches('*', 'cloud.offers')).toBe(true)
    expect(matches('server.*', 'servers.create')).toBe(false)
    expect(matches('server.c', 'server.create')).toBe(false)
  })

  it('keeps a log of the latest calls, with their outcome', async () => {
    const world = sandboxWorld({ log_calls: 5, ...rules({ method: 'network.get', fault: 'denied' }) })
    const shop = new Workshop(world)
    const mark = shop.mark('network')
    for (let i = 0; i < 9; i++) await count(world.cloud)
    const { id } = (await create(world.cloud, shop, mark)) as { id: string }
    await world.cloud.network?.get(id).catch(() => {})
    const log = await callLog(world.store, world.cloudId)
    expect(log).toHaveLength(5)
    expect(log.map(({ n }) => n)).toEqual([7, 8, 9, 10, 11])
    expect(log.at(-2)).toMatchObject({
      method: 'network.create',
      id,
      token: mark.token,
      outcome: 'ok',
      at: world.now(),
    })
    expect(log.at(-1)).toMatchObject({ method: 'network.get', id, outcome: 'denied' })
  })

  it('keeps no log where none is wanted', async () => {
    const world = sandboxWorld({ log_calls: 0 })
    await count(world.cloud)
    expect(await callLog(world.store, world.cloudId)).toEqual([])
  })
})

describe('options', () => {
  const faultsOf = (options: Record<string, Json>) => sandbox.validate({ ...sandboxWorld(options).connection }, 'node')

  it('are optional', () => expect(faultsOf({})).toEqual([]))

  it.each<[string, Json]>([
    ['zones', []],
    ['zones', [{ name: 'a', vcpus: 1, ram_mib: 1 }]],
    ['zones', [{ name: 'a b', vcpus: 1, ram_mib: 1, disk_gib: 1 }]],
    ['sizes', [{ name: 's', vcpus: -1, ram_mib: 1, disk_gib: 1 }]],
    ['images', [{ name: 'i' }, { name: 'i' }]],
    ['build_ms', -1],
    ['build_ms', 'soon'],
    ['page_size', 0],
    ['profile', 'always'],
    ['external_cidr', '203.0.113.0/31'],
    ['volume_types', 'fast'],
    ['volume_types', ['fast', 'default']],
    ['faults', [{ method: 'server.create', fault: 'bad_luck' }]],
    ['faults', [{ fault: 'denied' }]],
    ['faults', [{ method: '*', fault: 'denied', probability: -1 }]],
    ['colour', 'red'],
  ])('%s: %j is refused with a sentence', (key, value) => {
    const faults = faultsOf({ [key]: value })
    expect(faults.length).toBeGreaterThan(0)
    for (const fault of faults) expect(fault).toMatch(/^[A-Z].*\.$/)
  })

  it('say beforehand what the check will find denied', async () => {
    const world = sandboxWorld({ clock_skew_ms: -250, ...rules({ method: 'volume.create', fault: 'denied' }) })
    const report = await world.cloud.check()
    expect(report).toMatchObject({ denied: ['volume.create'], clockSkewMs: -250 })
    expect(report.warnings).toHaveLength(1)
  })
})
