import { describe, expect, test } from 'vitest'
import type { Json } from '../../../adapters/contract.ts'
import { createVolume } from '../../support/builders.ts'
import { at, NOVA, newWorld, type World } from '../compute/servers/world.ts'

let w: World
const placement = async (id: string, client = w.demo) => {
  const { status, body } = await client.get(`/broker/v1/servers/${id}/placement`)
  expect(status, JSON.stringify(body)).toBe(200)
  return body.placement
}
const hinted = (hints: Record<string, Json>, server: Record<string, Json> = {}) =>
  w.newest.post(`${NOVA}/servers`, {
    server: { name: 'one', flavorRef: '1', imageRef: w.image, networks: [{ uuid: w.network }], ...server },
    'os:scheduler_hints': hints,
  })
const message = (answer: { body: Record<string, { message: string }> }) => Object.values(answer.body)[0]!.message
const nobody = '11111111-2222-4333-8444-555555555555'

describe('where a server is, and why', () => {
  test('is told with everything that was considered, best first', async () => {
    w = await newWorld()
    const id = await w.running({ networks: 'none' })
    const zone = (await w.server(id))['OS-EXT-AZ:availability_zone'].split('.')[1]
    const told = await placement(id)
    expect(told).toMatchObject({
      server_id: id,
      at: { cloud: 'sandbox', zone, size: 'sb.nano' },
      omitted: 0,
      ties: [],
      hints: [],
      attempts: [{ cloud: 'sandbox', zone, size: 'sb.nano', after: null }],
    })
    expect(told.considered[0]).toEqual({
      cloud: 'sandbox',
      zone,
      size: 'sb.nano',
      verdict: 'kept',
      rule: null,
      reason: null,
    })
    expect(told.considered.map((each: { zone: string }) => each.zone).sort()).toEqual(['a', 'b'])
    expect(told.preferences.map(({ rule }: { rule: string }) => rule)).toEqual(['room', 'load'])
  })

  test('a volume holds it: the explanation names it, and the zone that it refuses', async () => {
    w = await newWorld()
    const volume = await createVolume(w.plimsoll, w.demo, { availability_zone: 'sandbox.b' })
    const root = { uuid: w.image, boot_index: 0, source_type: 'image', destination_type: 'local' }
    const data = { uuid: volume, boot_index: -1, source_type: 'volume', destination_type: 'volume' }
    const id = await w.running({ networks: 'none', block_device_mapping_v2: [root, data] })
    const told = await placement(id)
    expect(told.ties).toEqual([
      {
        rule: 'volume',
        to: ['sandbox.b'],
        reason: `Volume ${volume} is in sandbox.b: a server with a volume stays where that is.`,
      },
    ])
    expect(told.considered).toMatchObject([
      { zone: 'b', verdict: 'kept' },
      { zone: 'a', verdict: 'refused', rule: 'zone', reason: 'Its networks and volumes are in zone b.' },
    ])
  })

  test('other clouds are refused by the first rule that has something against them', async () => {
    w = await newWorld({
      clouds: [
        { name: 'first', type: 'sandbox' },
        { name: 'second', type: 'sandbox' },
      ],
    })
    const first = await w.running()
    const cloud = (await placement(first)).at.cloud
    const other = cloud === 'first' ? 'second' : 'first'
    const told = await placement(await w.running())
    const of = (name: string) => told.considered.filter((each: { cloud: string }) => each.cloud === name)
    expect(of(other)).toMatchObject([{ zone: null, verdict: 'refused', rule: 'image' }])
    expect(told.ties.map(({ rule }: { rule: string }) => rule)).toEqual(['image', 'network'])
    const named = await w.boot({ networks: 'none', availability_zone: other })
    expect(named.status).toBe(202)
    expect(await w.server(named.body.server.id)).toMatchObject({
      status: 'ERROR',
      fault: { message: `No valid host was found. Image ${w.image} is not there.` },
    })
    expect(await placement(named.body.server.id)).toMatchObject({
      at: null,
      attempts: [],
      considered: expect.arrayContaining([
        { cloud, zone: null, size: null, verdict: 'refused', rule: 'named', reason: `${other} was named.` },
      ]),
    })
  })

  test('every place that it was sent to is told, with the words of the cloud that it left', async () => {
    const faults = [{ method: 'server.create', fault: 'capacity', count: 1, message: 'Full today.' }]
    w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { faults } }] })
    const id = await w.running({ networks: 'none' })
    const { attempts, at: where } = await placement(id)
    expect(attempts).toMatchObject([
      { cloud: 'sandbox', after: null },
      { cloud: 'sandbox', zone: where.zone, after: { code: 'capacity', message: expect.stringMatching(/\w/) } },
    ])
    expect(attempts[0].zone).not.toBe(where.zone)
  })

  test('its owner may read it and an administrator; nobody else knows of the server', async () => {
    w = await newWorld()
    const id = await w.running({ networks: 'none' })
    expect((await placement(id, w.admin)).server_id).toBe(id)
    await w.plimsoll.newProject('other')
    const { status, body } = await w.plimsoll.as('other').get(`/broker/v1/servers/${id}/placement`)
    expect([status, body.error.message]).toEqual([404, `There is no server ${id}.`])
  })
})

