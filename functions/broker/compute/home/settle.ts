import type { ServerSeen } from '../../../../adapters/contract.ts'
import { fillsOf } from '../../../../db/queries/clouds/marks.ts'
import type { Said } from '../../../../db/queries/clouds/policies.ts'
import { type MoveRow, notComingBack, updateMove } from '../../../../db/queries/compute/server-moves.ts'
import { portsOfServer, type ServerRow, serverMoved, updateServer } from '../../../../db/queries/compute/servers.ts'
import { portBeside } from '../../../../db/queries/network/arriving-addresses.ts'
import type { Filters } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import { policyFor, stillSaid } from '../../clouds/policy.ts'
import { guard, type Write } from '../../line/commit.ts'
import { changed } from '../../line/resources.ts'
import { isSpilled } from '../place/marks.ts'
import { recordAttempt } from '../place/record.ts'
import { note } from '../server-action.ts'
import { hostIdOf, type Place, placeOf, placesJson, placesOf } from '../server-facts.ts'
import { besideAt } from './arrive.ts'
import { portsArrived } from './ports.ts'
import { stillArriving } from './role.ts'
import { whyNotNow } from './stays.ts'

/** What Nova's history of a server calls it. */
const HOMECOMING = 'homecoming'

/** Whether the machine that arrived can be the current one from now on: it runs, its guest said so, and nothing speaks against it. Pure. */
export const isReady = (server: ServerRow, move: MoveRow, seen: Pick<ServerSeen, 'power'>): boolean =>
  seen.power === 'running' && move.readyAt !== null && !move.cancelled && whyNotNow(server) === null

/** What is said of a project, and whether the cloud of a machine that arrived is elsewhere than at home by that. */
interface Standing {
  said: Said
  spilled: boolean
}

/** How a machine that arrived stands by what is said now: another cloud may be home. */
export const standingOf = async (context: Context, { projectId, cloudId }: MoveRow): Promise<Standing> => {
  const [{ policy, said }, fills] = await Promise.all([policyFor(context, projectId), fillsOf(context.db, projectId)])
  const cloud = fills.find(({ id }) => id === cloudId)?.name ?? ''
  return { said, spilled: isSpilled(policy, cloud) }
}

type Seen = Pick<ServerSeen, 'zone' | 'host' | 'bootedAt'>

/**
 * Writes of one batch after which the machine that arrived is the current one, and the one before it leaves. Whatever was asked of
 * the server meanwhile undoes it, and whatever is said of its project.
 */
export const comeHome = async (
  context: Context,
  server: ServerRow,
  move: MoveRow,
  seen: Seen,
  standing: Standing,
): Promise<Write[]> => [
  guard(context, 'server-moved', notComingBack(server.id, server.cloudId)),
  ...(await becomeCurrent(context, server, move, seen, standing)),
]

/** The same where the one before it is gone already, so that nothing can speak for that any more. */
export const becomeCurrent = async (
  context: Context,
  server: ServerRow,
  move: MoveRow,
  seen: Partial<Seen>,
  { said, spilled }: Standing,
): Promise<Write[]> => {
  const { db } = context
  const { id, projectId } = server
  const now = context.now()
  const to = placeOf(move.place as unknown as Place)
  const from = placesOf(server).at!
  const { filters, writes } = await arrivedPorts(context, server, move)
  return [
    guard(context, 'server-moved', serverMoved(id, server)),
    stillArriving(context, id, { wanted: true }),
    stillSaid(context, projectId, said),
    updateServer(db, id, {
      cloudId: to.cloudId,
      zone: seen.zone ?? to.zone,
      filters,
      spilled,
      places: placesJson({ at: to, next: [] }),
      hostId: hostIdOf(seen.host, projectId) || server.hostId,
      bootedAt: seen.bootedAt ?? now,
      updatedAt: now,
    }),
    updateMove(db, id, {
      state: 'leaving',
      ...besideAt(server, from),
      filters: server.filters,
      runsAt: server.launchedAt ?? now,
      dueAt: now + context.settings.homecoming.graceMs,
      updatedAt: now,
    }),
    ...writes,
    recordAttempt(context, id, to, { code: HOMECOMING, message: 'It came home. Its disk began again from its image.' }),
    note(context, server, HOMECOMING, {
      before: server.flavor.id,
      from: { cloudId: from.cloudId, zone: server.zone ?? from.zone },
      place: { cloudId: to.cloudId, zone: seen.zone ?? to.zone },
    }),
    changed(context, 'server', id),
  ]
}

/** The ports of a server whose machine arrived, and writes with which they show what they have there from now on. */
export const arrivedPorts = async (
  context: Context,
  { id }: Pick<ServerRow, 'id'>,
  move: MoveRow,
): Promise<{ ids: string[]; filters: Filters; writes: Write[] }> => {
  const { db } = context
  const { cloudId } = placeOf(move.place as unknown as Place)
  const filters = move.filters ?? 'enforced'
  const ports = await Promise.all(
    (await portsOfServer(db, id)).map(async ({ portId }) => ({
      id: portId,
      held: (await portBeside(db, portId, cloudId))?.fixedIps ?? [],
    })),
  )
  return { ids: ports.map((port) => port.id), filters, writes: portsArrived(context, ports, filters) }
}
