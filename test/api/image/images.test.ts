import { beforeEach, describe, expect, it } from 'vitest'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll()
})
const demo = () => plimsoll.as('demo')
const V21 = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' }
const V20 = { 'Content-Type': 'application/openstack-images-v2.0-json-patch' }
const OCTETS = { 'Content-Type': 'application/octet-stream' }
const created = async (image: Record<string, unknown> = {}) =>
  (await demo().post('/image/v2/images', { name: 'own', ...image })).body.id as string
const names = async (search: string) => {
  const { status, body } = await demo().get(`/image/v2/images?${search}`)
  return status === 200 ? body.images.map(({ name }: { name: string }) => name) : status
}
/** Glance words its errors in HTML. */
const sentence = (body: string) => /<\/h1>\s*(.*)<br \/><br \/>/.exec(body)?.[1]?.replaceAll('&#x27;', "'")

describe('versions', () => {
  it('are told to anybody', async () => {
    const statuses = [
      await plimsoll.nobody.get('/image'),
      await plimsoll.nobody.get('/image/'),
      await plimsoll.nobody.get('/image/versions'),
    ]
    expect(statuses.map(({ status }) => status)).toEqual([300, 300, 200])
    expect(statuses[0]!.body.versions[0]).toEqual({
      id: 'v2.13',
      status: 'CURRENT',
      links: [{ rel: 'self', href: 'http://plimsoll.test/image/v2/' }],
    })
    expect(statuses[0]!.body.versions.at(-1).id).toBe('v2.0')
  })
})

describe('images of a cloud', () => {
  it('are public to the projects of that cloud, and to nobody else', async () => {
    const { body } = await demo().get('/image/v2/images')
    expect(body).toMatchObject({ first: '/v2/images', schema: '/v2/schemas/images' })
    const found = body.images.find(({ name }: { name: string }) => name === 'sandbox-linux')
    expect(found).toMatchObject({
      status: 'active',
      visibility: 'public',
      owner: null,
      size: 21_692_416,
      checksum: null,
      os_hash_value: null,
      protected: false,
      tags: [],
      architecture: 'x86_64',
      'plimsoll:clouds': 'sandbox',
      self: `/v2/images/${found.id}`,
      schema: '/v2/schemas/image',
    })
    expect(found.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    await plimsoll.newProject('stranger')
    expect((await plimsoll.as('stranger').get('/image/v2/images')).body.images).toEqual([])
    const unseen = await plimsoll.as('stranger').get(`/image/v2/images/${found.id}`)
    expect([unseen.status, unseen.headers.get('content-type'), sentence(unseen.body)]).toEqual([
      404,
      'text/html; charset=UTF-8',
      `No image found with ID ${found.id}`,
    ])
  })

  it('are not for tenants to change, delete or take home', async () => {
    const { id } = (await demo().get('/image/v2/images?name=sandbox-linux')).body.images[0]
    const refused = [
      await demo().delete(`/image/v2/images/${id}`),
      await demo().patch(`/image/v2/images/${id}`, [{ op: 'replace', path: '/name', value: 'mine' }], V21),
      await demo().put(`/image/v2/images/${id}/tags/mine`),
      await demo().post(`/image/v2/images/${id}/actions/deactivate`),
      await demo().put(`/image/v2/images/${id}/file`, new Uint8Array([1, 2, 3]), OCTETS),
      await demo().get(`/image/v2/images/${id}/members`),
    ]
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403])
    expect(sentence(refused[0]!.body)).toContain('You are not authorized to complete delete_image action.')
    expect((await plimsoll.as('admin').delete(`/image/v2/images/${id}`)).status).toBe(403)
    expect((await demo().get(`/image/v2/images/${id}/file`)).status).toBe(501)
  })
})

