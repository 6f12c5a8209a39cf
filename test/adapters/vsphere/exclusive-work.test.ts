import { expect, it } from 'vitest'
import { CloudError } from '../../../adapters/errors.ts'
import type { Context } from '../../../adapters/vsphere/context.ts'
import { isRunning, runExclusively } from '../../../adapters/vsphere/records/exclusive-work.ts'
import { MemoryStore } from '../../support/memory-store.ts'

/** Processes that share a store and a clock that is moved by hand. */
const processes = (runtime: 'node' | 'workers' = 'node') => {
  const store = new MemoryStore()
  let now = 1_000_000
  const context = {
    storePrefix: 'vsphere/vc',
    surroundings: { store, now: () => now, sleep: async () => {}, log() {}, runtime },
  } as unknown as Context
  return { context, store, advance: (ms: number) => (now += ms) }
}
const nothing = async () => {}
const settle = () => new Promise((done) => setTimeout(done, 5))

it('one process holds the work, and others see it until it is done', async () => {
  const { context, store } = processes()
  let finish: () => void = () => {}
  let runs = 0
  const work = () => {
    runs++
    return new Promise<void>((resolve) => {
      finish = resolve
    })
  }
  await runExclusively(context, 'w', work)
  await runExclusively(context, 'w', work)
  expect([runs, await isRunning(context, 'w')]).toEqual([1, true])
  finish()
  await settle()
  expect([await isRunning(context, 'w'), store.size]).toEqual([false, 0])
})

it('on Workers the call lasts as long as the work', async () => {
  const { context } = processes('workers')
  let done = false
  await runExclusively(context, 'w', async () => {
    await settle()
    done = true
  })
  expect(done).toBe(true)
})

it('a holder that shows itself stays the holder; one that does not is replaced and learns of it', async () => {
  const { context, advance } = processes()
  let alive: () => Promise<void> = nothing
  const endless = (shown: () => Promise<void>) => {
    alive = shown
    return new Promise<void>(() => {})
  }
  await runExclusively(context, 'w', endless)
  for (let i = 0; i < 20; i++) {
    advance(40_000)
    await alive()
  }
  expect(await isRunning(context, 'w')).toBe(true)
  const first = alive
  advance(400_000)
  expect(await isRunning(context, 'w')).toBe(false)
  await runExclusively(context, 'w', endless)
  await expect(first()).rejects.toThrow(/taken over/)
  expect(await isRunning(context, 'w')).toBe(true)
})

it('what cannot be mended is told once, and then forgotten', async () => {
  const { context } = processes()
  await runExclusively(context, 'w', async () => {
    throw new CloudError('definitive', 'It is damaged.')
  })
  await settle()
  await expect(isRunning(context, 'w')).rejects.toMatchObject({ code: 'definitive', message: 'It is damaged.' })
  expect(await isRunning(context, 'w')).toBe(false)
})

it('what breaks off is tried four times', async () => {
  const { context } = processes()
  let runs = 0
  const breaking = async () => {
    runs++
    throw new CloudError('ambiguous', 'The line broke.', { operatorMessage: 'reset' })
  }
  for (let i = 0; i < 4; i++) {
    if (i > 0) expect(await isRunning(context, 'w')).toBe(false)
    await runExclusively(context, 'w', breaking)
    await settle()
  }
  await expect(isRunning(context, 'w')).rejects.toMatchObject({
    code: 'definitive',
    message: 'The line broke.',
    detail: { operatorMessage: 'reset' },
  })
  expect(runs).toBe(4)
})

it('work that nobody came back to is forgotten after a day', async () => {
  const { context, store, advance } = processes()
  await runExclusively(context, 'old', async () => {
    throw new CloudError('ambiguous', 'The line broke.')
  })
  await settle()
  expect(store.size).toBe(1)
  advance(25 * 3_600_000)
  await runExclusively(context, 'new', () => new Promise<void>(() => {}))
  expect((await store.list('', 10)).map(({ key }) => key)).toEqual(['vsphere/vc/hold/new'])
})
