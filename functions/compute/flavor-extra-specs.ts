import * as z from 'zod'
import { setExtraSpecs } from '../broker/compute/flavor.ts'
import { specFault } from '../broker/compute/metadata-rules.ts'
import { dictionary } from '../http/dictionary.ts'
import { badRequest, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { commonFlavorOf, extraSpecsOf, flavorOf } from './flavors.ts'

const KEY = /^[a-zA-Z0-9-_:. ]{1,255}$/
const value = z.union([z.string().max(255), z.number()])
const specs = dictionary(z.string().regex(KEY), value)
const one = specs.refine((given) => Object.keys(given).length === 1, { error: 'Exactly one extra spec is expected' })

/** Numbers are taken, text is kept. 400 for one that means something here and is not worded so. */
const asText = (given: Record<string, string | number>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(given).map(([key, each]) => {
      const fault = specFault(key, String(each))
      if (fault !== null) throw badRequest(fault)
      return [key, String(each)]
    }),
  )

const noSuchKey = (flavorId: string, key: string) => notFound(`Flavor ${flavorId} has no extra specs with key ${key}.`)

/**
 * On native flavors they tell what the clouds say (`plimsoll:arch`, `plimsoll:zones`) and are not to be changed; on common
 * ones they are the operator's notes. https://docs.openstack.org/api-ref/compute/#flavors-extra-specs-flavors-os-flavor-extra-specs
 */
export const flavorExtraSpecOperations: Operation[] = [
  operation({
    name: 'flavor_extra_spec.list',
    method: 'GET',
    path: '/flavors/:id/os-extra_specs',
    who: 'reader',
    summary: 'Extra specs of a flavor.',
    status: 200,
    handle: async (input) => ({ body: { extra_specs: extraSpecsOf(await flavorOf(input), input) } }),
  }),
  operation({
    name: 'flavor_extra_spec.show',
    method: 'GET',
    path: '/flavors/:id/os-extra_specs/:key',
    who: 'reader',
    summary: 'One extra spec of a flavor.',
    status: 200,
    handle: async (input) => {
      const flavor = await flavorOf(input)
      const extraSpecs: Record<string, string> = extraSpecsOf(flavor, input)
      const key = input.params.key!
      if (!Object.hasOwn(extraSpecs, key)) throw noSuchKey(flavor.id, key)
      return { body: { [key]: extraSpecs[key] } }
    },
  }),
  operation({
    name: 'flavor_extra_spec.create',
    method: 'POST',
    path: '/flavors/:id/os-extra_specs',
    who: 'admin',
    summary: 'Sets extra specs of a common flavor; others stay.',
    status: 200,
    body: z.strictObject({ extra_specs: specs }),
    handle: async (input) => {
      await setExtraSpecs(input.context, await commonFlavorOf(input), asText(input.body.extra_specs))
      return { body: input.body }
    },
  }),
  operation({
    name: 'flavor_extra_spec.update',
    method: 'PUT',
    path: '/flavors/:id/os-extra_specs/:key',
    who: 'admin',
    summary: 'Sets one extra spec of a common flavor.',
    status: 200,
    body: one,
    handle: async (input) => {
      if (!Object.hasOwn(input.body, input.params.key!)) throw badRequest('Request body and URI mismatch')
      await setExtraSpecs(input.context, await commonFlavorOf(input), asText(input.body))
      return { body: input.body }
    },
  }),
  operation({
    name: 'flavor_extra_spec.delete',
    method: 'DELETE',
    path: '/flavors/:id/os-extra_specs/:key',
    who: 'admin',
    summary: 'Removes one extra spec of a common flavor.',
    status: 200,
    handle: async (input) => {
      const flavor = await commonFlavorOf(input)
      const key = input.params.key!
      if (!Object.hasOwn(flavor.extraSpecs, key)) throw noSuchKey(flavor.id, key)
      await setExtraSpecs(input.context, flavor, { [key]: null })
      return {}
    },
  }),
]
