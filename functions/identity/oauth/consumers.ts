import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import {
  type ConsumerRow,
  consumerById,
  deleteConsumer,
  insertConsumer,
  listConsumers,
  noConsumer,
  updateConsumer,
} from '../../../db/queries/identity/oauth.ts'
import { commit } from '../../broker/line/commit.ts'
import { consumerPlace } from '../../broker/line/sealed-places.ts'
import type { Context } from '../../context.ts'
import { sealAtRest } from '../../crypto/at-rest.ts'
import { openObject } from '../../http/dictionary.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { extended, named } from '../directory/named.ts'
import { extraOf } from '../properties.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { commitIf } from '../rules.ts'
import { collection, selfLink } from '../views.ts'

/* Programs that ask users for access: https://docs.openstack.org/api-ref/identity/v3-ext/#os-oauth1-api */

const fields = { description: z.string().max(16_384).nullish() }
const KNOWN = ['description', 'id', 'links', 'secret']
const body = z.object({ consumer: openObject(z.looseObject(fields)) })

const MANY = '/v3/OS-OAUTH1/consumers'
const ONE = `${MANY}/:id`

const view = ({ extra, id, description }: ConsumerRow, base: string) => ({
  ...extra,
  ...{ id, description },
  links: selfLink(base, `/OS-OAUTH1/consumers/${id}`),
})

/** A consumer; 404 for none. */
export const consumerOf = async ({ db }: Pick<Context, 'db'>, id: string): Promise<ConsumerRow> => {
  const row = await consumerById(db, id)
  if (!row) throw notFound('Consumer not found')
  return row
}

export const consumerOperations: Operation[] = [
  operation({
    name: 'consumer.list',
    method: 'GET',
    path: MANY,
    ...READING_ALL,
    summary: 'Programs that may ask users for access, without their secrets.',
    status: 200,
    handle: async ({ context, base }) => {
      const views = (await listConsumers(context.db)).map((row) => view(row, base))
      return collection('consumers', views, base, '/OS-OAUTH1/consumers')
    },
  }),
  operation({
    name: 'consumer.create',
    method: 'POST',
    path: MANY,
    ...MANAGING_ALL,
    summary: 'Lets a program ask users for access; its secret is told this once.',
    status: 201,
    body,
    handle: async ({ context, body: { consumer }, base }) => {
      const id = context.newId().replaceAll('-', '')
      // What follows from an idempotency key may be guessed: a secret may not.
      const secret = randomBytes(16).toString('hex')
      const row: ConsumerRow = {
        id,
        description: consumer.description ?? null,
        secret: sealAtRest(context, consumerPlace(id), secret),
        extra: extraOf(consumer, KNOWN),
      }
      await commit(context, { action: 'create', kind: 'consumer', resourceId: id }, [insertConsumer(context.db, row)])
      return { body: { consumer: { ...view(row, base), secret } } }
    },
  }),
  operation({
    name: 'consumer.get',
    method: 'GET',
    path: ONE,
    ...READING_ALL,
    summary: 'One program that may ask users for access.',
    status: 200,
    handle: async ({ context, params, base }) => ({
      body: { consumer: view(await consumerOf(context, params.id!), base) },
    }),
  }),
  operation({
    name: 'consumer.update',
    method: 'PATCH',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Changes what is said of a program; its secret stays.',
    status: 200,
    body,
    handle: async ({ context, params, body: { consumer }, base }) => {
      if ('secret' in consumer) throw badRequest('Cannot change consumer secret')
      const row = await consumerOf(context, params.id!)
      const set = named<ConsumerRow>({
        description: consumer.description,
        extra: extended(row.extra, extraOf(consumer, KNOWN)),
      })
      const entry = { action: 'update', kind: 'consumer', resourceId: row.id }
      const rules = [{ violated: noConsumer(row.id), refusal: notFound('Consumer not found') }]
      const writes = Object.keys(set).length ? [updateConsumer(context.db, row.id, set)] : []
      await commitIf(context, rules, entry, writes)
      return { body: { consumer: view({ ...row, ...set }, base) } }
    },
  }),
  operation({
    name: 'consumer.delete',
    method: 'DELETE',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Removes a program with all access that it was given, and the tokens that were got by it.',
    status: 204,
    handle: async ({ context, params }) => {
      const { id } = await consumerOf(context, params.id!)
      const entry = { action: 'delete', kind: 'consumer', resourceId: id }
      await commit(context, entry, [...deleteConsumer(context.db, id)])
      return {}
    },
  }),
]
