import type { Capability } from '../../../adapters/contract.ts'
import type { Context } from '../../context.ts'
import { adapterOf } from './adapter.ts'

/** Why a cloud cannot, in its adapter's sentence; null: it can, or there is no cloud yet. */
export const whyLacking = async (
  context: Context,
  cloudId: string | null,
  capability: Capability,
): Promise<string | null> => (await adapterOf(context, cloudId))?.adapter.lacks[capability] ?? null
