import { expect, it } from 'vitest'
import { powerOf } from '../../../adapters/libvirt/records/domain.ts'

/** virDomainState: no state, running, blocked, paused, being shut down, shut off, crashed, asleep, and one of the future. */
it.each([
  [0, 'unknown'],
  [1, 'running'],
  [2, 'running'],
  [3, 'paused'],
  [4, 'changing'],
  [5, 'stopped'],
  [6, 'stopped'],
  [7, 'suspended'],
  [8, 'unknown'],
])('state %i of a domain is %s', (state, power) => {
  expect(powerOf(state, 1, false)).toBe(power)
})

it('one whose memory is kept in a file is suspended, one that is on its way there changes', () => {
  expect(powerOf(5, 0, true)).toBe('suspended')
  expect(powerOf(3, 3, false)).toBe('changing')
  expect(powerOf(3, 7, false)).toBe('paused')
})
