import type { NativeId, ServerGrouping, ServerSpec } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import type { Ledger } from '../records/claims.ts'
import { digest } from '../records/hash.ts'
import { referred } from '../records/realm.ts'

/** Machines on which the servers of a zone run. */
export const HOSTS_PER_ZONE = 8

const HOSTS = Array.from({ length: HOSTS_PER_ZONE }, (_, index) => index + 1)

/** Where the servers of a group are in one zone: a claim a server, by host. */
export const ledgerOf = (group: string, zone: string): string => `group/${zone}/${group}`

/**
 * The host of a new server. One of a group takes its place among the others in one write, so that two at once never share a
 * host that they may not share. Throws `capacity` where no host is left that its group allows.
 */
export const hostFor = async (engine: Engine, spec: ServerSpec, id: NativeId, key: string): Promise<string> => {
  const { zone, group } = spec
  const own = (Number.parseInt(digest(id).slice(0, 6), 16) % HOSTS_PER_ZONE) + 1
  const host = group ? await placeAmong(engine, group, zone, own, key) : own
  return `sbx-host-${zone}-${host}`
}

const placeAmong = async (
  engine: Engine,
  group: ServerGrouping,
  zone: string,
  own: number,
  key: string,
): Promise<number> => {
  if (!group.policy.startsWith('soft-')) {
    if (group.native === null) throw refusal('InvalidValue', 'Servers are kept together or apart in a group only.')
    await referred(engine, 'server_group', group.native)
  }
  const take = (claims: Ledger): number | null => {
    const mine = Object.entries(claims).find(([, { holder, until }]) => holder === key && until === null)
    if (mine) return hostIn(mine[0])
    const host = chosen(group, own, Object.keys(claims).map(hostIn))
    if (host !== null) claims[`${host}/${key}`] = { holder: key, at: engine.now(), until: null, amount: [] }
    return host
  }
  return engine.claims.claim(ledgerOf(group.id, zone), take, () =>
    refusal('NoHostForGroup', `Zone ${zone} has no host left on which the group of the server allows one more.`),
  )
}

const hostIn = (claim: string): number => Number.parseInt(claim, 10)

/** The host of one more server beside those whose hosts are given; null: none is allowed. */
const chosen = ({ policy, mostPerHost }: ServerGrouping, own: number, others: number[]): number | null => {
  const on = (host: number) => others.filter((each) => each === host).length
  const ofNone = [own, ...HOSTS.filter((host) => host !== own)]
  const [fullest] = ofNone.toSorted((a, b) => on(b) - on(a))
  const [emptiest] = ofNone.toSorted((a, b) => on(a) - on(b))
  if (policy === 'affinity' || policy === 'soft-affinity') return fullest!
  return policy === 'soft-anti-affinity' || on(emptiest!) < (mostPerHost ?? 1) ? emptiest! : null
}

/** The place on its host is free as of `at`. */
export const leaveHost = async (
  { claims }: Engine,
  { group, zone }: Pick<ServerSpec, 'group' | 'zone'>,
  key: string,
  at: number,
): Promise<void> => {
  if (group) await claims.release(ledgerOf(group.id, zone), key, at)
}
