/** How long a claim on a binding lasts; every step renews it. Longer than the slowest call to a cloud. */
export const LEASE = 60_000
/** Longest that a call to a cloud may have an effect, its deadline and the way there. None is begun with less of the lease left. */
export const CALL = 30_000
/** After a deletion overtook a call without an answer: how long its effect may still appear. */
export const GRACE = 120_000
/** A NotFound or a conflict younger than this is "not yet". */
export const PATIENCE = 300_000
/** A change that something stands in the way of for so long has failed, until another is asked for. */
export const STUBBORN = 900_000

/**
 * When a call that was made at `calledAt` has shown all that it did: its lease is over, and what it made is visible. Earlier
 * where this process has had the database to itself since `alone`: whatever made a call before had begun it by then.
 */
export const shownAt = (calledAt: number | null, settleMs: number, alone = 0): number => {
  const called = calledAt ?? 0
  return (called < alone ? Math.min(called + LEASE, alone + CALL) : called + LEASE) + settleMs
}

/** Doubles from `base` to `most`, in milliseconds. */
export const backoff = (attempts: number, base: number, most: number): number =>
  Math.min(most, base * 2 ** Math.min(Math.max(attempts, 0), 16))
