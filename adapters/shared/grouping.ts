import type { GroupPolicy, ServerGrouping } from '../contract.ts'

const POLICIES: readonly GroupPolicy[] = ['affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity']

/** The group of a server in one line, for a cloud that keeps no such thing. */
export const writeGrouping = ({ id, policy, mostPerHost }: ServerGrouping): string =>
  [id, policy, mostPerHost ?? '-'].join(' ')

/** The group in a line; null: it is none. Its own object is not told. */
export const readGrouping = (text: string | undefined): ServerGrouping | null => {
  const [, id, policy, most] = /^(\S+) (\S+) (\d+|-)$/.exec(text ?? '') ?? []
  const known = POLICIES.find((each) => each === policy)
  return id && known ? { id, policy: known, mostPerHost: most === '-' ? null : Number(most), native: null } : null
}
