import { describe, expect, it } from 'vitest'
import type { AttachmentSeen, AttachmentSpec } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { checking } from '../../../adapters/shared/check.ts'
import { knownErrors } from '../../../adapters/shared/error-table.ts'
import { optionReader } from '../../../adapters/shared/options.ts'
import { pairIds, pairRealm } from '../../../adapters/shared/pair-realm.ts'
import { orEarlier, unlessGone } from '../../../adapters/shared/refusals.ts'
import { assertConfigured, credentialFaults, usable } from '../../../adapters/shared/registration.ts'
import { remembered } from '../../../adapters/shared/remember.ts'

describe('a pair of two things', () => {
  const { idOf, endsOf } = pairIds('/')
  const pairs = (there: string[], health: AttachmentSeen['health'] = 'ready') => {
    const done: string[] = []
    const realm = pairRealm<AttachmentSpec, AttachmentSeen, string[]>({
      settleMs: 0,
      idOf: ({ server, volume }) => idOf(server, volume),
      raw: async (id) => (endsOf(id).server === 's' ? there : null),
      seenIn: (volumes) => volumes.map((volume) => ({ id: idOf('s', volume), health, device: null })),
      page: async () => ({ items: [there, ['v9']], next: 'more', complete: false }),
      async join({ server, volume }, id) {
        done.push(`join ${server} ${volume}`)
        return { id, health: 'pending', device: null }
      },
      async part(_, id) {
        done.push(`part ${id}`)
      },
    })
    return { realm, done }
  }

  it('has an id of both ends, which are told from it again', () => {
    expect(idOf('s', 'a/b')).toBe('s/a/b')
    expect(endsOf('s/a/b')).toEqual({ server: 's', other: 'a/b' })
    expect(endsOf('s')).toEqual({ server: 's', other: '' })
  })

  it('is found by its ends, whatever the mark', async () => {
    const { realm } = pairs(['v1'])
    const mark = { deployment: 'd', project: 'p', kind: 'attachment', resource: 'r', token: 't', epoch: 1 } as const
    const spec = { server: 's', volume: 'v1', device: null }
    expect((await realm.find(mark, spec))?.id).toBe('s/v1')
    expect(await realm.find(mark, { ...spec, volume: 'v2' })).toBeNull()
    expect(await realm.get('other/v1')).toBeNull()
  })

  it('is listed from the records, as whole as their page', async () => {
    const { items, ...page } = await pairs(['v1', 'v2']).realm.list()
    expect(items.map(({ id }) => id)).toEqual(['s/v1', 's/v2', 's/v9'])
    expect(page).toEqual({ next: 'more', complete: false })
  })

  it('is taken apart only as long as it is there', async () => {
    const mark = { deployment: 'd', project: 'p', kind: 'attachment', resource: 'r', token: 't', epoch: 1 } as const
    const present = pairs(['v1'])
    for (const id of ['s/v1', 's/v2', 'other/v1']) await present.realm.remove(id, mark)
    expect(present.done).toEqual(['part s/v1'])
    const gone = pairs(['v1'], 'gone')
    await gone.realm.remove('s/v1', mark)
    expect(gone.done).toEqual([])
  })
})

describe('what collides with an earlier call', () => {
  const taken = new CloudError('conflict', 'taken', { cloudCode: 'Duplicate' })
  const make = async (): Promise<string> => {
    throw taken
  }

  it('is what that call made', async () => {
    expect(await orEarlier('Duplicate', make, async () => 'earlier')).toBe('earlier')
    expect(
      await orEarlier(
        'Duplicate',
        async () => 'fresh',
        async () => 'earlier',
      ),
    ).toBe('fresh')
  })

  it('stays an error where it collides with something else, or is another error', async () => {
    await expect(orEarlier('Duplicate', make, async () => null)).rejects.toBe(taken)
    await expect(orEarlier('Other', make, async () => 'earlier')).rejects.toBe(taken)
  })
})

it('a removal of what is gone is done, and any other error is one', async () => {
  await unlessGone(async () => {
    throw new CloudError('not_found', 'gone')
  })
  const busy = new CloudError('conflict', 'busy')
  const removal = unlessGone(async () => {
    throw busy
  })
  await expect(removal).rejects.toBe(busy)
})

