import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { plantFaults, remembered } from '../../../adapters/sandbox/backdoor.ts'
import { createNetwork } from '../../support/builders.ts'
import type { Client } from '../../support/harness.ts'
import { outOfStep } from '../../support/in-step.ts'
import { narrowCloudType } from '../../support/narrow-cloud.ts'
import { at, NOVA, newWorld, type World } from './servers/world.ts'

let w: World
beforeEach(async () => {
  w = await newWorld()
})
const GROUPS = `${NOVA}/os-server-groups`
const message = (answer: { body: Record<string, { message: string }> }) => Object.values(answer.body)[0]!.message
const nobody = '11111111-2222-4333-8444-555555555555'

const made = async (policy: string, rules?: object, client: Client = w.newest): Promise<string> => {
  const answer = await client.post(GROUPS, { server_group: { name: 'g', policy, ...(rules ? { rules } : {}) } })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body.server_group.id
}
const booted = (group: string, more: Record<string, unknown> = {}) =>
  w.newest.post(`${NOVA}/servers`, {
    server: { name: 'one', flavorRef: '1', imageRef: w.image, networks: [{ uuid: w.network }], ...more },
    'os:scheduler_hints': { group },
  })
const running = async (group: string, more: Record<string, unknown> = {}): Promise<string> => {
  const answer = await booted(group, more)
  expect(answer.status, JSON.stringify(answer.body)).toBe(202)
  await w.plimsoll.settle()
  return answer.body.server.id
}
const membersOf = async (group: string): Promise<string[]> =>
  (await w.newest.get(`${GROUPS}/${group}`)).body.server_group.members
/** The machine of each server, as administrators of the embedded cloud see it. */
const hostsOf = async (ids: string[]): Promise<string[]> => {
  const all = await remembered(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), 'server')
  return ids.map((id) => (all.find((each) => each.mark?.resource === id) as { host: string }).host)
}
const groupsBelow = () => remembered(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), 'server_group')

