import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { enter, login, make, person, V3 } from './support.ts'

let plimsoll: Plimsoll
let admin: Client
let eve: string
let crew: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  eve = (await person(admin, 'eve')).id
  crew = (await make(admin, 'groups', { name: 'crew', description: 'all hands' })).id
})
const names = (items: { name: string }[]) => items.map(({ name }) => name)
const member = (user = eve) => `${V3}/groups/${crew}/users/${user}`
const grant = (role: string, project = 'demo') =>
  `${V3}/projects/${plimsoll.projectId(project)}/groups/${crew}/roles/${plimsoll.roleId(role)}`
const demo = () => ({ project: { id: plimsoll.projectId('demo') } })

describe('a group', () => {
  test('is shown, changed, listed and removed', async () => {
    const shown = await admin.get(`${V3}/groups/${crew}`)
    expect(shown.body.group).toEqual({
      ...{ id: crew, name: 'crew', domain_id: 'default', description: 'all hands' },
      links: { self: `http://plimsoll.test/identity/v3/groups/${crew}` },
    })
    const changed = await admin.patch(`${V3}/groups/${crew}`, { group: { name: 'Crew', motto: 'row' } })
    expect(changed.body.group).toMatchObject({ name: 'Crew', motto: 'row', description: 'all hands' })
    expect(names((await admin.get(`${V3}/groups?name__icontains=REW`)).body.groups)).toEqual(['Crew'])
    expect((await admin.get(`${V3}/groups?name=crew`)).body.groups).toEqual([])
    const again = await admin.post(`${V3}/groups`, { group: { name: 'Crew' } })
    expect([again.status, again.body.error.message]).toEqual([
      409,
      'Conflict occurred attempting to store group - Duplicate entry found with name Crew at domain ID default.',
    ])
    expect((await admin.delete(`${V3}/groups/${crew}`)).status).toBe(204)
    expect((await admin.get(`${V3}/groups/${crew}`)).body.error.message).toBe(`Could not find group: ${crew}.`)
  })

  test('has members, who see it', async () => {
    expect((await admin.get(member())).body.error.message).toBe(`User '${eve}' not found in group '${crew}'`)
    for (let i = 0; i < 2; i++) expect((await admin.put(member())).status).toBe(204)
    expect([(await admin.get(member())).status, (await admin.head(member())).status]).toEqual([204, 204])
    expect(names((await admin.get(`${V3}/groups/${crew}/users`)).body.users)).toEqual(['eve'])
    const who = await enter(plimsoll, 'eve')
    expect(names((await who.get(`${V3}/users/${eve}/groups`)).body.groups)).toEqual(['crew'])
    expect((await admin.delete(member())).status).toBe(204)
    expect((await admin.delete(member())).status).toBe(404)
    expect((await admin.put(member('nobody'))).body.error.message).toBe('Could not find user: nobody.')
    expect((await plimsoll.as('demo').put(member(plimsoll.userId('demo')))).status).toBe(403)
  })
})

describe('a role that is granted to a group', () => {
  test('is had by its members, in their tokens and in what they see', async () => {
    await admin.put(member())
    expect((await login(plimsoll, 'eve', demo())).status).toBe(401)
    expect((await admin.put(grant('member'))).status).toBe(204)
    expect((await admin.get(grant('member'))).status).toBe(204)
    const { body } = await login(plimsoll, 'eve', demo())
    expect(names(body.token.roles)).toEqual(['member', 'reader'])
    const who = await enter(plimsoll, 'eve', demo())
    expect((await who.post('/network/v2.0/networks', { network: {} })).status).toBe(201)
    expect(names((await who.get(`${V3}/auth/projects`)).body.projects)).toEqual(['demo'])
  })

  test('is lost with the grant, by tokens of that project alone', async () => {
    await plimsoll.newProject('lab')
    await admin.put(member())
    for (const project of ['demo', 'lab']) await admin.put(grant('member', project))
    const here = await enter(plimsoll, 'eve', demo())
    const there = await enter(plimsoll, 'eve', { project: { id: plimsoll.projectId('lab') } })
    expect((await admin.delete(grant('member', 'lab'))).status).toBe(204)
    expect((await there.post('/network/v2.0/networks', { network: {} })).status).toBe(401)
    expect((await here.post('/network/v2.0/networks', { network: {} })).status).toBe(201)
  })

  test.each([
    ['when the user leaves', () => admin.delete(member())],
    ['when the group goes', () => admin.delete(`${V3}/groups/${crew}`)],
  ])('is lost %s, and every token of the user ends', async (_, leave) => {
    await admin.put(member())
    await admin.put(grant('member'))
    const [scoped, unscoped] = [await enter(plimsoll, 'eve', demo()), await enter(plimsoll, 'eve')]
    const other = plimsoll.as('demo')
    expect((await leave()).status).toBe(204)
    plimsoll.clock.advance(5_001)
    for (const who of [scoped, unscoped]) expect((await who.get(`${V3}/auth/projects`)).status).toBe(401)
    expect((await other.get(`${V3}/auth/projects`)).status).toBe(200)
    expect((await login(plimsoll, 'eve', demo())).status).toBe(401)
  })
})
