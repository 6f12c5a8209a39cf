import { beforeEach, describe, expect, test } from 'vitest'
import { sweepLeftovers } from '../../../functions/janitor.ts'
import { type Client, PASSWORD, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const PATH = '/identity/v3/OS-TRUST/trusts'
const SERVERS = '/compute/v2.1/servers'
let plimsoll: Plimsoll
let admin: Client
let demo: Client
let heir: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
  await plimsoll.newUser('heir', 'admin', ['reader'])
  heir = plimsoll.as('heir')
})

const ids = () => ({ trustor_user_id: plimsoll.userId('demo'), trustee_user_id: plimsoll.userId('heir') })
const wish = (more: object = {}) => ({
  ...{ ...ids(), project_id: plimsoll.projectId('demo'), impersonation: true, roles: [{ name: 'member' }] },
  ...more,
})
const lend = (more?: object, client = demo) => client.post(PATH, { trust: wish(more) })
const lent = async (more?: object): Promise<string> => {
  const { status, body } = await lend(more)
  expect(status).toBe(201)
  return body.trust.id
}
const password = (name: string) => ({
  methods: ['password'],
  password: { user: { id: plimsoll.userId(name), password: PASSWORD } },
})
const getIn = (id: string, identity: object = password('heir')) =>
  plimsoll.nobody.post('/identity/v3/auth/tokens', { auth: { identity, scope: { 'OS-TRUST:trust': { id } } } })
const by = async (id: string): Promise<Client> => {
  const { status, headers } = await getIn(id)
  expect(status).toBe(201)
  return plimsoll.nobody.with({ 'X-Auth-Token': headers.get('X-Subject-Token')! })
}
const messageOf = (answer: { status: number; body: { error: { message: string } } }) => [
  answer.status,
  answer.body.error.message,
]