describe('a table of errors', () => {
  const { codes, errorFor } = knownErrors({
    throttled: { Slower: ['SlowDown'] },
    ambiguous: {},
    capacity: {
      'no-capacity': { Full: ['NoMachine'] },
      'account-limit': {},
      unsupported: {},
      'of-the-request': { 'No address': ['NoAddress'] },
    },
    not_found: {},
    conflict: { Busy: ['InUse', 'Locked'] },
    definitive: {},
    denied: {},
  })

  it('gives the code and the sentence, and keeps what operators read', () => {
    expect(codes).toEqual(['SlowDown', 'InUse', 'Locked', 'NoMachine', 'NoAddress'])
    const error = errorFor('Locked', { cloudCode: 'Locked', requestId: 'q' })
    expect(error).toMatchObject({ code: 'conflict', message: 'Busy', detail: { cloudCode: 'Locked', requestId: 'q' } })
  })

  it('says what there is too little of, where that is said of a size', () => {
    expect(errorFor('NoMachine', {})?.detail.shortage).toBe('no-capacity')
    expect(errorFor('NoAddress', {})).toMatchObject({ code: 'capacity', detail: {} })
    expect(errorFor('NoAddress', {})?.detail.shortage).toBeUndefined()
  })

  it('says when to come again after too many requests, and nothing of codes that it does not have', () => {
    expect(errorFor('SlowDown', {})?.detail.retryAfterMs).toBe(2_000)
    expect([errorFor('Unheard', {}), errorFor(undefined, {}), errorFor('toString', {})]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('a registration', () => {
  it('names each field of the credentials that is missing or too many', () => {
    expect(credentialFaults({ user: 'u', session: 's', colour: 'red' }, ['user', 'password'], ['session'])).toEqual([
      'The credentials need password.',
      'The credentials have no field colour.',
    ])
  })

  it('is refused when it is used with faults or without a mapping', () => {
    expect(() => assertConfigured(['This.', 'That.'])).toThrow('not configured')
    assertConfigured([])
    expect(() => usable({ fault: 'no role' }, 'No account.')).toThrow('No account.')
    expect(usable({ vpc: 'v' }, 'No account.')).toEqual({ vpc: 'v' })
  })

  it('tells of options that are wrong, and of those that nobody reads', () => {
    const faults: string[] = []
    const read = optionReader({ a: 1, b: 'x', c: null, d: 1, e: 1 }, faults)
    const isNumber = (value: unknown) => typeof value === 'number'
    expect([read('a', 0, isNumber, 'a number'), read('b', 7, isNumber, 'a number')]).toEqual([1, 7])
    expect(read('c', 9, isNumber, 'a number')).toBe(9)
    read.refuseOthers(['d'])
    expect(faults).toEqual(['Option b must be a number.', 'There is no option e.'])
  })
})

it('what was found out is remembered for as long as it holds', async () => {
  let now = 1_000
  let asked = 0
  const around = { cache: new Map(), now: () => now }
  const ask = (fresh = false) => remembered(around, 'k', 500, async () => ++asked, fresh)
  expect([await ask(), await ask(), await ask(true)]).toEqual([1, 1, 2])
  now += 499
  expect(await ask()).toBe(2)
  now += 1
  expect(await ask()).toBe(3)
})

describe('a check', () => {
  const fails = (error: CloudError) => async () => {
    throw error
  }

  it('tells what is denied, what went wrong, and that something answered', async () => {
    const { report, attempt, clock } = checking('1', {
      why: ({ message }) => message,
      isAnswer: ({ detail }) => detail.cloudCode === 'Dry',
    })
    expect(await attempt('Silence', fails(new CloudError('ambiguous', 'no answer')))).toBeUndefined()
    expect(report).toMatchObject({ reachable: false, warnings: ['Silence: no answer'] })
    expect(await attempt('Read', async () => 7)).toBe(7)
    await attempt('Write', fails(new CloudError('denied', 'no', { cloudCode: 'No' })))
    await attempt('Dry', fails(new CloudError('definitive', 'dry', { cloudCode: 'Dry' })))
    clock(-400_000)
    expect(report).toEqual({
      reachable: true,
      account: null,
      version: '1',
      clockSkewMs: -400_000,
      denied: ['Write'],
      warnings: ['Silence: no answer', "The cloud's clock and ours differ too much."],
    })
  })
})
