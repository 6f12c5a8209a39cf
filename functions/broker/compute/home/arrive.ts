import { type Amount, returnHome } from '../../../../db/queries/clouds/marks.ts'
import type { Said } from '../../../../db/queries/clouds/policies.ts'
import { isMoving, notComingBack, setMove } from '../../../../db/queries/compute/server-moves.ts'
import { type ServerRow, serverMoved } from '../../../../db/queries/compute/servers.ts'
import { forgetGone } from '../../../../db/queries/line/bindings.ts'
import type { Policy } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import { POLICY_MOVED, stillSaid } from '../../clouds/policy.ts'
import { commit, guard } from '../../line/commit.ts'
import { oneTimeFrom, oneTimeKept } from '../../line/one-time.ts'
import { Refused } from '../../line/refused.ts'
import { bindTo } from '../../line/resources.ts'
import { BURST_MOVED, moneyGuards, stillFunded } from '../../money/allowance.ts'
import { NetworkRefused } from '../../network/network-refusal.ts'
import { chooseElsewhere, untilFree } from '../../network/port.ts'
import { amountAt, type Filled, markGuards, whyAbove } from '../place/marks.ts'
import { type Place, placesJson } from '../server-facts.ts'
import { arrivingPorts } from './ports.ts'
import type { Homeward } from './stays.ts'
import { homewardFor } from './stays.ts'

/** What a row says of a machine that is beside the current one. */
export const besideAt = (server: Pick<ServerRow, 'flavor'>, place: Place) => {
  const { vcpus, ramMib } = amountAt(place, server.flavor, 1)
  return { cloudId: place.cloudId, place: placesJson(place as never), vcpus, ramMib, hourly: place.hourly }
}

/** The word with which the guest of an arriving machine reports. */
export const wordOf = (context: Pick<Context, 'settings' | 'deployment'>, serverId: string, seed: string): string =>
  oneTimeFrom(context, 'arrival', `${serverId}/${seed}`)

interface ToHome {
  policy: Policy
  /** Of what that was made. */
  said: Said
  home: Filled
}

/**
 * Admits a second machine for a server, at home, in one batch: it counts there from now on, and nothing else changes for the server.
 * Gives null, or why it stays where it is, a sentence; `full`: because of what others take at home, or of what is said by now, as others do.
 */
export const beginArrival = async (
  context: Context,
  server: ServerRow,
  { policy, said, home }: ToHome,
): Promise<{ reason: string; full: boolean } | null> => {
  const found = await homewardFor(context, server, home)
  if ('reason' in found) return { ...found, full: false }
  const more = amountAt(found.place, server.flavor, 1)
  const above = whyAbove(policy, home, more)
  if (above !== null) return { reason: above, full: true }
  try {
    await untilFree(() => admit(context, server, found, { policy, said, home, more }))
    return null
  } catch (error) {
    if (error instanceof NetworkRefused) return { reason: 'Its networks have no address left at home.', full: false }
    if (!(error instanceof Refused)) throw error
    const what = error.refusal.kind === 'guard' ? error.refusal.what : error.refusal.kind
    return { reason: `Others were faster (${what}).`, full: ['mark-passed', POLICY_MOVED, BURST_MOVED].includes(what) }
  }
}

const admit = async (
  context: Context,
  server: ServerRow,
  { place, filters, carried, allowance, burst }: Homeward,
  { policy, said, home, more }: ToHome & { more: Amount },
): Promise<void> => {
  const { db } = context
  const { id, projectId } = server
  const now = context.now()
  const seed = context.newId()
  const ports = await arrivingPorts(context, carried, { ...place, filters }, (placings) =>
    chooseElsewhere(context, placings, carried.known),
  )
  await commit(
    context,
    {
      action: 'homecoming.begin',
      kind: 'server',
      resourceId: id,
      detail: { cloud: home.name, zone: place.zone, size: place.native },
    },
    [
      guard(context, 'server-moved', serverMoved(id, server)),
      guard(context, 'server-moved', notComingBack(id, server.cloudId)),
      guard(context, 'move-under-way', isMoving(id)),
      setMove(db, {
        serverId: id,
        projectId,
        state: 'arriving',
        ...besideAt(server, place),
        filters,
        seed,
        report: oneTimeKept(context, 'arrival', wordOf(context, id, seed))[0]!,
        dueAt: now + context.settings.homecoming.readyMs,
        updatedAt: now,
      }),
      ...ports,
      forgetGone(db, { kind: 'server', resourceId: id, cloudId: place.cloudId, scope: '' }),
      bindTo(context, 'server', server, place),
      ...(home.passed ? [returnHome(db, projectId, home.id)] : []),
      stillSaid(context, projectId, said),
      ...stillFunded(context, burst),
      ...moneyGuards(context, projectId, allowance),
      ...markGuards(context, { projectId, policy, to: home, more }),
    ],
  )
}
