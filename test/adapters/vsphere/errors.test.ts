import { describe, expect, it } from 'vitest'
import { CloudError } from '../../../adapters/errors.ts'
import { unclear, unlessGone } from '../../../adapters/shared/refusals.ts'
import { fromFault, KNOWN_FAULTS } from '../../../adapters/vsphere/errors.ts'

const codeOf = (type: string, from: 'call' | 'task' = 'call') =>
  fromFault({ type, message: 'secret words' }, 'X', from).code

describe('faults', () => {
  it.each([
    ['NotAuthenticated', 'denied'],
    ['InvalidLogin', 'denied'],
    ['NoPermission', 'denied'],
    ['ManagedObjectNotFound', 'not_found'],
    ['DuplicateName', 'conflict'],
    ['InvalidPowerState', 'conflict'],
    ['TaskInProgress', 'conflict'],
    ['ResourceInUse', 'conflict'],
    ['ToolsUnavailable', 'conflict'],
    ['InsufficientMemoryResourcesFault', 'capacity'],
    ['NoDiskSpace', 'capacity'],
    ['InvalidArgument', 'definitive'],
    ['MethodNotFound', 'definitive'],
    ['HostNotConnected', 'ambiguous'],
    ['SystemError', 'ambiguous'],
    ['ServerBusy', 'throttled'],
  ])('%s is %s', (type, code) => {
    expect([codeOf(type), codeOf(type, 'task')]).toEqual([code, code])
  })

  it('are each in the table once', () => {
    expect(new Set(KNOWN_FAULTS).size).toBe(KNOWN_FAULTS.length)
    expect(KNOWN_FAULTS.length).toBeGreaterThan(70)
  })

  it('that nobody knows are final when a call is refused, and unclear when a task fails', () => {
    expect([codeOf('SomethingNew'), codeOf('SomethingNew', 'task'), codeOf('')]).toEqual([
      'definitive',
      'ambiguous',
      'ambiguous',
    ])
  })

  it('tell users nothing of what vCenter said', () => {
    for (const type of [...KNOWN_FAULTS, 'SomethingNew', '']) {
      const error = fromFault({ type, message: 'secret words' }, 'CloneVM_Task', 'call')
      expect(error.message).not.toContain('secret')
      expect(error.message).toMatch(/^[A-Z].*\.$/)
      expect(error.detail.operatorMessage).toContain('secret words')
      expect(error.detail.cloudCode ?? '').toBe(type)
    }
    expect(fromFault({ type: 'ServerBusy', message: '' }, 'X', 'call').detail.retryAfterMs).toBeGreaterThan(0)
  })

  it('that are none are ambiguous', () => {
    expect(unclear('X', new TypeError('fetch failed'))).toMatchObject({
      code: 'ambiguous',
      detail: { operatorMessage: 'X: fetch failed' },
    })
  })

  it('about what is gone are the success of a removal', async () => {
    await unlessGone(() => Promise.reject(fromFault({ type: 'ManagedObjectNotFound', message: '' }, 'X', 'call')))
    await expect(unlessGone(() => Promise.reject(new CloudError('conflict', 'No.')))).rejects.toThrow('No.')
  })
})
