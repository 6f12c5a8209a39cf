import { beforeEach, describe, expect, it } from 'vitest'
import { bringMetadefs } from '../../../functions/broker/image/metadef-defaults.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll()
})
const demo = () => plimsoll.as('demo')
const admin = () => plimsoll.as('admin')
const ALL = '/image/v2/metadefs/namespaces'
const sentence = (body: string) => /<\/h1>\s*(.*)<br \/><br \/>/.exec(body)?.[1]?.replaceAll('&#x27;', "'")
const refusal = ({ status, body }: { status: number; body: string }) => [status, sentence(body)]
const made = (namespace = 'house', more: object = {}) => admin().post(ALL, { namespace, visibility: 'public', ...more })
const named = async (search = '', who = demo()) =>
  (await who.get(ALL + search)).body.namespaces.map(({ namespace }: { namespace: string }) => namespace)

describe('definitions that come with the broker', () => {
  it('say what it heeds of images, flavors and servers', async () => {
    expect((await named('?sort_key=namespace&sort_dir=asc')).length).toBe(6)
    expect(await named('?resource_types=OS::Nova::Flavor')).toEqual(['Plimsoll::Placement'])
    const { body } = await demo().get(`${ALL}/OS::Compute::VirtualHardware`)
    expect(body).toMatchObject({
      visibility: 'public',
      protected: true,
      properties: { hw_disk_bus: { type: 'string', enum: ['virtio', 'scsi', 'sata', 'ide', 'usb'] } },
    })
    const on = body.resource_type_associations.map(({ name }: { name: string }) => name)
    expect(on).toEqual(['OS::Cinder::Volume', 'OS::Glance::Image'])
    const types = (await demo().get('/image/v2/metadefs/resource_types')).body.resource_types
    expect(types.map(({ name }: { name: string }) => name)).toEqual([
      'OS::Cinder::Volume',
      'OS::Glance::Image',
      'OS::Nova::Flavor',
      'OS::Nova::Server',
    ])
  })

  it('stay away once an administrator has removed them', async () => {
    await bringMetadefs(plimsoll.context())
    const path = `${ALL}/Plimsoll::Images`
    expect(refusal(await admin().delete(path))).toEqual([
      403,
      'Metadata definition namespace Plimsoll::Images is protected and cannot be deleted.',
    ])
    await admin().put(path, { namespace: 'Plimsoll::Images', protected: false })
    expect((await admin().delete(path)).status).toBe(204)
    await bringMetadefs(plimsoll.context())
    expect((await demo().get(path)).status).toBe(404)
  })
})

