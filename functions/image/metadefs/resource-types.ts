import type * as z from 'zod'
import { itemsOf, resourceTypes } from '../../../db/queries/image/metadefs.ts'
import { putItems, removeItem } from '../../broker/image/metadefs.ts'
import { Refused } from '../../broker/line/refused.ts'
import { conflict, forbidden, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { zoned } from '../../http/times.ts'
import { associationFields, guarded } from './fields.ts'
import { namespaceAnd, namespaceOf, TOO_MANY } from './namespaces.ts'
import { associationView } from './view.ts'

const PATH = '/v2/metadefs/namespaces/:namespace/resource_types'
const kind = 'resource_type'

/** https://docs.openstack.org/api-ref/image/v2/metadefs-index.html#metadata-definition-resource-types */
export const resourceTypeOperations: Operation[] = [
  operation({
    name: 'metadef_resource_type.list_all',
    method: 'GET',
    path: '/v2/metadefs/resource_types',
    who: 'reader',
    summary: 'Types of resources that a namespace is associated with.',
    status: 200,
    handle: async ({ context }) => {
      const types = await resourceTypes(context.db)
      const view = ({ name, createdAt, updatedAt }: (typeof types)[number]) => ({
        name,
        created_at: zoned(createdAt),
        updated_at: zoned(updatedAt),
      })
      return { body: { resource_types: types.map(view) } }
    },
  }),
  operation({
    name: 'metadef_resource_type.list',
    method: 'GET',
    path: PATH,
    who: 'reader',
    summary: 'Types of resources that a namespace is about.',
    status: 200,
    handle: async (input) => {
      const { items } = await namespaceAnd(input, { kind })
      return { body: { resource_type_associations: items.map(associationView) } }
    },
  }),
  operation<z.infer<typeof associationFields>>({
    name: 'metadef_resource_type.create',
    method: 'POST',
    path: PATH,
    who: 'admin',
    summary: 'Associates a namespace with a type of resources.',
    status: 201,
    body: guarded(associationFields, ['created_at', 'updated_at']),
    handle: async (input) => {
      const row = await namespaceOf(input)
      const { name, ...body } = input.body
      const [item] = await putItems(input.context, row, [{ kind, name, body }])
      return { body: associationView(item!) }
    },
    refuse: (error, { params, body }) => {
      if (!(error instanceof Refused)) return undefined
      const { refusal } = error
      if (refusal.kind === 'guard' && refusal.what === 'metadefs-full') return TOO_MANY
      const { name } = body as { name: string }
      return refusal.kind === 'taken'
        ? conflict(
            `The metadata definition resource-type association of resource-type=${name} to namespace=${params.namespace} already exists.`,
          )
        : undefined
    },
  }),
  operation({
    name: 'metadef_resource_type.delete',
    method: 'DELETE',
    path: `${PATH}/:name`,
    who: 'admin',
    summary: 'A namespace is about a type of resources no more, unless it is protected.',
    status: 204,
    handle: async (input) => {
      const row = await namespaceOf(input)
      const name = input.params.name!
      const [item] = await itemsOf(input.context.db, [row.id], { kind, name })
      if (!item) throw notFound(`Failed to find resource type ${name} to delete`)
      if (row.protected)
        throw forbidden(`Metadata definition resource-type-association ${name} is protected and cannot be deleted.`)
      await removeItem(input.context, row, item)
      return {}
    },
  }),
]
