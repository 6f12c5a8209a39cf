import type * as z from 'zod'
import { itemsOf, type MetadefItem, type MetadefKind, type NamespaceRow } from '../../../db/queries/image/metadefs.ts'
import { changeItem, putItems, removeItem, removeItems } from '../../broker/image/metadefs.ts'
import { Refused } from '../../broker/line/refused.ts'
import { strictBoolean } from '../../http/boolean.ts'
import { badRequest, conflict, type Fault, forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { limitOf } from '../image-filters.ts'
import { guarded, objectFields, propertyFields, tagFields, tagsFields } from './fields.ts'
import { directionOf, namespaceAnd, namespaceOf, refuseProtected, TOO_MANY } from './namespaces.ts'
import { objectView, propertyView, tagView } from './view.ts'

/** Of what a namespace consists, and how Glance speaks of it (glance/common/exception.py). */
interface Part {
  kind: Exclude<MetadefKind, 'resource_type'>
  plural: string
  /** One of them, as a part of a sentence. */
  noun: string
  view(item: MetadefItem, namespace: string): object
  listed(items: MetadefItem[], namespace: string): object
  taken(name: string, namespace: string): string
}

const PARTS: Part[] = [
  {
    kind: 'object',
    plural: 'objects',
    noun: 'object',
    view: objectView,
    listed: (items, namespace) => ({
      objects: items.map((item) => objectView(item, namespace)),
      schema: 'v2/schemas/metadefs/objects',
    }),
    taken: (name, namespace) =>
      `A metadata definition object with name=${name} already exists in namespace=${namespace}.`,
  },
  {
    kind: 'property',
    plural: 'properties',
    noun: 'property',
    view: propertyView,
    listed: (items) => ({ properties: Object.fromEntries(items.map((item) => [item.name, propertyView(item)])) }),
    taken: (name, namespace) =>
      `A metadata definition property with name=${name} already exists in namespace=${namespace}.`,
  },
  {
    kind: 'tag',
    plural: 'tags',
    noun: 'tag',
    view: tagView,
    listed: (items) => ({ tags: items.map(({ name }) => ({ name })) }),
    taken: (name, namespace) =>
      `A metadata tag with name=${name} already exists in namespace=${namespace}. (Please note that metadata tag names are case insensitive).`,
  },
]

const missing = ({ noun }: Part, name: string, namespace: string) =>
  notFound(`The metadata definition ${noun} with name=${name} was not found in namespace=${namespace}.`)

const itemOf = async (input: Pick<Input, 'context' | 'params'>, part: Part, row: NamespaceRow) => {
  const name = input.params.name!
  const [item] = await itemsOf(input.context.db, [row.id], { kind: part.kind, name })
  if (!item) throw missing(part, name, row.namespace)
  return item
}

/** A property is also found by its name with the prefix of a type of resource before it. */
const shownItem = async (input: Input, part: Part): Promise<{ row: NamespaceRow; item: MetadefItem }> => {
  const type = part.kind === 'property' ? input.queries.get('resource_type') : null
  if (type === null) {
    const name = input.params.name!
    const { row, items } = await namespaceAnd(input, { kind: part.kind, name })
    const [item] = items
    if (!item) throw missing(part, name, row.namespace)
    return { row, item }
  }
  const { row, items } = await namespaceAnd(input, { kind: 'resource_type', name: type })
  const [on] = items
  const prefix = typeof on?.body.prefix === 'string' ? on.body.prefix : ''
  const given = input.params.name!
  if (!on || !given.startsWith(prefix)) throw missing(part, given, row.namespace)
  const name = given.slice(prefix.length)
  const found = await itemOf({ ...input, params: { ...input.params, name } }, part, row)
  return { row, item: { ...found, name: given } }
}

/** In the order that is asked for, from behind the marker on. */
const pageOf = (items: MetadefItem[], part: Part, row: NamespaceRow, queries: URLSearchParams): MetadefItem[] => {
  const key = queries.get('sort_key') ?? 'created_at'
  const of = { name: (i: MetadefItem) => i.name, created_at: (i: MetadefItem) => i.createdAt }[key]
  const value = key === 'updated_at' ? (i: MetadefItem) => i.updatedAt : of
  if (!value) throw badRequest(`Sort key supplied was not valid: ${key}`)
  const up = (a: MetadefItem, b: MetadefItem) => (value(a) === value(b) ? 0 : value(a) < value(b) ? -1 : 1)
  const sorted = items.toSorted((a, b) => up(a, b) || (a.name < b.name ? -1 : 1))
  if (directionOf(queries) === 'desc') sorted.reverse()
  const marker = queries.get('marker')
  const at = marker ? sorted.findIndex(({ name }) => name === marker) : -1
  if (marker && at < 0) throw missing(part, marker, row.namespace)
  return sorted.slice(at + 1, queries.get('limit') === null ? undefined : at + 1 + limitOf(queries))
}

const refuse =
  ({ taken }: Part) =>
  (error: unknown, { params, body }: Input): Fault | undefined => {
    if (!(error instanceof Refused)) return undefined
    const { refusal } = error
    if (refusal.kind === 'guard' && refusal.what === 'metadefs-full') return TOO_MANY
    const name = (body as { name?: string } | undefined)?.name ?? params.name ?? ''
    return refusal.kind === 'taken' ? conflict(taken(name, params.namespace!)) : undefined
  }

type Said = { name: string } & Record<string, unknown>
const bodyOf = ({ name: _, ...body }: Said) => body

const KEPT: Record<Part['kind'], readonly string[]> = {
  object: ['self', 'schema', 'created_at', 'updated_at'],
  property: ['created_at', 'updated_at'],
  tag: ['created_at', 'updated_at'],
}
const FIELDS = { object: objectFields, property: propertyFields, tag: tagFields }

const operationsOf = (part: Part): Operation[] => {
  const { kind, plural, noun } = part
  const all = `/v2/metadefs/namespaces/:namespace/${plural}`
  const one = `${all}/:name`
  const body = guarded(FIELDS[kind], KEPT[kind]) as unknown as z.ZodType<Said>
  const refusal = refuse(part)
  return [
    operation({
      name: `metadef_${kind}.list`,
      method: 'GET',
      path: all,
      who: 'reader',
      summary: `All ${plural} of a namespace.`,
      status: 200,
      handle: async (input) => {
        const { row, items } = await namespaceAnd(input, { kind })
        return { body: part.listed(pageOf(items, part, row, input.queries), row.namespace) }
      },
    }),
    operation({
      name: `metadef_${kind}.delete_all`,
      method: 'DELETE',
      path: all,
      who: 'admin',
      summary: `Deletes all ${plural} of a namespace, unless it is protected.`,
      status: 204,
      handle: async (input) => {
        const row = await namespaceOf(input)
        refuseProtected(row)
        await removeItems(input.context, row, kind)
        return {}
      },
    }),
    operation({
      name: `metadef_${kind}.show`,
      method: 'GET',
      path: one,
      who: 'reader',
      summary: `One ${noun} of a namespace.`,
      status: 200,
      handle: async (input) => {
        const { row, item } = await shownItem(input, part)
        return { body: part.view(item, row.namespace) }
      },
    }),
    operation<Said>({
      name: `metadef_${kind}.update`,
      method: 'PUT',
      path: one,
      who: 'admin',
      summary: `Says anew what one ${noun} of a namespace is.`,
      status: 200,
      body,
      handle: async (input) => {
        const row = await namespaceOf(input)
        const item = await itemOf(input, part, row)
        const set = { name: input.body.name, body: bodyOf(input.body) }
        return { body: part.view(await changeItem(input.context, row, item, set), row.namespace) }
      },
      refuse: refusal,
    }),
    operation({
      name: `metadef_${kind}.delete`,
      method: 'DELETE',
      path: one,
      who: 'admin',
      summary: `Deletes one ${noun} of a namespace, unless that is protected.`,
      status: 204,
      handle: async (input) => {
        const row = await namespaceOf(input)
        const item = await itemOf(input, part, row)
        if (row.protected)
          throw forbidden(`Metadata definition ${noun} ${item.name} is protected and cannot be deleted.`)
        await removeItem(input.context, row, item)
        return {}
      },
    }),
    ...(kind === 'tag'
      ? tagCreation(part)
      : [
          operation<Said>({
            name: `metadef_${kind}.create`,
            method: 'POST',
            path: all,
            who: 'admin',
            summary: `Puts one ${noun} into a namespace.`,
            status: 201,
            body,
            handle: async (input) => {
              const row = await namespaceOf(input)
              const { name } = input.body
              const [item] = await putItems(input.context, row, [{ kind, name, body: bodyOf(input.body) }])
              return { body: part.view(item!, row.namespace) }
            },
            refuse: refusal,
          }),
        ]),
  ]
}

type Tags = { tags?: { name: string }[] | undefined }

/** Tags are made by their name, or many at once. */
const tagCreation = (part: Part): Operation[] => [
  operation({
    name: 'metadef_tag.create',
    method: 'POST',
    path: '/v2/metadefs/namespaces/:namespace/tags/:name',
    who: 'admin',
    summary: 'Puts one tag into a namespace.',
    status: 201,
    handle: async (input) => {
      const row = await namespaceOf(input)
      const name = input.params.name!
      if (name.length > 80)
        throw badRequest(`Provided object does not match schema 'tag': '${name.slice(0, 100)}' is too long`)
      const [item] = await putItems(input.context, row, [{ kind: 'tag', name, body: {} }])
      return { body: tagView(item!) }
    },
    refuse: refuse(part),
  }),
  operation<Tags>({
    name: 'metadef_tag.create_many',
    method: 'POST',
    path: '/v2/metadefs/namespaces/:namespace/tags',
    who: 'admin',
    summary: 'Puts tags into a namespace in place of all that it has; with `X-Openstack-Append: true` beside them.',
    status: 201,
    body: guarded(tagsFields, KEPT.tag),
    handle: async (input) => {
      const row = await namespaceOf(input)
      const wishes = (input.body.tags ?? []).map(({ name }) => ({ kind: 'tag' as const, name, body: {} }))
      const append = strictBoolean(input.request.headers.get('x-openstack-append') ?? 'false') === true
      await putItems(input.context, row, wishes, append ? undefined : 'tag')
      return { body: { tags: wishes.map(({ name }) => ({ name })) } }
    },
    refuse: refuse(part),
  }),
]

/** https://docs.openstack.org/api-ref/image/v2/metadefs-index.html */
export const metadefItemOperations: Operation[] = PARTS.flatMap(operationsOf)