describe('a namespace', () => {
  it('is made with all that is in it, and goes with it', async () => {
    const whole = {
      display_name: 'The house',
      description: 'What we say of images',
      resource_type_associations: [{ name: 'OS::Glance::Image', prefix: 'house_' }],
      properties: { colour: { title: 'Colour', type: 'string', enum: ['red', 'blue'], default: 'red' } },
      objects: [{ name: 'roof', required: ['colour'], properties: { tiles: { title: 'Tiles', type: 'integer' } } }],
      tags: [{ name: 'old' }],
    }
    const { status, body, headers } = await made('house', whole)
    expect([status, headers.get('Location')]).toEqual([201, '/v2/metadefs/namespaces/house'])
    expect(body).toMatchObject({ namespace: 'house', owner: plimsoll.projectId('admin'), protected: false })
    const shown = (await demo().get(`${ALL}/house`)).body
    expect(shown).toEqual(body)
    expect(shown).toMatchObject({ properties: whole.properties, tags: [{ name: 'old' }] })
    const prefixed = (await demo().get(`${ALL}/house?resource_type=OS::Glance::Image`)).body
    expect(Object.keys(prefixed.properties)).toEqual(['house_colour'])
    expect(prefixed.objects[0].required).toEqual(['house_colour'])
    expect((await demo().get(`${ALL}/house/properties/house_colour?resource_type=OS::Glance::Image`)).body).toEqual({
      name: 'house_colour',
      ...whole.properties.colour,
    })
    expect((await admin().delete(`${ALL}/house`)).status).toBe(204)
    expect(refusal(await demo().get(`${ALL}/house`))).toEqual([
      404,
      'Metadata definition namespace=house was not found.',
    ])
    await made()
    expect((await demo().get(`${ALL}/house/properties`)).body).toEqual({ properties: {} })
  })

  it('that is private is seen by its project alone, and only administrators write', async () => {
    await made('hidden', { visibility: 'private' })
    await made('ours', { visibility: 'private', owner: plimsoll.projectId('demo') })
    expect((await demo().get(`${ALL}/hidden`)).status).toBe(404)
    expect((await demo().get(`${ALL}/hidden/tags`)).status).toBe(404)
    expect((await demo().get(`${ALL}/ours`)).status).toBe(200)
    expect(await named('?visibility=private')).toEqual(['ours'])
    expect((await demo().post(ALL, { namespace: 'mine' })).status).toBe(403)
    expect((await demo().put(`${ALL}/ours`, { namespace: 'mine' })).status).toBe(403)
    expect((await demo().delete(`${ALL}/ours`)).status).toBe(403)
  })

  it('is listed in pages', async () => {
    for (const name of ['a', 'b', 'c']) await made(name, { visibility: 'private' })
    const page = (await admin().get(`${ALL}?visibility=private&sort_key=namespace&sort_dir=asc&limit=2`)).body
    expect(page.namespaces.map(({ namespace }: { namespace: string }) => namespace)).toEqual(['a', 'b'])
    expect(page.next).toContain('marker=b')
    expect(await named(page.next.replace('/v2/metadefs/namespaces', ''), admin())).toEqual(['c'])
    expect((await demo().get(`${ALL}?marker=nothing`)).status).toBe(404)
    for (const wrong of ['sort_dir=up', 'sort_key=colour', 'visibility=shared', 'limit=x'])
      expect((await demo().get(`${ALL}?${wrong}`)).status).toBe(400)
  })

  it('is changed and renamed', async () => {
    await made('house', { tags: [{ name: 'old' }] })
    await made('other')
    const renamed = await admin().put(`${ALL}/house`, { namespace: 'home', visibility: 'public', protected: true })
    expect([renamed.status, renamed.body]).toMatchObject([200, { namespace: 'home', protected: true }])
    expect((await demo().get(`${ALL}/home/tags`)).body).toEqual({ tags: [{ name: 'old' }] })
    expect(refusal(await admin().put(`${ALL}/home`, { namespace: 'other' }))).toEqual([
      409,
      'The metadata definition namespace=other already exists.',
    ])
    expect(refusal(await admin().delete(`${ALL}/home/tags/old`))).toEqual([
      403,
      'Metadata definition tag old is protected and cannot be deleted.',
    ])
    for (const path of ['objects', 'properties', 'tags'])
      expect((await admin().delete(`${ALL}/home/${path}`)).status).toBe(403)
  })

  it('is refused in Glance words', async () => {
    await made()
    expect(refusal(await made())).toEqual([409, 'The metadata definition namespace=house already exists.'])
    expect(refusal(await made('x', { created_at: 'now' }))).toEqual([403, "Attribute 'created_at' is read-only."])
    for (const wrong of [{ visibility: 'all' }, { colour: 'red' }, { protected: 'no' }, { properties: { a: {} } }])
      expect((await made('x', wrong)).status).toBe(400)
    expect((await made('x'.repeat(81))).status).toBe(400)
    expect((await admin().post(ALL, {})).status).toBe(400)
    expect((await made('x', { tags: [{ name: 'a' }, { name: 'a' }] })).status).toBe(409)
  })
})

