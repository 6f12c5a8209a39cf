import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { forgetFutureDeliveries } from './webhooks.ts'

/**
 * What held anything holds it no longer: for the start of a process that has the database to itself, so that the work
 * of one that was killed does not wait until its leases run out. What it put off is looked at anew, unless a change that
 * went unanswered holds it.
 */
export const freeLeases = (db: Database, now: number) =>
  db.batch([
    db.run(sql`update bindings set due_at = ${now} where due_at > ${now} + 0 and lease_until <= ${now}`),
    db.run(sql`update bindings set lease_until = 0 where lease_until > 0`),
    db.run(sql`update sweeps set lease_until = 0 where lease_until > 0`),
    db.run(sql`update webhooks set lease_until = 0 where due_at is not null`),
    db.run(sql`update leases set until = 0`),
  ])

/** No lease and no pause is longer, in milliseconds: a time beyond was written by a clock that has since been set back. */
const LONGEST_LEASE = 5 * 60_000
const LONGEST_PAUSE = 10 * 60_000
/** Between two tries to send something to a webhook. */
const LONGEST_WAIT = 3 * 3_600_000

/** Whatever a clock that was ahead has put off, or holds, is due and free. Writes nothing when nothing is. */
export const forgetFuture = (db: Database, now: number) =>
  db.batch([
    db.run(
      sql`update bindings set due_at = ${now}, lease_until = min(lease_until, ${now}) where due_at > ${now + LONGEST_PAUSE}`,
    ),
    db.run(sql`update bindings set lease_until = 0 where lease_until > 0 and lease_until > ${now + LONGEST_LEASE}`),
    db.run(sql`update sweeps set due_at = min(due_at, ${now}), lease_until = min(lease_until, ${now})
      where due_at > ${now + LONGEST_PAUSE} or lease_until > ${now + LONGEST_LEASE}`),
    ...forgetFutureDeliveries(db, now, LONGEST_WAIT),
    db.run(sql`update clouds set inventory_due_at = min(inventory_due_at, ${now}), closed_until = min(closed_until, ${now})
      where inventory_due_at > ${now + LONGEST_PAUSE} or closed_until > ${now + LONGEST_PAUSE}`),
  ])
