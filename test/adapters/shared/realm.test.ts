import { describe, expect, it } from 'vitest'
import type { Mark, NetworkSpec, Realm, Seen } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { exceptLent, markedRealm, type Records, type Ways } from '../../../adapters/shared/realm.ts'

const mark: Mark = { deployment: 'd1', project: 'p', kind: 'network', resource: 'r1', token: 't1', epoch: 1 }
const spec: NetworkSpec = { name: 'net', cidrs: [] }

interface Thing {
  id: string
  mark?: Mark
}

/** A cloud of a few things, which notes what is done to them. */
const cloud = (things: Thing[], ways: Partial<Ways<NetworkSpec, Seen, Thing>> = {}) => {
  const done: string[] = []
  const seen = ({ id, mark: its }: Thing): Seen => ({ id, health: 'ready', ...(its ? { mark: its } : {}) })
  const records: Records<NetworkSpec, Seen, Thing> = {
    raw: async (id) => things.find((thing) => thing.id === id) ?? null,
    markOf: (thing) => thing.mark,
    one: seen,
    find: async () => null,
    list: async () => ({ items: things.map(seen), complete: true }),
    async remark(thing, its) {
      done.push(`mark ${thing.id} ${its?.token ?? 'none'}`)
    },
  }
  const realm: Realm<NetworkSpec> = markedRealm(mark, records, {
    once: 'none',
    settleMs: 0,
    create: async () => ({ id: 'new', health: 'ready' }),
    async update(thing) {
      done.push(`update ${thing.id}`)
      return seen(thing)
    },
    async remove(thing) {
      done.push(`remove ${thing.id}`)
    },
    ...ways,
  })
  return { realm, done }
}
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: unknown) => (error instanceof CloudError ? error.code : error),
  )

const ours: Thing = { id: 'ours', mark }
const another: Thing = { id: 'another', mark: { ...mark, resource: 'r2', token: 't2' } }
const neighbours: Thing = { id: 'neighbours', mark: { ...mark, deployment: 'd2' } }
const unmarked: Thing = { id: 'unmarked' }
const all = [ours, another, neighbours, unmarked]

describe('a realm of things that carry a mark', () => {
  it('changes what this deployment made, and nothing else', async () => {
    const { realm, done } = cloud(all)
    const codes = []
    for (const { id } of [...all, { id: 'absent' }]) codes.push(await codeOf(realm.update!(id, spec)))
    expect(codes).toEqual(['done', 'done', 'definitive', 'definitive', 'not_found'])
    expect(done).toEqual(['update ours', 'update another'])
  })

  it('removes what that very resource has, and nothing else', async () => {
    const { realm, done } = cloud(all)
    const codes = []
    for (const { id } of [...all, { id: 'absent' }]) codes.push(await codeOf(realm.remove(id, mark)))
    expect(codes).toEqual(['done', 'definitive', 'definitive', 'definitive', 'done'])
    expect(done).toEqual(['remove ours'])
  })

  it('counts as removed what is gone by then, and not what is in use', async () => {
    const throwing = (code: 'not_found' | 'conflict') =>
      cloud(all, {
        async remove() {
          throw new CloudError(code, 'no')
        },
      }).realm.remove('ours', mark)
    expect([await codeOf(throwing('not_found')), await codeOf(throwing('conflict'))]).toEqual(['done', 'conflict'])
  })

  it('clears up after what is gone itself', async () => {
    const left: string[] = []
    const { realm } = cloud(all, {
      async removeRest({ token }) {
        left.push(token)
      },
    })
    await realm.remove('absent', mark)
    await realm.remove('ours', mark)
    expect(left).toEqual(['t1'])
  })

  it('puts a mark on what has none, and never over another', async () => {
    const { realm, done } = cloud(all)
    const codes = []
    for (const { id } of [...all, { id: 'absent' }]) codes.push(await codeOf(realm.mark!(id, mark)))
    expect(codes).toEqual(['done', 'definitive', 'definitive', 'done', 'not_found'])
    expect(done).toEqual(['mark unmarked t1'])
  })

  it('takes a mark off what is ours, and leaves all else as it is', async () => {
    const { realm, done } = cloud(all)
    for (const { id } of [...all, { id: 'absent' }]) await realm.mark!(id, null)
    expect(done).toEqual(['mark ours none', 'mark another none'])
  })

  it('asks what cannot be before anything is looked at', async () => {
    const { realm, done } = cloud(all, {
      check() {
        throw new CloudError('definitive', 'no such thing')
      },
    })
    expect(await codeOf(realm.create(spec, mark))).toBe('definitive')
    expect(await codeOf(realm.update!('absent', spec))).toBe('definitive')
    expect(done).toEqual([])
  })

  it('has the members that its kind has', () => {
    const { realm } = cloud(all, { update: undefined })
    expect(Object.keys(realm).toSorted()).toEqual([
      'create',
      'find',
      'get',
      'list',
      'mark',
      'once',
      'remove',
      'settleMs',
    ])
  })
})

describe('a thing that is lent', () => {
  it('is never changed and never removed', async () => {
    const { realm, done } = cloud(all)
    const lending = exceptLent(
      realm,
      (id) => id === 'ours',
      async (id) => ({ id, name: 'lent', health: 'ready' }),
    )
    expect(await lending.update!('ours', spec)).toMatchObject({ name: 'lent' })
    await lending.remove('ours', mark)
    await lending.update!('another', spec)
    expect(done).toEqual(['update another'])
  })
})
