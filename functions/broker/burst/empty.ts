import { type BurstRow, burstNotEnding, endBurst } from '../../../db/queries/bursts/bursts.ts'
import { type Leaving, type Member, markLeaving } from '../../../db/queries/bursts/members.ts'
import { serverGroupById } from '../../../db/queries/compute/server-groups.ts'
import { serverById } from '../../../db/queries/compute/servers.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { deleteServer } from '../compute/server.ts'
import { ask, note } from '../compute/server-action.ts'
import { removeServerGroup } from '../compute/server-group.ts'
import { ServerRefused } from '../compute/server-refusal.ts'
import { commit, guard } from '../line/commit.ts'
import { Refused } from '../line/refused.ts'
import { tellBurst } from './member.ts'

/** Writes down that the burst takes these away, and why: whatever happens then, they are gone in the end. */
export const letGo = (context: Context, burst: BurstRow, members: Member[], leaving: Leaving) =>
  markLeaving(
    context.db,
    members.map(({ serverId }) => serverId),
    leaving,
    leaving === 'surplus' ? burst.most : undefined,
  )

/** Deletes members as their users would. What is locked stays, and keeps nothing else from going. */
export const takeAway = async (context: Context, members: Member[], until: number): Promise<void> => {
  for (const { serverId, taskState } of members) {
    if (taskState === 'deleting') continue
    if (context.now() >= until) return
    await attempt(context, serverId, async () => {
      const server = await serverById(context.db, everyProject, serverId)
      if (server) await deleteServer(context, server)
    })
  }
}

/** Stops members that are to be kept. */
export const bringToRest = async (context: Context, members: Member[], until: number): Promise<void> => {
  for (const { serverId } of members) {
    if (context.now() >= until) return
    await attempt(context, serverId, async () => {
      const server = await serverById(context.db, everyProject, serverId)
      if (server && server.taskState === null && !server.locked)
        await ask(context, server, {
          action: 'stop',
          set: { wantPower: 'stopped' },
          also: [note(context, server, 'burst_done')],
        })
    })
  }
}

const attempt = async (context: Context, id: string, work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof ServerRefused || error instanceof Refused)) throw error
    context.log('warn', 'a member of a burst could not be taken away, or stopped', { id, reason: error.message })
  }
}

/** Nothing of it is left: neither its group, nor what its user sent for its members. Whoever was faster has ended it. */
export const end = async (context: Context, burst: BurstRow): Promise<void> => {
  const { id, groupId, projectId, reason, failure } = burst
  const group = groupId === null ? null : await serverGroupById(context.db, { projectId }, groupId)
  if (group && !(await isFirst(() => removeServerGroup(context, group)))) return
  await isFirst(() =>
    commit(context, { action: 'burst.end', kind: 'burst', resourceId: id }, [
      guard(context, 'burst-not-ending', burstNotEnding(id)),
      endBurst(context.db, id, context.now()),
      tellBurst(context, 'burst.over', burst, { reason: failure ?? reason, failed: failure !== null }),
    ]),
  )
}

/** False: another process has done it meanwhile. */
const isFirst = async (work: () => Promise<void>): Promise<boolean> => {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof Refused && error.refusal.kind === 'guard') return false
    throw error
  }
}
