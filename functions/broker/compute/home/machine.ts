import type { Cloud, ServerSeen } from '../../../../adapters/contract.ts'
import { CloudError } from '../../../../adapters/errors.ts'
import { type MoveRow, updateMove } from '../../../../db/queries/compute/server-moves.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Binding } from '../../../../db/queries/line/bindings.ts'
import type { Context } from '../../../context.ts'
import type { Write } from '../../line/commit.ts'
import { oneTimeUrl } from '../../line/one-time.ts'
import { placeRefused } from '../place/refusals.ts'
import { withReport } from '../report/report.ts'
import type { ServerWork } from '../server-act.ts'
import { type Place, placeOf, placesJson } from '../server-facts.ts'
import { openUserData, sealUserData } from '../user-data.ts'
import { wordOf } from './arrive.ts'
import { letGo } from './leave.ts'
import { type Role, roleOn, stillArriving } from './role.ts'
import { comeHome, isReady, standingOf } from './settle.ts'

/* What is done with the machine that a server has beside its current one. Nothing of it is shown. */

/** What is done with one that was to stop and does not, in milliseconds after its time. */
export const PATIENCE = 600_000

/** What a binding's machine is to its server. */
export const roleIn = ({ server, move }: ServerWork, { cloudId }: Pick<Binding, 'cloudId'>): Role =>
  roleOn(cloudId, server, move)

/** Where a machine that arrives goes. */
export const placeArriving = ({ place }: MoveRow): Place => placeOf(place as unknown as Place)

/** Its user data, sealed as the server's are, with what reports that it is ready. */
export const userDataArriving = (context: Context, { server }: ServerWork, { seed }: MoveRow): string | null => {
  const url = oneTimeUrl(context, 'arrivals', wordOf(context, server.id, seed ?? ''))
  const plain = openUserData(context, server.id, server.userData)
  return url === null ? server.userData : sealUserData(context, server.id, withReport(plain, url))
}

/** Said of an arrival that comes to nothing: the next turn of the loop takes it back (`homecoming.ts`). */
const over = (context: Context, { serverId }: MoveRow, reason: string) =>
  updateMove(context.db, serverId, { cancelled: true, reason, dueAt: 0, updatedAt: context.now() })

/** What is seen of it: one that arrives and breaks goes again. */
export const seenBeside = (context: Context, { move }: ServerWork, role: Role, seen: ServerSeen): Write[] =>
  role === 'arriving' && move && seen.health === 'failed'
    ? [over(context, move, `The machine at home failed: ${seen.fault ?? 'its cloud does not say why.'}`)]
    : []

/** What is written when its cloud refuses something for good, or does not have it any more. */
export const failedBeside = (
  context: Context,
  { server, move }: ServerWork,
  { cloudId, phase }: Pick<Binding, 'cloudId' | 'phase'>,
  error: CloudError,
): Write[] => {
  if (!move || move.cloudId !== cloudId) return []
  if (roleOn(cloudId, server, move) === 'leaving') return [updateMove(context.db, server.id, { dueAt: 0 })]
  const there = { ...server, places: placesJson({ at: placeArriving(move), next: [] }) }
  return [
    // It may be the current one by now, and is judged as that.
    stillArriving(context, server.id),
    over(context, move, `No machine could be made at home: ${error.message}`),
    ...(phase === 'calling' ? placeRefused(context, there, error) : []),
  ]
}

/** One step: one that arrives becomes the current one once it is ready, one that leaves stops, and goes when its grace is over. */
export const actBeside = async (
  context: Context,
  { server, move }: ServerWork,
  binding: Binding,
  cloud: Cloud,
  seen: ServerSeen,
): Promise<{ settled: boolean; writes: Write[] }> => {
  const id = binding.nativeId!
  if (seen.unfinished) {
    await cloud.server.finish!(id)
    return { settled: false, writes: [] }
  }
  const now = context.now()
  if (!move || move.cloudId !== binding.cloudId)
    return { settled: false, writes: await letGo(context, server.id, binding.cloudId) }
  if (move.state === 'arriving') {
    if (isReady(server, move, seen)) return { settled: false, writes: await switchTo(context, server, move, seen) }
    const runs = move.runsAt === null && seen.power === 'running'
    const rests = seen.power !== 'changing'
    return { settled: rests, writes: runs ? [updateMove(context.db, server.id, { runsAt: now, updatedAt: now })] : [] }
  }
  const stopped = seen.power === 'stopped'
  if (now >= move.dueAt && (stopped || now >= move.dueAt + PATIENCE))
    return { settled: false, writes: await letGo(context, server.id, binding.cloudId) }
  if (seen.power !== 'stopped' && seen.power !== 'changing') await cloud.server.stop(id)
  return { settled: false, writes: [] }
}

/** The machine that arrived is the current one, where that is home still: another cloud may be by now. */
const switchTo = async (context: Context, server: ServerRow, move: MoveRow, seen: ServerSeen): Promise<Write[]> => {
  const standing = await standingOf(context, move)
  return standing.spilled
    ? [over(context, move, 'Home is another cloud by now.')]
    : comeHome(context, server, move, seen, standing)
}

/**
 * A server whose current machine is gone for good is made anew only when the other one is gone as well: what arrives is given up
 * where it may not stand in. Throws `conflict` until then.
 */
export const aloneFirst = async (context: Context, { server, move }: ServerWork): Promise<void> => {
  if (!move || move.state === 'staying') return
  if (move.state === 'arriving' && !move.cancelled)
    await over(context, move, 'Its cloud took the server back meanwhile.')
  throw new CloudError('conflict', `Another machine of server ${server.id} is still there.`)
}
