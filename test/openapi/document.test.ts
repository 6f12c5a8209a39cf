import { describe, expect, test } from 'vitest'
import type { JsonSchema } from '../../functions/http/json-schema.ts'
import { answerName, answersOf } from '../../functions/openapi/answers.ts'
import { documentOf } from '../../functions/openapi/document.ts'
import { schemaOf } from '../../functions/openapi/shapes.ts'
import { services } from '../../functions/services.ts'
import { misfits } from './fits.ts'

const NAMES = [...new Set(services.map(({ prefix }) => prefix.split('/')[1]!))]
const ownOf = (name: string) => services.filter(({ prefix }) => prefix === `/${name}` || prefix.startsWith(`/${name}/`))

interface Document {
  paths: Record<string, Record<string, { operationId: string; parameters?: { name: string; in: string }[] }>>
  components: { schemas: Record<string, JsonSchema> }
}
const whole = async (name: string, minor?: number) => (await documentOf(ownOf(name), minor)) as unknown as Document

describe.each(NAMES)('the document of %s', (name) => {
  test('tells of every operation once', async () => {
    const { paths } = await whole(name)
    const told = Object.values(paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId))
    expect(told).toHaveLength(ownOf(name).flatMap(({ operations }) => operations).length)
    expect(new Set(told).size).toBe(told.length)
  })

  test('names every parameter of a path, and refers to what is there', async () => {
    const document = await whole(name)
    for (const [path, item] of Object.entries(document.paths))
      for (const { operationId, parameters = [] } of Object.values(item))
        expect([operationId, parameters.filter((each) => each.in === 'path').map((each) => each.name)]).toEqual([
          operationId,
          [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter),
        ])
    const refers = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, to]) => to!)
    expect(refers.filter((to) => !document.components.schemas[to])).toEqual([])
  })

  test('says nothing of operations that are no more', async () => {
    for (const service of ownOf(name)) {
      const { answers, refusals } = await answersOf(service)
      const known = service.operations.map((operation) => answerName(operation.name))
      expect([...Object.keys(answers), ...Object.keys(refusals)].filter((each) => !known.includes(each))).toEqual([])
    }
  })
})

/** Operations of whose answers nothing is known but the media type. There may only ever be fewer. */
const MOST_SILENT = 178

test('ever fewer operations say nothing of their answers', async () => {
  const silent: string[] = []
  for (const service of services) {
    const { answers } = await answersOf(service)
    for (const { name, status, method } of service.operations)
      if (
        status !== 204 &&
        method !== 'HEAD' &&
        !answers[answerName(name)]?.[status] &&
        !/_without_project$/.test(name)
      )
        silent.push(`${service.prefix} ${name}`)
  }
  expect([silent.length <= MOST_SILENT, silent]).toEqual([true, silent])
})

test('a document of a version has what that version has, and no more', async () => {
  const flavor = async (minor: number) => {
    const { components, paths } = await whole('compute', minor)
    const shown = JSON.stringify(paths['/compute/v2.1/flavors/{id}']?.get)
    return { text: shown + JSON.stringify(components.schemas), paths: Object.keys(paths) }
  }
  const [old, later, newest] = [await flavor(35), await flavor(36), await flavor(96)]
  expect(old.paths).toContain('/compute/v2.1/os-floating-ips')
  expect(later.paths).not.toContain('/compute/v2.1/os-floating-ips')
  expect(old.paths).not.toContain('/compute/v2.1/servers/{id}/topology')
  expect(newest.paths).toContain('/compute/v2.1/servers/{id}/topology')
})

describe('an answer', () => {
  const schema = schemaOf(
    { id: 'uuid', 'name?': 'string|null', 'tags@26-': ['$tag'], meta: { '*': 'string' } },
    26,
    () => ({
      $ref: 'tag',
    }),
  )
  const faults = (value: unknown) => misfits(value, schema, () => ({ type: 'string' }))
  const id = '11111111-2222-4333-8444-555555555555'

  test('fits what is written down of it', () => {
    expect(faults({ id, name: null, tags: ['a'], meta: { any: 'thing' } })).toEqual([])
    expect(faults({ id, tags: [], meta: {} })).toEqual([])
  })

  test.each([
    [{ id, meta: {} }, 'body.tags is not there'],
    [{ id: 'x', tags: [], meta: {} }, 'body.id is no uuid'],
    [{ id, name: 1, tags: [], meta: {} }, 'body.name is integer, not string or null'],
    [{ id, tags: [1], meta: {} }, 'body.tags[0] is integer, not string'],
    [{ id, tags: [], meta: { a: 1 } }, 'body.meta.a is integer, not string'],
    [{ id, tags: [], meta: {}, more: 1 }, 'body.more is not told of'],
  ])('that does not is told: %j', (value, fault) => {
    expect(faults(value)).toEqual([fault])
  })
})
