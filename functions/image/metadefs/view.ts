import type { MetadefItem, NamespaceRow } from '../../../db/queries/image/metadefs.ts'
import { zoned } from '../../http/times.ts'

const times = ({ createdAt, updatedAt }: Pick<MetadefItem, 'createdAt' | 'updatedAt'>) => ({
  created_at: zoned(createdAt),
  updated_at: zoned(updatedAt),
})
const hrefOf = (namespace: string) => `/v2/metadefs/namespaces/${encodeURIComponent(namespace)}`

export const objectView = (item: MetadefItem, namespace: string) => ({
  name: item.name,
  ...item.body,
  ...times(item),
  self: `${hrefOf(namespace)}/objects/${encodeURIComponent(item.name)}`,
  schema: '/v2/schemas/metadefs/object',
})
export const propertyView = ({ name, body }: MetadefItem) => ({ name, ...body })
export const tagView = (item: MetadefItem) => ({ name: item.name, ...times(item) })
export const associationView = (item: MetadefItem) => ({ name: item.name, ...item.body, ...times(item) })

/** A namespace without what is in it, but for the types that it is associated with. */
export const namespaceView = (row: NamespaceRow, items: MetadefItem[]) => {
  const associations = items.filter(({ kind }) => kind === 'resource_type')
  return {
    namespace: row.namespace,
    ...(row.displayName === null ? {} : { display_name: row.displayName }),
    ...(row.description === null ? {} : { description: row.description }),
    visibility: row.visibility,
    protected: row.protected,
    ...(row.projectId === null ? {} : { owner: row.projectId }),
    ...times(row),
    schema: '/v2/schemas/metadefs/namespace',
    self: hrefOf(row.namespace),
    ...(associations.length ? { resource_type_associations: associations.map(associationView) } : {}),
  }
}

/** With all that is in it; `prefix` stands before the names of its properties. */
export const wholeView = (row: NamespaceRow, items: MetadefItem[], prefix = '') => {
  const of = (kind: MetadefItem['kind']) => items.filter((item) => item.kind === kind)
  const [objects, properties, tags] = [of('object'), of('property'), of('tag')]
  return {
    ...namespaceView(row, items),
    ...(properties.length
      ? { properties: Object.fromEntries(properties.map(({ name, body }) => [prefix + name, body])) }
      : {}),
    ...(objects.length ? { objects: objects.map((item) => prefixed(objectView(item, row.namespace), prefix)) } : {}),
    ...(tags.length ? { tags: tags.map(({ name }) => ({ name })) } : {}),
  }
}

const prefixed = <O extends object>(object: O, prefix: string): O => {
  const { properties, required } = object as { properties?: object; required?: string[] }
  return {
    ...object,
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [prefix + name, each])) }
      : {}),
    ...(required ? { required: required.map((name) => prefix + name) } : {}),
  }
}
