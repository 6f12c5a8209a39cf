import { createHash } from 'node:crypto'
import * as z from 'zod'
import { own } from '../../adapters/table.ts'
import { badRequest, Fault } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { metadata } from './shapes.ts'

type Items = Record<string, string>

/** A resource whose metadata can be read and written item by item. */
export interface Holder<Row> {
  /** `volume` or `snapshot`: the first word of the operations' names. */
  name: string
  collection: string
  find(input: Input): Promise<Row>
  read(row: Row): Items
  write(input: Input, row: Row, items: Items): Promise<unknown>
  /** 404 for a key that is not there. */
  absent(row: Row, key: string): Fault
}

const many = z.strictObject({ metadata })
const single = z.strictObject({ meta: metadata })

/** Since 3.15 a reader can tell by an ETag whether somebody changed the whole (md5 of the JSON, as Cinder makes it). */
const etag = (items: Items): string =>
  createHash('md5')
    .update(JSON.stringify({ metadata: items }))
    .digest('hex')

const refuseStale = ({ request, version }: Input, items: Items): void => {
  const wanted = request.headers.get('If-Match')
  if (version < 15 || wanted === null || wanted.trim() === '*') return
  const tags = wanted.split(',').map((tag) => tag.trim().replace(/^(W\/)?"?|"$/g, ''))
  if (!tags.includes(etag(items))) throw new Fault(412, 'Precondition Failed')
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#create-metadata-for-volume and the same of snapshots */
export const metadataOperations = <Row>(holder: Holder<Row>): Operation[] => {
  const path = `/${holder.collection}/:id/metadata`
  const item = `${path}/:key`
  const change = async (input: Input, next: (now: Items, row: Row) => Items): Promise<Items> => {
    const row = await holder.find(input)
    const now = holder.read(row)
    refuseStale(input, now)
    const items = next(now, row)
    await holder.write(input, row, items)
    return items
  }
  return [
    operation({
      name: `${holder.name}.metadata`,
      method: 'GET',
      path,
      who: 'reader',
      summary: `Metadata of a ${holder.name}.`,
      status: 200,
      handle: async (input) => {
        const items = holder.read(await holder.find(input))
        return { body: { metadata: items }, ...(input.version >= 15 ? { headers: { ETag: etag(items) } } : {}) }
      },
    }),
    operation<{ metadata: Items }>({
      name: `${holder.name}.add_metadata`,
      method: 'POST',
      path,
      who: 'member',
      summary: `Adds items to the metadata of a ${holder.name}.`,
      status: 200,
      body: many,
      handle: async (input) => ({
        body: { metadata: await change(input, (now) => ({ ...now, ...input.body.metadata })) },
      }),
    }),
    operation<{ metadata: Items }>({
      name: `${holder.name}.replace_metadata`,
      method: 'PUT',
      path,
      who: 'member',
      summary: `Replaces the metadata of a ${holder.name}.`,
      status: 200,
      body: many,
      handle: async (input) => ({ body: { metadata: await change(input, () => input.body.metadata) } }),
    }),
    operation({
      name: `${holder.name}.metadata_item`,
      method: 'GET',
      path: item,
      who: 'reader',
      summary: `One item of the metadata of a ${holder.name}.`,
      status: 200,
      handle: async (input) => {
        const row = await holder.find(input)
        const key = input.params.key!
        const value = own(holder.read(row), key)
        if (value === undefined) throw holder.absent(row, key)
        return { body: { meta: { [key]: value } } }
      },
    }),
    operation<{ meta: Items }>({
      name: `${holder.name}.set_metadata_item`,
      method: 'PUT',
      path: item,
      who: 'member',
      summary: `Sets one item of the metadata of a ${holder.name}.`,
      status: 200,
      body: single,
      handle: async (input) => {
        const { meta } = input.body
        if (!Object.hasOwn(meta, input.params.key!)) throw badRequest('Request body and URI mismatch')
        if (Object.keys(meta).length > 1) throw badRequest('Request body contains too many items')
        await change(input, (now) => ({ ...now, ...meta }))
        return { body: { meta } }
      },
    }),
    operation({
      name: `${holder.name}.unset_metadata_item`,
      method: 'DELETE',
      path: item,
      who: 'member',
      summary: `Removes one item of the metadata of a ${holder.name}.`,
      status: 200,
      handle: async (input) => {
        const key = input.params.key!
        await change(input, (now, row) => {
          const { [key]: _, ...rest } = now
          if (!Object.hasOwn(now, key)) throw holder.absent(row, key)
          return rest
        })
        return {}
      },
    }),
  ]
}
