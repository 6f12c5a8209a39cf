import * as z from 'zod'
import {
  FLAVOR_SORTS,
  type FlavorFilter,
  type FlavorRow,
  type FlavorSort,
  listFlavors,
  type PricedFlavor,
  readableFlavor,
} from '../../db/queries/compute/flavors.ts'
import { changeFlavor, createFlavor, removeFlavor } from '../broker/compute/flavor.ts'
import { amountOf } from '../broker/line/amounts.ts'
import { Refused } from '../broker/line/refused.ts'
import type { Context } from '../context.ts'
import { strictBoolean } from '../http/boolean.ts'
import { badRequest, conflict, forbidden, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { pageRequest } from '../http/pagination.ts'
import { links, nextLink } from './links.ts'
import { boolean, integer, matching, name, oneOf, text } from './parameters.ts'

/**
 * With what it costs the project, at least and on demand. Of a common one administrators see what is written down, and no
 * more: whoever keeps flavors by a program would find there what he did not write.
 */
export const extraSpecsOf = ({ extraSpecs, native, hourly, currency }: Priced, { context }: Pick<Input, 'context'>) =>
  hourly === undefined || (!native && 'every' in context.scope)
    ? extraSpecs
    : { ...extraSpecs, [PRICE]: hourly === null ? 'unpriced' : `${amountOf(hourly)} ${currency} per hour` }

const PRICE = 'plimsoll:price'
/** One that was just made or changed is shown as it was written. */
type Priced = FlavorRow & Partial<PricedFlavor>

/** https://docs.openstack.org/api-ref/compute/#flavors */
const flavorView = (flavor: Priced, input: Pick<Input, 'base' | 'origin' | 'version' | 'context'>) => ({
  id: flavor.id,
  name: flavor.name,
  ram: flavor.ramMib,
  disk: flavor.diskGib,
  swap: flavor.swapMib || (input.version >= 75 ? 0 : ''),
  'OS-FLV-EXT-DATA:ephemeral': flavor.ephemeralGib,
  'OS-FLV-DISABLED:disabled': false,
  vcpus: flavor.vcpus,
  'os-flavor-access:is_public': flavor.isPublic,
  rxtx_factor: flavor.rxtxFactor,
  links: links(input, 'flavors', flavor.id),
  ...(input.version >= 55 ? { description: flavor.description } : {}),
  ...(input.version >= 61 ? { extra_specs: extraSpecsOf(flavor, input) } : {}),
})

const briefView = (flavor: FlavorRow, input: Input) => ({
  id: flavor.id,
  name: flavor.name,
  links: links(input, 'flavors', flavor.id),
  ...(input.version >= 55 ? { description: flavor.description } : {}),
})

export const noFlavor = (id: string) => notFound(`Flavor ${id} could not be found.`)

/** The flavor of the path, or 404. */
export const flavorOf = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<PricedFlavor> => {
  const flavor = await readableFlavor(context.db, context.scope, params.id!)
  if (!flavor) throw noFlavor(params.id!)
  return flavor
}

/** The same for a change: what a cloud names is the cloud's to change. */
export const commonFlavorOf = async (input: Pick<Input, 'context' | 'params'>): Promise<FlavorRow> => {
  const flavor = await flavorOf(input)
  if (flavor.native)
    throw forbidden(
      `Flavor ${flavor.name} follows the offers of its clouds. Narrow the list of sizes in the options of the cloud instead.`,
    )
  return flavor
}

const QUERY = {
  limit: z.string().optional(),
  marker: z.string().optional(),
  is_public: z.string().optional(),
  minRam: z.string().optional(),
  minDisk: z.string().optional(),
  sort_key: oneOf(FLAVOR_SORTS).optional(),
  sort_dir: oneOf(['asc', 'desc']).optional(),
}
const listQuery = (version: number) =>
  (version >= 75 ? z.strictObject(QUERY) : z.looseObject(QUERY)) as z.ZodType<Input['query']>

const wholeNumber = (query: Input['query'], key: 'minRam' | 'minDisk'): number | undefined => {
  const given = query[key]
  if (given === undefined) return undefined
  if (!/^\s*[+-]?\d+\s*$/.test(given)) throw badRequest(`Invalid ${key} filter [${given}]`)
  return Number(given)
}

/** Everybody sees what is public or lent to his project; only admins choose. `none` is both. */
const publicity = (context: Context, given: string | undefined): Pick<FlavorFilter, 'isPublic'> => {
  if (!context.caller?.isAdmin || given?.toLowerCase() === 'none') return {}
  if (given === undefined) return { isPublic: true }
  const isPublic = strictBoolean(given)
  if (isPublic === null) throw badRequest(`Invalid is_public filter [${given}]`)
  return { isPublic }
}

const page = async ({ context, query }: Input, priced: boolean): Promise<PricedFlavor[]> => {
  const { limit, marker } = pageRequest(query)
  const minRamMib = wholeNumber(query, 'minRam')
  const minDiskGib = wholeNumber(query, 'minDisk')
  const found = await listFlavors(context.db, {
    scope: context.scope,
    ...publicity(context, query.is_public),
    ...(minRamMib === undefined ? {} : { minRamMib }),
    ...(minDiskGib === undefined ? {} : { minDiskGib }),
    form: {
      sort: (query.sort_key as FlavorSort | undefined) ?? 'flavorid',
      descending: query.sort_dir === 'desc',
      priced,
    },
    marker,
    limit,
  })
  if (!found) throw badRequest(`marker [${marker}] not found`)
  return found
}

const idOrNumber = z.union([matching(/^(?! )[a-zA-Z0-9. _-]+(?<! )$/), z.number().transform(String)]).nullish()
/** nova/api/openstack/compute/schemas/flavors.py */
const factor = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^[0-9]+(\.[0-9]+)?$/)
      .transform(Number),
  ])
  .pipe(z.number().positive().max(3.40282e38))