describe('an image of a project', () => {
  it('begins as a record that waits for its data', async () => {
    const wish = {
      name: 'own',
      disk_format: 'qcow2',
      container_format: 'bare',
      min_disk: 1,
      tags: ['a', 'b', 'a'],
      os_distro: 'arch',
    }
    const { status, body, headers } = await demo().post('/image/v2/images', wish)
    expect(status).toBe(201)
    expect(headers.get('Location')).toBe(`http://plimsoll.test/image/v2/images/${body.id}`)
    expect(body).toMatchObject({
      ...wish,
      tags: ['a', 'b'],
      status: 'queued',
      size: null,
      visibility: 'shared',
      owner: plimsoll.projectId('demo'),
    })
    expect((await demo().get(`/image/v2/images/${body.id}`)).body).toEqual(body)
    expect((await demo().get(`/image/v2/images/${body.id}/file`)).status).toBe(204)
  })

  it('is refused in Glance words', async () => {
    const refusal = async (image: object) => {
      const { status, body } = await demo().post('/image/v2/images', image)
      return [status, sentence(body)]
    }
    expect((await refusal({ disk_format: 'round' }))[0]).toBe(400)
    expect((await refusal({ min_disk: -1 }))[0]).toBe(400)
    expect((await refusal({ id: 'x' }))[0]).toBe(400)
    expect(await refusal({ size: 5 })).toEqual([403, "Attribute 'size' is read-only."])
    expect(await refusal({ locations: [] })).toEqual([403, "Attribute 'locations' is reserved."])
    expect(await refusal({ 'plimsoll:clouds': 'a' })).toEqual([403, "Attribute 'plimsoll:clouds' is reserved."])
    expect((await refusal({ shape: 5 }))[0]).toBe(400)
    expect(await refusal({ visibility: 'public' })).toEqual([
      403,
      'You are not authorized to complete publicize_image action.',
    ])
    expect((await refusal({ owner: 'somebody' }))[0]).toBe(403)
    const id = await created()
    expect(await refusal({ id })).toEqual([409, `Image ID ${id} already exists!`])
  })

  it('is changed by operations of RFC 6902', async () => {
    const id = await created({ os_distro: 'arch' })
    const patch = (ops: unknown, headers: Record<string, string> = V21) =>
      demo().patch(`/image/v2/images/${id}`, ops, headers)
    const { status, body } = await patch([
      { op: 'replace', path: '/name', value: 'new' },
      { op: 'replace', path: '/os_distro', value: 'debian' },
      { op: 'add', path: '/a~1b~0c', value: 'x' },
      { op: 'replace', path: '/tags', value: ['t'] },
      { op: 'replace', path: '/disk_format', value: 'raw' },
    ])
    expect(status).toBe(200)
    expect(body).toMatchObject({ name: 'new', os_distro: 'debian', 'a/b~c': 'x', tags: ['t'], disk_format: 'raw' })
    expect((await patch([{ op: 'remove', path: '/os_distro' }])).body).not.toHaveProperty('os_distro')
    expect((await patch([])).body.name).toBe('new')
    const statuses = [
      await patch([{ op: 'replace', path: '/absent', value: 'x' }]),
      await patch([{ op: 'remove', path: '/name' }]),
      await patch([{ op: 'replace', path: '/status', value: 'active' }]),
      await patch([{ op: 'move', path: '/name', value: 'x' }]),
      await patch([{ op: 'add', path: 'name', value: 'x' }]),
      await patch([{ op: 'add', path: '/name' }]),
      await patch([{ op: 'add', path: '/visibility', value: 'public' }]),
      await patch([{ op: 'add', path: '/owner', value: 'x' }]),
      await patch([{ op: 'add', path: '/protected', value: 'x' }]),
      await patch({ op: 'add' }),
      await patch([], { 'Content-Type': 'application/json' }),
    ]
    expect(statuses.map((answer) => answer.status)).toEqual([409, 403, 403, 400, 400, 400, 403, 403, 400, 400, 415])
    expect(statuses.at(-1)!.headers.get('Accept-Patch')).toContain('application/openstack-images-v2.1-json-patch')
  })

  it('is changed by the operations of the draft too', async () => {
    const id = await created({ os_distro: 'arch' })
    const patch = (ops: unknown) => demo().patch(`/image/v2/images/${id}`, ops, V20)
    const { status, body } = await patch([
      { replace: '/name', value: 'new' },
      { add: '/x', value: 'y' },
      { remove: '/os_distro' },
    ])
    expect([status, body.name, body.x, body.os_distro]).toEqual([200, 'new', 'y', undefined])
    expect((await patch([{ add: '/x', value: 'z' }])).status).toBe(409)
    expect((await patch([{ add: '/x', remove: '/x' }])).status).toBe(400)
    expect((await patch([{ op: 'add' }])).status).toBe(400)
  })

  it('is deleted, unless it is protected', async () => {
    const id = await created({ protected: true })
    const kept = await demo().delete(`/image/v2/images/${id}`)
    expect([kept.status, sentence(kept.body)]).toEqual([403, `Image ${id} is protected and cannot be deleted.`])
    await demo().patch(`/image/v2/images/${id}`, [{ op: 'replace', path: '/protected', value: false }], V21)
    expect((await demo().delete(`/image/v2/images/${id}`)).status).toBe(204)
    const gone = await demo().delete(`/image/v2/images/${id}`)
    expect([gone.status, sentence(gone.body)]).toEqual([404, `Failed to find image ${id} to delete`])
    expect((await demo().get('/image/v2/images/')).status).toBe(404)
  })

  it('is tagged', async () => {
    const id = await created()
    expect((await demo().put(`/image/v2/images/${id}/tags/one`)).status).toBe(204)
    await demo().put(`/image/v2/images/${id}/tags/two%20words`)
    expect((await demo().get(`/image/v2/images/${id}`)).body.tags).toEqual(['one', 'two words'])
    expect(await names('tag=one&tag=two%20words')).toEqual(['own'])
    expect(await names('tag=one&tag=three')).toEqual([])
    expect((await demo().delete(`/image/v2/images/${id}/tags/one`)).status).toBe(204)
    expect((await demo().delete(`/image/v2/images/${id}/tags/one`)).status).toBe(404)
  })

  it('that waits for data is neither used nor kept from use', async () => {
    const id = await created()
    expect((await demo().post(`/image/v2/images/${id}/actions/deactivate`)).status).toBe(403)
    await plimsoll.host.d1.prepare("update images set status = 'active' where id = ?").bind(id).run()
    expect((await demo().post(`/image/v2/images/${id}/actions/deactivate`)).status).toBe(204)
    expect((await demo().get(`/image/v2/images/${id}`)).body.status).toBe('deactivated')
    expect((await demo().get(`/image/v2/images/${id}/file`)).status).toBe(403)
    expect((await demo().post(`/image/v2/images/${id}/actions/reactivate`)).status).toBe(204)
    expect((await demo().get(`/image/v2/images/${id}`)).body.status).toBe('active')
  })
})

