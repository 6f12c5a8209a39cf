import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { enter, login, make, person, V3 } from './support.ts'

let plimsoll: Plimsoll
let admin: Client
let ids: Record<'a' | 'b' | 'c' | 'd', string>
/** `a` above `b` and `d`, `b` above `c`. */
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  const below = async (name: string, parent_id: string) => (await make(admin, 'projects', { name, parent_id })).id
  const a = await below('a', 'default')
  const b = await below('b', a)
  ids = { a, b, c: await below('c', b), d: await below('d', a) }
})
const names = (items: { name: string }[]) => items.map(({ name }) => name)
const show = async (who: Client, name: keyof typeof ids, query: string) =>
  (await who.get(`${V3}/projects/${ids[name]}?${query}`)).body.project

describe('a project below another', () => {
  test('says so, and is found by it', async () => {
    expect(await show(admin, 'c', '')).toMatchObject({ parent_id: ids.b, domain_id: 'default', is_domain: false })
    expect(await show(admin, 'a', '')).toMatchObject({ parent_id: 'default' })
    expect(names((await admin.get(`${V3}/projects?parent_id=${ids.a}`)).body.projects)).toEqual(['b', 'd'])
    expect(names((await admin.get(`${V3}/projects?parent_id=default`)).body.projects)).toEqual(['a', 'admin', 'demo'])
    expect((await admin.get(`${V3}/projects?parent_id=none`)).body.projects).toEqual([])
  })

  test('shows what it is below, and what is below it', async () => {
    expect((await show(admin, 'c', 'parents_as_ids')).parents).toEqual({ [ids.b]: { [ids.a]: { default: null } } })
    expect((await show(admin, 'a', 'subtree_as_ids')).subtree).toEqual({ [ids.b]: { [ids.c]: null }, [ids.d]: null })
    expect((await show(admin, 'd', 'subtree_as_ids')).subtree).toBe(null)
    const both = await admin.get(`${V3}/projects/${ids.a}?subtree_as_ids&subtree_as_list`)
    expect([both.status, both.body.error.message]).toEqual([
      400,
      'Cannot use subtree_as_list and subtree_as_ids query params at the same time.',
    ])
  })

  test('lists those of them in which the caller has a role', async () => {
    const eve = (await person(admin, 'eve')).id
    for (const name of ['a', 'c'] as const)
      await admin.put(`${V3}/projects/${ids[name]}/users/${eve}/roles/${plimsoll.roleId('reader')}`)
    const who = await enter(plimsoll, 'eve', { project: { id: ids.a } })
    const { subtree } = await show(who, 'a', 'subtree_as_list')
    expect(names(subtree.map(({ project }: { project: { name: string } }) => project))).toEqual(['c'])
  })

  test('stays where it is, and goes before what it is below', async () => {
    const moved = await admin.patch(`${V3}/projects/${ids.c}`, { project: { parent_id: ids.d } })
    expect([moved.status, moved.body.error.message]).toEqual([403, 'Update of `parent_id` is not allowed.'])
    const early = await admin.delete(`${V3}/projects/${ids.b}`)
    expect([early.status, early.body.error.message]).toEqual([
      403,
      `Cannot delete the project ${ids.b} since it is not a leaf in the hierarchy. Use the cascade option if you want to delete a whole subtree.`,
    ])
    for (const name of ['c', 'b'] as const) expect((await admin.delete(`${V3}/projects/${ids[name]}`)).status).toBe(204)
  })

  test('is disabled before and enabled after what it is below', async () => {
    const set = (name: keyof typeof ids, enabled: boolean) =>
      admin.patch(`${V3}/projects/${ids[name]}`, { project: { enabled } })
    expect((await set('b', false)).body.error.message).toBe(
      `Cannot disable project ${ids.b} since its subtree contains enabled projects.`,
    )
    for (const name of ['c', 'b'] as const) expect((await set(name, false)).status).toBe(200)
    expect((await set('c', true)).body.error.message).toBe(
      `Cannot enable project ${ids.c} since it has disabled parents`,
    )
    const wish = { project: { name: 'e', parent_id: ids.b } }
    const below = await admin.post(`${V3}/projects`, wish)
    expect([below.status, below.body.error.message]).toEqual([
      400,
      `cannot create a project in a branch containing a disabled project: ${ids.b}`,
    ])
  })

  test('is refused where it does not fit', async () => {
    const { id: other } = await make(admin, 'domains', { name: 'other' })
    const refused = [
      [{ parent_id: 'none' }, 400],
      [{ parent_id: ids.a, domain_id: other }, 400],
      [{ parent_id: 'default', domain_id: other }, 400],
    ] as const
    for (const [wish, status] of refused)
      expect((await admin.post(`${V3}/projects`, { project: { name: 'x', ...wish } })).status).toBe(status)
    let parent_id = ids.c
    for (const name of ['4', '5']) parent_id = (await make(admin, 'projects', { name, parent_id })).id
    const deep = await admin.post(`${V3}/projects`, { project: { name: '6', parent_id } })
    expect([deep.status, deep.body.error.message]).toEqual([
      403,
      `Max hierarchy depth reached for ${parent_id} branch.`,
    ])
  })
})

