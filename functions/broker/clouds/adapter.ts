import type { Adapter } from '../../../adapters/contract.ts'
import { adapterFor } from '../../../adapters/registry.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import type { Context } from '../../context.ts'

/** A cloud as far as its adapter is told by it. */
export interface KnownCloud {
  id: string
  name: string
  type: string
}

/** Where a cloud is looked for: among those that were read already, or in the database. */
export type Clouds = Pick<Context, 'db'> | { clouds: KnownCloud[] }

/** What can be told of a cloud without a connection: its name and its adapter. Null: there is none, or nothing speaks to it. */
export const adapterOf = async (
  among: Clouds,
  cloudId: string | null,
): Promise<{ name: string; adapter: Adapter } | null> => {
  const cloud = cloudId === null ? null : await cloudIn(among, cloudId)
  const adapter = cloud && (await adapterFor(cloud.type))
  return adapter ? { name: cloud.name, adapter } : null
}

const cloudIn = async (among: Clouds, cloudId: string): Promise<KnownCloud | null> =>
  'clouds' in among ? (among.clouds.find(({ id }) => id === cloudId) ?? null) : cloudById(among.db, cloudId)
