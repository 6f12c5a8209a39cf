import { sql } from 'drizzle-orm'
import { forgetFuture } from '../db/queries/line/leases.ts'
import { everyProject } from '../db/scope.ts'
import { driveBursts } from './broker/burst/turn.ts'
import { takeInventory } from './broker/clouds/inventory.ts'
import { endForks } from './broker/compute/fork/fork-end.ts'
import { bringHome } from './broker/compute/home/homecoming.ts'
import { spendDue } from './broker/compute/lease/budget-end.ts'
import { endLeases } from './broker/compute/lease/lease-end.ts'
import { convergeDue } from './broker/converge/converge.ts'
import { importDue } from './broker/imports/turn.ts'
import { deliverDue } from './broker/notices/deliver.ts'
import { sweepDue } from './broker/reconcile/reconcile.ts'
import type { Context, Host } from './context.ts'
import { endMemberships, sweepLeftovers } from './janitor.ts'

/** Work that comes round by itself. It reads from tables what is to do and stops when its budget is spent. */
export interface Loop {
  name: string
  /** The least time between two starts, whoever starts it. */
  everySeconds: number
  run(context: Context, budgetMs: number): Promise<unknown>
}

export const loops: Loop[] = [
  { name: 'converge', everySeconds: 0, run: convergeDue },
  { name: 'forks', everySeconds: 60, run: endForks },
  { name: 'leases', everySeconds: 30, run: endLeases },
  { name: 'bursts', everySeconds: 5, run: driveBursts },
  { name: 'money', everySeconds: 30, run: spendDue },
  { name: 'webhooks', everySeconds: 0, run: deliverDue },
  { name: 'imports', everySeconds: 0, run: importDue },
  { name: 'homecoming', everySeconds: 30, run: bringHome },
  { name: 'inventory', everySeconds: 30, run: takeInventory },
  { name: 'reconcile', everySeconds: 60, run: sweepDue },
  { name: 'memberships', everySeconds: 60, run: endMemberships },
  { name: 'janitor', everySeconds: 600, run: sweepLeftovers },
]

/** Longest that a loop may keep others from starting it, in milliseconds: a process that died holds its lease no longer. */
const LEASE = 60_000

/** Runs every loop that is due and that no other process runs. One loop's failure does not keep another from its turn. */
export const runCron = async (host: Host, budgetMs = 25_000, list: Loop[] = loops): Promise<string[]> => {
  const until = host.now() + budgetMs
  const ran: string[] = []
  await forgetFuture(host.db, host.now())
  const held = await leasesOf(host)
  for (const loop of list) {
    if (host.now() >= until) break
    const startedAt = host.now()
    if (isHeld(loop, held.get(loop.name) ?? 0, startedAt) || !(await take(host, loop, startedAt))) continue
    const context = cronContext(host)
    try {
      const turn = () => loop.run(context, until - startedAt)
      await (host.instruments?.loop ? host.instruments.loop(loop.name, turn) : turn())
      ran.push(loop.name)
    } catch (error) {
      host.log('error', 'a loop failed', {
        loop: loop.name,
        error: error instanceof Error ? error.stack : String(error),
      })
    }
    await give(host, loop, startedAt)
  }
  return ran
}

/** What work without a request is handed. */
export const cronContext = (host: Host): Context => ({
  ...host,
  requestId: `req-${host.newId()}`,
  caller: null,
  scope: everyProject,
})

/** Of each loop, until when it is held or rests: most have no turn in most rounds, and to try and take one is to write. */
const leasesOf = async (host: Host): Promise<Map<string, number>> => {
  const rows = await host.db.all<{ name: string; until: number }>(sql`select name, until from leases`)
  return new Map(rows.map(({ name, until }) => [name, until]))
}

const lengthOf = ({ everySeconds }: Loop): number => Math.max(LEASE, everySeconds * 1000)

const isHeld = (loop: Loop, until: number, now: number): boolean => until > now && until <= now + 2 * lengthOf(loop)

/**
 * One statement decides between two processes: `until` is both the lease and the time of the next turn. One that is
 * further off than any that could be written now is of a clock that has since been set back, and counts for nothing.
 */
const take = async (host: Host, loop: Loop, now: number): Promise<boolean> => {
  const { name } = loop
  const length = lengthOf(loop)
  const until = now + length
  const rows = await host.db.all(sql`insert into leases (name, until) values (${name}, ${until})
    on conflict (name) do update set until = ${until} where until <= ${now} or until > ${now + 2 * length} returning name`)
  return rows.length > 0
}

const give = (host: Host, { name, everySeconds }: Loop, startedAt: number) =>
  host.db.run(sql`update leases set until = ${startedAt + everySeconds * 1000} where name = ${name}`)