const description = text(0, 65_535).nullable()
const creation = (version: number) =>
  z.strictObject({
    flavor: z.strictObject({
      name: name(),
      id: idOrNumber,
      ram: integer(1),
      vcpus: integer(1),
      disk: integer(0),
      'OS-FLV-EXT-DATA:ephemeral': integer(0).default(0),
      swap: integer(0).default(0),
      rxtx_factor: factor.default(1),
      'os-flavor-access:is_public': boolean().default(true),
      ...(version >= 55 ? { description: description.optional() } : {}),
    }),
  }) as z.ZodType<Creation>
interface Creation {
  flavor: {
    name: string
    id?: string | null
    ram: number
    vcpus: number
    disk: number
    'OS-FLV-EXT-DATA:ephemeral': number
    swap: number
    rxtx_factor: number
    'os-flavor-access:is_public': boolean
    description?: string | null
  }
}
const change = z.strictObject({ flavor: z.strictObject({ description }) })

export const flavorOperations: Operation[] = [
  operation({
    name: 'flavor.list',
    method: 'GET',
    path: '/flavors',
    who: 'reader',
    summary: 'Sizes that servers may have: common ones, and those that the clouds of the project name.',
    status: 200,
    query: listQuery,
    handle: async (input) => {
      const flavors = await page(input, false)
      const next = nextLink(
        input,
        'flavors_links',
        '/flavors',
        flavors.map(({ id }) => id),
      )
      return { body: { flavors: flavors.map((flavor) => briefView(flavor, input)), ...next } }
    },
  }),
  operation({
    name: 'flavor.detail',
    method: 'GET',
    path: '/flavors/detail',
    who: 'reader',
    summary: 'The same with every property; filters `minRam`, `minDisk` and (for admins) `is_public`.',
    status: 200,
    query: listQuery,
    handle: async (input) => {
      const flavors = await page(input, input.version >= 61)
      const next = nextLink(
        input,
        'flavors_links',
        '/flavors/detail',
        flavors.map(({ id }) => id),
      )
      return { body: { flavors: flavors.map((flavor) => flavorView(flavor, input)), ...next } }
    },
  }),
  operation({
    name: 'flavor.show',
    method: 'GET',
    path: '/flavors/:id',
    who: 'reader',
    summary: 'One flavor. One that is not offered any more stays readable while a server has it.',
    status: 200,
    handle: async (input) => ({ body: { flavor: flavorView(await flavorOf(input), input) } }),
  }),
  operation({
    name: 'flavor.create',
    method: 'POST',
    path: '/flavors',
    who: 'admin',
    summary: 'Makes a common flavor, which each cloud meets with its smallest offer that satisfies it.',
    status: 200,
    body: creation,
    handle: async (input) => {
      const { context, body } = input
      const asked = body.flavor
      const id = asked.id ?? context.newId()
      const flavor = await createFlavor(context, {
        id,
        name: asked.name,
        vcpus: asked.vcpus,
        ramMib: asked.ram,
        diskGib: asked.disk,
        ephemeralGib: asked['OS-FLV-EXT-DATA:ephemeral'],
        swapMib: asked.swap,
        rxtxFactor: asked.rxtx_factor,
        isPublic: asked['os-flavor-access:is_public'],
        description: asked.description ?? null,
      })
      return { body: { flavor: flavorView(flavor, input) } }
    },
    refuse: (error, { body: { flavor } }) => {
      if (!(error instanceof Refused) || error.refusal.kind !== 'taken') return undefined
      return conflict(
        error.refusal.columns.includes('flavors.name')
          ? `Flavor with name ${flavor.name} already exists.`
          : `Flavor with ID ${flavor.id} already exists.`,
      )
    },
  }),
  operation({
    name: 'flavor.update',
    method: 'PUT',
    path: '/flavors/:id',
    who: 'admin',
    summary: 'Changes the description of a common flavor.',
    status: 200,
    since: 55,
    body: change,
    handle: async (input) => {
      const flavor = await commonFlavorOf(input)
      await changeFlavor(input.context, flavor, input.body.flavor.description)
      return { body: { flavor: flavorView({ ...flavor, description: input.body.flavor.description }, input) } }
    },
  }),
  operation({
    name: 'flavor.delete',
    method: 'DELETE',
    path: '/flavors/:id',
    who: 'admin',
    summary: 'Removes a common flavor; servers keep the size they have.',
    status: 202,
    handle: async (input) => {
      await removeFlavor(input.context, await commonFlavorOf(input))
      return {}
    },
  }),
]
