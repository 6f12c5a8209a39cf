import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { keepAhead } from '../../../../db/queries/money/meters.ts'
import type { Context } from '../../../context.ts'
import { stillSaid } from '../../clouds/policy.ts'
import type { Write } from '../../line/commit.ts'
import { type Allowance, allowanceOf, held, moneyGuards, stillFunded, whyTooDear } from '../../money/allowance.ts'
import { whyUnlisted } from '../../money/restored.ts'
import { paidSpending } from '../../money/settle.ts'
import { leftOf } from '../lease/lease.ts'
import { type Place, placesOf } from '../server-facts.ts'
import { limitOfEach } from './dear.ts'

/** What a server that is there may cost elsewhere, or as another size. */
export interface Means {
  /** Why it may not cost that, as a sentence; null: it may. What costs no more than now is always paid for. */
  why(place: Pick<Place, 'native' | 'hourly'>): string | null
  /** Why it may not cost what it costs there already, by its own metadata and flavor; null: it may. */
  over(place: Pick<Place, 'native' | 'hourly'>): string | null
  /** For the end of the batch that takes it there: it may cost that, and what says so holds. */
  guards(place: Pick<Place, 'hourly'>): Write[]
}

/** What a project, and the burst that it is of, may spend on a server besides what that costs now. */
export const meansOf = async (context: Context, server: ServerRow): Promise<Means> => {
  const { policy, said, spending, burst } = await paidSpending(context, server)
  const each = limitOfEach(server.metadata, server.flavor)
  const leaseMs = leftOf(server, context.now())
  const now = placesOf(server).at?.hourly ?? null
  const all = allowanceOf(policy, spending, { each, leaseMs, burst })
  const unlisted = whyUnlisted(policy, spending, context.now())
  const besides = all && without(all, now ?? 0)
  const isDearer = ({ hourly }: Pick<Place, 'hourly'>) => hourly === null || now === null || hourly > now
  return {
    why: (place) => (isDearer(place) ? (unlisted ?? whyTooDear(besides, place, 1)?.reason ?? null) : null),
    over: (place) => whyTooDear(all && { ...all, hourly: null, month: null, burst: null }, place, 1)?.reason ?? null,
    guards: ({ hourly }) => {
      if (!isDearer({ hourly })) return []
      const holds = [stillSaid(context, server.projectId, said), ...stillFunded(context, burst)]
      if (!all) return holds
      const ahead = { now: context.now(), holdMs: all.holdMs, hourly }
      return [...holds, keepAhead(context.db, server.id, ahead), ...moneyGuards(context, server.projectId, all)]
    },
  }
}

/** What is left once a server that costs so much is gone. */
const without = (allowance: Allowance, hourly: number): Allowance => {
  const less = <L extends { used: number }>(limit: L | null, by: number): L | null =>
    limit && { ...limit, used: limit.used - by }
  const { burst } = allowance
  const kept = held(allowance, hourly)
  return {
    ...allowance,
    hourly: less(allowance.hourly, hourly),
    month: less(allowance.month, kept),
    burst: burst && { ...burst, hourly: less(burst.hourly, hourly), all: less(burst.all, kept) },
  }
}