describe('a server group', () => {
  test('is made, shown, listed and removed in the words of each microversion', async () => {
    const first = await w.demo.post(GROUPS, { server_group: { name: 'one', policies: ['anti-affinity'] } })
    expect([first.status, first.body.server_group]).toEqual([
      200,
      {
        id: expect.any(String),
        name: 'one',
        policies: ['anti-affinity'],
        metadata: {},
        members: [],
      },
    ])
    const { id } = first.body.server_group
    const of = async (version: string) => (await w.demo.get(`${GROUPS}/${id}`, at(version))).body.server_group
    expect(await of('2.12')).toEqual(first.body.server_group)
    const owner = { project_id: w.plimsoll.projectId('demo'), user_id: w.plimsoll.userId('demo') }
    expect(await of('2.13')).toEqual({ ...first.body.server_group, ...owner })
    expect(await of('2.64')).toEqual({ id, name: 'one', policy: 'anti-affinity', rules: {}, members: [], ...owner })
    w.plimsoll.clock.advance(1)
    const limited = await made('anti-affinity', { max_server_per_host: '3' })
    expect((await w.newest.get(`${GROUPS}/${limited}`)).body.server_group.rules).toEqual({ max_server_per_host: 3 })
    const ids = async (query: string, client = w.newest) =>
      (await client.get(`${GROUPS}${query}`)).body.server_groups.map((each: { id: string }) => each.id)
    expect(await ids('')).toEqual([id, limited])
    expect(await ids('?limit=1')).toEqual([id])
    expect(await ids('?limit=1&offset=1')).toEqual([limited])
    expect(await ids('?limit=0')).toEqual([id, limited])
    expect((await w.newest.get(`${GROUPS}?offset=-1`)).status).toBe(400)
    const admin = w.admin.with(at('2.96'))
    expect(await ids('', admin)).toEqual([])
    expect(await ids('?all_projects=1', admin)).toEqual([id, limited])
    expect(await ids('?all_projects=1')).toEqual([id, limited])
    expect((await w.newest.delete(`${GROUPS}/${id}`)).status).toBe(204)
    const gone = await w.newest.delete(`${GROUPS}/${id}`)
    expect([gone.status, message(gone)]).toEqual([404, `Instance group ${id} could not be found.`])
    expect(await ids('')).toEqual([limited])
  })

  test.each<[string, string, object, RegExp]>([
    ['a soft policy before 2.15', '2.14', { policies: ['soft-affinity'] }, /is not one of/],
    ['two policies', '2.15', { policies: ['affinity', 'anti-affinity'] }, /./],
    ['none', '2.63', { policies: [] }, /./],
    ['the words of before 2.64', '2.64', { policies: ['affinity'] }, /./],
    ['the words of 2.64 before', '2.63', { policy: 'affinity' }, /./],
    ['rules of affinity', '2.64', { policy: 'affinity', rules: { max_server_per_host: 2 } }, /Only anti-affinity/],
    ['a host without servers', '2.64', { policy: 'anti-affinity', rules: { max_server_per_host: 0 } }, /minimum/],
    ['an unknown rule', '2.64', { policy: 'anti-affinity', rules: { racks: 2 } }, /racks/],
  ])('is refused with %s', async (_, version, given, words) => {
    const answer = await w.demo.post(GROUPS, { server_group: { name: 'g', ...given } }, at(version))
    expect([answer.status, message(answer)]).toEqual([400, expect.stringMatching(words)])
  })

  test('counts against the limit of its project, which shows what is used', async () => {
    const quotas = `${NOVA}/os-quota-sets/${w.plimsoll.projectId('demo')}`
    expect((await w.newest.get(quotas)).body.quota_set).toMatchObject({ server_groups: 10, server_group_members: 10 })
    await w.admin.put(quotas, { quota_set: { server_groups: 1, server_group_members: 1 } })
    const group = await made('soft-affinity')
    const second = await w.newest.post(GROUPS, { server_group: { name: 'h', policy: 'affinity' } })
    expect([second.status, message(second)]).toEqual([403, 'Quota exceeded, too many server groups.'])
    expect((await w.newest.get(`${NOVA}/limits`)).body.limits.absolute).toMatchObject({
      maxServerGroups: 1,
      totalServerGroupsUsed: 1,
    })
    await running(group)
    const one = await booted(group)
    expect([one.status, message(one)]).toEqual([403, 'Quota exceeded, too many servers in group'])
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toHaveLength(1)
    expect((await w.newest.delete(`${GROUPS}/${group}`)).status).toBe(204)
    await made('affinity')
  })

  test('of another project is not there', async () => {
    const group = await made('affinity')
    await w.plimsoll.newProject('other')
    const other = w.plimsoll.as('other').with(at('2.96'))
    expect((await other.get(`${GROUPS}/${group}`)).status).toBe(404)
    expect((await other.delete(`${GROUPS}/${group}`)).status).toBe(404)
    const body = {
      server: { name: 'x', flavorRef: '1', imageRef: w.image, networks: 'none' },
      'os:scheduler_hints': { group },
    }
    const answer = await other.post(`${NOVA}/servers`, body)
    expect([answer.status, message(answer)]).toEqual([400, `Instance group ${group} could not be found.`])
    const unknown = await booted(nobody)
    expect([unknown.status, message(unknown)]).toEqual([400, `Instance group ${nobody} could not be found.`])
  })
})

