import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import { createServer, createVolume } from '../../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { askedWhile } from './asked-while.ts'

let plimsoll: Plimsoll
let theirs: string
let base: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  await plimsoll.newProject('other', { clouds: ['sandbox'] })
  base = `/volume/v3/${plimsoll.projectId('demo')}`
  theirs = `/volume/v3/${plimsoll.projectId('other')}`
})
const at = (who = 'demo', version = '3.70') => plimsoll.as(who).with({ 'OpenStack-API-Version': `volume ${version}` })
const used = async (who: string, path: string) => {
  const { absolute } = (await at(who).get(`${path}/limits`)).body.limits
  return [absolute.totalVolumesUsed, absolute.totalSnapshotsUsed, absolute.totalGigabytesUsed]
}
const offered = async (volume_id: string, more = {}) => {
  const { status, body } = await at().post(`${base}/volume-transfers`, { transfer: { volume_id, ...more } })
  expect([status, body]).toMatchObject([202, { transfer: { volume_id, auth_key: expect.any(String) } }])
  return body.transfer
}
const withSnapshot = async () => {
  const volume = await createVolume(plimsoll, at(), { name: 'given', size: 2 })
  const { body } = await at().post(`${base}/snapshots`, { snapshot: { volume_id: volume } })
  await plimsoll.settle()
  return { volume, snapshot: body.snapshot.id as string }
}
/** Whose the cloud itself says that they are. */
const marked = async () => {
  const { host, cloudId } = plimsoll
  const id = cloudId('sandbox')
  const objects = [
    ...(await remembered(host.cloudState, id, 'snapshot')),
    ...(await remembered(host.cloudState, id, 'volume')),
  ]
  return objects.map(({ kind, mark }) => [kind, mark?.project])
}

