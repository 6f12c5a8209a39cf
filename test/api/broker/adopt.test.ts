import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { reconcile } from '../../../functions/broker/reconcile/reconcile.ts'
import { outOfStep, quotaDrift } from '../../support/in-step.ts'
import { type Estate, newEstate } from './foreign.ts'

const NOVA = '/compute/v2.1'
const NEUTRON = '/network/v2.0'

let estate: Estate
let theirs: Awaited<ReturnType<Estate['server']>>
const demoId = () => estate.plimsoll.projectId('demo')
const admin = () => estate.plimsoll.as('admin')
const demo = () => estate.plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.96, volume 3.70' })
const cinder = () => `/volume/v3/${demoId()}`
const adopt = async (more: Record<string, unknown> = {}) => {
  const answer = await admin().post('/broker/v1/adopt', {
    cloud: 'sandbox',
    project_id: demoId(),
    native_ids: [theirs.machine],
    ...more,
  })
  return answer
}
type Row = { kind: string; native_id: string; resource_id: string; ownership: string }
const idOf = (answer: { body: { adopted: Row[] } }, native: string) =>
  answer.body.adopted.find(({ native_id }) => native_id === native)!.resource_id
const sweep = async () => {
  estate.plimsoll.clock.advance(61_000)
  await reconcile(estate.plimsoll.context(), 60_000)
}

beforeEach(async () => {
  estate = await newEstate()
  theirs = await estate.server(await estate.network())
})

describe('what is there and managed by nobody', () => {
  it('is listed with its parts, and not what is ours', async () => {
    const items: { kind: string; native_id: string }[] = []
    let marker: string | null = ''
    while (marker !== null) {
      const { body } = await admin().get(
        `/broker/v1/adoptable?cloud=sandbox${marker && `&marker=${encodeURIComponent(marker)}`}`,
      )
      expect(body.complete).toBe(true)
      items.push(...body.adoptable)
      marker = body.next
    }
    const server = items.find(({ kind }) => kind === 'server')
    expect(server).toMatchObject({
      native_id: theirs.machine,
      name: 'legacy',
      power: 'running',
      size: 'sb.small',
      ports: [{ native_id: theirs.port, addresses: [theirs.address] }],
      volumes: [{ native_id: theirs.volume, device: '/dev/vdb', root: false }],
    })
    // What is in a server is shown with it.
    expect(items.map(({ kind }) => kind).sort()).toEqual([
      'network',
      'security_group',
      'security_group',
      'server',
      'subnet',
    ])
    await adopt()
    const { body } = await admin().get('/broker/v1/adoptable?cloud=sandbox&kind=server')
    expect(body).toEqual({ adoptable: [], next: null, complete: true })
  })

  it('is looked at through a project, and needs a cloud', async () => {
    expect((await admin().get('/broker/v1/adoptable')).status).toBe(400)
    expect((await admin().get('/broker/v1/adoptable?cloud=nowhere')).status).toBe(404)
    const { status } = await admin().get(
      `/broker/v1/adoptable?cloud=sandbox&project_id=${estate.plimsoll.projectId('admin')}`,
    )
    expect(status).toBe(409)
  })
})

describe('what is taken in outside', () => {
  it.each([
    ['counts as spilled', ['elsewhere', 'sandbox'], [{ servers: 1 }]],
    ['has not spilled at home', ['sandbox', 'elsewhere'], []],
  ])('%s where the chain is %j', async (_, chain, counted) => {
    const { db, addCloud } = estate.plimsoll
    await addCloud({ name: 'elsewhere', type: 'sandbox' })
    const policy = { chain }
    expect((await admin().put(`/broker/v1/projects/${demoId()}/policy`, { policy })).status).toBe(200)
    expect((await adopt()).status).toBe(200)
    expect(await db.all(sql`select servers from spill_use where servers > 0`)).toEqual(counted)
  })

  it('counts as what is said by the time that it is written', async () => {
    const { db, addCloud, host } = estate.plimsoll
    await addCloud({ name: 'elsewhere', type: 'sandbox' })
    const batch = host.d1.batch.bind(host.d1)
    const prepare = host.d1.prepare.bind(host.d1)
    let takes = false
    host.d1.prepare = (text) => {
      takes ||= text.startsWith('insert into "servers"')
      return prepare(text)
    }
    host.d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
      if (takes) {
        Object.assign(host.d1, { batch, prepare })
        await db.run(sql`update projects set policy = '{"chain":["elsewhere","sandbox"]}' where id = ${demoId()}`)
      }
      return batch(statements)
    }) as typeof batch
    expect((await adopt()).body).toMatchObject({ refused: [] })
    expect(takes).toBe(true)
    expect(await db.all(sql`select servers from spill_use where servers > 0`)).toEqual([{ servers: 1 }])
  })
})

