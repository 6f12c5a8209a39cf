import type { Json } from '../../../adapters/contract.ts'
import { type CandidateRow, candidatesFor, candidatesIn } from '../../../db/queries/compute/candidates.ts'
import type { FlavorRow } from '../../../db/queries/compute/flavors.ts'
import { archOfSize } from '../../../db/queries/compute/flavors.ts'
import { imageForServer } from '../../../db/queries/compute/places.ts'
import { insertServerAction } from '../../../db/queries/compute/server-actions.ts'
import { type ServerRow, serverMoved, updateServer } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { POLICY_MOVED } from '../clouds/policy.ts'
import { commit, guard, type Write } from '../line/commit.ts'
import { untilStill } from '../line/until-still.ts'
import { BURST_MOVED } from '../money/allowance.ts'
import { rootVolumeOf } from './disks/root.ts'
import { chargeFlavor, flavorSnapshot } from './flavor.ts'
import { withinMeans } from './place/dear.ts'
import { MARK_GUARDS } from './place/marks.ts'
import { marksFor } from './place/marks-elsewhere.ts'
import { meansOf } from './place/means.ts'
import { rank, spotLike } from './place/rank.ts'
import {
  ask,
  moving,
  refuseBeyondLimits,
  requireCapability,
  requireState,
  who,
  withinLimits,
  withinUser,
} from './server-action.ts'
import { type Place, placesJson, placesOf, powerShown, statusWith } from './server-facts.ts'
import { ServerRefused } from './server-refusal.ts'

/** Another flavor on the same cloud, in the same zone. What it costs more is charged now; `set` is true of it at once. */
export const resizeServer = async (
  context: Context,
  server: ServerRow,
  flavor: FlavorRow,
  set: Partial<Pick<ServerRow, 'diskConfig'>> = {},
): Promise<void> => {
  requireState(context, server, 'resize')
  if (flavor.id === server.flavor.id) throw new ServerRefused({ kind: 'same-flavor' })
  await requireCapability(context, server, 'server.resize', ({ server: realm }) => realm.resize)
  const next = flavorSnapshot(flavor)
  const more = { cores: next.vcpus - server.flavor.vcpus, ram: next.ramMib - server.flavor.ramMib }
  // As Nova: what may not be is told before what cannot be.
  await refuseBeyondLimits(context, server, more)
  const size = await sizeFor(context, server, flavor)
  const target = (await rootVolumeOf(context, server)) ? { ...size, diskGib: 0 } : size
  const resizing = async () => {
    const means = await meansOf(context, server)
    const dear = means.why(target)
    if (dear !== null) throw new ServerRefused({ kind: 'cost', reason: dear })
    await ask(context, server, {
      action: 'resize',
      args: {
        before: server.flavor.id,
        flavor: next as unknown as Json,
        place: target as unknown as Json,
        power: restingPower(server),
      },
      set: { ...set, places: placesJson({ ...placesOf(server), to: { ...target, flavor: next } }) },
      // What the user has is counted with the row, which says at once what is asked for.
      guards: [withinUser(context, server, more)],
      also: [
        ...chargeFlavor(server.projectId, server.flavor, next, 'charge'),
        ...means.guards(target),
        ...(await belowMarks(context, server, target)),
      ],
    })
  }
  await untilStill([...MARK_GUARDS, POLICY_MOVED, BURST_MOVED], () =>
    withinLimits(context, server, more, () => withinMeans(resizing)),
  )
}

/** For the batch: that its cloud stays below its mark with it. Throws `ServerRefused` (`no-place`) where it does not today. */
const belowMarks = async (context: Context, server: ServerRow, target: Place): Promise<Write[]> => {
  const { at } = placesOf(server)
  if (at && target.vcpus <= at.vcpus && target.ramMib <= at.ramMib) return []
  const marks = await marksFor(context, server)
  const reason = marks.why(target)
  if (reason !== null) throw new ServerRefused({ kind: 'no-place', reason })
  return marks.guards(target)
}

const restingPower = (server: ServerRow): 'running' | 'stopped' =>
  powerShown(server) === 'stopped' ? 'stopped' : 'running'

/** The offer that meets a flavor where the server is. Its architecture cannot change. */
const sizeFor = async (context: Context, server: ServerRow, flavor: FlavorRow): Promise<Place> => {
  const { projectId, cloudId, zone } = server
  // As what it is bought, it stays.
  const option = placesOf(server).at?.option ?? 'on-demand'
  const ask = { now: context.now(), projectId, flavorId: flavor.id, cloudId: cloudId ?? '', zone, option }
  const candidates = candidatesIn(await candidatesFor(context.db, ask))
  const arch = await archOf(context, server, candidates)
  const [best] = rank(
    {
      flavor: { ...flavorSnapshot(flavor), native: flavor.native },
      arch,
      zone: null,
      clouds: null,
      tied: {},
      home: null,
      converting: [],
      spot: spotLike(option),
    },
    candidates.map((each) => ({ ...each, available: true })),
  )
  if (!best)
    throw new ServerRefused({ kind: 'no-place', reason: `Flavor ${flavor.name} is not offered where the server is.` })
  return best
}

/** That of the size that it has: its image may be gone by now. */
const archOf = async (context: Context, server: ServerRow, candidates: CandidateRow[]): Promise<string> => {
  const { at } = placesOf(server)
  const { imageId, cloudId, projectId } = server
  const has = at && (await archOfSize(context.db, at.cloudId, at.native))
  if (has) return has
  const found = imageId && cloudId ? await imageForServer(context.db, imageId, cloudId, projectId) : null
  return found?.image?.arch ?? candidates[0]?.arch ?? 'x86_64'
}

/** The old size is not kept any longer; what a smaller one frees is given back. Nothing happens below the line. */
export const confirmResize = async (context: Context, server: ServerRow): Promise<void> => {
  requireState(context, server, 'confirmResize')
  if (!server.oldFlavor) throw new ServerRefused({ kind: 'not-resized' })
  const { db } = context
  const now = context.now()
  const { before: _, ...places } = placesOf(server)
  const settled = { ...server, oldFlavor: null, places: placesJson(places) }
  await moving(server, 'confirmResize', () =>
    commit(context, { action: 'confirmResize', kind: 'server', resourceId: server.id }, [
      guard(context, 'server-moved', serverMoved(server.id, server)),
      updateServer(db, server.id, {
        oldFlavor: null,
        places: placesJson(places),
        updatedAt: now,
        ...statusWith(settled, { power: powerShown(server) }),
      }),
      insertServerAction(db, { ...who(context, server), action: 'confirmResize', state: 'done', now }),
      ...chargeFlavor(server.projectId, server.oldFlavor!, server.flavor, 'refund'),
    ]),
  )
}

/** Back to the flavor from before the resize. */
export const revertResize = async (context: Context, server: ServerRow): Promise<void> => {
  requireState(context, server, 'revertResize')
  if (!server.oldFlavor) throw new ServerRefused({ kind: 'not-resized' })
  await ask(context, server, { action: 'revertResize', args: { power: restingPower(server) } })
}
