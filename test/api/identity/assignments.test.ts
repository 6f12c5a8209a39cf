import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { enter, login, make, person, SYSTEM, V3 } from './support.ts'

let plimsoll: Plimsoll
let admin: Client
let eve: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  eve = (await person(admin, 'eve')).id
})
const names = (items: { name: string }[]) => items.map(({ name }) => name)
// biome-ignore lint/suspicious/noExplicitAny: as it comes
const list = async (query: string): Promise<any[]> =>
  (await admin.get(`${V3}/role_assignments?${query}`)).body.role_assignments
const put = async (path: string) => expect((await admin.put(`${V3}/${path}`)).status).toBe(204)
const role = (name: string) => plimsoll.roleId(name)

describe('role assignments', () => {
  test('are listed by whom, where and which', async () => {
    const { id: group } = await make(admin, 'groups', { name: 'crew' })
    await put(`groups/${group}/users/${eve}`)
    await put(`projects/${plimsoll.projectId('demo')}/groups/${group}/roles/${role('member')}`)
    await put(`domains/default/users/${eve}/roles/${role('reader')}`)
    await put(`system/users/${eve}/roles/${role('reader')}`)
    await put(`OS-INHERIT/domains/default/users/${eve}/roles/${role('manager')}/inherited_to_projects`)
    const base = 'http://plimsoll.test/identity/v3'
    expect(await list(`group.id=${group}`)).toEqual([
      {
        role: { id: role('member') },
        group: { id: group },
        scope: { project: { id: plimsoll.projectId('demo') } },
        links: { assignment: `${base}/projects/${plimsoll.projectId('demo')}/groups/${group}/roles/${role('member')}` },
      },
    ])
    expect(await list(`user.id=${eve}&scope.system=all`)).toEqual([
      {
        role: { id: role('reader') },
        user: { id: eve },
        scope: { system: { all: true } },
        links: { assignment: `${base}/system/users/${eve}/roles/${role('reader')}` },
      },
    ])
    const named = await list(`user.id=${eve}&scope.domain.id=default&role.id=${role('reader')}&include_names`)
    expect(named).toMatchObject([
      {
        role: { name: 'reader' },
        user: { name: 'eve', domain: { id: 'default', name: 'Default' } },
        scope: { domain: { id: 'default', name: 'Default' } },
      },
    ])
    expect(await list('scope.OS-INHERIT:inherited_to=projects')).toEqual([
      {
        role: { id: role('manager') },
        user: { id: eve },
        scope: { domain: { id: 'default' }, 'OS-INHERIT:inherited_to': 'projects' },
        links: {
          assignment: `${base}/OS-INHERIT/domains/default/users/${eve}/roles/${role('manager')}/inherited_to_projects`,
        },
      },
    ])
    expect(await list('user.id=nobody')).toEqual([])
  })

  test('that are effective are those of each user, with what groups, parents and other roles give', async () => {
    const { id: group } = await make(admin, 'groups', { name: 'crew' })
    const { id: child } = await make(admin, 'projects', { name: 'child', parent_id: plimsoll.projectId('demo') })
    await put(`groups/${group}/users/${eve}`)
    await put(
      `OS-INHERIT/projects/${plimsoll.projectId('demo')}/groups/${group}/roles/${role('member')}/inherited_to_projects`,
    )
    const found = await list(`effective&include_names&user.id=${eve}`)
    expect(found.map((each) => [each.role.name, each.user.name, each.scope.project.name])).toEqual([
      ['member', 'eve', 'child'],
      ['reader', 'eve', 'child'],
    ])
    expect(found[0].links.membership).toBe(`http://plimsoll.test/identity/v3/groups/${group}/users/${eve}`)
    expect(found[1].links.prior_role).toContain(`/roles/${role('member')}/implies/${role('reader')}`)
    const here = await list(`effective&scope.project.id=${child}`)
    expect(here.map((each) => [each.user.id, each.role.id]).sort()).toEqual(
      ['member', 'reader'].map((name) => [eve, role(name)]).sort(),
    )
    const admins = await list(`effective&scope.system=all&include_names`)
    expect(admins.map((each) => each.role.name)).toEqual(['admin', 'manager', 'member', 'reader'])
  })

  test('of a project come with those below it', async () => {
    const demo = plimsoll.projectId('demo')
    const { id: child } = await make(admin, 'projects', { name: 'child', parent_id: demo })
    await put(`projects/${child}/users/${eve}/roles/${role('member')}`)
    expect(await list(`scope.project.id=${demo}`)).toHaveLength(3)
    expect(await list(`scope.project.id=${demo}&include_subtree`)).toHaveLength(4)
    const effective = await list(`scope.project.id=${demo}&include_subtree&effective&user.id=${eve}`)
    expect(effective).toHaveLength(2)
  })

  test.each([
    'scope.project.id=a&scope.domain.id=b',
    'scope.project.id=a&scope.system=all',
    'user.id=a&group.id=b',
    'effective&group.id=a',
    'effective&scope.domain.id=a&scope.OS-INHERIT:inherited_to=projects',
    'include_subtree',
  ])('by %s are refused', async (query) =>
    expect((await admin.get(`${V3}/role_assignments?${query}`)).status).toBe(400),
  )
})

