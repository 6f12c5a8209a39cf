import type { Capability, Cloud, Json } from '../../../adapters/contract.ts'
import { table } from '../../../adapters/table.ts'
import { finishActions, insertServerAction } from '../../../db/queries/compute/server-actions.ts'
import {
  claimMoved,
  dropClaim,
  type NewServer,
  type ServerRow,
  serverById,
  serverMoved,
  updateServer,
} from '../../../db/queries/compute/servers.ts'
import { quotaUse, refuseBeyondUser } from '../../../db/queries/quotas.ts'
import type { Context } from '../../context.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { commit, guard, type Write } from '../line/commit.ts'
import { defaultMaximum } from '../line/quota.ts'
import { Refused } from '../line/refused.ts'
import { changed } from '../line/resources.ts'
import { untilStill } from '../line/until-still.ts'
import { chargeFlavor } from './flavor.ts'
import { serverStatus } from './lifecycle.ts'
import { placesOf, powerShown, statusShown, statusWith } from './server-facts.ts'
import { ServerRefused } from './server-refusal.ts'
import type { ServerWish } from './server-wish.ts'

const ANY = 'any'
/** States from which an action may start, in Nova's words (nova/compute/api.py, check_instance_state). */
const ALLOWED: Record<string, readonly string[] | typeof ANY> = table({
  start: ['stopped'],
  stop: ['active', 'error'],
  reboot: ['active'],
  hardReboot: ['active', 'stopped', 'paused', 'suspended', 'error'],
  pause: ['active'],
  unpause: ['paused'],
  suspend: ['active'],
  resume: ['suspended'],
  resize: ['active', 'stopped'],
  confirmResize: ['resized'],
  revertResize: ['resized'],
  rebuild: ['active', 'stopped', 'error'],
  changePassword: ['active'],
  rescue: ['active', 'stopped', 'error'],
  unrescue: ['rescued'],
  shelve: ['active', 'stopped', 'paused', 'suspended'],
  shelveOffload: ['shelved'],
  unshelve: ['shelved', 'shelved_offloaded'],
  createImage: ['active', 'stopped', 'paused', 'suspended'],
  fork: ['active'],
  attach_volume: ['active', 'paused', 'stopped', 'resized', 'shelved_offloaded'],
  detach_volume: ['active', 'paused', 'stopped', 'resized', 'shelved_offloaded'],
  attach_interface: ['active', 'paused', 'stopped'],
  detach_interface: ['active', 'paused', 'stopped'],
  metadata: ['active', 'paused', 'suspended', 'stopped'],
})
/** What copies a server leaves it as it is, so that a lock does not matter. */
const COPIES = new Set(['createImage', 'fork'])
/** What stops a server, if only for a while. */
const STOPPING = new Set(['stop', 'suspend', 'resize', 'rescue', 'shelve'])
/** Work of other kinds, which does not mind a task that is under way. */
const BESIDE = new Set(['attach_volume', 'detach_volume'])

/** Somebody locked it, and the caller is no admin. */
export const refuseLocked = (context: Context, server: ServerRow): void => {
  if (server.locked && !context.caller?.isAdmin) throw new ServerRefused({ kind: 'locked', id: server.id })
}

/** Throws unless the server is in a state from which `action` may start; `words` is what Nova calls it to users. */
export const requireState = (context: Context, server: ServerRow, action: string, words = action): void => {
  if (!COPIES.has(action)) refuseLocked(context, server)
  const { id, vmState, taskState, launchedAt } = server
  const allowed = ALLOWED[action] ?? ANY
  const wrong = (attribute: 'vm_state' | 'task_state' | 'launched_at', state: string | null) =>
    new ServerRefused({ kind: 'state', id, action: words, attribute, state })
  if (allowed !== ANY && !allowed.includes(vmState)) throw wrong('vm_state', vmState)
  if (taskState !== null && (!BESIDE.has(action) || taskState === 'deleting')) throw wrong('task_state', taskState)
  if (launchedAt === null) throw wrong('launched_at', null)
  // Its cloud took it back: there is nothing that could be acted on.
  if (server.cloudId === null) throw wrong('vm_state', vmState)
  if (STOPPING.has(action) && placesOf(server).at?.option === 'spot')
    throw new ServerRefused({ kind: 'spot', id, action: words })
}