describe('a volume that is given away', () => {
  it("is another project's once that has the key, with its snapshots, and so says the cloud", async () => {
    const { volume, snapshot } = await withSnapshot()
    const transfer = await offered(volume, { name: 'gift' })
    expect(transfer).toMatchObject({ name: 'gift', no_snapshots: false, accepted: false, destination_project_id: null })
    expect((await at().get(`${base}/volumes/${volume}`)).body.volume.status).toBe('awaiting-transfer')
    expect((await at().delete(`${base}/volumes/${volume}`)).status).toBe(400)
    const shown = (await at().get(`${base}/volume-transfers/${transfer.id}`)).body.transfer
    expect(shown).toMatchObject({ id: transfer.id, volume_id: volume })
    expect(shown).not.toHaveProperty('auth_key')
    expect((await at('other').get(`${theirs}/volume-transfers/${transfer.id}`)).status).toBe(404)
    expect((await at().get(`${base}/volume-transfers`)).body.transfers).toHaveLength(1)
    expect((await at().get(`${base}/volume-transfers/detail`)).body.transfers[0].created_at).toBe(shown.created_at)
    const accept = (auth_key: string) =>
      at('other').post(`${theirs}/volume-transfers/${transfer.id}/accept`, { accept: { auth_key } })
    const wrong = await accept('0123456789abcdef')
    expect([wrong.status, wrong.body.badRequest.message]).toEqual([
      400,
      `Invalid auth key: Attempt to transfer ${transfer.id} with invalid auth key.`,
    ])
    const { status, body } = await accept(transfer.auth_key)
    expect([status, body.transfer]).toMatchObject([202, { id: transfer.id, volume_id: volume, name: 'gift' }])
    expect((await accept(transfer.auth_key)).status).toBe(404)
    await plimsoll.settle()
    expect((await at().get(`${base}/volumes/${volume}`)).status).toBe(404)
    expect((await at('other').get(`${theirs}/volumes/${volume}`)).body.volume).toMatchObject({
      status: 'available',
      'os-vol-tenant-attr:tenant_id': plimsoll.projectId('other'),
    })
    expect((await at('other').get(`${theirs}/snapshots/${snapshot}`)).body.snapshot.status).toBe('available')
    expect(await used('demo', base)).toEqual([0, 0, 0])
    expect(await used('other', theirs)).toEqual([1, 1, 4])
    const project = plimsoll.projectId('other')
    expect(await marked()).toEqual([
      ['snapshot', project],
      ['volume', project],
    ])
    const gone = await at('other').delete(`${theirs}/volumes/${volume}?cascade=True`)
    expect(gone.status).toBe(202)
    await plimsoll.settle()
    expect(await used('other', theirs)).toEqual([0, 0, 0])
  })

  it('leaves its snapshots behind where that is asked for, and has to where they are of a group', async () => {
    const { volume, snapshot } = await withSnapshot()
    const whole = await offered(volume)
    await plimsoll.db.run(sql`update snapshots set group_snapshot_id = 'theirs'`)
    const { status, body } = await at('other').post(`${theirs}/volume-transfers/${whole.id}/accept`, {
      accept: { auth_key: whole.auth_key },
    })
    expect([status, body.badRequest.message]).toEqual([400, expect.stringMatching(/offer it with no_snapshots/)])
    expect((await at().delete(`${base}/volume-transfers/${whole.id}`)).status).toBe(202)
    const transfer = await offered(volume, { no_snapshots: true })
    const accept = { accept: { auth_key: transfer.auth_key } }
    expect((await at('other').post(`${theirs}/volume-transfers/${transfer.id}/accept`, accept)).status).toBe(202)
    await plimsoll.settle()
    expect((await at().get(`${base}/snapshots/${snapshot}`)).status).toBe(200)
    expect(await used('demo', base)).toEqual([0, 1, 2])
    expect(await used('other', theirs)).toEqual([1, 0, 2])
  })

  it('stays where the offer is taken back, or the other project has no such account', async () => {
    const volume = await createVolume(plimsoll, at(), {})
    const old = await at('demo', '3.0').post(`${base}/os-volume-transfer`, { transfer: { volume_id: volume } })
    expect(old.status).toBe(202)
    const { id, auth_key } = old.body.transfer
    expect((await at('demo', '3.0').get(`${base}/os-volume-transfer/${id}`)).body.transfer).not.toHaveProperty(
      'accepted',
    )
    expect((await at('demo', '3.0').get(`${base}/os-volume-transfer`)).body.transfers).toHaveLength(1)
    expect((await at('demo', '3.0').get(`${base}/os-volume-transfer/detail`)).body.transfers).toHaveLength(1)
    await plimsoll.newProject('stranger', { clouds: [] })
    const elsewhere = `/volume/v3/${plimsoll.projectId('stranger')}`
    const accept = { accept: { auth_key } }
    const refused = await at('stranger', '3.0').post(`${elsewhere}/os-volume-transfer/${id}/accept`, accept)
    expect([refused.status, refused.body.badRequest.message]).toEqual([400, expect.stringMatching(/does not have/)])
    expect(
      (await at('demo', '3.0').post(`${base}/os-volume-transfer`, { transfer: { volume_id: volume } })).status,
    ).toBe(400)
    expect((await at('demo', '3.0').delete(`${base}/os-volume-transfer/${id}`)).status).toBe(202)
    expect((await at().get(`${base}/volumes/${volume}`)).body.volume.status).toBe('available')
    const lost = await createVolume(plimsoll, at(), {})
    const { id: none } = await offered(lost)
    expect((await at('admin').delete(`${base}/volumes/${lost}?force=True`)).status).toBe(202)
    expect((await at().get(`${base}/volume-transfers/${none}`)).status).toBe(404)
    const again = await offered(volume)
    expect((await at().delete(`${base}/volume-transfers/${again.id}`)).status).toBe(202)
    expect((await at().delete(`${base}/volume-transfers/${again.id}`)).status).toBe(404)
  })

  it('is not accepted beyond the quota of who takes it', async () => {
    const volume = await createVolume(plimsoll, at(), {})
    const { id, auth_key } = await offered(volume)
    const project = plimsoll.projectId('other')
    await at('admin').put(`${base}/os-quota-sets/${project}`, { quota_set: { volumes: 0 } })
    const { status } = await at('other').post(`${theirs}/volume-transfers/${id}/accept`, { accept: { auth_key } })
    expect(status).toBe(413)
    expect((await at().get(`${base}/volumes/${volume}`)).body.volume.status).toBe('awaiting-transfer')
    expect((await at().post(`${base}/volume-transfers`, { transfer: {} })).status).toBe(400)
    expect((await at('other').post(`${theirs}/volume-transfers/${id}/accept`, {})).status).toBe(400)
  })

  it('is offered once at a time: an older key opens nothing', async () => {
    const volume = await createVolume(plimsoll, at(), {})
    const reset = (status: string) =>
      at('admin').post(`${base}/volumes/${volume}/action`, { 'os-reset_status': { status } })
    const accept = ({ id, auth_key }: { id: string; auth_key: string }, who = 'other', path = theirs) =>
      at(who).post(`${path}/volume-transfers/${id}/accept`, { accept: { auth_key } })
    const old = await offered(volume)
    expect((await reset('available')).status).toBe(202)
    const late = await offered(volume)
    expect((await at().get(`${base}/volume-transfers`)).body.transfers).toMatchObject([{ id: late.id }])
    expect((await accept(old)).status).toBe(404)
    expect((await accept(late)).status).toBe(202)
    await plimsoll.settle()
    const back = await at('other').post(`${theirs}/volume-transfers`, { transfer: { volume_id: volume } })
    expect(back.status).toBe(202)
    expect((await accept(old, 'demo', base)).status).toBe(404)
    expect((await at('other').get(`${theirs}/volumes/${volume}`)).body.volume.status).toBe('awaiting-transfer')
    expect((await at('admin').delete(`${theirs}/volumes/${volume}?force=True`)).status).toBe(202)
    expect((await accept(back.body.transfer, 'demo', base)).status).toBe(404)
  })

  it('is not acted on by a request that read it while it was still theirs', async () => {
    const volume = await createVolume(plimsoll, at(), { name: 'given' })
    const server = await createServer(plimsoll, plimsoll.as('demo'))
    const path = `${base}/volumes/${volume}`
    const acts = [
      () => at().delete(path),
      () => at('admin').delete(`${path}?force=True`),
      () => at().put(path, { volume: { name: 'mine' } }),
      () => at().post(`${path}/action`, { 'os-extend': { new_size: 5 } }),
      () => at().post(`${base}/snapshots`, { snapshot: { volume_id: volume } }),
      () => at().post(`${base}/volume-transfers`, { transfer: { volume_id: volume } }),
      () =>
        plimsoll
          .as('demo')
          .post(`/compute/v2.1/servers/${server}/os-volume_attachments`, { volumeAttachment: { volumeId: volume } }),
    ]
    for (const act of acts) {
      const gone = () => plimsoll.db.run(sql`update volumes set project_id = ${plimsoll.projectId('other')}`)
      const { status } = await askedWhile(plimsoll, gone, act)
      expect([400, 404, 409], act.toString()).toContain(status)
      expect((await at('other').get(`${theirs}/volumes/${volume}`)).body.volume).toMatchObject({
        ...{ name: 'given', status: 'available', size: 1 },
      })
      await plimsoll.db.run(sql`update volumes set project_id = ${plimsoll.projectId('demo')}`)
    }
  })

  it('leaves its group, and does not go while a server has it whatever its status is said to be', async () => {
    const volume = await createVolume(plimsoll, at(), {})
    const others = await plimsoll.db.all<{ id: string }>(sql`update volumes set group_id = 'mine' returning id`)
    expect(others).toHaveLength(1)
    const server = await createServer(plimsoll, plimsoll.as('demo'))
    const attachments = `/compute/v2.1/servers/${server}/os-volume_attachments`
    await plimsoll.as('demo').post(attachments, { volumeAttachment: { volumeId: volume } })
    await plimsoll.settle()
    const status = { 'os-reset_status': { status: 'available' } }
    expect((await at('admin').post(`${base}/volumes/${volume}/action`, status)).status).toBe(202)
    const { id, auth_key } = await offered(volume)
    const accept = () => at('other').post(`${theirs}/volume-transfers/${id}/accept`, { accept: { auth_key } })
    expect((await accept()).status).toBe(400)
    await plimsoll.as('demo').delete(`/compute/v2.1/servers/${server}`)
    await plimsoll.settle()
    await plimsoll.db.run(sql`update volumes set status = 'awaiting-transfer'`)
    expect((await accept()).status).toBe(202)
    expect((await at('other').get(`${theirs}/volumes/${volume}`)).body.volume.group_id).toBeNull()
  })

  it('goes to no project whose policy has no place for it, or that may not have its type', async () => {
    const type = { name: 'ours', 'os-volume-type-access:is_public': false }
    const { id: typeId } = (await at('admin').post(`${base}/types`, { volume_type: type })).body.volume_type
    const act = (body: object) => at('admin').post(`${base}/types/${typeId}/action`, body)
    await act({ addProjectAccess: { project: plimsoll.projectId('demo') } })
    const volume = await createVolume(plimsoll, at(), { volume_type: 'ours' })
    const { id, auth_key } = await offered(volume)
    const accepted = async () => {
      const { status, body } = await at('other').post(`${theirs}/volume-transfers/${id}/accept`, {
        accept: { auth_key },
      })
      return [status, body.badRequest?.message]
    }
    expect(await accepted()).toEqual([400, `Volume ${volume} is of type ours, which this project may not have.`])
    await act({ addProjectAccess: { project: plimsoll.projectId('other') } })
    await plimsoll.addCloud({ name: 'far', type: 'sandbox', projects: ['other'] })
    const policy = (said: object) =>
      at('admin').put(`/broker/v1/projects/${plimsoll.projectId('other')}/policy`, { policy: said })
    expect((await policy({ chain: ['far'] })).status).toBe(200)
    expect(await accepted()).toEqual([
      400,
      `Volume ${volume} is on cloud sandbox, which is none of those to which things of this project go.`,
    ])
    await plimsoll.db.run(sql`update clouds set region = 'here' where name = 'sandbox'`)
    expect((await policy({ regions: ['there'] })).status).toBe(200)
    expect(await accepted()).toEqual([
      400,
      `Volume ${volume} stays where it is. Cloud sandbox is in region here, and the project is to stay in there.`,
    ])
    expect((await policy({})).status).toBe(200)
    expect(await accepted()).toEqual([202, undefined])
  })
})
