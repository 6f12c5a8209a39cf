import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { plantFaults, remembered } from '../../../adapters/sandbox/backdoor.ts'
import { reconcile } from '../../../functions/broker/reconcile/reconcile.ts'
import { createServer, imageNamed } from '../../support/builders.ts'
import type { Client } from '../../support/harness.ts'
import { outOfStep, quotaDrift } from '../../support/in-step.ts'
import { type Estate, newEstate } from './foreign.ts'

type Kinded = { kind: string; project_id: string }
const NOVA = '/compute/v2.1'
const NEUTRON = '/network/v2.0'

let estate: Estate
let theirs: Awaited<ReturnType<Estate['server']>>
let ids: Record<string, string>
const demoId = () => estate.plimsoll.projectId('demo')
const admin = () => estate.plimsoll.as('admin')
const demo = () => estate.plimsoll.as('demo')
const release = (body: Record<string, unknown>) => admin().post('/broker/v1/release', body)
const rows = async (table: string) =>
  (await estate.plimsoll.db.get<{ n: number }>(sql`select count(*) as n from ${sql.raw(table)}`)).n
const untouched = async () => {
  const server = await estate.recall('server', theirs.machine)
  expect(server).toMatchObject({ power: 'running', goneAt: null, mark: null })
  for (const [kind, id] of [
    ['port', theirs.port],
    ['volume', theirs.volume],
    ['network', theirs.net],
    ['subnet', theirs.subnet],
    ['security_group', theirs.web],
    ['security_group', theirs.db],
  ] as const)
    expect(await estate.recall(kind, id), kind).toMatchObject({ goneAt: null, mark: null })
  const volume = await estate.recall('volume', theirs.volume)
  expect(volume!.hold).toMatchObject({ server: theirs.machine, goneAt: null, mark: null })
}

beforeEach(async () => {
  estate = await newEstate()
  theirs = await estate.server(await estate.network())
  const answer = await admin().post('/broker/v1/adopt', {
    cloud: 'sandbox',
    project_id: demoId(),
    native_ids: [theirs.machine],
  })
  ids = Object.fromEntries(
    answer.body.adopted.map((row: { native_id: string; resource_id: string }) => [row.native_id, row.resource_id]),
  )
})

