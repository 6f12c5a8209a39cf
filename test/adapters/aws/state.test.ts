import { InstanceStateName } from '@aws-sdk/client-ec2'
import { describe, expect, it } from 'vitest'
import { nextStep } from '../../../adapters/aws/compute/resize.ts'
import { faultOf, reclaimOf, stateOf } from '../../../adapters/aws/records/server-state.ts'

describe('states of an instance', () => {
  it('knows every state of the SDK', () => {
    const names = Object.values(InstanceStateName)
    expect(names.toSorted()).toEqual(['pending', 'running', 'shutting-down', 'stopped', 'stopping', 'terminated'])
    expect(Object.fromEntries(names.map((name) => [name, stateOf(name)]))).toEqual({
      pending: { health: 'pending', power: 'changing', known: true },
      running: { health: 'ready', power: 'running', known: true },
      stopping: { health: 'ready', power: 'changing', known: true },
      stopped: { health: 'ready', power: 'stopped', known: true },
      'shutting-down': { health: 'pending', power: 'changing', known: true },
      terminated: { health: 'gone', power: 'stopped', known: true },
    })
  })

  it('shows a state that it does not know as unknown', () => {
    expect(stateOf('melting' as never)).toEqual({ health: 'pending', power: 'unknown', known: false })
    expect(stateOf(undefined).power).toBe('unknown')
  })

  it('says why EC2 ended a server, but not when somebody did', () => {
    expect(faultOf('Client.UserInitiatedShutdown')).toBeUndefined()
    expect(faultOf(undefined)).toBeUndefined()
    expect(faultOf('Server.InsufficientInstanceCapacity')).toMatch(/no room/)
    expect(faultOf('Client.VolumeLimitExceeded')).toMatch(/exceeds .* quota/)
    expect(faultOf('Server.Something')).toMatch(/ended/)
  })
})

describe('an instance that EC2 takes back', () => {
  const State = { Name: 'terminated' as const }
  const Message = 'Server.SpotInstanceTermination: Spot instance termination'
  const StateReason = { Code: 'Server.SpotInstanceTermination', Message }

  it('is told from one that somebody ended, once it is gone', () => {
    expect(reclaimOf({ State, StateReason })).toEqual({ at: null, words: Message })
    expect(reclaimOf({ State, StateReason: { Code: 'Server.SpotInstanceShutdown' } })?.words).toBe(
      'Server.SpotInstanceShutdown',
    )
    expect(reclaimOf({ State: { Name: 'shutting-down' }, StateReason })).toBeUndefined()
    for (const Code of ['Client.UserInitiatedShutdown', 'Client.InstanceInitiatedShutdown', 'Server.InternalError', ''])
      expect(reclaimOf({ State, StateReason: { Code } })).toBeUndefined()
    expect(reclaimOf({ State })).toBeUndefined()
  })

  it.each([
    ['Service initiated (2026-11-29 20:30:31 GMT)', Date.UTC(2026, 10, 29, 20, 30, 31)],
    ['Service initiated (2026-11-29 20:30:31 UTC)', Date.UTC(2026, 10, 29, 20, 30, 31)],
    ['Server.SpotInstanceTermination', null],
    ['Service initiated (2026-99-99 99:99:99 GMT)', null],
    ['', null],
  ])('was taken at the time that %s says', (StateTransitionReason, at) => {
    expect(reclaimOf({ State, StateReason, StateTransitionReason })?.at).toBe(at)
  })
})

describe('a resize', () => {
  const small = { native: 't3.micro', diskGiB: 0 }
  const large = { native: 't3.large', diskGiB: 20 }

  it.each([
    ['running', 't3.micro', 8, 'running', 'stop'],
    ['stopping', 't3.micro', 8, 'running', 'wait'],
    ['stopped', 't3.micro', 8, 'running', 'retype'],
    ['stopped', 't3.large', 8, 'running', 'grow'],
    ['stopped', 't3.large', 20, 'running', 'start'],
    ['pending', 't3.large', 20, 'running', 'wait'],
    ['running', 't3.large', 20, 'running', 'done'],
    ['stopped', 't3.large', 20, 'stopped', 'done'],
    ['running', 't3.large', 20, 'stopped', 'stop'],
    ['shutting-down', 't3.micro', 8, 'running', 'wait'],
  ] as const)('from %s %s with %i GiB to a large %s one: %s', (state, type, rootGiB, power, step) => {
    expect(nextStep({ state: { Name: state }, type, rootGiB }, large, power)).toBe(step)
  })

  it('never shrinks the root disk', () => {
    const seen = { state: { Name: 'stopped' as const }, type: 't3.micro', rootGiB: 20 }
    expect(nextStep(seen, small, 'stopped')).toBe('done')
  })

  it('ends from every state in which the cloud does as it is told', () => {
    for (const start of ['running', 'stopped'] as const) {
      for (const power of ['running', 'stopped'] as const) {
        const seen = { state: { Name: start as 'running' | 'stopped' }, type: 't3.micro', rootGiB: 8 }
        let steps = 0
        for (let step = nextStep(seen, large, power); step !== 'done'; step = nextStep(seen, large, power)) {
          if (step === 'stop') seen.state.Name = 'stopped'
          if (step === 'start') seen.state.Name = 'running'
          if (step === 'retype') seen.type = large.native
          if (step === 'grow') seen.rootGiB = large.diskGiB
          expect(++steps).toBeLessThan(6)
        }
        expect(seen).toEqual({ state: { Name: power }, type: 't3.large', rootGiB: 20 })
      }
    }
  })
})
