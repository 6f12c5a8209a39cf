import { and, asc, desc, eq, sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { anyOf } from '../../db/conditions.ts'
import { prepared, type Slots } from '../../db/prepared.ts'
import { roles, users } from '../../db/schema/index.ts'
import { everyProject, type Scope, within } from '../../db/scope.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'

interface Asked {
  name?: string | undefined
  names?: string[] | undefined
  form?: { descending: boolean; nonce?: number }
}

let worded = 0
const rolesLike = prepared((db, { name, names, form }: Slots<Asked>) => {
  worded++
  return db
    .select({ name: roles.name })
    .from(roles)
    .where(and(name && eq(roles.name, name), names && anyOf(roles.name, names)))
    .orderBy((form?.descending ? desc : asc)(roles.name))
})

let plimsoll: Plimsoll
const found = async (asked: Asked) => (await rolesLike.run(plimsoll.db, asked)).map(({ name }) => name)
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  worded = 0
})

describe('a query that is worded once', () => {
  test('asks with the values of each call, and for those alone that are there', async () => {
    const all = await found({})
    expect(all).toContain('reader')
    expect(await found({ name: 'reader' })).toEqual(['reader'])
    expect(await found({ name: 'member' })).toEqual(['member'])
    expect(await found({ name: undefined, names: ['reader', 'member'] })).toEqual(['member', 'reader'])
    expect(await found({ names: ['admin'] })).toEqual(['admin'])
    expect(await found({ names: [] })).toEqual([])
    expect(await found({ names: ['reader', 'member'], form: { descending: true } })).toEqual(['reader', 'member'])
    expect(await found({})).toEqual(all)
    expect(worded).toBeLessThanOrEqual(4)
  })

  test('goes on to be right when more wordings are asked for than are kept', async () => {
    for (let nonce = 0; nonce < 150; nonce++) {
      const descending = nonce % 2 === 1
      const expected = descending ? ['reader', 'member'] : ['member', 'reader']
      expect(await found({ names: ['member', 'reader'], form: { descending, nonce } })).toEqual(expected)
    }
    expect(worded).toBe(150)
    await found({ names: ['member'], form: { descending: false, nonce: 149 } })
    await found({ names: ['member'], form: { descending: false, nonce: 0 } })
    expect(worded).toBe(152)
  })

  test('shows each scope what is its own, whoever asked before', async () => {
    const owned = prepared((db, { scope, enabled }: Slots<{ scope: Scope; enabled?: boolean }>) =>
      db
        .select({ id: users.id })
        .from(users)
        .where(and(within(users.defaultProjectId, scope), enabled && eq(users.enabled, enabled))),
    )
    const of = async (scope: Scope, enabled?: boolean) =>
      (await owned.run(plimsoll.db, { scope, ...(enabled === undefined ? {} : { enabled }) })).length
    const demo = { projectId: plimsoll.projectId('demo') }
    await plimsoll.db.update(users).set({ defaultProjectId: null })
    await plimsoll.db
      .update(users)
      .set({ defaultProjectId: demo.projectId })
      .where(eq(users.id, plimsoll.userId('demo')))
    expect(await of(demo)).toBe(1)
    expect(await of({ projectId: 'nobody' })).toBe(0)
    expect(await of(everyProject)).toBeGreaterThan(1)
    expect([await of(demo, true), await of(demo, false), await of(demo)]).toEqual([1, 0, 1])
  })

  test('gives the rows of a join as drizzle does: null for what is not there', async () => {
    const build = prepared((db, { name }: Slots<{ name: string }>) =>
      db
        .select({ role: roles, user: users, one: sql<number>`1` })
        .from(roles)
        .leftJoin(users, eq(users.name, name))
        .orderBy(asc(roles.name)),
    )
    const plain = (name: string) =>
      plimsoll.db
        .select({ role: roles, user: users, one: sql<number>`1` })
        .from(roles)
        .leftJoin(users, eq(users.name, name))
        .orderBy(asc(roles.name))
    for (const name of ['demo', 'nobody']) expect(await build.run(plimsoll.db, { name })).toEqual(await plain(name))
    expect((await build.run(plimsoll.db, { name: 'nobody' }))[0]?.user).toBeNull()
  })
})
