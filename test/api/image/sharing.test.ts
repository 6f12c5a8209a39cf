import { beforeEach, describe, expect, it } from 'vitest'
import { createServer, imageNamed } from '../../support/builders.ts'
import { qcow2Disk } from '../../support/disks.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  await plimsoll.newProject('friend', { clouds: ['sandbox'] })
  await plimsoll.newProject('stranger', { clouds: ['sandbox'] })
})
const demo = () => plimsoll.as('demo')
const friend = () => plimsoll.as('friend')
const stranger = () => plimsoll.as('stranger')
const OCTETS = { 'Content-Type': 'application/octet-stream' }
const V21 = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' }
const sentence = (body: string) => /<\/h1>\s*(.*)<br \/><br \/>/.exec(body)?.[1]?.replaceAll('&#x27;', "'")
const refusal = ({ status, body }: { status: number; body: string }) => [status, sentence(body)]

const record = async (more: object = {}) =>
  (await demo().post('/image/v2/images', { name: 'common', ...more })).body.id as string
const uploaded = async () => {
  const id = await record({ disk_format: 'qcow2', container_format: 'bare' })
  expect((await demo().put(`/image/v2/images/${id}/file`, qcow2Disk(), OCTETS)).status).toBe(204)
  return id
}
const share = (id: string, project = 'friend') =>
  demo().post(`/image/v2/images/${id}/members`, { member: plimsoll.projectId(project) })
const answer = (id: string, status: string) =>
  friend().put(`/image/v2/images/${id}/members/${plimsoll.projectId('friend')}`, { status })
const names = async (who: Client, search = '') =>
  (await who.get(`/image/v2/images?name=common${search}`)).body.images.map(({ name }: { name: string }) => name)

