import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Policy } from '../../../../db/schema/index.ts'
import { durationOf } from '../../line/amounts.ts'
import { LEASE, LEASE_END, LEASE_ENDS_AT, lengthOf } from '../metadata-rules.ts'
import { refuse } from '../server-refusal.ts'

type Metadata = Record<string, string>

/** What of a row says when and how its time ends. */
export type Lease = Pick<ServerRow, 'leaseEndsAt' | 'leaseDueAt' | 'leaseEnd'>

/**
 * The lease that metadata give a server which was made at `createdAt`: so long from then on, so that saying the same again
 * changes nothing, and more of it extends it. Times in milliseconds since 1970.
 */
export const leaseOf = (metadata: Metadata, createdAt: number): Lease => {
  const length = lengthOf(metadata[LEASE] ?? '')
  if (length === null) return { leaseEndsAt: null, leaseDueAt: null, leaseEnd: null }
  const at = createdAt + length
  return { leaseEndsAt: at, leaseDueAt: at, leaseEnd: metadata[LEASE_END] === 'delete' ? 'delete' : 'stop' }
}

/** So long a server may run from `now` on, in milliseconds; null: nothing ends it. One that is locked stays. */
export const leftOf = ({ leaseEndsAt, locked }: Pick<ServerRow, 'leaseEndsAt' | 'locked'>, now: number) =>
  leaseEndsAt === null || locked ? null : leaseEndsAt - now

/** Metadata with the lease that servers of a project have which say nothing else. */
export const withLease = (metadata: Metadata, policy: Pick<Policy, 'lease'> | null): Metadata =>
  policy?.lease == null || metadata[LEASE] !== undefined ? metadata : { ...metadata, [LEASE]: durationOf(policy.lease) }

/** What a server's metadata say of the end of its lease, whatever users write there; empty: it has none. */
export const leaseTold = ({ leaseEndsAt }: Pick<ServerRow, 'leaseEndsAt'>): Metadata =>
  leaseEndsAt === null ? {} : { [LEASE_ENDS_AT]: shown(leaseEndsAt) }

const shown = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')

/** Throws `ServerRefused` (`lease-ended`): it would be stopped again at once. One that is locked stays as it is. */
export const refuseEnded = ({ id, leaseEndsAt, locked }: ServerRow, now: number): void => {
  if (leaseEndsAt !== null && leaseEndsAt <= now && !locked) refuse({ kind: 'lease-ended', id, at: shown(leaseEndsAt) })
}
