import type { Capability } from '../../../adapters/contract.ts'
import { adapterFor } from '../../../adapters/registry.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import type { Context } from '../../context.ts'

/** Why a cloud cannot, in its adapter's sentence; null: it can, or there is no cloud yet. */
export const whyLacking = async (
  { db }: Context,
  cloudId: string | null,
  capability: Capability,
): Promise<string | null> => {
  const cloud = cloudId === null ? null : await cloudById(db, cloudId)
  return (cloud && (await adapterFor(cloud.type))?.lacks[capability]) ?? null
}
