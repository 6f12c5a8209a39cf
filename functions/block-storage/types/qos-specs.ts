import * as z from 'zod'
import { allQosSpecs, type QosRow, qosSpecsById, typesWithQos } from '../../../db/queries/block-storage/made-types.ts'
import {
  associateQos,
  changeQos,
  createQos,
  disassociateQos,
  removeQos,
} from '../../broker/block-storage/made-types.ts'
import { isTaken } from '../../broker/line/refused.ts'
import { isTrue } from '../../http/boolean.ts'
import { badRequest, conflict, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { nextLinks, sliceOf } from '../listing.ts'
import { linksTo } from '../routes.ts'
import { specs, text } from '../shapes.ts'
import { madeTypeOf } from './types.ts'

const consumer = z.enum(['front-end', 'back-end', 'both'])
/** Keys of people's own stand beside ours, and are worded as extra specs are. */
const value = z.union([z.string().max(255), z.number()]).transform(String)
const worded = (given: object, context: z.RefinementCtx): void => {
  for (const issue of specs.safeParse(given).error?.issues ?? []) {
    const [said] = issue.code === 'invalid_key' ? issue.issues : [issue]
    context.addIssue({ code: 'custom', message: said!.message })
  }
}
type Create = { qos_specs: { name: string; consumer?: QosRow['consumer'] } & Record<string, string> }
const createBody = z.strictObject({
  qos_specs: z
    .object({ name: text().trim().min(1), consumer: consumer.optional() })
    .catchall(value)
    .superRefine(worded),
}) as unknown as z.ZodType<Create>
type Update = { qos_specs: { consumer?: QosRow['consumer'] } & Record<string, string> }
const updateBody = z.strictObject({
  qos_specs: z.object({ consumer: consumer.optional() }).catchall(value).superRefine(worded),
}) as unknown as z.ZodType<Update>
type Keys = { keys: string[] }
const keysBody = z.strictObject({ keys: z.array(text().min(1)).min(1).max(128) }) as unknown as z.ZodType<Keys>

/** What one may have of them (cinder/db/sqlalchemy/models.py, `QualityOfServiceSpecs`, has no limit; bodies here do). */
const MOST = 128

const noQos = (id: string) => notFound(`No such QoS spec ${id}.`)
const qosOf = async ({ context, params }: Input): Promise<QosRow> => {
  const found = await qosSpecsById(context.db, params.id!)
  if (!found) throw noQos(params.id!)
  return found
}

const view = ({ id, name, consumer: by, specs: items }: QosRow) => ({ id, name, consumer: by, specs: items })

const refuseMany = (items: Record<string, string>): Record<string, string> => {
  if (Object.keys(items).length > MOST) throw badRequest(`QoS specs have ${MOST} keys at most.`)
  return items
}

/** Answers after a change of what a type is associated with; these are GET in Cinder, too. */
const typeAsked = (input: Input) => {
  const id = input.query.vol_type_id
  if (!id) throw badRequest('Volume Type id must not be None.')
  return madeTypeOf({ context: input.context, params: { id } })
}

const SORTS = { id: '', name: '', created_at: '' }

/** https://docs.openstack.org/api-ref/block-storage/v3/#quality-of-service-qos-specifications-qos-specs */
export const qosSpecOperations: Operation[] = [
  operation({
    name: 'qos_specs.list',
    method: 'GET',
    path: '/qos-specs',
    who: 'admin',
    summary: 'QoS specs that operators made.',
    status: 200,
    handle: async (input) => {
      const { limit, offset = 0, marker } = sliceOf(input.query, SORTS)
      const all = await allQosSpecs(input.context.db)
      const marked = marker === undefined ? -1 : all.findIndex(({ id }) => id === marker)
      if (marker !== undefined && marked < 0) throw notFound(`No such QoS spec ${marker}.`)
      const page = all.slice(marked + 1).slice(offset, offset + limit)
      const links = nextLinks(input, page)
      return { body: { qos_specs: page.map(view), ...(links ? { qos_specs_links: links } : {}) } }
    },
  }),
  operation<Create>({
    name: 'qos_specs.create',
    method: 'POST',
    path: '/qos-specs',
    who: 'admin',
    summary: 'Makes QoS specs; volumes of types that have some are refused while no cloud keeps to them.',
    status: 200,
    body: createBody,
    handle: async (input) => {
      const { name, consumer: by = 'back-end', ...items } = input.body.qos_specs
      const row = await createQos(input.context, { name, consumer: by, specs: refuseMany(items) })
      return { body: { qos_specs: view(row), links: linksTo(input, 'qos-specs', row.id) } }
    },
    refuse: (error, { body }) =>
      isTaken(error) ? conflict(`QoS Specs ${body.qos_specs.name} already exists.`) : undefined,
  }),
  operation({
    name: 'qos_specs.show',
    method: 'GET',
    path: '/qos-specs/:id',
    who: 'admin',
    summary: 'One of the QoS specs.',
    status: 200,
    handle: async (input) => {
      const row = await qosOf(input)
      return { body: { qos_specs: view(row), links: linksTo(input, 'qos-specs', row.id) } }
    },
  }),
  operation<Update>({
    name: 'qos_specs.update',
    method: 'PUT',
    path: '/qos-specs/:id',
    who: 'admin',
    summary: 'Adds keys to QoS specs, or changes them.',
    status: 200,
    body: updateBody,
    handle: async (input) => {
      const row = await qosOf(input)
      const { consumer: by = row.consumer, ...items } = input.body.qos_specs
      await changeQos(input.context, row, { consumer: by, specs: refuseMany({ ...row.specs, ...items }) })
      return { body: { qos_specs: input.body.qos_specs } }
    },
  }),
  operation<Keys>({
    name: 'qos_specs.delete_keys',
    method: 'PUT',
    path: '/qos-specs/:id/delete_keys',
    who: 'admin',
    summary: 'Takes keys out of QoS specs.',
    status: 202,
    body: keysBody,
    handle: async (input) => {
      const row = await qosOf(input)
      const { keys } = input.body
      const missing = keys.find((key) => !Object.hasOwn(row.specs, key))
      if (missing !== undefined) throw badRequest(`QoS Specs ${row.id} has no spec with key ${missing}.`)
      const left = Object.entries(row.specs).filter(([key]) => !keys.includes(key))
      await changeQos(input.context, row, { specs: Object.fromEntries(left) })
      return {}
    },
  }),
  operation({
    name: 'qos_specs.delete',
    method: 'DELETE',
    path: '/qos-specs/:id',
    who: 'admin',
    summary: 'Takes QoS specs away; `force` from the types that have them, too.',
    status: 202,
    handle: async (input) => {
      await removeQos(input.context, await qosOf(input), isTrue(input.query.force))
      return {}
    },
  }),
  operation({
    name: 'qos_specs.associations',
    method: 'GET',
    path: '/qos-specs/:id/associations',
    who: 'admin',
    summary: 'Types that have the QoS specs.',
    status: 200,
    handle: async (input) => {
      const types = await typesWithQos(input.context.db, input.params.id!)
      if (!types) throw noQos(input.params.id!)
      return {
        body: { qos_associations: types.map(({ id, name }) => ({ association_type: 'volume_type', name, id })) },
      }
    },
  }),
  operation({
    name: 'qos_specs.associate',
    method: 'GET',
    path: '/qos-specs/:id/associate',
    who: 'admin',
    summary: 'Gives the QoS specs to a type (`vol_type_id`) of which there are no volumes.',
    status: 202,
    handle: async (input) => {
      await associateQos(input.context, await qosOf(input), await typeAsked(input))
      return {}
    },
  }),
  operation({
    name: 'qos_specs.disassociate',
    method: 'GET',
    path: '/qos-specs/:id/disassociate',
    who: 'admin',
    summary: 'Takes the QoS specs from a type.',
    status: 202,
    handle: async (input) => {
      const row = await qosOf(input)
      const type = await typeAsked(input)
      if (type.qosSpecsId === row.id) await disassociateQos(input.context, row, type.id)
      return {}
    },
  }),
  operation({
    name: 'qos_specs.disassociate_all',
    method: 'GET',
    path: '/qos-specs/:id/disassociate_all',
    who: 'admin',
    summary: 'Takes the QoS specs from all types.',
    status: 202,
    handle: async (input) => {
      await disassociateQos(input.context, await qosOf(input), null)
      return {}
    },
  }),
]