/** Throws, with the reason, what a server's cloud cannot do. No call is made for it. */
export const requireCapability = async (
  context: Context,
  server: ServerRow,
  capability: Capability,
  present: (cloud: Cloud) => unknown,
): Promise<void> => {
  if (!server.cloudId) throw new ServerRefused({ kind: 'incapable', reason: 'The server is on no cloud.' })
  const { cloud, adapter } = await connectCloud(context, server.cloudId, server.projectId, { throughBreaker: true })
  const reason = adapter.lacks[capability]
  if (reason !== undefined) throw new ServerRefused({ kind: 'incapable', reason })
  if (!present(cloud))
    throw new ServerRefused({ kind: 'incapable', reason: 'The cloud of this server cannot do that.' })
}

export interface Asked {
  action: string
  args?: Record<string, Json>
  /** What Nova calls it in its refusals. */
  words?: string
  /** Of the row, besides its status. */
  set?: Partial<NewServer>
  /** What has to be so before anything is written. */
  guards?: Write[]
  also?: Write[]
}

/** Writes an action down, with the status that it gives the server, under the guard that the server is as it was seen. */
export const ask = async (context: Context, server: ServerRow, asked: Asked): Promise<void> => {
  const { db } = context
  const { action, args = {}, set = {}, guards = [], also = [] } = asked
  const now = context.now()
  await moving(server, asked.words ?? action, () =>
    commit(context, { action, kind: 'server', resourceId: server.id }, [
      guard(context, 'server-moved', serverMoved(server.id, server)),
      ...guards,
      updateServer(db, server.id, {
        ...set,
        updatedAt: now,
        ...statusWith({ ...server, ...set } as ServerRow, { action, actionArgs: { hard: args.hard === true } }),
      }),
      insertServerAction(db, { ...who(context, server), action, args, now }),
      changed(context, 'server', server.id),
      ...also,
    ]),
  )
}

/** Who asks, for the history of a server. */
export const who = (context: Context, server: Pick<ServerRow, 'id' | 'projectId'>) => ({
  serverId: server.id,
  projectId: server.projectId,
  userId: context.caller?.userId ?? '',
  requestId: context.requestId,
})

/** Two asked at once: the second is told that the server is busy. */
export const moving = async (server: ServerRow, words: string, work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'server-moved')
      throw new ServerRefused({ kind: 'state', id: server.id, action: words, attribute: 'task_state', state: 'busy' })
    throw error
  }
}

/** Runs a change that may pass a limit of the project; says by how much, and of how much. */
export const withinLimits = async <T>(
  context: Context,
  owner: Owner,
  asked: Record<string, number>,
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refused && error.refusal.kind === 'quota')) throw error
    const { resource } = error.refusal
    const requested = asked[resource]
    if (requested === undefined) throw error
    const limits = await limitsOn(context, owner, { [resource]: requested })
    const { used, maximum } = limits.find((limit) => isBeyond(limit, 1)) ?? limits[0]!
    throw new ServerRefused({ kind: 'quota', resource, requested, used, maximum })
  }
}

/** Whose limits are looked at: those of a project, and in it of a user. */
type Owner = Pick<ServerRow, 'projectId' | 'userId'>

/** What so much of each resource is counted against; twice where the user has a limit of his own. */
const limitsOn = async (context: Context, { projectId, userId }: Owner, asked: Record<string, number>) => {
  const standard = Object.fromEntries(Object.keys(asked).map((resource) => [resource, defaultMaximum[resource] ?? -1]))
  const limits = await quotaUse(context.db, projectId, userId, standard)
  return limits.map((limit) => ({ ...limit, each: asked[limit.resource]! }))
}

/** For the batch: so much more is not beyond what the user may have. The trigger of the counters looks at the project. */
export const withinUser = (context: Context, { projectId, userId }: Owner, more: Record<string, number>): Write =>
  refuseBeyondUser(context.db, projectId, userId, more)

/** Throws `ServerRefused` (`quota`) for what a limit does not let pass today; the batch that charges it decides. */
export const refuseBeyondLimits = async (
  context: Context,
  owner: Owner,
  asked: Record<'cores' | 'ram', number>,
): Promise<void> => {
  for (const limit of await limitsOn(context, owner, asked)) refuseBeyond(limit, 1)
}

type Counted = Awaited<ReturnType<typeof limitsOn>>[number]
const isBeyond = ({ each, used, maximum }: Counted, times: number): boolean =>
  each * times > 0 && maximum >= 0 && used + each * times > maximum