describe('an image that is shared with a project', () => {
  it('is there for it at once, and listed when it has accepted', async () => {
    const id = await record()
    expect((await friend().get(`/image/v2/images/${id}`)).status).toBe(404)
    const made = await share(id)
    expect([made.status, made.body]).toEqual([
      200,
      {
        member_id: plimsoll.projectId('friend'),
        image_id: id,
        status: 'pending',
        created_at: '2026-03-01T12:00:00Z',
        updated_at: '2026-03-01T12:00:00Z',
        schema: '/v2/schemas/member',
      },
    ])
    expect((await friend().get(`/image/v2/images/${id}`)).body).toMatchObject({ id, visibility: 'shared' })
    expect((await stranger().get(`/image/v2/images/${id}`)).status).toBe(404)
    expect(await names(friend())).toEqual([])
    expect(await names(friend(), '&member_status=pending')).toEqual(['common'])
    expect(await names(friend(), '&member_status=all')).toEqual(['common'])
    expect((await answer(id, 'accepted')).body).toMatchObject({ status: 'accepted' })
    expect(await names(friend())).toEqual(['common'])
    expect(await names(friend(), '&visibility=shared')).toEqual(['common'])
    expect(await names(friend(), `&owner=${plimsoll.projectId('demo')}`)).toEqual(['common'])
    expect(await names(friend(), '&visibility=private')).toEqual([])
    expect((await answer(id, 'rejected')).status).toBe(200)
    expect(await names(friend())).toEqual([])
    expect(await names(friend(), '&member_status=rejected')).toEqual(['common'])
    expect(await names(demo())).toEqual(['common'])
    expect((await friend().get(`/image/v2/images/${id}`)).status).toBe(200)
  })

  it('is its owner to change, hide, and take back', async () => {
    const id = await record()
    await share(id)
    await answer(id, 'accepted')
    const rename = [{ op: 'replace', path: '/name', value: 'mine' }]
    expect((await friend().patch(`/image/v2/images/${id}`, rename, V21)).status).toBe(403)
    expect((await friend().delete(`/image/v2/images/${id}`)).status).toBe(403)
    const hide = [{ op: 'replace', path: '/os_hidden', value: true }]
    expect((await demo().patch(`/image/v2/images/${id}`, hide, V21)).body.os_hidden).toBe(true)
    expect(await names(friend())).toEqual([])
    expect(await names(friend(), '&os_hidden=true')).toEqual(['common'])
    await demo().patch(`/image/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value: 'private' }], V21)
    expect((await friend().get(`/image/v2/images/${id}`)).status).toBe(404)
    expect(refusal(await demo().get(`/image/v2/images/${id}/members`))).toEqual([
      403,
      `Error fetching members of image ${id}: Only shared images have members.`,
    ])
    await demo().patch(`/image/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value: 'shared' }], V21)
    const own = `/image/v2/images/${id}/members/${plimsoll.projectId('friend')}`
    expect(refusal(await friend().delete(own))).toEqual([403, `Not allowed to delete members for image ${id}.`])
    expect((await demo().delete(own)).status).toBe(204)
    expect((await friend().get(`/image/v2/images/${id}`)).status).toBe(404)
    expect((await demo().delete(`/image/v2/images/${id}`)).status).toBe(204)
  })

  it('boots there while that has not said a word, from data that is brought for it', async () => {
    const id = await uploaded()
    const boot = { imageRef: id, flavorRef: '2', networks: 'none' }
    const wish = { server: { name: 's', ...boot } }
    const at = { 'OpenStack-API-Version': 'compute 2.96' }
    expect((await friend().post('/compute/v2.1/servers', wish, at)).status).toBe(400)
    await share(id)
    const server = await createServer(plimsoll, friend(), boot)
    expect((await friend().get(`/compute/v2.1/servers/${server}`, at)).body.server).toMatchObject({ status: 'ACTIVE' })
    expect((await friend().get(`/image/v2/images/${id}/file`)).body).toHaveLength(qcow2Disk().length)
    expect((await stranger().post('/compute/v2.1/servers', wish, at)).status).toBe(400)
  })

  it('boots from what the cloud made of a server of its owner', async () => {
    const server = await createServer(plimsoll, demo(), {
      imageRef: await imageNamed(demo()),
      flavorRef: '2',
      networks: 'none',
    })
    await demo().post(`/compute/v2.1/servers/${server}/action`, { createImage: { name: 'common' } })
    await plimsoll.settle()
    const { id } = (await demo().get('/image/v2/images?name=common')).body.images[0]
    await demo().patch(`/image/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value: 'shared' }], V21)
    await share(id)
    const copy = await createServer(plimsoll, friend(), { imageRef: id, flavorRef: '2', networks: 'none' })
    expect((await friend().get(`/compute/v2.1/servers/${copy}`)).body.server).toMatchObject({ status: 'ACTIVE' })
    // Who uses the cloud as another account does not find it there, and is told so.
    await plimsoll.newProject('elsewhere')
    await plimsoll.mapTo('sandbox', 'elsewhere', { account: 'other' })
    expect((await share(id, 'elsewhere')).status).toBe(200)
    expect((await plimsoll.as('elsewhere').get(`/image/v2/images/${id}`)).status).toBe(200)
    const other = plimsoll.as('elsewhere')
    const failed = await createServer(plimsoll, other, { imageRef: id, flavorRef: '2', networks: 'none' })
    expect((await other.get(`/compute/v2.1/servers/${failed}`)).body.server).toMatchObject({
      status: 'ERROR',
      fault: { message: expect.stringContaining('is of an account of sandbox that this project does not use') },
    })
    const own = await createServer(plimsoll, other, {
      imageRef: await imageNamed(other),
      flavorRef: '2',
      networks: 'none',
    })
    const rebuilt = await other.post(`/compute/v2.1/servers/${own}/action`, { rebuild: { imageRef: id } })
    expect(rebuilt.status).toBeGreaterThanOrEqual(400)
    const apart = 'is of an account of sandbox that this project does not use'
    expect(JSON.stringify(rebuilt.body)).toContain(apart)
    // Nor are volumes made of it: neither by themselves, nor with a server, nor by writing one anew.
    const volumes = (project: string) => `/volume/v3/${plimsoll.projectId(project)}/volumes`
    const volume = (size = 20, more: object = {}) => other.post(volumes('elsewhere'), { volume: { size, ...more } })
    const made = await volume(20, { imageRef: id })
    expect([made.status, JSON.stringify(made.body)]).toEqual([400, expect.stringContaining(apart)])
    const disk = { uuid: id, source_type: 'image', destination_type: 'volume', boot_index: 0, volume_size: 20 }
    const rooted = await other.post(
      '/compute/v2.1/servers',
      {
        server: { name: 'r', flavorRef: '2', networks: 'none', block_device_mapping_v2: [disk] },
      },
      { 'OpenStack-API-Version': 'compute 2.96' },
    )
    expect([rooted.status, JSON.stringify(rooted.body)]).toEqual([409, expect.stringContaining(apart)])
    const blank = (await volume()).body.volume.id
    await plimsoll.settle()
    const rewritten = await other.post(
      `${volumes('elsewhere')}/${blank}/action`,
      { 'os-reimage': { image_id: id } },
      {
        'OpenStack-API-Version': 'volume 3.68',
      },
    )
    expect([rewritten.status, JSON.stringify(rewritten.body)]).toEqual([400, expect.stringContaining(apart)])
    expect((await friend().post(volumes('friend'), { volume: { size: 20, imageRef: id } })).status).toBe(202)
  })
})

describe('members of an image', () => {
  it('are all seen by its owner, and by each of them itself', async () => {
    const id = await record()
    await share(id)
    await share(id, 'stranger')
    const seen = async (who: Client) =>
      (await who.get(`/image/v2/images/${id}/members`)).body.members.map((m: { member_id: string }) => m.member_id)
    expect((await seen(demo())).sort()).toEqual([plimsoll.projectId('friend'), plimsoll.projectId('stranger')].sort())
    expect(await seen(friend())).toEqual([plimsoll.projectId('friend')])
    const one = (who: Client, project: string) =>
      who.get(`/image/v2/images/${id}/members/${plimsoll.projectId(project)}`)
    expect((await one(demo(), 'stranger')).body.status).toBe('pending')
    expect((await one(friend(), 'friend')).body.status).toBe('pending')
    expect((await one(friend(), 'stranger')).status).toBe(404)
    expect(refusal(await demo().get(`/image/v2/images/${id}/members/x`))).toEqual([
      404,
      `x not found in the member list of the image ${id}.`,
    ])
  })

  it('are refused in Glance words', async () => {
    const id = await record()
    const members = `/image/v2/images/${id}/members`
    const post = async (body: object, who = demo()) => refusal(await who.post(members, body))
    expect(await post({})).toEqual([400, 'Member to be added not specified'])
    expect(await post({ member: '' })).toEqual([400, "Member can't be empty"])
    expect((await post({ member: 5 }))[0]).toBe(400)
    expect((await post({ member: 'x' }, friend()))[0]).toBe(404)
    const member = plimsoll.projectId('friend')
    await share(id)
    expect(await post({ member })).toEqual([409, `Member ${member} is duplicated for image ${id}`])
    expect(await post({ member: 'x' }, friend())).toEqual([403, `Not allowed to create members for image ${id}.`])
    const put = async (body: object, who: Client) => refusal(await who.put(`${members}/${member}`, body))
    expect(await put({}, friend())).toEqual([400, 'Status not specified'])
    expect((await put({ status: 'maybe' }, friend()))[0]).toBe(400)
    expect(await put({ status: 'accepted' }, demo())).toEqual([403, `Not allowed to update members for image ${id}.`])
    expect((await demo().put(`${members}/x`, { status: 'accepted' })).status).toBe(404)
    expect((await demo().delete(`${members}/x`)).status).toBe(404)
  })

  it('are at most 128', async () => {
    const id = await record()
    for (let i = 0; i < 128; i++) await demo().post(`/image/v2/images/${id}/members`, { member: `project-${i}` })
    const [status, words] = refusal(await share(id))
    expect([status, words]).toEqual([413, expect.stringContaining(`Image member limit exceeded for image ${id}`)])
  })
})