describe('a scheduler hint', () => {
  test('that no cloud knows is kept, is in no server, and is said to be without effect', async () => {
    w = await newWorld()
    const hints = {
      different_host: [nobody],
      build_near_host_ip: '192.0.2.1',
      'rack:of': ['seven'],
      query: '[">=", 1]',
    }
    const answer = await hinted(hints)
    expect(answer.status).toBe(202)
    const { id } = answer.body.server
    const told = await placement(id)
    expect(
      Object.fromEntries(told.hints.map((each: { name: string; value: Json }) => [each.name, each.value])),
    ).toEqual(hints)
    expect(new Set(told.hints.map(({ effect }: { effect: string }) => effect))).toEqual(new Set(['none']))
    expect(JSON.stringify(await w.server(id))).not.toMatch(/hint|seven/)
  })

  test.each<[string, Record<string, Json>, RegExp]>([
    ['ours misspelt', { 'plimsoll:fork': nobody }, /there is no scheduler hint plimsoll:fork/],
    ['ours in capitals', { 'Plimsoll:ttl': 60 }, /there is no scheduler hint Plimsoll:ttl/],
    ['ours malformed', { 'plimsoll:ttl': 'soon' }, /plimsoll:ttl/],
    ['a host that is no server', { same_host: 'here' }, /'here' is not a 'uuid'/],
    ['an address that is none', { build_near_host_ip: 'near' }, /build_near_host_ip/],
    ['a block without a slash', { cidr: '24' }, /does not match/],
    ['a query that is a number', { query: 7 }, /is not of type 'string', 'object'/],
    ['a group that is a list', { group: [nobody] }, /group/],
    ['more than is kept', { long: 'x'.repeat(20_000) }, /longer than 16384/],
  ])('%s: refused', async (_, hints, words) => {
    w = await newWorld()
    const answer = await hinted(hints)
    expect([answer.status, message(answer)]).toEqual([400, expect.stringMatching(words)])
  })
})

describe('a metadata key that begins with plimsoll:', () => {
  test('is refused wherever metadata is written, so that a misspelt rule never passes', async () => {
    w = await newWorld()
    const misspelt = { 'plimsoll:raech': 'routed' }
    const refused = [400, expect.stringMatching(/^There is no metadata key plimsoll:raech/)]
    const created = await w.boot({ metadata: misspelt })
    expect([created.status, message(created)]).toEqual(refused)
    const id = await w.running({ metadata: { mine: 'x' } })
    for (const answer of [
      await w.demo.post(`${NOVA}/servers/${id}/metadata`, { metadata: misspelt }),
      await w.demo.put(`${NOVA}/servers/${id}/metadata`, { metadata: misspelt }),
      await w.demo.put(`${NOVA}/servers/${id}/metadata/plimsoll:raech`, { meta: misspelt }),
      await w.act(id, { rebuild: { imageRef: w.image, metadata: misspelt } }),
    ])
      expect([answer.status, message(answer)]).toEqual(refused)
    expect((await w.server(id, w.demo.with(at('2.96')))).metadata).toEqual({ mine: 'x' })
  })
})