const refuseBeyond = (limit: Counted, times: number): void => {
  const { resource, each, used, maximum } = limit
  if (isBeyond(limit, times))
    throw new ServerRefused({ kind: 'quota', resource, requested: each * times, used, maximum })
}

/** A note in the history of a server of something that is done as it is written. */
export const note = (context: Context, server: ServerRow, action: string, args: Record<string, Json> = {}): Write =>
  insertServerAction(context.db, { ...who(context, server), action, args, state: 'done', now: context.now() })

/**
 * An admin says what state it is in; nothing happens below the line, and what was under way is history. Nova takes any state at its word;
 * one that no machine stands for, because its cloud took it back or none ever had it, is refused here, as it would be `ACTIVE` for good.
 */
export const resetServer = (context: Context, seen: ServerRow, state: 'active' | 'error'): Promise<void> =>
  moving(seen, 'os-resetState', () =>
    untilStill('server-moved', async (before) => {
      const server = before === 0 ? seen : await serverById(context.db, context.scope, seen.id)
      if (server) await reset(context, server, state)
    }),
  )

const reset = async (context: Context, server: ServerRow, state: 'active' | 'error'): Promise<void> => {
  const { db } = context
  const { id, vmState, cloudId, launchedAt } = server
  const machineless = cloudId === null || (vmState === 'error' && launchedAt === null)
  if (state === 'active' && machineless)
    throw new ServerRefused({ kind: 'state', id, action: 'os-resetState', attribute: 'vm_state', state: vmState })
  const now = context.now()
  const status = serverStatus({
    phase: 'bound',
    want: 'present',
    health: 'ready',
    power: state === 'active' ? 'running' : powerShown(server),
    launched: true,
    action: null,
    resized: false,
    condemned: state === 'error',
    before: { ...statusShown(server), vmState: 'active' },
  })
  const { to } = placesOf(server)
  await commit(context, { action: 'os-resetState', kind: 'server', resourceId: id, detail: { state } }, [
    // What a resize had claimed is given back with it, once: by this, or by the engine.
    guard(context, 'server-moved', claimMoved(id, server)),
    ...(to?.flavor ? chargeFlavor(server.projectId, to.flavor, server.flavor, 'refund') : []),
    ...(to ? [dropClaim(db, id)] : []),
    updateServer(db, id, {
      ...status,
      powerState: server.powerState,
      ...(state === 'active' ? { fault: null } : {}),
      updatedAt: now,
    }),
    finishActions(db, id, 'all', 'The state was reset.', now),
    note(context, server, 'os-resetState'),
  ])
}

/**
 * As many as were asked for; if a limit does not allow that, as many as it allows, but never fewer than the minimum.
 * Of several the limits are looked at before anything is planned, so that a number alone makes no work; the batch that
 * charges them decides.
 * `each`: what one server takes of each resource.
 */
export const withinQuota = async <T>(
  context: Context,
  owner: Owner,
  { minCount, maxCount }: ServerWish,
  each: Record<string, number>,
  attempt: (count: number) => Promise<T>,
): Promise<T> => {
  // One server without volumes is little work, and its batch says by itself what is over: no round trip is spent on it.
  // What was paid for by the request that this one repeats is not paid for again.
  const single = maxCount === 1 && (!each.volumes || context.once?.replay)
  const count = single ? 1 : await affordable(context, owner, { minCount, maxCount }, each)
  try {
    return await attempt(count)
  } catch (error) {
    const quota = error instanceof ServerRefused && error.refusal.kind === 'quota'
    if (!quota || minCount === count) throw error
    return attempt(await affordable(context, owner, { minCount, maxCount: count - 1 }, each))
  }
}

/** How many of those the quotas allow. Throws `ServerRefused` (`quota`) for fewer than the minimum. */
export const affordable = async (
  context: Context,
  owner: Owner,
  { minCount, maxCount }: Pick<ServerWish, 'minCount' | 'maxCount'>,
  each: Record<string, number>,
): Promise<number> => {
  const limits = await limitsOn(context, owner, each)
  for (const limit of limits) refuseBeyond(limit, minCount)
  const limited = limits.filter((limit) => limit.maximum >= 0 && limit.each > 0)
  return Math.min(maxCount, ...limited.map((limit) => Math.floor((limit.maximum - limit.used) / limit.each)))
}
