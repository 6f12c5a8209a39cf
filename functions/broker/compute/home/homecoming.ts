import { fillsOf } from '../../../../db/queries/clouds/marks.ts'
import {
  comingBack,
  dueMoves,
  forgetRoomy,
  type MoveRow,
  movesUnderWay,
  noteRoomy,
  noteStaying,
  projectsOut,
  roomySince,
} from '../../../../db/queries/compute/server-moves.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Policy } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import { homeIn, policyFor } from '../../clouds/policy.ts'
import { commit } from '../../line/commit.ts'
import { Refused } from '../../line/refused.ts'
import { changed } from '../../line/resources.ts'
import { type Filled, isRoomy } from '../place/marks.ts'
import { beginArrival } from './arrive.ts'
import { endArrival, letGo } from './leave.ts'
import { PATIENCE } from './machine.ts'
import { endOverdue } from './overdue.ts'

/** So many of a project come home at a time. */
const AT_ONCE = 5
/** So many are looked at in a turn. */
const MOST = 50
/** After that it is looked again at a server that could not come, in milliseconds. */
const SOON = 300_000

/**
 * Brings servers home that may come (`plimsoll:movable=true`), oldest first and a few at a time, where home has been below its mark for a while:
 * a new machine at home, ready first, then the old one goes. Also ends what takes too long.
 */
export const bringHome = async (context: Context, budgetMs: number): Promise<void> => {
  const until = context.now() + budgetMs
  for (const move of await dueMoves(context.db, context.now(), MOST)) await attend(context, move)
  for (const projectId of await projectsOut(context.db)) {
    if (context.now() >= until) return
    await bringHomeOf(context, projectId)
  }
}

/** What was under way and is due: an arrival that is over, or an old machine that has had its grace. */
const attend = async (context: Context, move: MoveRow): Promise<void> => {
  const { serverId, cloudId, cancelled, reason, dueAt, readyAt } = move
  try {
    if (move.state === 'arriving') {
      const late =
        readyAt === null
          ? 'It was not ready in time.'
          : 'It was ready, and the server was busy until its time was over.'
      if (!cancelled) return await endOverdue(context, move, late)
      return await endArrival(context, move, reason ?? 'Something else was asked of the server.')
    }
    const gone = context.now() >= dueAt + PATIENCE
    await commit(context, { action: 'homecoming.end', kind: 'server', resourceId: serverId }, [
      ...(gone ? await letGo(context, serverId, cloudId!) : [changed(context, 'server', serverId)]),
    ])
  } catch (error) {
    told(context, serverId, error)
  }
}

/** Whoever was faster has done it, or asked for something else; what cannot be done now is tried in the next turn. */
const told = (context: Context, id: string, error: unknown): void => {
  if (error instanceof Refused && error.refusal.kind === 'guard') return
  context.log('warn', 'a server could not be brought home', { id, reason: String(error) })
}

const bringHomeOf = async (context: Context, projectId: string): Promise<void> => {
  const { db } = context
  const now = context.now()
  const underWay = await movesUnderWay(db, projectId)
  await lookAgain(context, underWay)
  const { policy, said } = await policyFor(context, projectId)
  const home = await roomyHome(context, projectId, policy)
  await forgetRoomy(db, projectId, home?.id ?? null)
  if (!home) return
  const since = await roomySince(db, projectId, home.id)
  if (since === null) await noteRoomy(db, { projectId, cloudId: home.id, since: now })
  if (now - (since ?? now) < context.settings.homecoming.afterMs) return
  let room = AT_ONCE - underWay.filter(({ state }) => state === 'arriving').length
  for (const server of await comingBack(db, projectId, now, MOST)) {
    if (room <= 0) return
    const stays = await beginArrival(context, server, {
      ...{ policy, said },
      home: (await fillAt(context, projectId, home.name))!,
    })
    if (stays === null) room--
    else await tellStaying(context, server, stays.reason)
    if (stays?.full) return
  }
}

/** Those that reported while their server was busy: it may not be any more. */
const lookAgain = async (context: Context, moves: MoveRow[]): Promise<void> => {
  for (const { serverId, state, readyAt } of moves)
    if (state === 'arriving' && readyAt !== null)
      await commit(context, { action: 'homecoming.again', kind: 'server', resourceId: serverId }, [
        changed(context, 'server', serverId),
      ])
}

const fillAt = async ({ db }: Context, projectId: string, name: string | null): Promise<Filled | undefined> =>
  (await fillsOf(db, projectId)).find((fill) => fill.name === name)

/** The home of a project, while it is below its mark. */
const roomyHome = async (context: Context, projectId: string, policy: Policy): Promise<Filled | null> => {
  const home = await fillAt(context, projectId, homeIn(policy))
  return home && isRoomy(policy, home) ? home : null
}

const tellStaying = (context: Context, { id, projectId }: ServerRow, reason: string) => {
  const now = context.now()
  return noteStaying(context.db, {
    serverId: id,
    projectId,
    reason: reason.slice(0, 300),
    dueAt: now + SOON,
    updatedAt: now,
  })
}