describe('handing back', () => {
  it('takes rows and marks away and leaves the machine as it is', async () => {
    const before = await estate.last()
    const { body, status } = await release({ resource_ids: [ids[theirs.machine]] })
    expect(status).toBe(200)
    expect(body.refused).toEqual([])
    expect(body.waiting).toEqual([])
    expect(body.released.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
      'attachment',
      'network',
      'port',
      'security_group',
      'security_group',
      'server',
      'subnet',
      'volume',
    ])
    expect(new Set(await estate.changesSince(before))).toEqual(
      new Set([
        'attachment.mark',
        'network.mark',
        'port.mark',
        'security_group.mark',
        'server.mark',
        'subnet.mark',
        'volume.mark',
      ]),
    )
    await untouched()
    expect((await demo().get(`${NOVA}/servers/${ids[theirs.machine]}`)).status).toBe(404)
    expect((await demo().get(`${NEUTRON}/networks/${ids[theirs.net]}`)).status).toBe(404)
    expect(await rows('ports')).toBe(0)
    expect(await rows("bindings where project_id <> ''")).toBe(0)
    expect(await quotaDrift(estate.plimsoll)).toEqual([])
    const again = await release({ resource_ids: [ids[theirs.machine]] })
    expect(again.body.refused).toEqual([{ resource_id: ids[theirs.machine], reason: 'It is on no cloud.' }])
  })

  it('and adopting again gives the same ids', async () => {
    await release({ resource_ids: [ids[theirs.machine]] })
    const answer = await admin().post('/broker/v1/adopt', {
      cloud: 'sandbox',
      project_id: demoId(),
      native_ids: [theirs.machine],
    })
    expect(answer.body.refused).toEqual([])
    for (const row of answer.body.adopted)
      if (row.kind !== 'attachment') expect(ids[row.native_id]).toBe(row.resource_id)
    expect((await demo().get(`${NOVA}/servers/${ids[theirs.machine]}`)).body.server.status).toBe('ACTIVE')
    expect(await outOfStep(estate.plimsoll)).toEqual([])
  })

  it.each(['server.mark', 'network.mark', 'volume.mark'])(
    'goes on when %s fails, and the orphan sweep never sees what is half done',
    async (method) => {
      await estate.plimsoll.db.run(sql`update clouds set created_at = 0`)
      await plantFaults(estate.plimsoll.host.cloudState, estate.plimsoll.cloudId('sandbox'), [
        { method, fault: 'lost_answer', count: 1 },
      ])
      const { body } = await release({ resource_ids: [ids[theirs.machine]] })
      expect(body.released).toEqual([])
      expect(body.waiting).toHaveLength(1)
      expect((await demo().post(`${NOVA}/servers/${ids[theirs.machine]}/action`, { 'os-stop': null })).status).toBe(409)
      for (let i = 0; i < 20; i++) {
        estate.plimsoll.clock.advance(61_000)
        await reconcile(estate.plimsoll.context(), 60_000)
      }
      await untouched()
      expect(await rows("bindings where project_id <> ''")).toBe(0)
      expect(await quotaDrift(estate.plimsoll)).toEqual([])
    },
  )

  it('refuses what others still need, and keeps what others use', async () => {
    const { body } = await release({ resource_ids: [ids[theirs.net]] })
    expect(body.released).toEqual([])
    expect(body.refused.length).toBeGreaterThan(0)
    expect((await release({ resource_ids: [ids[theirs.machine]] })).body.refused).toEqual([])
    const { net, subnet, web, db, cidr } = theirs
    const two = await estate.server({ net, subnet, web, db, cidr }, 'two')
    const wish = { cloud: 'sandbox', project_id: demoId(), native_ids: [theirs.machine, two.machine] }
    expect((await admin().post('/broker/v1/adopt', wish)).body.refused).toEqual([])
    const answer = await release({ resource_ids: [ids[theirs.machine]] })
    expect(answer.body.released.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
      'attachment',
      'port',
      'server',
      'volume',
    ])
    expect((await demo().get(`${NEUTRON}/networks/${ids[net]}`)).status).toBe(200)
    expect((await estate.recall('network', net))!.mark).not.toBeNull()
    expect((await estate.recall('server', theirs.machine))!.mark).toBeNull()
    expect(await outOfStep(estate.plimsoll)).toEqual([])
  })

  it('hands back a whole project, with what users made', async () => {
    const volume = (
      await demo().post(`/volume/v3/${demoId()}/volumes`, { volume: { size: 1, availability_zone: 'sandbox.a' } })
    ).body.volume.id
    await estate.plimsoll.settle()
    const { body } = await release({ project_id: demoId(), cloud: 'sandbox' })
    expect(body.refused).toEqual([])
    expect(body.released.map(({ resource_id }: { resource_id: string }) => resource_id)).toContain(volume)
    await untouched()
    expect(await quotaDrift(estate.plimsoll)).toEqual([])
    expect((await admin().get('/broker/v1/export')).body).toEqual({ objects: [], next: null })
  })

  it('waits while something is under way', async () => {
    await demo().post(`${NOVA}/servers/${ids[theirs.machine]}/action`, { 'os-stop': null })
    const { body } = await release({ resource_ids: [ids[theirs.machine]] })
    expect(body.released).toEqual([])
    expect(body.refused[0].reason).toContain('under way')
    await estate.plimsoll.settle()
    expect((await release({ resource_ids: [ids[theirs.machine]] })).body.refused).toEqual([])
  })
})

