import { type BurstSpending, burstSpendingOf } from '../../../db/queries/money/burst-spending.ts'
import {
  type CostRow,
  type DueMeter,
  dueMeters,
  metersMoved,
  type Settled,
  settleMeters,
} from '../../../db/queries/money/meters.ts'
import { type Spending, spendingFor } from '../../../db/queries/money/spending.ts'
import type { Policy } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { guard, refusalOf, type Write } from '../line/commit.ts'
import { HOUR, holdOf } from './allowance.ts'

const DAY = 86_400_000
/** So long it is remembered until when something was paid for that is there still: a clock that is set back charges none of it again. */
const REMEMBERED = DAY
/** So many meters are settled in one batch. */
const MOST = 100
/** So many days of one meter: who was away for longer settles the rest in the next turn. */
const MOST_DAYS = 40
/** Somebody else settles the same: looked at again so often. */
const LOOKS = 5

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

/** What a meter ran, from one time to another, a row for each day that it touches. Times in milliseconds since 1970. Pure. */
const byDay = ({ meter, tags }: DueMeter, from: number, to: number): CostRow[] => {
  const rows: CostRow[] = []
  const { kind, projectId, serverId, cloudId, zone, size, option, state, hourly } = meter
  const row = {
    kind,
    projectId,
    serverId,
    cloudId,
    zone,
    size,
    option,
    state,
    unpriced: hourly === null,
    hourly: hourly ?? 0,
    tags: tags ?? [],
  }
  for (let at = from; at < to; ) {
    const end = Math.min(to, (Math.floor(at / DAY) + 1) * DAY)
    rows.push({ ...row, day: dayOf(at), ms: end - at })
    at = end
  }
  return rows
}

/** When the hour began in which it is now, of those that a meter runs. */
const hourOf = (startedAt: number, now: number): number =>
  startedAt + Math.max(0, Math.floor((now - startedAt) / HOUR)) * HOUR

/**
 * What an hour costs from its last full hour on; null: what it did. The price of an hour is decided once, when something of it
 * is settled first: whatever is asked for later in it counts from the next one. What has no price any more keeps the last.
 */
const newRate = (
  { meter, whole, priced }: DueMeter,
  { startedAt, from, now }: { startedAt: number; from: number; now: number },
): { hourly: number; idle: number | null; since: number } | null => {
  const since = hourOf(startedAt, now)
  const [hourly, idle] = JSON.parse(priced) as [number | null, number | null]
  if (hourly === null || from >= since) return null
  const rate = meter.state === 'stopped' ? (idle ?? hourly) : hourly
  return rate === meter.hourly && hourly === whole ? null : { hourly, idle, since }
}

/** A meter as it stands once it is paid up to `now`, and what was paid. Pure. */
const settle = (due: DueMeter, now: number): { paid: CostRow[]; settled: Settled } => {
  const { meter, there, alive, leaseEndsAt, whole, soon } = due
  const { id, startedAt, settledAt } = meter
  // What is not there any more was given back: it is not ours from now on.
  const endedAt = meter.endedAt ?? (there === null ? Math.max(now, settledAt ?? 0) : null)
  const from = settledAt ?? now
  const rate = startedAt === null || endedAt !== null ? null : newRate(due, { startedAt, from, now })
  const until = rate ? rate.since : (endedAt ?? Math.max(now, from))
  const to = startedAt === null ? from : Math.min(until, from + MOST_DAYS * DAY)
  const turned = rate !== null && to === rate.since
  const paid = byDay(due, from, to)
  const done = endedAt !== null && (startedAt === null || to >= endedAt)
  const remembered = done && alive && endedAt !== null && now < endedAt + REMEMBERED ? endedAt + REMEMBERED : null
  const behind = !done && startedAt !== null && !turned && to < (endedAt ?? now)
  const holdMs = holdOf(leaseEndsAt === null ? null : leaseEndsAt - now)
  const ahead = endedAt === null ? Math.max(0, now - to) + holdMs : endedAt - to
  const hourly = turned
    ? rate.hourly
    : Math.max(meter.hourly ?? 0, ...(endedAt === null ? [whole ?? 0, soon ?? 0] : []))
  const reserved = done ? 0 : Math.ceil((hourly * ahead) / HOUR)
  return {
    paid,
    settled: {
      id,
      settledAt: startedAt === null ? null : to,
      endedAt,
      reserved,
      dueAt: behind
        ? now
        : (remembered ??
          Math.min(now + holdMs, startedAt === null ? Number.POSITIVE_INFINITY : hourOf(startedAt, now) + HOUR)),
      done: done && remembered === null,
      rate: turned ? { hourly: rate.hourly, idle: rate.idle } : null,
    },
  }
}

/**
 * Pays for what ran: of one project, or of all, as far as it is due. What is ahead of it is reserved anew. Gives the projects
 * that paid. Any number of processes may do so at once: who was late looks again.
 */
export const settleDue = async (context: Context, budgetMs: number, projectId?: string): Promise<string[]> => {
  const until = context.now() + budgetMs
  const paid = new Set<string>()
  let late = 0
  do {
    const now = context.now()
    const due = await dueMeters(context.db, now, MOST, projectId)
    if (!due.length) break
    const each = due.map((one) => settle(one, now))
    const seen = due.map(({ meter: { id, settledAt, endedAt } }) => ({ id, settledAt, endedAt }))
    const writes: Write[] = [
      guard(context, 'meters-moved', metersMoved(seen)),
      ...settleMeters(
        context.db,
        each.flatMap((one) => one.paid),
        each.map((one) => one.settled),
      ),
    ]
    try {
      await context.db.batch(writes as [Write, ...Write[]])
    } catch (error) {
      const refused = refusalOf(error, writes)?.refusal
      if (refused?.kind !== 'guard' || ++late >= LOOKS) throw error
      continue
    }
    for (const { meter } of due) paid.add(meter.projectId)
    if (due.length < MOST && !each.some(({ settled }) => settled.dueAt <= now)) break
  } while (context.now() < until)
  return [...paid]
}

/** So long a request pays for others, in milliseconds. */
const SETTLING = 5_000

/** What was looked up of a project, after what is due of it is paid, where it or a burst has a budget: that is not spent twice. */
export const paidUp = async <Looked>(
  context: Context,
  projectId: string,
  look: () => Promise<Looked>,
  moneyIn: (looked: Looked) => {
    policy: Pick<Policy, 'budget'> | null
    spending: Spending
    burst?: Pick<BurstSpending, 'budget'> | null
  },
): Promise<Looked> => {
  const looked = await look()
  const { policy, spending, burst } = moneyIn(looked)
  if (!(policy?.budget || burst?.budget) || spending.dueAt === null || spending.dueAt > context.now()) return looked
  await settleDue(context, SETTLING, projectId)
  return look()
}

/** What a project may spend and what it spends by now, and the same of the burst that a server of it is a member of. */
export const paidSpending = (context: Context, { id, projectId }: { id: string; projectId: string }) =>
  paidUp(
    context,
    projectId,
    async () => ({
      ...(await spendingFor(context.db, projectId, context.now())),
      burst: await burstSpendingOf(context.db, id),
    }),
    (found) => found,
  )