describe('an inherited role', () => {
  const inherit = (target: string, user: string, role = 'member') =>
    `${V3}/OS-INHERIT/${target}/users/${user}/roles/${plimsoll.roleId(role)}/inherited_to_projects`

  test('counts in what is below a project, and not in the project', async () => {
    const eve = (await person(admin, 'eve')).id
    const path = inherit(`projects/${ids.a}`, eve)
    expect((await admin.put(path)).status).toBe(204)
    expect((await admin.get(path)).status).toBe(204)
    const enters = async (name: keyof typeof ids) =>
      (await login(plimsoll, 'eve', { project: { id: ids[name] } })).status
    expect([await enters('a'), await enters('b'), await enters('c'), await enters('d')]).toEqual([401, 201, 201, 201])
    const who = await enter(plimsoll, 'eve', { project: { id: ids.c } })
    expect(names((await who.get(`${V3}/auth/projects`)).body.projects)).toEqual(['b', 'c', 'd'])
    expect((await who.post('/network/v2.0/networks', { network: {} })).status).toBe(201)
    expect((await admin.delete(path)).status).toBe(204)
    expect((await who.post('/network/v2.0/networks', { network: {} })).status).toBe(401)
  })

  test('on a domain counts in each of its projects, and not on the domain', async () => {
    const eve = (await person(admin, 'eve')).id
    const path = inherit('domains/default', eve)
    await admin.put(path)
    const { body } = await admin.get(`${V3}/OS-INHERIT/domains/default/users/${eve}/roles/inherited_to_projects`)
    expect(names(body.roles)).toEqual(['member'])
    expect((await login(plimsoll, 'eve', { project: { id: ids.c } })).status).toBe(201)
    expect((await login(plimsoll, 'eve', { project: { name: 'demo', domain: { id: 'default' } } })).status).toBe(201)
    expect((await login(plimsoll, 'eve', { domain: { id: 'default' } })).status).toBe(401)
    const unscoped = await enter(plimsoll, 'eve')
    expect((await unscoped.get(`${V3}/auth/projects`)).body.projects).toHaveLength(6)
    expect((await unscoped.get(`${V3}/auth/domains`)).body.domains).toEqual([])
  })
})

describe('tags of a project', () => {
  const tags = (name: keyof typeof ids) => `${V3}/projects/${ids[name]}/tags`

  test('are set together, and one by one', async () => {
    expect((await admin.put(tags('a'), { tags: ['red', 'fast'] })).body.tags).toEqual(['red', 'fast'])
    const added = await admin.put(`${tags('a')}/new`)
    expect([added.status, added.headers.get('Location')]).toEqual([201, `http://plimsoll.test${tags('a')}/new`])
    expect((await admin.get(`${tags('a')}/new`)).status).toBe(204)
    expect((await admin.delete(`${tags('a')}/red`)).status).toBe(204)
    const gone = await admin.get(`${tags('a')}/red`)
    expect([gone.status, gone.body.error.message]).toEqual([404, 'Could not find project tag: red.'])
    expect((await admin.get(tags('a'))).body.tags).toEqual(['fast', 'new'])
    expect((await admin.delete(tags('a'))).status).toBe(204)
    expect((await show(admin, 'a', '')).tags).toEqual([])
    for (const wrong of [
      ['a', 'a'],
      ['a/b'],
      ['a,b'],
      [''],
      ['x'.repeat(256)],
      Array.from({ length: 81 }, (_, i) => `${i}`),
    ])
      expect((await admin.put(tags('a'), { tags: wrong })).status).toBe(400)
    expect((await plimsoll.as('demo').get(tags('a'))).status).toBe(403)
  })

  test('find it', async () => {
    await admin.put(tags('a'), { tags: ['red', 'fast'] })
    await admin.put(tags('b'), { tags: ['red'] })
    await admin.put(tags('c'), { tags: ['blue'] })
    const found = async (query: string) =>
      names((await admin.get(`${V3}/projects?${query}`)).body.projects).filter((name) => name.length === 1)
    expect(await found('tags=red,fast')).toEqual(['a'])
    expect(await found('tags-any=fast,blue')).toEqual(['a', 'c'])
    expect(await found('not-tags=red,fast')).toEqual(['b', 'c', 'd'])
    expect(await found('not-tags-any=fast,blue')).toEqual(['b', 'd'])
    expect(await found('tags=red&not-tags-any=fast')).toEqual(['b'])
  })
})

test('what goes at the same moment gets nothing below it', async () => {
  const top = await make(admin, 'projects', { name: 'top' })
  const below = { project: { name: 'below', parent_id: top.id } }
  const [gone, made] = await Promise.all([
    admin.delete(`${V3}/projects/${top.id}`),
    admin.post(`${V3}/projects`, below),
  ])
  expect([204, 201]).not.toEqual([gone.status, made.status])
})

test('a domain that goes at the same moment gets nothing in it', async () => {
  const { id: domain_id } = await make(admin, 'domains', { name: 'lab' })
  await admin.patch(`${V3}/domains/${domain_id}`, { domain: { enabled: false } })
  const group = { name: 'g', domain_id }
  const user = { name: 'u', domain_id }
  const [gone, ...made] = await Promise.all([
    admin.delete(`${V3}/domains/${domain_id}`),
    admin.post(`${V3}/groups`, { group }),
    admin.post(`${V3}/users`, { user }),
  ])
  expect(gone.status).toBe(204)
  expect((await admin.get(`${V3}/domains/${domain_id}`)).status).toBe(404)
  for (const { status, body } of made.filter(({ status }) => status === 201))
    expect([
      status,
      (await admin.get(`${V3}/${body.user ? 'users' : 'groups'}/${(body.user ?? body.group).id}`)).status,
    ]).toEqual([201, 404])
})
