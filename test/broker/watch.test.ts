import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Change, Cloud } from '../../adapters/contract.ts'
import { CloudError } from '../../adapters/errors.ts'
import { connectCloud } from '../../functions/broker/clouds/clouds.ts'
import { heardAccounts } from '../../functions/broker/reconcile/reconcile.ts'
import { watchClouds } from '../../functions/broker/reconcile/watch.ts'
import { loops } from '../../functions/cron.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'

const NOVA = '/compute/v2.1'
const quick = { build_ms: 200, boot_ms: 200, stop_ms: 200, delete_ms: 200, log_calls: 500 }

/** A cloud account that tells of whatever a test says. */
const teller = () => {
  let wake = () => {}
  let told: (Change[] | Error)[] = []
  const watches: AbortSignal[] = []
  return {
    watches,
    tell(...changes: (Change[] | Error)[]) {
      told.push(...changes)
      wake()
    },
    async *watch(signal: AbortSignal): AsyncGenerator<Change[]> {
      watches.push(signal)
      while (!signal.aborted) {
        const now = told
        told = []
        for (const each of now) {
          if (each instanceof Error) throw each
          yield each
        }
        await new Promise<void>((resolve) => {
          wake = resolve
          if (told.length) resolve()
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      }
    },
  }
}

describe('a cloud that tells of changes', () => {
  let plimsoll: Plimsoll
  let id: string
  let native: string
  let cloud: Cloud
  let stop: () => Promise<void>
  let source: ReturnType<typeof teller>
  let watched: Map<string, { cloudId: string; cloud: Pick<Cloud, 'watch'> }>
  const slept: number[] = []

  const status = async () => (await plimsoll.as('demo').get(`${NOVA}/servers/${id}`)).body.server.status
  const changed = (...ids: string[]): Change[] => ids.map((each) => ({ kind: 'server', id: each }))
  const due = async () => (await plimsoll.db.all(sql`select 1 from bindings where due_at is not null`)).length
  /** What the watch left to do is there, soon. */
  const noticed = () => vi.waitFor(() => expect(plimsoll.waiting()).toBeGreaterThan(0), { timeout: 2_000, interval: 5 })
  const quiet = () => new Promise((resolve) => setTimeout(resolve, 60))

  beforeEach(async () => {
    plimsoll = await startPlimsoll({
      clouds: [{ name: 'sandbox', type: 'sandbox', options: quick }],
      loops: loops.filter(({ name }) => name === 'converge'),
    })
    const demo = plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.96' })
    const { images } = (await demo.get('/image/v2/images?architecture=x86_64')).body
    const wish = { server: { name: 's', flavorRef: '1', imageRef: images[0].id, networks: 'none' } }
    id = (await demo.post(`${NOVA}/servers`, wish)).body.server.id
    await plimsoll.settle()
    const query = sql`select native_id as id from bindings where kind = 'server' and resource_id = ${id}`
    native = (await plimsoll.db.get<{ id: string }>(query)).id
    cloud = (await connectCloud(plimsoll.host, plimsoll.cloudId('sandbox'), plimsoll.projectId('demo'))).cloud
    source = teller()
    watched = new Map([['account', { cloudId: plimsoll.cloudId('sandbox'), cloud: { watch: source.watch } }]])
    slept.length = 0
    const context = () => ({
      ...plimsoll.context(),
      // As long as it takes, but a thousand times as fast.
      sleep: (ms: number) => {
        slept.push(ms)
        return new Promise<void>((resolve) => setTimeout(resolve, ms / 1000))
      },
    })
    stop = watchClouds(context, async () => watched)
  })
  afterEach(() => stop())

  it('is believed as soon as it was looked at: a server that was stopped there is SHUTOFF without a sweep', async () => {
    await cloud.server.stop(native)
    expect(await status()).toBe('ACTIVE')
    source.tell(changed(native))
    await noticed()
    await plimsoll.settle()
    expect(await status()).toBe('SHUTOFF')
    const history = (await plimsoll.as('demo').get(`${NOVA}/servers/${id}/os-instance-actions`)).body.instanceActions
    expect(history.map(({ action }: { action: string }) => action)).toEqual(['stop', 'create'])
  })

  it('costs one look, however often it tells', async () => {
    source.tell(...Array.from({ length: 50 }, () => changed(native)))
    await noticed()
    await quiet()
    expect(plimsoll.waiting()).toBe(1)
    expect(await due()).toBe(1)
  })

  it('of what is not ours to know makes nothing due', async () => {
    source.tell(changed('nobody-knows-this', ...Array.from({ length: 5_000 }, (_, i) => `other-${i}`)))
    await quiet()
    expect([plimsoll.waiting(), await due()]).toEqual([0, 0])
  })

  it('and breaks off is watched anew, each time a little later', async () => {
    source.tell(new CloudError('ambiguous', 'The line broke.'))
    await vi.waitFor(() => expect(source.watches).toHaveLength(2), { timeout: 2_000, interval: 5 })
    source.tell(new CloudError('denied', 'The password is another one.'))
    await vi.waitFor(() => expect(source.watches).toHaveLength(3), { timeout: 2_000, interval: 5 })
    expect(slept.filter((ms) => [2_000, 4_000].includes(ms))).toEqual([2_000, 4_000])
    expect(plimsoll.logged.filter(({ message }) => message === 'a cloud is not watched for a while')).toHaveLength(2)
    await cloud.server.stop(native)
    source.tell(changed(native))
    await noticed()
  })

  it('of which one part does not answer is asked for the others as before', async () => {
    const { get } = cloud.server
    const breaker = () => plimsoll.db.get(sql`select failures, closed_until as shut from clouds`)
    let silent = 4
    let before: unknown
    cloud.server.get = async (asked) => {
      if (silent-- > 0) throw new CloudError('ambiguous', 'No clear answer.', { part: 'kvm2' })
      before ??= await breaker()
      return get(asked)
    }
    await cloud.server.stop(native)
    source.tell(changed(native))
    await noticed()
    await plimsoll.settle()
    expect(await status()).toBe('SHUTOFF')
    expect(before).toEqual({ failures: 0, shut: 0 })
  })

  it('is heard also while it is left alone, as it did not answer', async () => {
    const heard = async () => (await heardAccounts(plimsoll.context())).size
    expect(await heard()).toBe(1)
    await plimsoll.db.run(sql`update clouds set closed_until = ${plimsoll.clock.now + 60_000}`)
    expect(await heard()).toBe(1)
    await plimsoll.db.run(sql`update clouds set enabled = 0`)
    expect(await heard()).toBe(0)
  })

  it('is not listened to any more when it is gone from the list, or the process ends', async () => {
    await vi.waitFor(() => expect(source.watches).toHaveLength(1), { timeout: 2_000, interval: 5 })
    watched = new Map()
    await vi.waitFor(() => expect(source.watches[0]!.aborted).toBe(true), { timeout: 2_000, interval: 5 })
    watched = new Map([['account', { cloudId: plimsoll.cloudId('sandbox'), cloud: { watch: source.watch } }]])
    await vi.waitFor(() => expect(source.watches).toHaveLength(2), { timeout: 2_000, interval: 5 })
    await stop()
    expect(source.watches.every(({ aborted }) => aborted)).toBe(true)
    source.tell(changed(native))
    await quiet()
    expect(plimsoll.waiting()).toBe(0)
  })
})