describe('keypairs', () => {
  const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrhF5cCyZ5hHzJb3kPo2Y7QGkT+n5B5pvBUgMbPKHFy somebody@somewhere'
  const keys = () =>
    remembered(estate.plimsoll.host.cloudState, estate.plimsoll.cloudId('sandbox'), 'keypair').then((all) =>
      all.map(({ mark, goneAt }) => ({ project: mark?.project ?? null, gone: goneAt !== null })),
    )
  const boot = async (name: string, who: Client = demo()) =>
    createServer(estate.plimsoll, who, { name, imageRef: await imageNamed(demo()), key_name: 'k' })
  const bound = () => rows("bindings where kind = 'keypair'")
  beforeEach(async () => {
    await demo().post(`${NOVA}/os-keypairs`, { keypair: { name: 'k', public_key: KEY } })
  })

  it('go with the last server that was made with them: their tags, not the keys', async () => {
    const [one, two] = [await boot('one'), await boot('two')]
    expect(await keys()).toEqual([{ project: demoId(), gone: false }])
    expect((await release({ resource_ids: [one] })).body.released.map(({ kind }: Kinded) => kind)).toEqual(['server'])
    expect([await keys(), await bound()]).toEqual([[{ project: demoId(), gone: false }], 1])
    const { body } = await release({ resource_ids: [two] })
    expect(body.released.map(({ kind }: Kinded) => kind).sort()).toEqual(['keypair', 'server'])
    expect([await keys(), await bound()]).toEqual([[{ project: null, gone: false }], 0])
    // It is still its user's, and the next server brings it to the cloud again.
    expect((await demo().get(`${NOVA}/os-keypairs/k`)).body.keypair.public_key).toBe(KEY)
    await boot('three')
    expect((await keys()).map(({ project }) => project).sort()).toEqual([null, demoId()].sort())
    expect(await outOfStep(estate.plimsoll)).toEqual([])
  })

  it('go with their project, used or not, and stay where another project has them', async () => {
    await boot('here')
    await estate.plimsoll.newProject('twin', { clouds: ['sandbox'] })
    await estate.plimsoll.as('twin').post(`${NOVA}/os-keypairs`, { keypair: { name: 'k', public_key: KEY } })
    await boot('there', estate.plimsoll.as('twin'))
    const idle = await boot('idle')
    await demo().delete(`${NOVA}/servers/${idle}`)
    await estate.plimsoll.settle()
    const { body } = await release({ project_id: demoId(), cloud: 'sandbox' })
    expect([body.waiting, body.refused]).toEqual([[], []])
    expect(body.released.map(({ kind }: Kinded) => kind)).toContain('keypair')
    expect((await keys()).map(({ project }) => project).sort()).toEqual(
      [null, estate.plimsoll.projectId('twin')].sort(),
    )
    const left = (await admin().get('/broker/v1/export')).body.objects.map(({ project_id }: Kinded) => project_id)
    expect(new Set(left)).toEqual(new Set([estate.plimsoll.projectId('twin')]))
  })

  it('can be handed back by themselves, when no server needs them any more', async () => {
    const server = await boot('one')
    const objects = (await admin().get('/broker/v1/export?kind=keypair')).body.objects
    const wish = { resource_ids: [objects[0].resource_id] }
    expect((await release(wish)).body.refused).toEqual([
      { resource_id: objects[0].resource_id, reason: `The server ${server} still needs it.` },
    ])
    await demo().delete(`${NOVA}/servers/${server}`)
    await estate.plimsoll.settle()
    expect((await release(wish)).body.released).toMatchObject([{ kind: 'keypair', native_id: objects[0].native_id }])
    expect(await keys()).toEqual([{ project: null, gone: false }])
  })

  it('are done by the cron when the cloud does not answer, and can be deleted at no time in between', async () => {
    const server = await boot('one')
    await plantFaults(estate.plimsoll.host.cloudState, estate.plimsoll.cloudId('sandbox'), [
      { method: 'keypair.mark', fault: 'lost_answer', count: 1 },
    ])
    const { body } = await release({ resource_ids: [server] })
    expect([body.released, body.waiting.map(({ kind }: Kinded) => kind)]).toEqual([[], ['keypair']])
    expect((await demo().delete(`${NOVA}/os-keypairs/k`)).status).toBe(409)
    for (let i = 0; i < 3; i++) {
      estate.plimsoll.clock.advance(61_000)
      await reconcile(estate.plimsoll.context(), 60_000)
    }
    expect([await keys(), await bound()]).toEqual([[{ project: null, gone: false }], 0])
    expect((await demo().get(`${NOVA}/servers/${server}`)).status).toBe(404)
    expect((await demo().delete(`${NOVA}/os-keypairs/k`)).status).toBe(202)
    expect(await rows('orphans')).toBe(0)
  })
})

describe('the export', () => {
  it('names every object with its tags, page by page', async () => {
    const objects: { native_id: string; tags: Record<string, string>; kind: string }[] = []
    let marker = ''
    do {
      const { body } = await admin().get(`/broker/v1/export?limit=3${marker && `&marker=${marker}`}`)
      objects.push(...body.objects)
      marker = body.next ?? ''
    } while (marker)
    expect(objects).toHaveLength(8)
    const server = objects.find(({ kind }) => kind === 'server')!
    expect(server).toMatchObject({
      native_id: theirs.machine,
      resource_id: ids[theirs.machine],
      cloud: 'sandbox',
      zone: 'a',
    })
    const { mark } = (await estate.recall('server', theirs.machine))!
    expect({ ...server.tags, epoch: Number(server.tags.epoch) }).toEqual(mark)
    expect((await admin().get('/broker/v1/export?kind=volume&cloud=sandbox')).body.objects).toHaveLength(1)
    expect((await admin().get('/broker/v1/export?marker=x')).status).toBe(400)
  })
})
