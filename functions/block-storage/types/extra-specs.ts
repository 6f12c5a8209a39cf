import * as z from 'zod'
import { own } from '../../../adapters/table.ts'
import { changeType } from '../../broker/block-storage/made-types.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { specs } from '../shapes.ts'
import { extraSpecsOf, madeTypeOf, typeOf } from './types.ts'

type Many = { extra_specs: Record<string, string> }
const many = z.strictObject({ extra_specs: specs }) as unknown as z.ZodType<Many>

const noSpec = (id: string, key: string) => notFound(`Volume Type ${id} has no extra specs with key ${key}.`)

const PATH = '/types/:id/extra_specs'

/** What volumes of a type may be. https://docs.openstack.org/api-ref/block-storage/v3/#create-or-update-extra-specs-for-volume-type */
export const extraSpecOperations: Operation[] = [
  operation({
    name: 'volume_type.extra_specs',
    method: 'GET',
    path: PATH,
    who: 'reader',
    summary: 'Extra specs of a type: of a type of the clouds the zones that have it.',
    status: 200,
    handle: async ({ context, params }) => ({
      body: { extra_specs: extraSpecsOf(await typeOf(context, params.id!), context) },
    }),
  }),
  operation({
    name: 'volume_type.extra_spec',
    method: 'GET',
    path: `${PATH}/:key`,
    who: 'reader',
    summary: 'One extra spec of a type.',
    status: 200,
    handle: async ({ context, params }) => {
      const type = await typeOf(context, params.id!)
      const value = own(extraSpecsOf(type, context), params.key!)
      if (value === undefined) throw noSpec(type.id, params.key!)
      return { body: { [params.key!]: value } }
    },
  }),
  operation<Many>({
    name: 'volume_type.set_extra_specs',
    method: 'POST',
    path: PATH,
    who: 'admin',
    summary: 'Adds extra specs to a type: capabilities of the pools in which volumes of it may be.',
    status: 200,
    body: many,
    handle: async (input) => {
      const type = await madeTypeOf(input)
      const { extra_specs: given } = input.body
      await changeType(input.context, type, { extraSpecs: { ...type.extraSpecs, ...given } }, 'set_extra_specs')
      return { body: { extra_specs: given } }
    },
  }),
  operation<Record<string, string>>({
    name: 'volume_type.set_extra_spec',
    method: 'PUT',
    path: `${PATH}/:key`,
    who: 'admin',
    summary: 'Changes one extra spec of a type.',
    status: 200,
    body: specs,
    handle: async (input) => {
      const { context, params, body } = input
      const type = await madeTypeOf(input)
      const key = params.key!
      if (!Object.hasOwn(body, key)) throw badRequest('Request body and URI mismatch')
      if (Object.keys(body).length > 1) throw badRequest('Request body contains too many items')
      await changeType(context, type, { extraSpecs: { ...type.extraSpecs, ...body } }, 'set_extra_specs')
      return { body }
    },
  }),
  operation({
    name: 'volume_type.unset_extra_spec',
    method: 'DELETE',
    path: `${PATH}/:key`,
    who: 'admin',
    summary: 'Removes one extra spec of a type.',
    status: 202,
    handle: async (input) => {
      const { context, params } = input
      const type = await madeTypeOf(input)
      const { [params.key!]: found, ...extraSpecs } = type.extraSpecs
      if (found === undefined || !Object.hasOwn(type.extraSpecs, params.key!)) throw noSpec(type.id, params.key!)
      await changeType(context, type, { extraSpecs }, 'unset_extra_specs')
      return {}
    },
  }),
]
