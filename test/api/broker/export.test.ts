import { beforeEach, describe, expect, it } from 'vitest'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import { createServer, imageNamed } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/* An operator who leaves takes along what was said here, as it was said: each section equals what was made over HTTP. */

const V2 = '/network/v2.0'
const V1 = '/broker/v1'
const SECRET = 'wJalrXUtnFEMI-not-a-real-key'
let plimsoll: Plimsoll
let demo: Client
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'home', type: 'sandbox' },
      { name: 'away', type: 'sandbox', options: { filters: 'enforced' } },
    ],
  })
  demo = plimsoll.as('demo')
  admin = plimsoll.as('admin')
})

/** A whole section, read two rows at a time. */
const section = async (name: string): Promise<{ rows: Record<string, unknown>[]; beside: Record<string, unknown> }> => {
  const rows: Record<string, unknown>[] = []
  let marker = ''
  for (;;) {
    const { status, body } = await admin.get(`${V1}/export?section=${name}&limit=2${marker && `&marker=${marker}`}`)
    expect(status, name).toBe(200)
    const { [name]: some, next, ...beside } = body
    rows.push(...some)
    if (next === null) return { rows, beside }
    expect(some).toHaveLength(2)
    marker = next
  }
}
const made = async (path: string, name: string, body: object, who = demo): Promise<Record<string, unknown>> => {
  const answer = await who.post(`${V2}/${path}`, { [name]: body })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body[name]
}
const pick = (from: Record<string, unknown>, ...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, from[name]]))
const project = () => plimsoll.projectId('demo')

