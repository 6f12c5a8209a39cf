import type { ServerSeen } from '../../../adapters/contract.ts'
import { table } from '../../../adapters/table.ts'
import { insertServerAction, insertUnaskedBoot } from '../../../db/queries/compute/server-actions.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Binding } from '../../../db/queries/line/bindings.ts'
import { driftPolicy } from '../../../db/queries/line/drift.ts'
import type { Context } from '../../context.ts'
import type { Write } from '../line/commit.ts'
import { differs } from '../line/differs.ts'
import { digest } from '../line/digest.ts'
import { MACHINE_ACTIONS } from './lifecycle.ts'
import { hostIdOf, placesOf, powerShown } from './server-facts.ts'

const RESTED = ['running', 'stopped', 'paused', 'suspended']
/** Nova's words for what brings a server to a power. */
const TOWARDS: Record<string, string> = table({
  running: 'start',
  stopped: 'stop',
  paused: 'pause',
  suspended: 'suspend',
})

/**
 * What happened to a resting server that nobody asked for through us: a difference to report, and an entry in its
 * history, as Nova makes one when it finds an instance off (nova/compute/manager.py, _sync_power_states).
 */
export const serverDrift = (context: Context, server: ServerRow, binding: Binding, seen: ServerSeen): Write[] => {
  const before = powerShown(server)
  if (binding.observed === digest(seen) || !RESTED.includes(seen.power) || server.launchedAt === null) return []
  const { at } = placesOf(server)
  const moved = before !== 'changing' && before !== seen.power && seen.power !== server.wantPower
  return [
    differs(context, binding, 'power', server.wantPower, seen.power),
    ...(at ? [differs(context, binding, 'size', at.native, seen.size)] : []),
    ...(moved
      ? [
          insertServerAction(context.db, {
            serverId: server.id,
            projectId: server.projectId,
            userId: '',
            requestId: context.requestId,
            action: TOWARDS[seen.power]!,
            state: 'done',
            now: context.now(),
          }),
        ]
      : []),
  ]
}

/** How far the times of a boot and of the action that caused it may lie apart: other clocks, and looks that come late. */
const SLACK = 120_000
/** What boots a server, or may. */
const BOOTS = ['create', ...MACHINE_ACTIONS]

/**
 * A boot of a running server that nobody asked for through us. On another host it is high availability at work, which Nova
 * calls an evacuation; where it is, the guest or its host crashed, or somebody reset it. A move alone is no event.
 */
export const unaskedBoot = (context: Context, server: ServerRow, seen: ServerSeen): Write[] => {
  const { bootedAt } = seen
  if (bootedAt === undefined || server.bootedAt === null || bootedAt <= server.bootedAt) return []
  if (seen.power !== 'running' || server.launchedAt === null) return []
  const before = powerShown(server)
  // Coming up against the intent is a difference, and told as such.
  if (before !== 'running' && before !== 'changing' && server.wantPower !== 'running') return []
  const moved =
    server.hostId !== '' && seen.host !== undefined && hostIdOf(seen.host, server.projectId) !== server.hostId
  const [action, message] = moved
    ? ['evacuate', 'The cloud started the server again on another host.']
    : before === 'stopped'
      ? ['start', 'The server was started outside of this service.']
      : ['reboot', 'The server was started again outside of this service, or by the cloud itself.']
  const { id: serverId, projectId } = server
  const entry = { serverId, projectId, userId: '', requestId: context.requestId, action, message, now: context.now() }
  return [insertUnaskedBoot(context.db, entry, bootedAt, { names: BOOTS, slackMs: SLACK })]
}

/** Where the project wants its intent restored, the action that does it; nothing where it only wants to know. */
export const restoreServer = async (
  context: Context,
  server: ServerRow,
  binding: Binding,
  seen: ServerSeen,
): Promise<Write[]> => {
  if (!RESTED.includes(seen.power) || seen.power === server.wantPower || server.launchedAt === null) return []
  if ((await driftPolicy(context.db, server.projectId, binding.cloudId)) !== 'restore') return []
  const action =
    server.wantPower === 'running' && seen.power !== 'stopped' ? WAKE[seen.power]! : TOWARDS[server.wantPower]!
  return [
    insertServerAction(context.db, {
      serverId: server.id,
      projectId: server.projectId,
      userId: '',
      requestId: context.requestId,
      action,
      now: context.now(),
    }),
  ]
}

/** What makes a server run that is not merely off. */
const WAKE: Record<string, string> = table({ paused: 'unpause', suspended: 'resume' })
