import type { Capability } from '../../../adapters/contract.ts'
import { adapterFor } from '../../../adapters/registry.ts'
import { cloudTypes } from '../../../db/queries/clouds/clouds.ts'
import type { Context } from '../../context.ts'
import { adapterOf, type Clouds } from './adapter.ts'

/** Why a cloud cannot, in its adapter's sentence; null: it can, or there is no cloud yet. */
export const whyLacking = async (
  among: Clouds,
  cloudId: string | null,
  capability: Capability,
): Promise<string | null> => (await adapterOf(among, cloudId))?.adapter.lacks[capability] ?? null

/** The types of registered clouds that can each, in the order of their names. One query. */
export const typesWithEach = async <C extends Capability>(
  { db }: Pick<Context, 'db'>,
  capabilities: C[],
): Promise<Map<C, string[]>> => {
  const types = await cloudTypes(db)
  const adapters = await Promise.all(types.map(adapterFor))
  return new Map(
    capabilities.map((each) => [each, types.filter((_, i) => adapters[i] && adapters[i].lacks[each] === undefined)]),
  )
}

/** The types of registered clouds that can, in the order of their names. One query. */
export const typesWith = async (context: Pick<Context, 'db'>, capability: Capability): Promise<string[]> =>
  (await typesWithEach(context, [capability])).get(capability)!
