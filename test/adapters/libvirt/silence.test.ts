import { expect, it } from 'vitest'
import type { CloudError } from '../../../adapters/errors.ts'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { estate, IDS } from './estate.ts'
import { connection, lineTo, OPTIONS, surroundings } from './scripted.ts'

/** Two hosts, of which the second may be dead, or be mute once it was reached; how often it was tried is counted. */
const pair = (mute = false) => {
  const at = { now: 1_800_000_000_000 }
  const second = { dead: true, tried: 0 }
  const [one, two] = [estate(), estate()]
  const around = {
    ...surroundings(async (to) => {
      if (to.kind === 'tls' && to.host === 'kvm1.example') return one.line()
      second.tried++
      if (!second.dead) return two.line()
      if (mute) return lineTo(() => [])
      throw new Error('connect ECONNREFUSED')
    }),
    now: () => at.now,
    timeoutMs: mute ? 20 : 5_000,
  }
  const hosts = [...OPTIONS.hosts, { name: 'kvm2', uri: 'qemu+tls://kvm2.example/system' }]
  return { at, second, cloud: libvirt.connect(connection({ options: { ...OPTIONS, hosts } }), around) }
}

const failure = (asked: Promise<unknown>): Promise<CloudError> =>
  asked.then(
    () => Promise.reject(),
    (error) => error,
  )

it.each([false, true])(
  'a host that does not answer (mute: %s) is said to be a part, and holds nobody up again',
  async (mute) => {
    const { at, second, cloud } = pair(mute)
    const onSecond = IDS.web.replace('kvm1', 'kvm2')
    expect(await failure(cloud.server.get(onSecond))).toMatchObject({ code: 'ambiguous', detail: { part: 'kvm2' } })
    expect(second.tried).toBe(1)
    const page = await cloud.server.list()
    expect([page.complete, page.items.map(({ id }) => id).sort()]).toEqual([false, [IDS.db, IDS.web].sort()])
    expect((await cloud.zones()).map(({ name, available, hosts }) => [name, available, hosts])).toEqual([
      ['kvm1', true, [{ name: 'kvm1', answers: true }]],
      ['kvm2', false, [{ name: 'kvm2', answers: false }]],
    ])
    const { code, detail } = await failure(cloud.server.get(onSecond))
    expect([code, detail.part]).toEqual(['ambiguous', 'kvm2'])
    expect(detail.operatorMessage).toContain('has not answered since 2027-01-15T08:00:00.000Z')
    expect(second.tried).toBe(1)
    // As long as it has been silent, and half a minute at most.
    for (const [pause, tried] of [
      [1_000, 2],
      [999, 2],
      [1, 3],
      [1_999, 3],
      [600_000, 4],
      [29_999, 4],
      [1, 5],
    ] as const) {
      at.now += pause
      await Promise.all([failure(cloud.server.get(onSecond)), failure(cloud.server.get(onSecond))])
      expect(second.tried).toBe(tried)
    }
  },
)

it('an operator who asks how the hosts are has each of them asked, and one that is back is asked by everybody', async () => {
  const { second, cloud } = pair()
  await cloud.server.list()
  second.dead = false
  expect((await cloud.server.list()).complete).toBe(false)
  expect(second.tried).toBe(1)
  expect(await cloud.check()).toMatchObject({ reachable: true })
  expect(second.tried).toBe(2)
  expect((await cloud.server.list()).complete).toBe(true)
})

it('where no host answers it is the cloud that does not', async () => {
  const hosts = [...OPTIONS.hosts, { name: 'kvm2', uri: 'qemu+tls://kvm2.example/system' }]
  const dead = surroundings(() => Promise.reject(new Error('connect ECONNREFUSED')))
  const cloud = libvirt.connect(connection({ options: { ...OPTIONS, hosts } }), dead)
  const { code, detail } = await failure(cloud.server.list())
  expect([code, detail.part]).toEqual(['ambiguous', undefined])
})
