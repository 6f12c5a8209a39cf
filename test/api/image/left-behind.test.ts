import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { recall } from '../../../adapters/sandbox/backdoor.ts'
import { type Binding, bindingsOf } from '../../../db/queries/line/bindings.ts'
import { createServer } from '../../support/builders.ts'
import { qcow2Disk } from '../../support/disks.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/** One image on two clouds and in two projects: what becomes of each, when something becomes of another. */
let plimsoll: Plimsoll
let image: string
const demo = () => plimsoll.as('demo')
const admin = () => plimsoll.as('admin')
const OCTETS = { 'Content-Type': 'application/octet-stream' }
const V21 = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' }

const boot = (who: string, zone: string) =>
  createServer(plimsoll, plimsoll.as(who), { imageRef: image, flavorRef: '3', availability_zone: zone })
const bindings = async () => (await bindingsOf(plimsoll.db, image)).filter(({ phase }) => phase !== 'gone')
const of = async (project: string, cloud: string): Promise<Binding> =>
  (await bindings()).find(
    (each) => each.projectId === plimsoll.projectId(project) && each.cloudId === plimsoll.cloudId(cloud),
  )!
const onCloud = ({ cloudId, nativeId }: Binding) => recall(plimsoll.host.cloudState, cloudId, 'image', nativeId!)
const shown = async () => (await demo().get(`/image/v2/images/${image}`)).body

beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'harbour', type: 'sandbox' },
      { name: 'island', type: 'sandbox' },
    ],
  })
  await plimsoll.newProject('guest', { clouds: ['island'] })
  const wish = { name: 'own', disk_format: 'qcow2', container_format: 'bare' }
  image = (await demo().post('/image/v2/images', wish)).body.id
  await demo().put(`/image/v2/images/${image}/file`, qcow2Disk(), OCTETS)
  await admin().patch(`/image/v2/images/${image}`, [{ op: 'replace', path: '/visibility', value: 'public' }], V21)
  await boot('demo', 'harbour')
  await boot('demo', 'island')
  await boot('guest', 'island')
  expect(await bindings()).toHaveLength(3)
})

describe('a row that was lost', () => {
  it('is found again by the mark, one for each cloud and project', async () => {
    const lost = await of('demo', 'island')
    await plimsoll.db.run(sql`delete from bindings where token = ${lost.token}`)
    await admin().post('/broker/v1/reconcile')
    const [orphan] = (await admin().get('/broker/v1/orphans')).body.orphans
    expect(orphan).toMatchObject({ kind: 'image', resource_id: image, project_id: plimsoll.projectId('demo') })
    expect((await admin().post(`/broker/v1/orphans/${orphan.id}/adopt`)).status).toBe(200)
    expect(await of('demo', 'island')).toMatchObject({
      nativeId: lost.nativeId,
      token: lost.token,
      scope: plimsoll.projectId('demo'),
      phase: 'bound',
    })
    await boot('demo', 'island')
    expect(await bindings()).toHaveLength(3)
    expect((await shown()).status).toBe('active')
  })

  it('of which there is one already stays an orphan', async () => {
    const { token, cloudId, nativeId } = await of('demo', 'harbour')
    await plimsoll.db.run(sql`update bindings set native_id = 'another', token = 'another' where token = ${token}`)
    await admin().post('/broker/v1/reconcile')
    const { orphans } = (await admin().get('/broker/v1/orphans')).body
    const orphan = orphans.find((each: { native_id: string }) => each.native_id === nativeId)
    const { status, body } = await admin().post(`/broker/v1/orphans/${orphan.id}/adopt`)
    expect([status, JSON.stringify(body)]).toEqual([409, expect.stringContaining('Its resource has another object')])
    expect(cloudId).toBe(plimsoll.cloudId('harbour'))
  })
})

describe('handing back', () => {
  const release = (body: object) => admin().post('/broker/v1/release', body)

  it('what a guest has leaves the image to its owner', async () => {
    const { status, body } = await release({ project_id: plimsoll.projectId('guest') })
    expect([status, body.refused, body.waiting]).toEqual([200, [], []])
    expect(await shown()).toMatchObject({ status: 'active', 'plimsoll:clouds': 'harbour,island' })
    expect((await onCloud(await of('demo', 'island')))?.mark).not.toBeNull()
  })

  it('an image on one cloud leaves it on the other, with its data', async () => {
    const mine = await of('demo', 'island')
    const { status, body } = await release({ resource_ids: [image], cloud: 'island' })
    expect([status, body.refused, body.waiting]).toEqual([200, [], []])
    expect(await onCloud(mine)).toMatchObject({ mark: null, goneAt: null })
    expect(await shown()).toMatchObject({ status: 'active', 'plimsoll:clouds': 'harbour' })
    expect((await demo().get(`/image/v2/images/${image}/file`)).status).toBe(200)
    // Whoever needs it there gets one of ours again.
    await boot('demo', 'island')
    expect((await of('demo', 'island')).nativeId).not.toBe(mine.nativeId)
  })
})

describe('what disappears from a cloud', () => {
  it('does not take the image with it, and is made anew when somebody needs it', async () => {
    const mine = await of('demo', 'harbour')
    await plimsoll.host.cloudState.delete(
      (await plimsoll.host.cloudState.list(`${mine.cloudId}/objects/`, 1_000)).find(({ key }) =>
        key.endsWith(mine.nativeId!),
      )!.key,
    )
    for (let sweep = 0; sweep < 6; sweep++) {
      plimsoll.clock.advance(10 * 60_000)
      await admin().post('/broker/v1/reconcile')
      await plimsoll.settle()
    }
    expect((await shown()).status).toBe('active')
    expect((await of('demo', 'harbour')).error?.message).toBe('It disappeared from the cloud.')
    expect((await bindings()).filter(({ error }) => error === null)).toHaveLength(2)
    const server = await boot('demo', 'harbour')
    expect((await demo().get(`/compute/v2.1/servers/${server}`)).body.server.status).toBe('ACTIVE')
    expect((await of('demo', 'harbour')).nativeId).not.toBe(mine.nativeId)
  })
})
