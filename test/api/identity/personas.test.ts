import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { enter, make, person, SYSTEM, V3 } from './support.ts'

let plimsoll: Plimsoll
let admin: Client
let lab: string
let eve: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  lab = (await make(admin, 'domains', { name: 'lab' })).id
  eve = (await person(admin, 'eve', { domain_id: lab })).id
})

/** Eve, with one role on the system, on her domain, or in a project of it. */
const onSystem = async (role: string) => {
  await admin.put(`${V3}/system/users/${eve}/roles/${plimsoll.roleId(role)}`)
  return enter(plimsoll, 'eve', SYSTEM, lab)
}
const onDomain = async (role: string) => {
  await admin.put(`${V3}/domains/${lab}/users/${eve}/roles/${plimsoll.roleId(role)}`)
  return enter(plimsoll, 'eve', { domain: { id: lab } }, lab)
}
const inProject = async (role: string, id?: string) => {
  const project = id ?? (await make(admin, 'projects', { name: `of ${role}`, domain_id: lab })).id
  await admin.put(`${V3}/projects/${project}/users/${eve}/roles/${plimsoll.roleId(role)}`)
  return enter(plimsoll, 'eve', { project: { id: project } }, lab)
}
const statuses = async (who: Client, paths: string[]) => {
  const seen = []
  for (const path of paths) seen.push((await who.get(`${V3}/${path}`)).status)
  return seen
}

describe('what is nowhere', () => {
  test('is said of domains, roles, groups and limits to whoever may not change them', async () => {
    const group = (await make(admin, 'groups', { name: 'g', domain_id: lab })).id
    for (const who of [await onDomain('reader'), await inProject('member'), await onSystem('reader')]) {
      const answers = async (ids: Record<string, string>) => [
        (await who.patch(`${V3}/domains/${ids.domain}`, { domain: { description: 'x' } })).status,
        (await who.delete(`${V3}/domains/${ids.domain}`)).status,
        (await who.patch(`${V3}/roles/${ids.role}`, { role: { description: 'x' } })).status,
        (await who.delete(`${V3}/roles/${ids.role}`)).status,
        (await who.delete(`${V3}/groups/${ids.group}`)).status,
      ]
      expect(await answers({ domain: lab, role: plimsoll.roleId('member'), group })).toEqual([403, 403, 403, 403, 403])
      expect(await answers({ domain: 'none', role: 'none', group: 'none' })).toEqual([404, 404, 404, 404, 404])
      expect((await who.patch(`${V3}/limits/none`, { limit: { resource_limit: 1 } })).status).toBe(404)
      expect((await who.delete(`${V3}/limits/none`)).status).toBe(404)
    }
  })

  test('is not said of domains that are read', async () => {
    for (const who of [await onDomain('reader'), await inProject('reader')])
      expect(await statuses(who, [`domains/${lab}`, 'domains/default', 'domains/none'])).toEqual([200, 403, 403])
    expect(await statuses(await onSystem('reader'), [`domains/${lab}`, 'domains/none'])).toEqual([200, 404])
  })
})

describe('roles', () => {
  const paths = async () => {
    const own = await make(admin, 'roles', { name: 'own', domain_id: lab })
    const other = await make(admin, 'roles', { name: 'other' })
    const one = [plimsoll.roleId('member'), other.id, own.id, 'none'].map((id) => `roles/${id}`)
    return [...one, 'roles', `roles?domain_id=${lab}`]
  }

  test('are read by who reads the system, and by who administers it all', async () => {
    const all = await paths()
    for (const who of [await onSystem('reader'), admin])
      expect(await statuses(who, all)).toEqual([200, 200, 200, 404, 200, 200])
  })

  test('are read by who administers a domain, but for the roles of domains', async () =>
    expect(await statuses(await onDomain('admin'), await paths())).toEqual([200, 200, 403, 404, 200, 403]))

  test('are read by managers as far as they hand them on, and listed for a domain', async () => {
    const all = await paths()
    expect(await statuses(await onDomain('manager'), all)).toEqual([200, 403, 403, 404, 200, 403])
    expect(await statuses(await inProject('manager'), all)).toEqual([200, 403, 403, 404, 403, 403])
  })

  test('are nothing to members and readers of a domain or of a project', async () => {
    const all = await paths()
    for (const who of [await onDomain('member'), await inProject('member'), await inProject('reader')])
      expect(await statuses(who, all)).toEqual([403, 403, 403, 404, 403, 403])
  })

  test('of a domain are handed on by its administrator, and by no manager', async () => {
    const own = await make(admin, 'roles', { name: 'member', domain_id: lab })
    const path = `${V3}/domains/${lab}/users/${eve}/roles/${own.id}`
    expect((await (await onDomain('manager')).put(path)).status).toBe(403)
    expect((await (await onDomain('admin')).put(path)).status).toBe(204)
  })
})

