import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'

/** A claim that no network came of within this long may be taken over. */
const STALE_MS = 3_600_000

const keyOf = ({ storePrefix }: Context, dvs: string, vlan: number): string =>
  `${storePrefix}/vlan/${dvs}/${String(vlan).padStart(4, '0')}`

interface Claim {
  token: string
  at: number
}

/**
 * A VLAN of the operator's range that no port group of the switch has: two networks with one VLAN are one network.
 * Claimed in the store before it is used, so that two who ask at once get two.
 * @param taken VLANs that port groups have, ours or not
 * @throws `definitive` when all are taken
 */
export const claimVlan = async (context: Context, dvs: string, token: string, taken: Set<number>): Promise<number> => {
  const { store, now } = context.surroundings
  const [first, last] = context.options.switch?.vlans ?? [1, 0]
  const mine = (await store.list(`${context.storePrefix}/vlan/${dvs}/`, 4096)).find(
    ({ value }) => (value as unknown as Claim).token === token,
  )
  if (mine) return Number(mine.key.slice(-4))
  for (let vlan = first; vlan <= last; vlan++) {
    if (taken.has(vlan)) continue
    const key = keyOf(context, dvs, vlan)
    const held = await store.get(key)
    if (held && now() - (held.value as unknown as Claim).at < STALE_MS) continue
    if (await store.put(key, { token, at: now() }, held?.version ?? 0)) return vlan
  }
  return refuse('All VLANs that the cloud may use for networks are taken.')
}

/** Gives back what `claimVlan` gave for this token. Safe to repeat. */
export const releaseVlan = async (context: Context, dvs: string, token: string): Promise<void> => {
  const { store } = context.surroundings
  for (const { key, value, version } of await store.list(`${context.storePrefix}/vlan/${dvs}/`, 4096)) {
    if ((value as unknown as Claim).token === token) await store.delete(key, version)
  }
}
