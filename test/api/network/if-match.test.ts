import { beforeEach, describe, expect, test } from 'vitest'
import { operations } from '../../../functions/app.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const V2 = '/network/v2.0'
let plimsoll: Plimsoll
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
})
const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]
const made = async (collection: string, body: object) => {
  const resource = collection.replace(/s$/, '').replaceAll('-', '_')
  const answer = await demo.post(`${V2}/${collection}`, { [resource]: body })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body[resource]
}

/** One of everything that has a revision. */
const everything = async () => {
  const network = await made('networks', {})
  const subnet = await made('subnets', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  const port = await made('ports', { network_id: network.id })
  const group = await made('security-groups', { name: 'g' })
  const external = (await demo.get(`${V2}/networks?router:external=true`)).body.networks[0]
  return {
    floatingips: await made('floatingips', { floating_network_id: external.id }),
    'security-group-rules': await made('security-group-rules', { security_group_id: group.id, direction: 'ingress' }),
    'security-groups': group,
    ports: port,
    subnets: subnet,
    networks: network,
    routers: await made('routers', {}),
  } as Record<string, { id: string }>
}
const current = async (collection: string, id: string) =>
  Object.values<{ revision_number: number }>((await demo.get(`${V2}/${collection}/${id}`)).body)[0]!.revision_number

const changeable = operations.filter(
  ({ service, operation: { method, path } }) =>
    service.name === 'neutron' && ['PUT', 'DELETE'].includes(method) && /^\/v2\.0\/[\w-]+\/:id$/.test(path),
)

describe('a change tied to a revision', () => {
  test('is refused once the revision has passed, by every resource that has one', async () => {
    const all = await everything()
    const walked = changeable.filter(({ operation }) => all[operation.path.split('/')[2]!])
    expect(walked.length).toBe(13)
    for (const { operation } of walked) {
      const collection = operation.path.split('/')[2]!
      const { id } = all[collection]!
      const revision = await current(collection, id)
      const resource = collection.replace(/s$/, '').replaceAll('-', '_')
      const body = operation.method === 'PUT' ? { [resource]: { description: 'changed' } } : undefined
      const answer = await demo.send(operation.method, `${V2}/${collection}/${id}`, body, {
        'If-Match': `revision_number=${revision - 1}`,
      })
      expect([operation.name, ...fault(answer)]).toEqual([
        operation.name,
        412,
        'RevisionNumberConstraintFailed',
        `Constrained to ${revision - 1}, but current revision is ${revision}`,
      ])
      expect(await current(collection, id)).toBe(revision)
    }
  })

  test('is made at the revision, and makes the next', async () => {
    const all = await everything()
    for (const [collection, { id }] of Object.entries(all)) {
      const tied = async () => ({ 'If-Match': `"revision_number=${await current(collection, id)}"` })
      const resource = collection.replace(/s$/, '').replaceAll('-', '_')
      if (collection !== 'security-group-rules') {
        const before = await current(collection, id)
        const put = await demo.put(`${V2}/${collection}/${id}`, { [resource]: { description: 'new' } }, await tied())
        expect([collection, put.status]).toEqual([collection, 200])
        expect(await current(collection, id)).toBeGreaterThan(before)
      }
      expect([collection, (await demo.delete(`${V2}/${collection}/${id}`, await tied())).status]).toEqual([
        collection,
        204,
      ])
    }
  })

  test('of two at once only one is made', async () => {
    const { id, revision_number } = await made('networks', {})
    const tied = { 'If-Match': `revision_number=${revision_number}` }
    const both = await Promise.all(
      ['a', 'b'].map((name) => demo.put(`${V2}/networks/${id}`, { network: { name } }, tied)),
    )
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412])
  })

  test('to what has none, to two, or to no number is refused; any other tag is none of ours', async () => {
    const { id } = await made('networks', {})
    const put = (tag: string) => demo.put(`${V2}/networks/${id}`, { network: { name: 'x' } }, { 'If-Match': tag })
    expect(fault(await put('revision_number=1, revision_number=2'))[0]).toBe(400)
    expect(fault(await put('revision_number=x'))[2]).toBe(
      'Bad if-match request: Revision number etag must be in the format of revision_number=<int>.',
    )
    expect((await put('"something"')).status).toBe(200)
    expect((await put('*')).status).toBe(200)
    const quota = await plimsoll
      .as('admin')
      .put(`${V2}/quotas/${plimsoll.projectId('demo')}`, { quota: { port: 7 } }, { 'If-Match': 'revision_number=1' })
    expect(fault(quota)).toEqual([
      400,
      'BadRequest',
      'Bad quotas request: Revision matching not supported for this resource.',
    ])
  })

  test('holds of what has a path of two words, as policies of QoS', async () => {
    const admin = plimsoll.as('admin')
    const { policy } = (await admin.post(`${V2}/qos/policies`, { policy: { name: 'p' } })).body
    const put = (name: string) =>
      admin.put(
        `${V2}/qos/policies/${policy.id}`,
        { policy: { name } },
        { 'If-Match': `revision_number=${policy.revision_number}` },
      )
    expect((await put('q')).status).toBe(200)
    expect(fault(await put('r')).slice(0, 2)).toEqual([412, 'RevisionNumberConstraintFailed'])
    expect((await admin.get(`${V2}/qos/policies/${policy.id}`)).body.policy.name).toBe('q')
  })
})
