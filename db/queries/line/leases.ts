import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'

/**
 * Whoever held anything holds it no longer: for the start of a process that has the database to itself, so that the work
 * of one that was killed does not wait until its leases run out.
 */
export const freeLeases = (db: Database) =>
  db.batch([
    db.run(sql`update bindings set lease_until = 0 where lease_until > 0`),
    db.run(sql`update sweeps set lease_until = 0 where lease_until > 0`),
    db.run(sql`update leases set until = 0`),
  ])
