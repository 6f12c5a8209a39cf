import type { HeldRange } from '../../../adapters/contract.ts'
import { type CloudRow, mappingsTo } from '../../../db/queries/clouds/clouds.ts'
import { replaceHeldRanges } from '../../../db/queries/network/held-ranges.ts'
import type { Context } from '../../context.ts'
import { connectMapped } from './clouds.ts'

/** So many accounts of one cloud are looked at, and so many ranges kept: blocks of networks before those of subnets. */
const MOST_ACCOUNTS = 32
const MOST_RANGES = 5_000

/**
 * Writes that keep what others hold on a cloud, in every account that projects are mapped to. Where one cannot be looked at,
 * everything stays as it was seen last.
 */
export const readHeldRanges = async (context: Context, row: CloudRow) => {
  const seen = new Map<string, HeldRange[]>()
  for (const mapping of [{}, ...(await mappingsTo(context.db, row.id))]) {
    const { cloud, adapter, connection } = await connectMapped(context, { cloud: row, mapping })
    if (!cloud.heldRanges) return []
    const account = adapter.account(connection)
    if (seen.has(account)) continue
    if (seen.size === MOST_ACCOUNTS) {
      context.log('warn', 'held ranges cut', { cloud: row.name, accounts: seen.size })
      break
    }
    seen.set(account, await cloud.heldRanges())
  }
  const held = [...seen.values()].flat().toSorted((a, b) => Number(b.whole) - Number(a.whole))
  if (held.length > MOST_RANGES) context.log('warn', 'held ranges cut', { cloud: row.name, ranges: held.length })
  return replaceHeldRanges(context.db, row.id, held.slice(0, MOST_RANGES))
}