describe('what is in a namespace', () => {
  beforeEach(async () => {
    await made()
  })
  const at = `${ALL}/house`

  it('is objects', async () => {
    const roof = { name: 'roof', description: 'On top', properties: { tiles: { title: 'Tiles', type: 'integer' } } }
    const { status, body } = await admin().post(`${at}/objects`, roof)
    expect([status, body]).toMatchObject([201, { ...roof, schema: '/v2/schemas/metadefs/object' }])
    expect(refusal(await admin().post(`${at}/objects`, roof))).toEqual([
      409,
      'A metadata definition object with name=roof already exists in namespace=house.',
    ])
    expect((await demo().get(`${at}/objects`)).body.objects).toEqual([body])
    expect((await admin().put(`${at}/objects/roof`, { name: 'top' })).body.name).toBe('top')
    expect((await demo().get(`${at}/objects/top`)).body).not.toHaveProperty('properties')
    expect(refusal(await demo().get(`${at}/objects/roof`))).toEqual([
      404,
      'The metadata definition object with name=roof was not found in namespace=house.',
    ])
    expect((await admin().post(`${at}/objects`, { name: 'x', properties: { a: { type: 'string' } } })).status).toBe(400)
    expect((await admin().delete(`${at}/objects/top`)).status).toBe(204)
    await admin().post(`${at}/objects`, roof)
    expect((await admin().delete(`${at}/objects`)).status).toBe(204)
    expect((await demo().get(`${at}/objects`)).body.objects).toEqual([])
  })

  it('is properties', async () => {
    const colour = { name: 'colour', title: 'Colour', type: 'string', operators: ['<or>'], maxLength: 9 }
    const { status, body } = await admin().post(`${at}/properties`, colour)
    expect([status, body]).toEqual([201, colour])
    expect((await demo().get(`${at}/properties`)).body).toEqual({ properties: { colour } })
    expect((await demo().get(`${at}/properties/colour`)).body).toEqual(colour)
    const changed = { ...colour, type: 'integer' }
    expect((await admin().put(`${at}/properties/colour`, changed)).body).toEqual(changed)
    for (const wrong of [{}, { name: 'x', title: 'X' }, { ...colour, type: 'red' }, { ...colour, more: 1 }])
      expect((await admin().post(`${at}/properties`, wrong)).status).toBe(400)
    expect((await admin().post(`${at}/properties`, colour)).status).toBe(409)
    expect((await admin().delete(`${at}/properties/colour`)).status).toBe(204)
    expect((await admin().delete(`${at}/properties/colour`)).status).toBe(404)
    expect((await admin().delete(`${at}/properties`)).status).toBe(204)
  })

  it('is tags, one by one or many at once', async () => {
    const first = await admin().post(`${at}/tags/old`)
    expect([first.status, first.body]).toMatchObject([201, { name: 'old' }])
    expect((await admin().post(`${at}/tags/old`)).status).toBe(409)
    expect((await admin().post(`${at}/tags/${'x'.repeat(81)}`)).status).toBe(400)
    const more = { tags: [{ name: 'new' }, { name: 'blue' }] }
    const replaced = await admin().post(`${at}/tags`, more)
    expect([replaced.status, replaced.body]).toEqual([201, more])
    await admin().post(`${at}/tags`, { tags: [{ name: 'red' }] }, { 'X-Openstack-Append': 'True' })
    const tags = async (search = '') =>
      (await demo().get(`${at}/tags${search}`)).body.tags.map(({ name }: { name: string }) => name)
    expect(await tags('?sort_key=name&sort_dir=asc')).toEqual(['blue', 'new', 'red'])
    expect(await tags('?sort_key=name&sort_dir=asc&marker=blue&limit=1')).toEqual(['new'])
    expect((await admin().put(`${at}/tags/red`, { name: 'green' })).body.name).toBe('green')
    expect((await demo().get(`${at}/tags/green`)).body.name).toBe('green')
    expect((await admin().put(`${at}/tags/green`, {})).status).toBe(400)
    expect((await admin().delete(`${at}/tags/green`)).status).toBe(204)
    expect((await admin().delete(`${at}/tags`)).status).toBe(204)
    expect(await tags()).toEqual([])
  })

  it('is about types of resources', async () => {
    const image = { name: 'OS::Glance::Image', prefix: 'house_', properties_target: 'image' }
    const { status, body } = await admin().post(`${at}/resource_types`, image)
    expect([status, body]).toMatchObject([201, image])
    expect((await admin().post(`${at}/resource_types`, image)).status).toBe(409)
    expect((await admin().post(`${at}/resource_types`, {})).status).toBe(400)
    expect((await demo().get(`${at}/resource_types`)).body.resource_type_associations).toEqual([body])
    expect(await named('?resource_types=OS::Glance::Image,OS::X')).toContain('house')
    expect((await admin().delete(`${at}/resource_types/${image.name}`)).status).toBe(204)
    expect(refusal(await admin().delete(`${at}/resource_types/${image.name}`))).toEqual([
      404,
      'Failed to find resource type OS::Glance::Image to delete',
    ])
  })

  it('says of each thing what was said of it, and no more', async () => {
    const object = { name: 'roof' }
    const property = { name: 'colour', title: 'Colour', type: 'string' }
    const type = { name: 'OS::Glance::Image' }
    const times = { created_at: expect.any(String), updated_at: expect.any(String) }
    const links = { self: expect.any(String), schema: expect.any(String) }
    const sent = [
      [`${at}/objects`, object, { ...object, ...times, ...links }],
      [`${at}/properties`, property, property],
      [`${at}/resource_types`, type, { ...type, ...times }],
    ] as const
    for (const [path, body, view] of sent) {
      const answer = await admin().post(path, body)
      expect([answer.status, answer.body]).toEqual([201, view])
    }
    expect((await admin().put(`${at}/properties/colour`, property)).body).toEqual(property)
    expect((await demo().get(`${at}/objects`)).body.objects).toEqual([{ ...object, ...times, ...links }])
    expect((await demo().get(`${at}/resource_types`)).body.resource_type_associations).toEqual([{ ...type, ...times }])
    const inside = { objects: [object], resource_type_associations: [type], properties: { colour: property } }
    const bare = await made('bare', inside)
    expect([bare.status, bare.body.objects, bare.body.resource_type_associations]).toEqual([
      201,
      [{ ...object, ...times, ...links }],
      [{ ...type, ...times }],
    ])
    expect((await demo().get(`${ALL}/bare`)).body.objects).toEqual(bare.body.objects)
    const whole = {
      ...{ name: 'size', title: 'Size', type: 'array', description: 'How large', operators: ['<in>'], required: ['a'] },
      ...{ minimum: 0.5, maximum: 9.5, minLength: 0, maxLength: 9, pattern: '^a', enum: ['a', 1], readonly: true },
      ...{ default: null, items: { type: 'string', enum: ['a'] }, minItems: 0, maxItems: 9, uniqueItems: true },
      additionalItems: false,
    }
    expect((await admin().post(`${at}/properties`, whole)).body).toEqual(whole)
    const all = { name: 'wall', description: 'Of brick', required: ['colour'], properties: { colour: property } }
    expect((await admin().post(`${at}/objects`, all)).body).toMatchObject(all)
    for (const path of ['properties/size', 'objects/wall']) {
      const { body } = await demo().get(`${at}/${path}`)
      const answer = await admin().put(`${at}/${path}`, path === 'properties/size' ? whole : all)
      expect([answer.status, Object.keys(answer.body)]).toEqual([200, Object.keys(body)])
    }
    for (const wrong of [
      { ...property, type: null },
      { ...property, items: { type: null } },
    ])
      expect((await admin().post(`${at}/properties`, { ...wrong, name: 'wrong' })).status).toBe(400)
  })

  it('is at most a thousand things', async () => {
    const tags = Array.from({ length: 1_000 }, (_, i) => ({ name: `t${i}` }))
    expect((await admin().post(`${at}/tags`, { tags })).status).toBe(201)
    expect((await admin().post(`${at}/tags/one-more`)).status).toBe(413)
  })
})

it('has a schema of each', async () => {
  const paths = {
    namespace: '/image/v2/schemas/metadefs/namespace',
    object: '/image/v2/schemas/metadefs/object',
    property: '/image/v2/schemas/metadefs/property',
    tag: '/image/v2/schemas/metadefs/tag',
    resource_type_association: '/image/v2/schemas/metadefs/resource_type',
  }
  for (const [name, path] of Object.entries(paths)) {
    const { body } = await demo().get(path)
    expect([body.name, body.additionalProperties]).toEqual([name, false])
  }
  const lists = {
    namespaces: '/image/v2/schemas/metadefs/namespaces',
    objects: '/image/v2/schemas/metadefs/objects',
    properties: '/image/v2/schemas/metadefs/properties',
    tags: '/image/v2/schemas/metadefs/tags',
    resource_type_associations: '/image/v2/schemas/metadefs/resource_types',
  }
  for (const [name, path] of Object.entries(lists)) expect((await demo().get(path)).body.name).toBe(name)
})