describe('servers of a group', () => {
  test('are its members, and show it from 2.71 on, until they are deleted', async () => {
    const group = await made('soft-anti-affinity')
    const id = await running(group)
    expect(await membersOf(group)).toEqual([id])
    expect((await w.server(id)).server_groups).toEqual([group])
    expect(await w.server(id, w.demo.with(at('2.70')))).not.toHaveProperty('server_groups')
    const told = (await w.demo.get(`/broker/v1/servers/${id}/placement`)).body.placement
    expect(told.hints).toMatchObject([{ name: 'group', value: group, effect: 'kept' }])
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect(await membersOf(group)).toEqual([])
  })

  test('that are kept apart have a host each, however many ask at once', async () => {
    const group = await made('anti-affinity')
    const answers = await Promise.all(Array.from({ length: 8 }, () => booted(group)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 202))
    await w.plimsoll.settle()
    const ids = answers.map(({ body }) => body.server.id)
    for (const id of ids) expect((await w.server(id)).status).toBe('ACTIVE')
    expect(new Set(await hostsOf(ids)).size).toBe(8)
    expect(await outOfStep(w.plimsoll)).toEqual([])
  })

  test('one more than there are hosts is ERROR with the reason, as in Nova', async () => {
    const group = await made('anti-affinity')
    const many = await booted(group, { min_count: 8 })
    expect(many.status).toBe(202)
    await w.plimsoll.settle()
    expect(new Set(await hostsOf(await membersOf(group))).size).toBe(8)
    const ninth = await running(group)
    const server = await w.server(ninth)
    const zone = (await w.server((await membersOf(group))[0]!))['OS-EXT-AZ:availability_zone']
    expect([server.status, server.fault.message]).toEqual([
      'ERROR',
      `No valid host was found. Server group ${group} keeps its servers apart: ${zone} takes 8 of them, and has 8.`,
    ])
    const told = (await w.demo.get(`/broker/v1/servers/${ninth}/placement`)).body.placement
    expect(told.considered.find((each: { rule: string }) => each.rule === 'group')).toMatchObject({
      verdict: 'refused',
    })
    expect((await w.demo.delete(`${NOVA}/servers/${ninth}`)).status).toBe(204)
    await w.plimsoll.settle()
    expect(await membersOf(group)).toHaveLength(8)
  })

  test('may share a host as often as the rule of the group says', async () => {
    await w.admin.put(`${NOVA}/os-quota-sets/${w.plimsoll.projectId('demo')}`, {
      quota_set: { server_group_members: -1 },
    })
    const group = await made('anti-affinity', { max_server_per_host: 2 })
    expect((await booted(group, { min_count: 16 })).status).toBe(202)
    await w.plimsoll.settle()
    const on = Object.values(Object.groupBy(await hostsOf(await membersOf(group)), (host) => host))
    expect(on.map((each) => each!.length)).toEqual(Array.from({ length: 8 }, () => 2))
  })

  test('that are kept together share a host, and one that cannot be there is ERROR', async () => {
    const group = await made('affinity')
    const ids = [await running(group), await running(group), await running(group, { networks: 'none' })]
    expect(new Set(await hostsOf(ids)).size).toBe(1)
    const zone = (await w.server(ids[0]!))['OS-EXT-AZ:availability_zone']
    const other = zone === 'sandbox.a' ? 'sandbox.b' : 'sandbox.a'
    const id = await running(group, { networks: 'none', availability_zone: other })
    expect(await w.server(id)).toMatchObject({
      status: 'ERROR',
      fault: {
        message: `No valid host was found. Server group ${group} keeps its servers on one host, and that is in another zone.`,
      },
    })
    const told = (await w.demo.get(`/broker/v1/servers/${ids[2]}/placement`)).body.placement
    expect(told.ties).toMatchObject([{ rule: 'group', to: [zone] }])
  })

  test('kept together, of which two first ones come at once, are in one zone all the same', async () => {
    const group = await made('affinity')
    const answers = await Promise.all(
      ['sandbox.a', 'sandbox.b'].map((zone) => booted(group, { networks: 'none', availability_zone: zone })),
    )
    await w.plimsoll.settle()
    const servers = await Promise.all(answers.map(({ body }) => w.server(body.server.id)))
    expect(servers.map(({ status }) => status).sort()).toEqual(['ACTIVE', 'ERROR'])
  })

  test('kept together do not part when their zone has no room: the next is ERROR, and stays with none', async () => {
    const group = await made('affinity')
    const first = await running(group, { networks: 'none' })
    const faults = [{ method: 'server.create', fault: 'capacity' as const }]
    await plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), faults)
    const id = await running(group, { networks: 'none' })
    expect(await w.server(id)).toMatchObject({ status: 'ERROR' })
    const told = (await w.demo.get(`/broker/v1/servers/${id}/placement`)).body.placement
    const zone = (await w.server(first))['OS-EXT-AZ:availability_zone'].split('.')[1]
    expect(new Set(told.attempts.map((each: { zone: string }) => each.zone))).toEqual(new Set([zone]))
  })

  test.each([
    ['soft-anti-affinity', 2],
    ['soft-affinity', 1],
  ])('%s: zones are ranked by it, and never refused', async (policy, zones) => {
    const group = await made(policy)
    const ids = [await running(group, { networks: 'none' }), await running(group, { networks: 'none' })]
    const names = await Promise.all(ids.map(async (id) => (await w.server(id))['OS-EXT-AZ:availability_zone']))
    expect(new Set(names).size).toBe(zones)
    const told = (await w.demo.get(`/broker/v1/servers/${ids[1]}/placement`)).body.placement
    expect(told.preferences.map(({ rule }: { rule: string }) => rule)).toContain('group')
    expect(await groupsBelow()).toEqual([])
  })
})