describe('lists of images', () => {
  beforeEach(async () => {
    for (const [name, disk_format] of [
      ['a', 'raw'],
      ['b', 'qcow2'],
      ['c', 'raw'],
    ] as const) {
      await created({ name, disk_format, container_format: 'bare', visibility: 'private', n: name })
      plimsoll.clock.advance(1_000)
    }
  })

  it('are filtered', async () => {
    const mine = 'visibility=private'
    expect(await names(`${mine}&disk_format=raw`)).toEqual(['c', 'a'])
    expect(await names(`${mine}&name=in:a,b`)).toEqual(['b', 'a'])
    expect(await names(`${mine}&name=eq:a`)).toEqual(['a'])
    expect(await names(`${mine}&name=in:%22a%22,c`)).toEqual(['c', 'a'])
    expect(await names(`${mine}&n=b`)).toEqual(['b'])
    expect(await names(`${mine}&status=active`)).toEqual([])
    expect(await names(`owner=${plimsoll.projectId('demo')}&sort=name:asc`)).toEqual(['a', 'b', 'c'])
    expect(await names('visibility=public&sort_key=name&sort_dir=asc')).toEqual([
      'sandbox-linux',
      'sandbox-linux-arm',
      'sandbox-linux-minimal',
    ])
    expect(await names('size_min=20000000&size_max=21000000')).toEqual(['sandbox-linux-arm'])
    expect(await names('size=21692416')).toEqual(['sandbox-linux'])
    expect(await names(`${mine}&created_at=lt:2026-03-01T12:00:01Z`)).toEqual(['a'])
    const many = 'created_at=gte:2026-03-01T12:00:01Z&'.repeat(150)
    expect(await names(`${mine}&${many}created_at=lt:2026-03-01T12:00:02Z&created_at=neq:2026-01-01`)).toEqual(['b'])
    expect(await names(`${mine}&os_hidden=true`)).toEqual([])
    expect(await names(`${mine}&protected=true`)).toEqual([])
    const { id } = (await demo().get('/image/v2/images?name=a')).body.images[0]
    expect(await names(`id=in:${id},11111111-2222-4333-8444-555555555555`)).toEqual(['a'])
    for (const bad of [
      'visibility=x',
      'size_min=x',
      'protected=x',
      'limit=x',
      'limit=-1',
      'sort_key=x',
      'sort=name:x',
      'sort=name&sort_key=name',
      'created_at=x',
      'name=gt:a',
      'name=in:%22a',
      'name=in:a%22b%22',
      'status=in:%22active%22queued',
      'changes-since=x',
      'member_status=x',
    ])
      expect([bad, await names(bad)]).toEqual([bad, 400])
    expect(await names('marker=11111111-2222-4333-8444-555555555555')).toBe(400)
  })

  it('are paged, 25 at a time', async () => {
    const { body } = await demo().get('/image/v2/images?limit=2&visibility=private')
    expect(body.first).toBe('/v2/images?limit=2&visibility=private')
    expect(body.next).toBe(`/v2/images?limit=2&visibility=private&marker=${body.images[1].id}`)
    const next = (await demo().get(`/image${body.next}`)).body
    expect(next.images.map(({ name }: { name: string }) => name)).toEqual(['a'])
    expect(next).not.toHaveProperty('next')
    for (let i = 0; i < 25; i++) await created()
    expect((await demo().get('/image/v2/images')).body.images).toHaveLength(25)
  })
})