describe('what a user has of its own', () => {
  const made = async (name: string) => {
    const who = plimsoll.as(name)
    const own = `users/${plimsoll.userId(name)}`
    const wish = { name: 'robot', access_rules: [{ service: 'compute', method: 'GET', path: '/servers' }] }
    const answer = await who.post(`${V3}/${own}/application_credentials`, { application_credential: wish })
    const { id, access_rules: rules } = answer.body.application_credential
    const { credential } = (
      await who.post(`${V3}/${own}/credentials/OS-EC2`, { tenant_id: plimsoll.projectId('demo') })
    ).body
    return {
      rules: [`${own}/access_rules`, `${own}/access_rules/${rules[0].id}`],
      robots: [`${own}/application_credentials`, `${own}/application_credentials/${id}`],
      keys: [`${own}/credentials/OS-EC2`, `${own}/credentials/OS-EC2/${credential.access}`],
    }
  }

  test('is read by who reads the system, and not changed', async () => {
    const { rules, robots, keys } = await made('demo')
    for (const who of [await onSystem('reader'), await onSystem('member')]) {
      expect(await statuses(who, [...rules, ...robots, ...keys])).toEqual([200, 200, 200, 200, 200, 200])
      for (const path of [rules[1], robots[1], keys[1]]) expect((await who.delete(`${V3}/${path}`)).status).toBe(403)
    }
    const who = await onSystem('admin')
    for (const path of [keys[1], robots[1], rules[1]]) expect((await who.delete(`${V3}/${path}`)).status).toBe(204)
  })

  test('is nothing to a token for a domain, though its user', async () => {
    const { rules, robots, keys } = await made('demo')
    for (const who of [await onDomain('admin'), await onDomain('manager')]) {
      expect(await statuses(who, [...rules, ...robots, ...keys])).toEqual([403, 403, 403, 403, 403, 403])
      const mine = `users/${eve}`
      const many = [`${mine}/access_rules`, `${mine}/application_credentials`, `${mine}/credentials/OS-EC2`]
      expect(await statuses(who, many)).toEqual([403, 403, 403])
      expect((await who.post(`${V3}/${mine}/credentials/OS-EC2`, { tenant_id: 'none' })).status).toBe(403)
    }
  })

  test('of access rules is nothing to an administrator by a project, who reads the rest', async () => {
    const { rules, robots, keys } = await made('demo')
    expect(await statuses(admin, [...rules, ...robots, ...keys])).toEqual([403, 403, 200, 200, 200, 200])
    expect((await admin.delete(`${V3}/${rules[1]}`)).status).toBe(403)
  })

  test('of keys is made and removed by members, and read by readers', async () => {
    const project = (await make(admin, 'projects', { name: 'p', domain_id: lab })).id
    const path = `${V3}/users/${eve}/credentials/OS-EC2`
    const reader = await inProject('reader', project)
    expect((await reader.post(path, { tenant_id: project })).status).toBe(403)
    const member = await inProject('member', project)
    const { access } = (await member.post(path, { tenant_id: project })).body.credential
    expect((await reader.get(`${path}/${access}`)).status).toBe(200)
    expect((await reader.delete(`${path}/${access}`)).status).toBe(403)
    expect((await member.delete(`${path}/${access}`)).status).toBe(204)
  })
})

test('a token is shown to who reads the system, and revoked by its user and administrators', async () => {
  const subject = { 'X-Subject-Token': await plimsoll.as('demo').token() }
  const shown = async (who: Client) => [
    (await who.get(`${V3}/auth/tokens`, subject)).status,
    (await who.head(`${V3}/auth/tokens`, subject)).status,
    (await who.send('DELETE', `${V3}/auth/tokens`, undefined, subject)).status,
  ]
  expect(await shown(await onSystem('reader'))).toEqual([200, 200, 403])
  expect(await shown(await onDomain('admin'))).toEqual([403, 403, 403])
  expect(await shown(await inProject('member'))).toEqual([403, 403, 403])
})

test('a trust is made with a token for a project alone', async () => {
  const project = (await make(admin, 'projects', { name: 'p', domain_id: lab })).id
  const by = await inProject('member', project)
  const roles = [{ id: plimsoll.roleId('member') }]
  const ends = { trustor_user_id: eve, trustee_user_id: plimsoll.userId('demo') }
  const wish = { trust: { ...ends, project_id: project, roles, impersonation: false } }
  for (const who of [await onDomain('admin'), await onSystem('admin')])
    expect((await who.post(`${V3}/OS-TRUST/trusts`, wish)).status).toBe(403)
  expect((await by.post(`${V3}/OS-TRUST/trusts`, wish)).status).toBe(201)
})

describe('with a token for a domain', () => {
  test('groups and their members are those in it', async () => {
    const near = (await make(admin, 'groups', { name: 'near', domain_id: lab })).id
    const far = (await make(admin, 'groups', { name: 'far' })).id
    for (const group of [near, far])
      for (const user of [eve, plimsoll.userId('demo')])
        expect((await admin.put(`${V3}/groups/${group}/users/${user}`)).status).toBe(204)
    const who = await onDomain('reader')
    const named = (list: { name: string }[]) => list.map(({ name }) => name)
    expect(named((await who.get(`${V3}/groups/${near}/users`)).body.users)).toEqual(['eve'])
    expect(named((await who.get(`${V3}/users/${eve}/groups`)).body.groups)).toEqual(['near'])
    expect(named((await admin.get(`${V3}/groups/${near}/users`)).body.users)).toEqual(['demo', 'eve'])
    expect((await who.get(`${V3}/groups/${far}/users`)).status).toBe(403)
  })

  test('assignments on the system are none, and trees of other domains are not its reader’s', async () => {
    const own = (await make(admin, 'projects', { name: 'p', domain_id: lab })).id
    const tree = (id: string) => `${V3}/role_assignments?scope.project.id=${id}&include_subtree`
    await onSystem('admin')
    const reader = await onDomain('reader')
    const { body } = await reader.get(`${V3}/role_assignments?scope.system=all`)
    expect(body.role_assignments).toEqual([])
    const seen = []
    for (const id of [own, plimsoll.projectId('demo'), 'none']) seen.push((await reader.get(tree(id))).status)
    expect(seen).toEqual([200, 403, 404])
    const who = await onDomain('admin')
    expect((await who.get(tree(plimsoll.projectId('demo')))).body.role_assignments).toEqual([])
  })
})