describe('adopting a server', () => {
  it('makes resources of it and of all that it stands on, and changes nothing but marks', async () => {
    const before = await estate.last()
    const answer = await adopt()
    expect(answer.status).toBe(200)
    expect(answer.body.refused).toEqual([])
    const kinds = answer.body.adopted.map(({ kind, ownership }: Row) => `${kind} ${ownership}`).sort()
    expect(kinds).toEqual([
      'attachment ours',
      'image foreign',
      'network ours',
      'port ours',
      'security_group ours',
      'security_group ours',
      'server ours',
      'subnet ours',
      'volume ours',
    ])
    const calls = await estate.changesSince(before)
    expect(calls.every((call) => call.endsWith('.mark'))).toBe(true)
    expect(calls).toHaveLength(8)
    const id = idOf(answer, theirs.machine)
    const { server } = (await demo().get(`${NOVA}/servers/${id}`)).body
    expect(server).toMatchObject({
      name: 'legacy',
      status: 'ACTIVE',
      metadata: { team: 'blue' },
      key_name: null,
      flavor: { original_name: 'sb.small', vcpus: 1, ram: 2048 },
      'OS-EXT-AZ:availability_zone': 'sandbox.a',
    })
    expect(server['os-extended-volumes:volumes_attached']).toMatchObject([{ id: idOf(answer, theirs.volume) }])
    expect(JSON.stringify(server.addresses)).toContain(theirs.address)
    const { port } = (await demo().get(`${NEUTRON}/ports/${idOf(answer, theirs.port)}`)).body
    expect(port).toMatchObject({ device_id: id, mac_address: theirs.mac, status: 'ACTIVE' })
    const { security_group: web } = (await demo().get(`${NEUTRON}/security-groups/${idOf(answer, theirs.web)}`)).body
    expect(web.security_group_rules).toHaveLength(3)
    const { security_group: db } = (await demo().get(`${NEUTRON}/security-groups/${idOf(answer, theirs.db)}`)).body
    expect(db.security_group_rules[0].remote_group_id).toBe(web.id)
    expect(await outOfStep(estate.plimsoll)).toEqual([])
  })

  it('leaves nothing to do: neither a sweep nor a converge changes anything afterwards', async () => {
    await adopt()
    const before = await estate.last()
    for (let i = 0; i < 3; i++) await sweep()
    await estate.plimsoll.db.run(sql`update bindings set due_at = 0 where project_id <> ''`)
    await estate.plimsoll.settle()
    expect(await estate.changesSince(before)).toEqual([])
    expect(await estate.plimsoll.db.all(sql`select kind, error from bindings where error is not null`)).toEqual([])
    expect(await outOfStep(estate.plimsoll)).toEqual([])
  })

  it('gives the same ids again, and whoever dies in between can be followed', async () => {
    const first = await adopt()
    // As if the process had died before any mark was on.
    for (const [kind, id] of [
      ['server', theirs.machine],
      ['network', theirs.net],
      ['port', theirs.port],
    ] as const) {
      await estate.strip(kind, id)
      await estate.plimsoll.db.run(
        sql`update bindings set ownership = 'adopting', due_at = ${estate.plimsoll.clock.now} where native_id = ${id}`,
      )
    }
    const denied = await demo().post(`${NOVA}/servers/${idOf(first, theirs.machine)}/action`, { 'os-stop': null })
    expect(denied.status).toBe(409)
    await estate.plimsoll.settle()
    expect((await estate.recall('server', theirs.machine))!.mark).not.toBeNull()
    const second = await adopt()
    const pairs = (answer: typeof first) =>
      answer.body.adopted.map((row: Row) => `${row.native_id} ${row.resource_id}`).sort()
    for (const pair of pairs(second)) expect(pairs(first)).toContain(pair)
    expect(await outOfStep(estate.plimsoll)).toEqual([])
  })

  it('lets every call work on it afterwards, down to its end', async () => {
    const answer = await adopt()
    const id = idOf(answer, theirs.machine)
    const act = async (action: object) => {
      expect((await demo().post(`${NOVA}/servers/${id}/action`, action)).status).toBeLessThan(300)
      await estate.plimsoll.settle()
    }
    const status = async () => (await demo().get(`${NOVA}/servers/${id}`)).body.server.status
    await act({ 'os-stop': null })
    expect(await status()).toBe('SHUTOFF')
    await act({ 'os-start': null })
    expect(await status()).toBe('ACTIVE')
    const flavor = (await demo().get(`${NOVA}/flavors`)).body.flavors.find(
      ({ name }: { name: string }) => name === 'sb.medium',
    )
    await act({ resize: { flavorRef: flavor.id } })
    await act({ confirmResize: null })
    expect((await demo().put(`${NOVA}/servers/${id}/metadata/tier`, { meta: { tier: 'gold' } })).status).toBe(200)
    await estate.plimsoll.settle()
    expect((await estate.recall('server', theirs.machine))!.metadata).toEqual({ team: 'blue', tier: 'gold' })
    const rule = {
      security_group_id: idOf(answer, theirs.web),
      direction: 'ingress',
      protocol: 'udp',
      port_range_min: 53,
      port_range_max: 53,
    }
    expect((await demo().post(`${NEUTRON}/security-group-rules`, { security_group_rule: rule })).status).toBe(201)
    await estate.plimsoll.settle()
    expect((await estate.recall('security_group', theirs.web))!.spec.rules).toHaveLength(4)
    const volume = idOf(answer, theirs.volume)
    expect((await demo().delete(`${NOVA}/servers/${id}/os-volume_attachments/${volume}`)).status).toBe(202)
    await estate.plimsoll.settle()
    expect((await demo().get(`${cinder()}/volumes/${volume}`)).body.volume.status).toBe('available')
    const fresh = (await demo().post(`${cinder()}/volumes`, { volume: { size: 1, availability_zone: 'sandbox.a' } }))
      .body.volume.id
    await estate.plimsoll.settle()
    expect(
      (await demo().post(`${NOVA}/servers/${id}/os-volume_attachments`, { volumeAttachment: { volumeId: fresh } }))
        .status,
    ).toBe(200)
    await estate.plimsoll.settle()
    const second = await demo().post(`${NOVA}/servers`, {
      server: {
        name: 'two',
        flavorRef: '1',
        imageRef: (await demo().get(`${NOVA}/servers/${id}`)).body.server.image.id,
        networks: [{ uuid: idOf(answer, theirs.net) }],
      },
    })
    expect(second.status).toBe(202)
    await estate.plimsoll.settle()
    expect((await demo().get(`${NOVA}/servers/${second.body.server.id}`)).body.server.status).toBe('ACTIVE')
    expect((await demo().delete(`${NOVA}/servers/${id}`)).status).toBe(204)
    await estate.plimsoll.settle()
    expect((await demo().get(`${NOVA}/servers/${id}`)).status).toBe(404)
    expect(await outOfStep(estate.plimsoll)).toEqual([])
  })

  it('is refused as a whole, with the reason, where the quota ends', async () => {
    await estate.plimsoll.db.run(
      sql`insert into quotas (project_id, resource, maximum, used) values (${demoId()}, 'cores', 0, 0)`,
    )
    const before = await estate.last()
    const { body } = await adopt()
    expect(body).toMatchObject({
      adopted: [],
      refused: [{ native_id: theirs.machine, reason: "The project's limit of cores is reached." }],
    })
    expect(await estate.changesSince(before)).toEqual([])
    expect(await quotaDrift(estate.plimsoll)).toEqual([])
    expect((await demo().get(`${NEUTRON}/ports`)).body.ports).toEqual([])
  })

  it('takes a size that is on sale no more as it is', async () => {
    await estate.plimsoll.db.run(sql`delete from offers where name = 'sb.small'`)
    const answer = await adopt()
    const { server } = (await demo().get(`${NOVA}/servers/${idOf(answer, theirs.machine)}`)).body
    expect(server.flavor).toMatchObject({ original_name: 'sb.small', vcpus: 1, ram: 2048, disk: 10 })
  })

  it('says what is not there, what is not alone, and whose it is already', async () => {
    const { body } = await adopt({ native_ids: ['nothing', theirs.volume, theirs.port] })
    expect(body.adopted).toEqual([])
    expect(body.refused.map(({ reason }: { reason: string }) => reason)).toEqual([
      'The cloud shows no such object.',
      `The volume is in server ${theirs.machine}: adopt that, and it comes with it.`,
      `The port is in server ${theirs.machine}: adopt that, and it comes with it.`,
    ])
    await adopt()
    await estate.plimsoll.newProject('other', { clouds: ['sandbox'] })
    const again = await adopt({ project_id: estate.plimsoll.projectId('other') })
    expect(again.body.refused[0].reason).toBe(`It is project ${demoId()}'s already.`)
    expect((await adopt({ project_id: 'nobody' })).status).toBe(404)
    expect((await adopt({ project_id: estate.plimsoll.projectId('admin') })).status).toBe(409)
  })
})