describe('what else clients ask for', () => {
  it('has every schema that an answer names', async () => {
    const id = await created()
    const paths = ['images', `images/${id}`, `images/${id}/members`, 'tasks', 'metadefs/namespaces']
    const answers = await Promise.all(paths.map((path) => plimsoll.as('admin').get(`/image/v2/${path}`)))
    const named = answers.map(({ body }) => body.schema as string)
    expect(new Set(named).size).toBe(paths.length)
    for (const path of ['/image/v2/schemas/task', '/image/v2/schemas/tasks'])
      expect((await demo().get(path)).body.properties).toBeTypeOf('object')
    expect((await demo().get('/image/v2/schemas/metadefs/namespace')).body.name).toBe('namespace')
    expect((await demo().get('/image/v2/schemas/metadefs/namespaces')).body.name).toBe('namespaces')
    for (const schema of named) expect((await demo().get(`/image${schema}`)).status).toBe(200)
  })

  it('is answered as far as it is there', async () => {
    expect((await demo().get('/image/v2/schemas/image')).body.properties.id.type).toBe('string')
    expect((await demo().get('/image/v2/schemas/images')).body.properties.images.items.name).toBe('image')
    expect((await demo().get('/image/v2/schemas/member')).body.name).toBe('member')
    expect((await demo().get('/image/v2/schemas/members')).body.name).toBe('members')
    expect((await demo().get(`/image/v2/images/${await created()}/tasks`)).body).toEqual({ tasks: [] })
  })
})