describe('a grant', () => {
  /** The list of each kind, and one of it. */
  const places = (user: string, group: string, project: string, domain: string, id: string) => [
    [`${V3}/projects/${project}/users/${user}/roles`, `${V3}/projects/${project}/users/${user}/roles/${id}`],
    [`${V3}/projects/${project}/groups/${group}/roles`, `${V3}/projects/${project}/groups/${group}/roles/${id}`],
    [`${V3}/domains/${domain}/users/${user}/roles`, `${V3}/domains/${domain}/users/${user}/roles/${id}`],
    [`${V3}/domains/${domain}/groups/${group}/roles`, `${V3}/domains/${domain}/groups/${group}/roles/${id}`],
    [`${V3}/system/users/${user}/roles`, `${V3}/system/users/${user}/roles/${id}`],
    [`${V3}/system/groups/${group}/roles`, `${V3}/system/groups/${group}/roles/${id}`],
    [
      `${V3}/OS-INHERIT/projects/${project}/users/${user}/roles/inherited_to_projects`,
      `${V3}/OS-INHERIT/projects/${project}/users/${user}/roles/${id}/inherited_to_projects`,
    ],
    [
      `${V3}/OS-INHERIT/projects/${project}/groups/${group}/roles/inherited_to_projects`,
      `${V3}/OS-INHERIT/projects/${project}/groups/${group}/roles/${id}/inherited_to_projects`,
    ],
    [
      `${V3}/OS-INHERIT/domains/${domain}/users/${user}/roles/inherited_to_projects`,
      `${V3}/OS-INHERIT/domains/${domain}/users/${user}/roles/${id}/inherited_to_projects`,
    ],
    [
      `${V3}/OS-INHERIT/domains/${domain}/groups/${group}/roles/inherited_to_projects`,
      `${V3}/OS-INHERIT/domains/${domain}/groups/${group}/roles/${id}/inherited_to_projects`,
    ],
  ]

  test.each(places('user', 'group', 'project', 'domain', 'role').map(([, one], index) => [one!, index] as const))(
    '%s is made, looked for, listed and taken',
    async (_, index) => {
      const { id: group } = await make(admin, 'groups', { name: 'crew' })
      const at = (id: string) => places(eve, group, plimsoll.projectId('lab'), 'default', id)[index]!
      await plimsoll.newProject('lab')
      const [many, one] = at(role('member'))
      const listed = async () => names((await admin.get(many!)).body.roles)
      expect([(await admin.get(one!)).status, await listed()]).toEqual([404, []])
      expect((await admin.put(one!)).status).toBe(204)
      expect([(await admin.get(one!)).status, (await admin.head(one!)).status, await listed()]).toEqual([
        204,
        204,
        ['member'],
      ])
      const unknown = await admin.put(at('none')[1]!)
      expect([unknown.status, unknown.body.error.message]).toEqual([404, 'Could not find role: none.'])
      expect((await admin.delete(one!)).status).toBe(204)
      expect([(await admin.delete(one!)).status, await listed()]).toEqual([404, []])
    },
  )
})