describe('without a tag', () => {
  it('nothing is written to the cloud, and no call that would change it gets there', async () => {
    const before = await estate.last()
    const answer = await adopt({ tag: false })
    expect(answer.body.adopted.every(({ ownership }: Row) => ownership === 'foreign')).toBe(true)
    const id = idOf(answer, theirs.machine)
    const volume = idOf(answer, theirs.volume)
    const network = idOf(answer, theirs.net)
    const port = idOf(answer, theirs.port)
    const group = idOf(answer, theirs.web)
    const calls: [string, string, unknown][] = [
      ['POST', `${NOVA}/servers/${id}/action`, { 'os-stop': null }],
      ['POST', `${NOVA}/servers/${id}/action`, { reboot: { type: 'HARD' } }],
      ['POST', `${NOVA}/servers/${id}/action`, { createImage: { name: 'copy' } }],
      ['POST', `${NOVA}/servers/${id}/action`, { lock: null }],
      ['PUT', `${NOVA}/servers/${id}`, { server: { name: 'mine' } }],
      ['PUT', `${NOVA}/servers/${id}/metadata/x`, { meta: { x: 'y' } }],
      ['DELETE', `${NOVA}/servers/${id}`, undefined],
      ['DELETE', `${NOVA}/servers/${id}/os-volume_attachments/${volume}`, undefined],
      ['POST', `${cinder()}/snapshots`, { snapshot: { volume_id: volume, force: true } }],
      ['PUT', `${cinder()}/volumes/${volume}`, { volume: { name: 'mine' } }],
      ['PUT', `${NEUTRON}/ports/${port}`, { port: { security_groups: [] } }],
      ['POST', `${NEUTRON}/ports`, { port: { network_id: network } }],
      ['POST', `${NEUTRON}/subnets`, { subnet: { network_id: network, cidr: '10.10.0.0/24', ip_version: 4 } }],
      ['PUT', `${NEUTRON}/networks/${network}`, { network: { name: 'mine' } }],
      [
        'POST',
        `${NEUTRON}/security-group-rules`,
        { security_group_rule: { security_group_id: group, direction: 'egress', protocol: 'tcp' } },
      ],
      ['DELETE', `${NEUTRON}/security-groups/${group}`, undefined],
      [
        'POST',
        `${NOVA}/servers`,
        {
          server: {
            name: 'x',
            flavorRef: '1',
            imageRef: idOf(answer, 'sbx-img-sandbox-linux'),
            networks: [{ uuid: network }],
          },
        },
      ],
    ]
    for (const [method, path, body] of calls) {
      const { status, body: said } = await demo().send(method, path, body)
      expect([status, JSON.stringify(said)], `${method} ${path}`).toEqual([
        path.includes('security-groups/') ? expect.any(Number) : 403,
        expect.anything(),
      ])
      expect(status).toBeGreaterThanOrEqual(400)
    }
    await estate.plimsoll.settle()
    for (let i = 0; i < 2; i++) await sweep()
    expect(await estate.changesSince(before)).toEqual([])
    expect(await quotaDrift(estate.plimsoll)).toEqual([])
  })

  it('it is listed, and what happens to it is seen', async () => {
    const id = idOf(await adopt({ tag: false }), theirs.machine)
    const { disown } = await import('../../../adapters/sandbox/backdoor.ts')
    const mark = {
      deployment: 'somebody-else',
      project: '',
      kind: 'server' as const,
      resource: 'x',
      token: 'x',
      epoch: 1,
    }
    const store = estate.plimsoll.host.cloudState
    await disown(store, estate.plimsoll.cloudId('sandbox'), 'server', theirs.machine, mark)
    await estate.cloud.server.stop(theirs.machine)
    await disown(store, estate.plimsoll.cloudId('sandbox'), 'server', theirs.machine, null)
    await sweep()
    await estate.plimsoll.settle()
    expect((await demo().get(`${NOVA}/servers/${id}`)).body.server.status).toBe('SHUTOFF')
  })

  it('it becomes ours when it is adopted again with one', async () => {
    const id = idOf(await adopt({ tag: false }), theirs.machine)
    const answer = await adopt({ tag: true })
    const foreign = answer.body.adopted
      .filter(({ ownership }: Row) => ownership !== 'ours')
      .map(({ kind }: Row) => kind)
    expect(foreign).toEqual([])
    expect(answer.body.adopted).toHaveLength(8)
    expect(await outOfStep(estate.plimsoll)).toEqual([])
    expect((await demo().post(`${NOVA}/servers/${id}/action`, { 'os-stop': null })).status).toBe(202)
    await estate.plimsoll.settle()
    expect((await demo().get(`${NOVA}/servers/${id}`)).body.server.status).toBe('SHUTOFF')
  })
})
