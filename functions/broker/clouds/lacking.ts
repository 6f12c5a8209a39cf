import type { Capability } from '../../../adapters/contract.ts'
import { adapterOf, type Clouds } from './adapter.ts'

/** Why a cloud cannot, in its adapter's sentence; null: it can, or there is no cloud yet. */
export const whyLacking = async (
  among: Clouds,
  cloudId: string | null,
  capability: Capability,
): Promise<string | null> => (await adapterOf(among, cloudId))?.adapter.lacks[capability] ?? null