describe('the export of what was said', () => {
  it('has address scopes and subnet pools of every project', async () => {
    const scopes = [
      await made('address-scopes', 'address_scope', { name: 'inner', ip_version: 4 }),
      await made('address-scopes', 'address_scope', { name: 'all', ip_version: 6, shared: true }, admin),
    ]
    expect((await section('address_scopes')).rows).toEqual(
      scopes.map((scope) => pick(scope, 'id', 'project_id', 'name', 'ip_version', 'shared')),
    )
    const pools: Record<string, unknown>[] = []
    for (const [n, who] of [demo, demo, admin].entries())
      pools.push(
        await made(
          'subnetpools',
          'subnetpool',
          {
            ...{ name: `p${n}`, prefixes: [`10.${n}.0.0/16`], default_prefixlen: 24 + n, default_quota: 1024 },
            ...(n === 0 && { address_scope_id: scopes[0]!.id }),
          },
          who,
        ),
      )
    const exported = (await section('subnet_pools')).rows
    const lengths = ['min_prefixlen', 'max_prefixlen', 'default_prefixlen']
    expect(exported).toEqual(
      pools.map((pool) => ({
        ...pick(pool, 'id', 'project_id', 'name', 'description', 'tags', 'prefixes', 'default_quota'),
        ...pick(pool, 'is_default', 'shared', 'address_scope_id'),
        ...Object.fromEntries(lengths.map((name) => [name, Number(pool[name])])),
      })),
    )
  })

  it('has segments with their ranges, and what they are on their clouds', async () => {
    const plan = { routed: true, pool: '10.64.0.0/12', prefix_length: 24, egress: false }
    await demo.put(`${V1}/projects/${project()}/network-plan`, { plan })
    const network = await made('networks', 'network', { name: 'wide' })
    const [flat, empty] = [
      await made('networks', 'network', { 'plimsoll:routed': false }),
      await made('networks', 'network', {}),
    ]
    await made('subnets', 'subnet', { network_id: flat.id, ip_version: 4, cidr: '10.1.0.0/24', name: 'lone' })
    await made('segments', 'segment', {
      ...{ network_id: empty.id, network_type: 'flat', physical_network: 'away.b', name: 'later' },
    })
    const imageRef = await imageNamed(admin, 'sandbox-linux')
    await admin.put(`${V1}/images/${imageRef}/copies/away`, { native_id: 'sbx-img-sandbox-linux' })
    await admin.put(`${V1}/images/${imageRef}/copies/home`, { native_id: 'sbx-img-sandbox-linux' })
    for (const [availability_zone, uuid] of [
      ['home.a', network.id],
      ['away.a', network.id],
      ['home.a', flat.id],
    ] as [string, string][])
      await createServer(plimsoll, demo, { imageRef, networks: [{ uuid }], availability_zone })
    await plimsoll.settle()
    const { rows } = await section('segments')
    const listed = (await demo.get(`${V2}/segments`)).body.segments
    const names = ['id', 'network_id', 'name', 'network_type', 'physical_network', 'segmentation_id']
    expect(rows.map((row) => pick(row, ...names))).toEqual(
      expect.arrayContaining(listed.map((each: Record<string, unknown>) => pick(each, ...names))),
    )
    expect(rows).toHaveLength(4)
    const { subnets } = (await demo.get(`${V2}/subnets`)).body as { subnets: Record<string, unknown>[] }
    const ranges = ['id', 'name', 'cidr', 'gateway_ip', 'subnetpool_id']
    for (const row of rows) {
      const [cloud] = (row.physical_network as string).split('.')
      const its = subnets.filter((each) => each.network_id === row.network_id && (each.segment_id ?? row.id) === row.id)
      const alive = async (kind: 'network' | 'subnet') =>
        (await remembered(plimsoll.host.cloudState, plimsoll.cloudId(cloud!), kind)).filter(
          ({ goneAt }) => goneAt === null,
        )
      const [nets, parts] = [await alive('network'), await alive('subnet')]
      expect(row.project_id).toBe(project())
      expect(row.native_network).toBe(nets.find(({ mark }) => mark?.resource === row.network_id)?.id ?? null)
      expect((row.subnets as Record<string, unknown>[]).map((each) => pick(each, ...ranges))).toEqual(
        its.map((each) => pick(each, ...ranges)),
      )
      for (const { id, native_id } of row.subnets as { id: string; native_id: string }[]) {
        expect(native_id).toMatch(/./)
        expect(native_id).toBe(parts.find(({ mark }) => mark?.resource === id)?.id)
      }
      expect((row.subnets as object[]).length).toBe(row.network_id === empty.id ? 0 : 1)
    }
  })

  it('has links, network plans, mappings, policies and copies of images, each as it can be said again', async () => {
    await plimsoll.newProject('other', { clouds: ['home'] })
    const link = { clouds: ['away', 'home'], reach: 'routed' }
    await admin.put(`${V1}/links`, { links: [link] })
    expect((await section('links')).rows).toEqual([link])

    const plan = { routed: true, pool: '10.64.0.0/12', prefix_length: 24, egress: true }
    const kept = (await demo.put(`${V1}/projects/${project()}/network-plan`, { plan })).body.plan
    expect((await section('network_plans')).rows).toEqual([{ project_id: project(), plan: kept }])

    await admin.put(`${V1}/projects/${project()}/clouds/home`, { mapping: { filters: 'trusted' } })
    const mapped = (await section('mappings')).rows
    for (const row of [
      { project_id: project(), cloud: 'home', mapping: { filters: 'trusted' }, filters: 'trusted' },
      { project_id: project(), cloud: 'away', mapping: {}, filters: 'enforced' },
      { project_id: plimsoll.projectId('other'), cloud: 'home', mapping: {}, filters: null },
    ])
      expect(mapped).toContainEqual(row)

    expect(await section('policies')).toEqual({ rows: [], beside: { of_all: null } })
    const policy = { chain: ['home', 'away'], budget: { amount: '12.5', currency: 'USD' }, lease: '2h' }
    const said = [
      (await admin.put(`${V1}/projects/${project()}/policy`, { policy })).status,
      (await admin.put(`${V1}/policy`, { policy: { min_filters: 'trusted', lease: null } })).status,
    ]
    expect(said).toEqual([200, 200])
    const decreed = await section('policies')
    const budget = { ...policy.budget, period: 'month', at_100: 'refuse' }
    expect(decreed).toEqual({
      rows: [{ project_id: project(), policy: { ...policy, budget } }],
      beside: { of_all: { min_filters: 'trusted', lease: null } },
    })
    const before = (await admin.get(`${V1}/projects/${project()}/policy`)).body
    const again = await admin.put(`${V1}/projects/${project()}/policy`, { policy: decreed.rows[0]!.policy })
    expect([again.status, again.body]).toEqual([200, before])

    const image = (await demo.post('/image/v2/images', { name: 'noble' })).body.id
    for (const cloud of ['home', 'away'])
      await admin.put(`${V1}/images/${image}/copies/${cloud}`, { native_id: 'sbx-img-sandbox-linux' })
    const copies = ['away', 'home'].map((cloud) => ({ cloud, native_id: 'sbx-img-sandbox-linux' }))
    expect((await section('image_copies')).rows).toEqual([{ image_id: image, name: 'noble', copies }])
    await demo.delete(`/image/v2/images/${image}`)
    expect((await section('image_copies')).rows).toEqual([])
  })

  it('has no secret, is for administrators, and refuses what it has not', async () => {
    const credentials = { access_key_id: 'AKIDEXAMPLE', secret_access_key: SECRET }
    const registered = await admin.post(`${V1}/clouds`, {
      cloud: { name: 'third', type: 'aws', region: 'us-east-1', credentials },
    })
    expect(registered.status, JSON.stringify(registered.body)).toBe(201)
    await admin.put(`${V1}/projects/${project()}/clouds/third`, { mapping: {} })
    const { body } = await admin.get(`${V1}/export?section=nothing`)
    const names = body.error.message.replace('section: must be one of ', '').split(', ')
    expect(names).toContain('mappings')
    for (const name of names) {
      expect((await demo.get(`${V1}/export?section=${name}`)).status, name).toBe(403)
      const answer = await admin.get(`${V1}/export?section=${name}`)
      expect(answer.status, name).toBe(200)
      expect(JSON.stringify(answer.body), name).not.toContain(SECRET)
    }
    for (const filter of ['cloud=home', 'kind=server', `project_id=${project()}`])
      expect((await admin.get(`${V1}/export?section=links&${filter}`)).status, filter).toBe(400)
    for (const odd of ['__proto__', 'constructor', ''])
      expect((await admin.get(`${V1}/export?section=${odd}`)).status, odd).toBe(400)
  })
})