describe('a role', () => {
  test('that implies another gives it, in tokens and in those that there are', async () => {
    const auditor = await make(admin, 'roles', { name: 'auditor' })
    const scribe = await make(admin, 'roles', { name: 'scribe' })
    const path = `${V3}/roles/${auditor.id}/implies/${scribe.id}`
    const made = await admin.put(path)
    expect([made.status, made.body.role_inference.implies.name]).toEqual([201, 'scribe'])
    expect((await admin.put(path)).status).toBe(409)
    expect([(await admin.get(path)).status, (await admin.head(path)).status]).toEqual([200, 204])
    const { implies, prior_role } = (await admin.get(`${V3}/roles/${auditor.id}/implies`)).body.role_inference
    expect([prior_role.name, names(implies)]).toEqual(['auditor', ['scribe']])
    const all = (await admin.get(`${V3}/role_inferences`)).body.role_inferences
    expect(all.map((each: { prior_role: { name: string } }) => each.prior_role.name)).toEqual([
      ...['admin', 'auditor', 'manager', 'member'],
    ])
    const demo = plimsoll.projectId('demo')
    await put(`projects/${demo}/users/${eve}/roles/${auditor.id}`)
    const rolesOf = async () => names((await login(plimsoll, 'eve', { project: { id: demo } })).body.token.roles)
    expect(await rolesOf()).toEqual(['auditor', 'scribe'])
    const who = await enter(plimsoll, 'eve', { project: { id: demo } })
    expect((await admin.delete(path)).status).toBe(204)
    const gone = await admin.get(path)
    expect([gone.status, gone.body.error.message]).toEqual([404, `${auditor.id} does not imply ${scribe.id}.`])
    const shown = await admin.get(`${V3}/auth/tokens`, { 'X-Subject-Token': await who.token() })
    expect(names(shown.body.token.roles)).toEqual(['auditor'])
    expect((await admin.put(`${V3}/roles/${auditor.id}/implies/${role('admin')}`)).status).toBe(403)
  })

  test('may be implied in a circle', async () => {
    const [a, b] = [await make(admin, 'roles', { name: 'a' }), await make(admin, 'roles', { name: 'b' })]
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      expect((await admin.put(`${V3}/roles/${one.id}/implies/${other.id}`)).status).toBe(201)
    await put(`system/users/${eve}/roles/${a.id}`)
    expect(names((await login(plimsoll, 'eve', SYSTEM)).body.token.roles)).toEqual(['a', 'b'])
  })

  test('of one domain is granted within it, and stands for what it implies', async () => {
    const { id: domain_id } = await make(admin, 'domains', { name: 'lab' })
    const { id: project } = await make(admin, 'projects', { name: 'p', domain_id })
    const clerk = await make(admin, 'roles', { name: 'clerk', domain_id })
    expect((await make(admin, 'roles', { name: 'clerk' })).id).not.toBe(clerk.id)
    expect(names((await admin.get(`${V3}/roles?domain_id=${domain_id}`)).body.roles)).toEqual(['clerk'])
    expect(
      (await admin.put(`${V3}/projects/${plimsoll.projectId('demo')}/users/${eve}/roles/${clerk.id}`)).status,
    ).toBe(403)
    await put(`projects/${project}/users/${eve}/roles/${clerk.id}`)
    expect((await login(plimsoll, 'eve', { project: { id: project } })).status).toBe(401)
    expect((await admin.put(`${V3}/roles/${role('reader')}/implies/${clerk.id}`)).status).toBe(403)
    await admin.put(`${V3}/roles/${clerk.id}/implies/${role('member')}`)
    const { body } = await login(plimsoll, 'eve', { project: { id: project } })
    expect(names(body.token.roles)).toEqual(['member', 'reader'])
  })

  test('is changed, unless it is immutable', async () => {
    const { id } = await make(admin, 'roles', { name: 'auditor', options: { immutable: true } })
    const path = `${V3}/roles/${id}`
    const refused = [
      await admin.patch(path, { role: { name: 'x' } }),
      await admin.patch(path, { role: { name: 'x', options: { immutable: false } } }),
      await admin.delete(path),
      await admin.delete(`${V3}/roles/${role('member')}`),
    ]
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403])
    expect(refused[0]!.body.error.message).toBe(
      `Unable to update immutable role resource: \`${id}. Set resource option "immutable" to false first.`,
    )
    expect((await admin.patch(path, { role: { options: { immutable: null } } })).body.role.options).toEqual({})
    expect((await admin.patch(path, { role: { name: 'x', description: 'd' } })).body.role).toMatchObject({
      ...{ name: 'x', description: 'd' },
    })
    expect((await admin.delete(path)).status).toBe(204)
  })
})

test('of more than a thousand role assignments the list has the first, and says so', async () => {
  const many = 'with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)'
  await plimsoll.db.run(`${many} insert into users (id, domain_id, name, created_at)
    select 'many' || i, 'default', 'many' || i, 0 from n`)
  await plimsoll.db.run(`${many} insert into grants (actor_id, target_id, role_id)
    select 'many' || i, '${plimsoll.projectId('demo')}', '${role('reader')}' from n`)
  for (const query of ['', '?effective']) {
    const { body } = await admin.get(`${V3}/role_assignments${query}`)
    expect([body.role_assignments.length, body.truncated]).toEqual([1000, true])
  }
  const { body } = await admin.get(`${V3}/role_assignments?user.id=many7`)
  expect([body.role_assignments.length, body.truncated]).toEqual([1, undefined])
})
