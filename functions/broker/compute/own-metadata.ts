import { policyOf } from '../../../db/queries/clouds/policies.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { POLICY_MOVED } from '../clouds/policy.ts'
import type { Write } from '../line/commit.ts'
import { untilStill } from '../line/until-still.ts'
import { BURST_MOVED } from '../money/allowance.ts'
import { lineage } from './fork/lineage.ts'
import { leaseOf, leaseTold, withLease } from './lease/lease.ts'
import { keepLonger } from './lease/longer.ts'
import { BURST, LEASE, LEASE_ENDS_AT, MAX_HOURLY_COST } from './metadata-rules.ts'
import { withinMeans } from './place/dear.ts'
import { meansOf } from './place/means.ts'
import { stopsBy, whyAtHome } from './place/tighten.ts'
import { placesOf } from './server-facts.ts'
import { refuse } from './server-refusal.ts'

type Metadata = Record<string, string>

/** What the broker says of a server in its metadata: users read it there, and do not change it. */
export const ownMetadata = (
  server: Pick<ServerRow, 'metadata'> & Parameters<typeof lineage>[0] & Parameters<typeof leaseTold>[0],
): Metadata => ({
  ...lineage(server),
  ...leaseTold(server),
  ...burstTold(server),
})

type Meaning = { metadata?: Metadata; tags?: string[]; locked?: boolean }

/** No user can write that item: what is there was said by the broker. */
const burstTold = ({ metadata }: Pick<ServerRow, 'metadata'>): Metadata =>
  metadata[BURST] === undefined ? {} : { [BURST]: metadata[BURST] }

/**
 * A change of a server with what its metadata and tags mean from now on, the broker's own items as the broker says, and what else
 * is written with it. Throws `ServerRefused`: `cost` where it costs more than they or a budget allow, `spilled` where they keep
 * at home what is out. `write` is given both; where something else is said of the project meanwhile, once more.
 */
export const withMeaning = <Change extends Meaning, Written>(
  context: Context,
  server: ServerRow,
  change: Change,
  write: (meant: { set: Change; also: Write[] }) => Promise<Written>,
): Promise<Written> =>
  withinMeans(() =>
    untilStill([POLICY_MOVED, BURST_MOVED], async () => {
      const set = await meant(context, server, change)
      if (server.spilled && (set.metadata ?? set.tags)) await refuseOut(context, { ...server, ...set })
      return write({ set, also: await keepLonger(context, server, set) })
    }),
  )

const meant = async <Change extends Meaning>(context: Context, server: ServerRow, change: Change): Promise<Change> => {
  if (change.metadata === undefined) return change
  const { [LEASE_ENDS_AT]: _, ...asked } = change.metadata
  // One that had a lease has that of its project when nothing else is said any more.
  const lacksLease = server.leaseEndsAt !== null && asked[LEASE] === undefined
  const policy = lacksLease ? (await policyOf(context.db, server.projectId))[0]?.policy : null
  const metadata = withLease(asked, policy ?? null)
  if (metadata[MAX_HOURLY_COST] !== undefined && metadata[MAX_HOURLY_COST] !== server.metadata[MAX_HOURLY_COST])
    await refuseDearer(context, { ...server, metadata })
  const stops = stopsBy(metadata)
  if (stops !== null && placesOf(server).at?.option === 'spot') refuse({ kind: 'spot', id: server.id, action: stops })
  const lease = leaseOf(metadata, server.createdAt)
  return { ...change, ...lease, metadata: { ...metadata, ...ownMetadata({ ...server, ...lease }) } }
}

/** It would have to be elsewhere, or smaller: that is not done by a word in its metadata. */
const refuseDearer = async (context: Context, server: ServerRow): Promise<void> => {
  const { at } = placesOf(server)
  const dear = at && (await meansOf(context, server)).over(at)
  if (dear) refuse({ kind: 'cost', reason: dear })
}

/** Throws `ServerRefused` (`spilled`) for what is out, and says from now on that it stays at home. */
const refuseOut = async ({ db }: Context, { id, projectId, metadata, tags }: ServerRow): Promise<void> => {
  const [said] = await policyOf(db, projectId)
  const reason = said && whyAtHome({ ...said.policy, spill: 'allowed' }, { metadata, tags, extraSpecs: {} })
  if (reason) refuse({ kind: 'spilled', id, reason })
}
