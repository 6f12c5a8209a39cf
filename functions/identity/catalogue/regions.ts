import * as z from 'zod'
import {
  deleteRegions,
  insertRegion,
  noRegion,
  ownRegions,
  type RegionRow,
  regionsInUse,
  updateRegion,
} from '../../../db/queries/identity/catalogue.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { openObject } from '../../http/dictionary.ts'
import { badRequest, conflict, forbidden } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { extraOf } from '../properties.ts'
import { MANAGING_ALL } from '../reach.ts'
import { unknown } from '../refusals.ts'
import { commitIf, type Rule } from '../rules.ts'
import { collection, selfLink } from '../views.ts'

const fields = {
  id: z.string().max(255).optional(),
  description: z.string().max(16_384).nullish(),
  parent_region_id: z.string().max(255).nullish(),
}
const KNOWN = [...Object.keys(fields), 'links']
const body = z.object({ region: openObject(z.looseObject(fields)) })
type Asked = z.infer<typeof body>['region']

const view = ({ extra, id, description, parentId }: RegionRow, base: string) => ({
  ...extra,
  ...{ id, description, parent_region_id: parentId },
  links: selfLink(base, `/regions/${id}`),
})

/** Every region: that of this broker first, which no one changes. @param own an operator's, where they were read */
export const regionsOf = async ({ db, settings }: Context, own?: RegionRow[]): Promise<RegionRow[]> => [
  { id: settings.region, description: '', parentId: null, extra: {} },
  ...(own ?? (await ownRegions(db))).filter(({ id }) => id !== settings.region),
]

const regionWithin = (all: RegionRow[], id: string): RegionRow => {
  const row = all.find((each) => each.id === id)
  if (!row) throw unknown('region', id)
  return row
}

const changeable = (context: Context, all: RegionRow[], id: string): RegionRow => {
  if (id === context.settings.region) throw forbidden(`Region ${id} is that of this broker, and stays as it is.`)
  return regionWithin(all, id)
}

/** The region that another is within has to be there when that is written; 404. */
const parentHolds = ({ settings }: Context, { parentId }: RegionRow): Rule[] =>
  parentId === null || parentId === settings.region
    ? []
    : [{ violated: noRegion(parentId), refusal: unknown('region', parentId) }]

/** The region with all that is below it. */
const below = (all: RegionRow[], id: string): string[] => {
  // A set that grows while it is gone along.
  const found = new Set([id])
  for (const each of found) for (const row of all) if (row.parentId === each) found.add(row.id)
  return [...found]
}

const make = async (context: Context, asked: Asked, id: string): Promise<RegionRow> => {
  const all = await regionsOf(context)
  if (all.some((each) => each.id === id)) throw taken(id)
  if (asked.parent_region_id) regionWithin(all, asked.parent_region_id)
  const row: RegionRow = {
    id,
    description: asked.description ?? '',
    parentId: asked.parent_region_id ?? null,
    extra: extraOf(asked, KNOWN),
  }
  const entry = { action: 'create', kind: 'region', resourceId: id }
  await commitIf(context, parentHolds(context, row), entry, [insertRegion(context.db, row)])
  return row
}
const taken = (id: string) => conflict(`Conflict occurred attempting to store region - Duplicate ID, ${id}..`)

export const regionOperations: Operation[] = [
  operation({
    name: 'region.list',
    method: 'GET',
    path: '/v3/regions',
    who: 'authenticated',
    summary: 'The region of this broker, and those of an operator; filter `parent_region_id`.',
    status: 200,
    handle: async ({ context, query, base }) => {
      const parent = query.parent_region_id
      const rows = (await regionsOf(context)).filter(({ parentId }) => parent === undefined || parentId === parent)
      const views = rows.map((row) => view(row, base))
      return collection('regions', views, base, '/regions')
    },
  }),
  operation({
    name: 'region.create',
    method: 'POST',
    path: '/v3/regions',
    ...MANAGING_ALL,
    summary: 'Makes a region for endpoints of an operator.',
    status: 201,
    body,
    handle: async ({ context, body: { region }, base }) => {
      const row = await make(context, region, region.id || context.newId().replaceAll('-', ''))
      return { body: { region: view(row, base) } }
    },
    refuse: (error, { body: { region } }) => (isTaken(error) ? taken(region.id ?? '') : undefined),
  }),
  operation({
    name: 'region.get',
    method: 'GET',
    path: '/v3/regions/:id',
    who: 'authenticated',
    summary: 'One region.',
    status: 200,
    handle: async ({ context, params, base }) => ({
      body: { region: view(regionWithin(await regionsOf(context), params.id!), base) },
    }),
  }),
  operation({
    name: 'region.put',
    method: 'PUT',
    path: '/v3/regions/:id',
    ...MANAGING_ALL,
    summary: 'Makes a region of this id.',
    status: 201,
    body,
    handle: async ({ context, params, body: { region }, base }) => {
      const id = params.id!
      if (region.id !== undefined && region.id !== id)
        throw badRequest(`Conflicting region IDs specified: "${id}" != "${region.id}"`)
      return { body: { region: view(await make(context, region, id), base) } }
    },
    refuse: (error, { params }) => (isTaken(error) ? taken(params.id!) : undefined),
  }),
  operation({
    name: 'region.update',
    method: 'PATCH',
    path: '/v3/regions/:id',
    ...MANAGING_ALL,
    summary: 'Changes a region that an operator made.',
    status: 200,
    body,
    handle: async ({ context, params, body: { region }, base }) => {
      const all = await regionsOf(context)
      const row = changeable(context, all, params.id!)
      const parent = region.parent_region_id
      if (parent) regionWithin(all, parent)
      if (parent && below(all, row.id).includes(parent))
        throw badRequest(`The specified parent region ${parent} would create a circular region hierarchy.`)
      const changed: RegionRow = {
        ...row,
        description: region.description === undefined ? row.description : (region.description ?? ''),
        parentId: parent === undefined ? row.parentId : parent,
        extra: { ...row.extra, ...extraOf(region, KNOWN) },
      }
      const entry = { action: 'update', kind: 'region', resourceId: row.id }
      await commitIf(context, parentHolds(context, changed), entry, [updateRegion(context.db, row.id, changed)])
      return { body: { region: view(changed, base) } }
    },
  }),
  operation({
    name: 'region.delete',
    method: 'DELETE',
    path: '/v3/regions/:id',
    ...MANAGING_ALL,
    summary: 'Removes a region that an operator made, with those below it, unless endpoints are there.',
    status: 204,
    handle: async ({ context, params }) => {
      const all = await regionsOf(context)
      const { id } = changeable(context, all, params.id!)
      const gone = below(all, id)
      const refusal = forbidden(
        `Unable to delete region ${id} because it or its child regions have associated endpoints.`,
      )
      const rules = [{ violated: regionsInUse(gone), refusal }]
      const entry = { action: 'delete', kind: 'region', resourceId: id }
      await commitIf(context, rules, entry, deleteRegions(context.db, gone))
      return {}
    },
  }),
]
