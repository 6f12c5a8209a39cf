import type { Adapter } from '../../../adapters/contract.ts'
import { adapterFor } from '../../../adapters/registry.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import type { Context } from '../../context.ts'

/** What can be told of a cloud without a connection: its name and its adapter. Null: there is none, or nothing speaks to it. */
export const adapterOf = async (
  { db }: Pick<Context, 'db'>,
  cloudId: string | null,
): Promise<{ name: string; adapter: Adapter } | null> => {
  const cloud = cloudId === null ? null : await cloudById(db, cloudId)
  const adapter = cloud && (await adapterFor(cloud.type))
  return adapter ? { name: cloud.name, adapter } : null
}