describe('a trust', () => {
  test('lets one user act in a project of another, as the other', async () => {
    const { body } = await lend()
    const { trust } = body
    expect(trust).toMatchObject({
      ...ids(),
      project_id: plimsoll.projectId('demo'),
      impersonation: true,
      expires_at: null,
      remaining_uses: null,
      redelegation_count: 0,
      deleted_at: null,
      roles: [expect.objectContaining({ name: 'member' })],
    })
    const { token } = (await getIn(trust.id)).body
    expect(token.user.id).toBe(plimsoll.userId('demo'))
    expect(token.roles.map(({ name }: { name: string }) => name)).toEqual(['member', 'reader'])
    expect(token['OS-TRUST:trust']).toEqual({
      id: trust.id,
      impersonation: true,
      trustor_user: { id: plimsoll.userId('demo') },
      trustee_user: { id: plimsoll.userId('heir') },
    })
    expect((await (await by(trust.id)).get(SERVERS)).status).toBe(200)
    expect((await heir.get(`/identity/v3/projects/${plimsoll.projectId('demo')}`)).status).toBe(403)
  })

  test('without impersonation lets him act as himself', async () => {
    const id = await lent({ impersonation: false })
    const { token } = (await getIn(id)).body
    expect([token.user.id, token.project.id]).toEqual([plimsoll.userId('heir'), plimsoll.projectId('demo')])
    const own = await by(id)
    const made = await own.post('/network/v2.0/networks', { network: { name: 'lent' } })
    expect([made.status, made.body.network.project_id]).toEqual([201, plimsoll.projectId('demo')])
  })

  test('ends with every token that was got by it, when its trustor takes it back', async () => {
    const id = await lent()
    const own = await by(id)
    expect(messageOf(await heir.delete(`${PATH}/${id}`))[0]).toBe(403)
    expect((await demo.delete(`${PATH}/${id}`)).status).toBe(204)
    expect((await own.post('/network/v2.0/networks', { network: { name: 'late' } })).status).toBe(401)
    expect(messageOf(await demo.get(`${PATH}/${id}`))).toEqual([404, `Could not find trust: ${id}.`])
    expect(messageOf(await getIn(id))).toEqual([404, `Could not find trust: ${id}.`])
  })

  test('is worth what its trustor still has, and nothing once one of the two is kept out', async () => {
    const id = await lent()
    const own = await by(id)
    const { roles } = (await admin.get('/identity/v3/roles?name=member')).body
    const grant = `/identity/v3/projects/${plimsoll.projectId('demo')}/users/${plimsoll.userId('demo')}/roles/${roles[0].id}`
    await admin.put(grant)
    const held = (await admin.get(grant.replace(/\/[^/]*$/, ''))).body.roles as { id: string }[]
    for (const each of held) await admin.delete(grant.replace(/[^/]*$/, each.id))
    expect((await own.post('/network/v2.0/networks', { network: { name: 'late' } })).status).toBe(401)
    expect((await getIn(id)).status).toBe(401)
    for (const each of held) await admin.put(grant.replace(/[^/]*$/, each.id))
    expect((await getIn(id)).status).toBe(201)
    const again = await by(id)
    await admin.patch(`/identity/v3/users/${plimsoll.userId('heir')}`, { user: { enabled: false } })
    expect((await again.post('/network/v2.0/networks', { network: { name: 'late' } })).status).toBe(401)
    await admin.patch(`/identity/v3/users/${plimsoll.userId('heir')}`, { user: { enabled: true } })
    await admin.patch(`/identity/v3/users/${plimsoll.userId('demo')}`, { user: { enabled: false } })
    expect(messageOf(await getIn(id))).toEqual([403, 'Trustor is disabled.'])
  })

  test('may be for a number of tokens, and until a time that none of them outlives', async () => {
    const id = await lent({ remaining_uses: 1 })
    const answers = await Promise.all([getIn(id), getIn(id)])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 404])
    expect((await demo.get(`${PATH}/${id}`)).status).toBe(404)
    const soon = new Date(plimsoll.clock.now + 60_000).toISOString()
    const short = await lent({ expires_at: soon })
    expect((await getIn(short)).body.token.expires_at).toBe(soon.replace('Z', '000Z'))
    expect((await demo.get(`${PATH}/${short}`)).body.trust.expires_at).toBe(soon.replace('Z', '000Z'))
    plimsoll.clock.now += 61_000
    expect((await getIn(short)).status).toBe(404)
  })

  test('ends with the passwords of both, and is ended by its trustor when it is used up', async () => {
    const [once, other] = [await lent({ remaining_uses: 1 }), await lent()]
    const [last, own] = [await by(once), await by(other)]
    expect((await demo.delete(`${PATH}/${once}`)).status).toBe(204)
    expect((await last.post('/network/v2.0/networks', { network: { name: 'late' } })).status).toBe(401)
    const change = { user: { password: 'quite another one', original_password: PASSWORD } }
    expect((await heir.post(`/identity/v3/users/${plimsoll.userId('heir')}/password`, change)).status).toBe(204)
    expect((await own.post('/network/v2.0/networks', { network: { name: 'late' } })).status).toBe(401)
  })

  test('that is over is forgotten, once no token of it is left', async () => {
    const used = await lent({ remaining_uses: 1 })
    await by(used)
    await lent({ expires_at: new Date(plimsoll.clock.now + 60_000).toISOString() })
    const kept = await lent()
    const all = async () => (await plimsoll.as('admin').get(PATH)).body.trusts.map((each: { id: string }) => each.id)
    await sweepLeftovers(plimsoll.context())
    expect(await all()).toHaveLength(3)
    plimsoll.clock.advance(2 * 86_400_000)
    await sweepLeftovers(plimsoll.context())
    expect(await all()).toEqual([kept])
  })

  test('is shown to the two that it is between, and to who reads all', async () => {
    const id = await lent()
    await plimsoll.newUser('third', 'demo', ['member'])
    const third = plimsoll.as('third')
    for (const client of [demo, heir, admin]) {
      expect((await client.get(`${PATH}/${id}`)).body.trust.id).toBe(id)
      expect((await client.get(`${PATH}/${id}/roles`)).body.roles.map(({ name }: { name: string }) => name)).toEqual([
        'member',
      ])
    }
    expect((await third.get(`${PATH}/${id}`)).status).toBe(403)
    const role = (await demo.get(`${PATH}/${id}`)).body.trust.roles[0].id
    expect((await heir.get(`${PATH}/${id}/roles/${role}`)).body.role.name).toBe('member')
    expect((await heir.head(`${PATH}/${id}/roles/${role}`)).status).toBe(200)
    expect((await heir.get(`${PATH}/${id}/roles/none`)).status).toBe(404)
    const list = async (client: Client, query: string) =>
      (await client.get(`${PATH}${query}`)).body.trusts?.map((each: { id: string }) => each.id)
    expect(await list(demo, `?trustor_user_id=${plimsoll.userId('demo')}`)).toEqual([id])
    expect(await list(heir, `?trustee_user_id=${plimsoll.userId('heir')}`)).toEqual([id])
    expect(await list(heir, `?trustor_user_id=${plimsoll.userId('heir')}`)).toEqual([])
    expect(await list(admin, '')).toEqual([id])
    expect((await demo.get(PATH)).status).toBe(403)
    expect((await third.get(`${PATH}?trustor_user_id=${plimsoll.userId('demo')}`)).status).toBe(403)
  })

  test('is refused for somebody else, without roles, with roles that are not had, in the past, and for those who are not there', async () => {
    expect((await lend({}, heir)).status).toBe(403)
    expect(messageOf(await lend({ roles: [] }))).toEqual([403, 'At least one role should be specified.'])
    const { roles } = (await admin.get('/identity/v3/roles?name=admin')).body
    expect(messageOf(await lend({ roles: [{ id: roles[0].id }] }))).toEqual([
      404,
      `Could not find role: ${roles[0].id}.`,
    ])
    expect((await lend({ roles: [{ name: 'unheard of' }] })).status).toBe(404)
    expect((await lend({ trustee_user_id: 'nobody' })).status).toBe(404)
    expect((await lend({ project_id: 'nowhere' })).status).toBe(404)
    expect((await lend({ expires_at: '2001-01-01T00:00:00Z' })).status).toBe(400)
    expect((await lend({ remaining_uses: 0 })).status).toBe(400)
    expect((await lend({ impersonation: undefined })).status).toBe(400)
    for (const junk of [null, [], { trust: 1 }, { trust: {} }]) expect((await demo.post(PATH, junk)).status).toBe(400)
  })

  test('lends nothing on: no token, no trust, no credential that would outlive it', async () => {
    const own = await by(await lent())
    const token = await (await getIn(await lent())).headers.get('X-Subject-Token')!
    const identity = { methods: ['token'], token: { id: token } }
    const scope = { project: { id: plimsoll.projectId('demo') } }
    expect((await plimsoll.nobody.post('/identity/v3/auth/tokens', { auth: { identity, scope } })).status).toBe(403)
    expect((await plimsoll.nobody.post('/identity/v3/auth/tokens', { auth: { identity } })).status).toBe(403)
    expect((await lend({}, own)).status).toBe(403)
    expect((await lend({ allow_redelegation: true })).body.error.message).toContain(
      'Redelegation of trusts is not offered',
    )
    const user = `/identity/v3/users/${plimsoll.userId('demo')}`
    const credential = { application_credential: { name: 'on' } }
    expect((await own.post(`${user}/application_credentials`, credential)).status).toBe(403)
    const ec2 = { tenant_id: plimsoll.projectId('demo') }
    expect((await own.post(`${user}/credentials/OS-EC2`, ec2)).status).toBe(403)
  })

  test('is used by its trustee alone, and goes with either of the two and with its project', async () => {
    const id = await lent()
    expect(messageOf(await getIn(id, password('admin')))).toEqual([403, 'User is not a trustee.'])
    expect(
      (await getIn(id, { ...password('heir'), password: { user: { id: plimsoll.userId('heir'), password: 'no' } } }))
        .status,
    ).toBe(401)
    expect((await admin.delete(`/identity/v3/users/${plimsoll.userId('heir')}`)).status).toBe(204)
    expect((await admin.get(`${PATH}/${id}`)).status).toBe(404)
  })
})
