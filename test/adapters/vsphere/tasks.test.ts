import { expect, it } from 'vitest'
import { type Kept, later } from '../../../adapters/vsphere/wire/tasks.ts'
import { fake } from './fake.ts'

it('a task is asked about after as long as it has run: soon at first, then every two seconds', () => {
  const { surroundings } = fake(() => '')
  let now = 1_800_000_000_000
  const clock = { surroundings: { ...surroundings, now: () => now } }
  const task = { type: 'Task', id: 'task-1' }
  let kept = later(clock, task, { name: 'web' })
  const pauses: number[] = []
  for (let asked = 0; asked < 7; asked++) {
    const pause = kept.pollAfterMs!
    pauses.push(pause)
    now += pause
    const { since } = kept.task as unknown as Kept<{ name: string }>
    kept = later(clock, task, { name: 'web' }, since)
  }
  expect(pauses).toEqual([250, 250, 500, 1_000, 2_000, 2_000, 2_000])
  expect(kept.task).toEqual({ task: 'task-1', since: 1_800_000_000_000, name: 'web' })
})

it('one that was kept before it was written down when it began is asked about all the same', () => {
  const { surroundings } = fake(() => '')
  expect(later({ surroundings }, { type: 'Task', id: 'task-1' }, {}, undefined)).toMatchObject({ pollAfterMs: 250 })
})