describe('below the line', () => {
  test('a hard group is one object, which goes with the group', async () => {
    const group = await made('anti-affinity')
    expect(await groupsBelow()).toEqual([])
    const ids = [await running(group), await running(group)]
    expect(await groupsBelow()).toMatchObject([{ mark: { resource: group } }])
    for (const id of ids) await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect((await groupsBelow()).filter(({ goneAt }) => goneAt === null)).toHaveLength(1)
    expect((await w.newest.delete(`${GROUPS}/${group}`)).status).toBe(204)
    await w.plimsoll.settle()
    expect((await groupsBelow()).filter(({ goneAt }) => goneAt === null)).toEqual([])
    expect(await outOfStep(w.plimsoll)).toEqual([])
  })

  test('a group that is deleted stays for its servers, and goes with the last of them', async () => {
    const group = await made('anti-affinity')
    const before = await running(group)
    const { id: building } = (await booted(group)).body.server
    expect((await w.newest.delete(`${GROUPS}/${group}`)).status).toBe(204)
    await w.plimsoll.settle()
    expect(await w.server(building)).toMatchObject({ status: 'ACTIVE', server_groups: [] })
    expect(new Set(await hostsOf([before, building])).size).toBe(2)
    expect((await booted(group)).status).toBe(400)
    await w.demo.delete(`${NOVA}/servers/${before}`)
    await w.plimsoll.settle()
    expect((await groupsBelow()).filter(({ goneAt }) => goneAt === null)).toHaveLength(1)
    await w.demo.delete(`${NOVA}/servers/${building}`)
    await w.plimsoll.settle()
    expect((await groupsBelow()).filter(({ goneAt }) => goneAt === null)).toEqual([])
    expect(await w.plimsoll.db.all(sql`select * from server_group_members`)).toEqual([])
    expect(await outOfStep(w.plimsoll)).toEqual([])
  })

  test('an answer that is lost makes no second one', async () => {
    const faults = [{ method: 'server_group.create', fault: 'lost_answer' as const, count: 1 }]
    await plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), faults)
    const id = await running(await made('anti-affinity'))
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE' })
    expect(await groupsBelow()).toHaveLength(1)
    expect(await outOfStep(w.plimsoll)).toEqual([])
  })

  test('a group that could not be made is tried again with the next server', async () => {
    const faults = [{ method: 'server_group.create', fault: 'definitive' as const, count: 1 }]
    await plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), faults)
    const group = await made('anti-affinity')
    expect((await w.server(await running(group))).status).toBe('ERROR')
    expect((await w.server(await running(group))).status).toBe('ACTIVE')
  })

  test('servers that are handed back are in no group any more; one that nobody can name goes with the last', async () => {
    const group = await made('anti-affinity')
    const ids = [await running(group, { networks: 'none' }), await running(group, { networks: 'none' })]
    const release = async (id: string) => {
      const { status, body } = await w.admin.post('/broker/v1/release', { resource_ids: [id] })
      expect([status, body.refused]).toEqual([200, []])
      return body.released.map(({ kind }: { kind: string }) => kind).sort()
    }
    expect(await release(ids[0]!)).toEqual(['server'])
    expect(await membersOf(group)).toEqual([ids[1]])
    expect((await w.newest.delete(`${GROUPS}/${group}`)).status).toBe(204)
    expect(await release(ids[1]!)).toEqual(['server', 'server_group'])
    await w.plimsoll.settle()
    expect(await groupsBelow()).toMatchObject([{ mark: null, goneAt: null }])
    expect(await w.plimsoll.db.all(sql`select * from server_group_members`)).toEqual([])
  })
})

describe('a cloud that keeps none together', () => {
  test('is passed over, or refuses with the reason', async () => {
    narrowCloudType()
    w = await newWorld({ clouds: [{ name: 'sandbox', type: 'narrow' }] })
    const { network } = await createNetwork(w.demo, { name: 'n', cidr: '10.8.0.0/24' })
    const group = await made('affinity')
    const answer = await booted(group, { networks: [{ uuid: network }] })
    expect([answer.status, message(answer)]).toEqual([
      409,
      expect.stringMatching(/^EC2 puts no two servers on one host/),
    ])
    const apart = await made('anti-affinity')
    const many = await booted(apart, { networks: [{ uuid: network }], min_count: 8 })
    expect(many.status).toBe(202)
    const { fault, status } = await w.server(many.body.server.id)
    expect([status, fault.message]).toEqual(['ERROR', expect.stringMatching(/takes 7 of them, and has 0/)])
  })
})
