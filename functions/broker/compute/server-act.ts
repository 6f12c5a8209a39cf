import type { Cloud, Json, Power, Progress, Seed, ServerSeen } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { table } from '../../../adapters/table.ts'
import { imageForServer } from '../../../db/queries/compute/places.ts'
import {
  actionEnded,
  finishActionById,
  markCalling,
  type ServerAction,
  setActionArgs,
} from '../../../db/queries/compute/server-actions.ts'
import type { MemberRow } from '../../../db/queries/compute/server-groups.ts'
import type { MoveRow } from '../../../db/queries/compute/server-moves.ts'
import {
  claimMoved,
  type NewServer,
  rememberRequest,
  type ServerRow,
  updateServer,
} from '../../../db/queries/compute/servers.ts'
import { imageById } from '../../../db/queries/image/images.ts'
import type { Binding } from '../../../db/queries/line/bindings.ts'
import { settleDrift } from '../../../db/queries/line/drift.ts'
import type { Context } from '../../context.ts'
import { PATIENCE } from '../line/clockwork.ts'
import { guard, type Write } from '../line/commit.ts'
import { configDriveOf } from './config-drive.ts'
import { reimage, reimaged } from './disks/reimage.ts'
import { restoreServer } from './drift.ts'
import { chargeFlavor } from './flavor.ts'
import { MACHINE_ACTIONS, type ServerFacts } from './lifecycle.ts'
import {
  flavorInArgs,
  type Place,
  placeOf,
  placesJson,
  placesOf,
  powerShown,
  statusWith,
  unresized,
} from './server-facts.ts'
import { assertFits } from './server-wish.ts'
import { openUserData } from './user-data.ts'

/** The guard that fails where an action was ended while its step was under way (`os-resetState`): what it claimed is given back already. */
export const ACTION_ENDED = 'action-ended'

/** A server with what was asked of it and is not done. */
export interface ServerWork {
  server: ServerRow
  actions: ServerAction[]
  /** The group that it was made in; null: none. */
  group: MemberRow | null
  /** Of a machine that it has beside its current one, or why it has none; null: nothing. */
  move: MoveRow | null
}

interface Run {
  context: Context
  server: ServerRow
  action: ServerAction
  binding: Binding
  id: string
  cloud: Cloud
  seen: ServerSeen
}
/** Done: what the row says from now on. Going: look again; `writes` must not be lost meanwhile. */
type Step = { done: Partial<NewServer>; power: Power; writes?: Write[] } | { going: Write[] }

const going: Step = { going: [] }
const done = (power: Power, set: Partial<NewServer> = {}, writes: Write[] = []): Step => ({ done: set, power, writes })

/** The action that converge works on, if any. */
export const machineAction = ({ actions }: ServerWork): ServerAction | undefined =>
  actions.find(({ action }) => MACHINE_ACTIONS.includes(action))

/** One step of the oldest thing that was asked of a server. Repeated until everything is settled. */
export const act = async (
  context: Context,
  work: ServerWork,
  binding: Binding,
  cloud: Cloud,
  seen: ServerSeen,
): Promise<{ settled: boolean; writes: Write[] }> => {
  if (seen.unfinished) {
    await cloud.server.finish!(binding.nativeId!)
    return { settled: false, writes: [] }
  }
  const action = machineAction(work)
  if (!action) {
    const restoring = await restoreServer(context, work.server, binding, seen)
    return restoring.length ? { settled: false, writes: restoring } : describe(context, work, binding, cloud, seen)
  }
  const run: Run = { context, server: work.server, action, binding, id: binding.nativeId!, cloud, seen }
  const step = await patiently(run, () => steps[action.action]!(run))
  if ('going' in step) return { settled: false, writes: step.going }
  const now = context.now()
  const server = { ...work.server, ...step.done } as ServerRow
  const last = !work.actions.some((other) => other.id !== action.id && MACHINE_ACTIONS.includes(other.action))
  return {
    settled: last && isDescribed(cloud, server, binding),
    writes: [
      guard(context, ACTION_ENDED, actionEnded(action.id)),
      finishActionById(context.db, action.id, null, now),
      ...settledBy(action, step.power === server.wantPower).map((what) => settleDrift(context.db, binding, now, what)),
      updateServer(context.db, server.id, {
        ...step.done,
        fault: null,
        updatedAt: now,
        ...statusWith({ ...server, fault: null }, { power: step.power, condemned: false, ...asideAfter(action) }),
      }),
      ...(step.writes ?? []),
    ],
  }
}

/** What it is besides on or off, once an action is done that says so. */
const asideAfter = ({ action }: ServerAction): Partial<ServerFacts> => ASIDE[action] ?? {}
const ASIDE: Record<string, Partial<ServerFacts>> = table({
  rescue: { rescued: true },
  unrescue: { rescued: false },
  shelve: { shelved: true },
  unshelve: { shelved: false },
})

/** Of what a server may differ in, what is as it should be once an action is done. */
const settledBy = ({ action }: ServerAction, powered: boolean): string[] => [
  ...(powered ? ['power'] : []),
  ...(RESIZES.has(action) ? ['size'] : []),
]
const RESIZES = new Set(['resize', 'revertResize'])

/** What stands in the way may go away; what stands there for minutes will not. */
const patiently = async (run: Run, step: () => Promise<Step>): Promise<Step> => {
  try {
    return await step()
  } catch (error) {
    const waits = error instanceof CloudError && (error.code === 'conflict' || error.code === 'not_found')
    if (waits && run.context.now() - run.action.startedAt > PATIENCE)
      throw new CloudError('definitive', error.message, error.detail)
    throw error
  }
}

/** Calls until the cloud shows the power that is wanted. Such calls may be repeated. */
const towards =
  (target: Power, call: (run: Run) => Promise<void>) =>
  async (run: Run): Promise<Step> => {
    if (run.seen.power === target) return done(target)
    if (run.seen.power !== 'changing') await call(run)
    return going
  }

/** The adapter lost what it had when the action was admitted: an upgrade, another connection. */
const able = <T>(method: T | undefined, what: string): T => {
  if (method === undefined) throw new CloudError('definitive', `This cloud cannot ${what} servers.`)
  return method
}

/**
 * The one call that must not be made twice: it is marked before, and repeated only if nobody knows whether it was made.
 * A server that is off is started instead.
 */
const reboot = async (run: Run): Promise<Step> => {
  const { context, action, binding, cloud, id, seen } = run
  if (action.args.hard !== true && cloud.server.restart) {
    const progress = await cloud.server.restart(id, `${action.id}/${action.startedAt}`)
    return progress === 'going' ? going : done('running')
  }
  if (action.args.sent === true) {
    if (seen.power === 'running') return done('running')
    if (seen.power === 'stopped') await cloud.server.start(id)
    return going
  }
  if (seen.power === 'changing') return going
  const mine = action.state === 'pending' && (await markCalling(context.db, binding, action.id, context.now()))
  if (!mine && action.state === 'pending') return going
  if (seen.power === 'stopped') await cloud.server.start(id)
  else await cloud.server.reboot(id, action.args.hard === true)
  return { going: [setActionArgs(context.db, action.id, { ...action.args, sent: true }, context.now())] }
}

const sizeOf = ({ native, vcpus, ramMib, diskGib }: Place) => ({ native, vcpus, ramMiB: ramMib, diskGiB: diskGib })
const restingPower = ({ action }: Run): 'running' | 'stopped' =>
  action.args.power === 'stopped' ? 'stopped' : 'running'
const placeInArgs = ({ action }: Run): Place => placeOf(action.args.place as unknown as Place)

const resize = async (run: Run): Promise<Step> => {
  const { server, cloud, id, action } = run
  const power = restingPower(run)
  const place = placeInArgs(run)
  if ((await able(cloud.server.resize, 'resize').call(cloud.server, id, sizeOf(place), power)) === 'going') return going
  const { to: _, ...places } = placesOf(server)
  return done(power, {
    flavor: flavorInArgs(action),
    oldFlavor: server.flavor,
    places: placesJson({ ...places, at: place, ...(places.at ? { before: places.at } : {}) }),
  })
}

const revertResize = async (run: Run): Promise<Step> => {
  const { server, cloud, id } = run
  const power = restingPower(run)
  const { before, ...places } = placesOf(server)
  const back = server.oldFlavor ?? server.flavor
  if (before && (await able(cloud.server.resize, 'resize').call(cloud.server, id, sizeOf(before), power)) === 'going')
    return going
  return done(
    power,
    { flavor: back, oldFlavor: null, places: placesJson({ ...places, at: before ?? places.at }) },
    chargeFlavor(server.projectId, server.flavor, back, 'refund'),
  )
}

/** The image of an action on the cloud of its server; null: it is being brought there, as it is when a server first asks for it. */
const imageHere = async ({ context, binding, server }: Run, imageId: string): Promise<string | null> => {
  const { here } = await imageForServer(context.db, imageId, binding.cloudId, server.projectId)
  if (here?.phase === 'intent' || here?.phase === 'calling') return null
  if (here?.phase !== 'bound' || !here.nativeId)
    throw new CloudError('definitive', here?.error?.message ?? `Image ${imageId} is not on the cloud of the server.`)
  return here.nativeId
}

const rescue = async (run: Run): Promise<Step> => {
  const { cloud, id, action } = run
  const image = await imageHere(run, String(action.args.image_id))
  if (image === null) return going
  const step = able(cloud.server.rescue, 'rescue')
  return (await step.call(cloud.server, id, image, String(action.args.token))) === 'going' ? going : done('running')
}

/** Steps of the cloud until it says that all is done, and the power that is left then. */
const until =
  (power: Power, step: (run: Run) => Promise<Progress>) =>
  async (run: Run): Promise<Step> =>
    (await step(run)) === 'going' ? going : done(power)

/** What the guest is to read at its first start from now on. */
const seedOf = async ({ context, server, binding }: Run): Promise<Seed> => ({
  publicKey: server.keypair?.publicKey ?? null,
  userData: openUserData(context, server.id, server.userData),
  drive: await configDriveOf(context, server, { cloudId: binding.cloudId, zone: binding.zone ?? server.zone ?? '' }),
})

const rebuild = async (run: Run): Promise<Step> => {
  const { context, cloud, id, action, server } = run
  // Before 2.93 the volume stays as it is, and its server is made anew around it.
  if (action.args.keeps === true) return restingPower(run) === 'stopped' ? done('stopped') : reboot(run)
  const imageId = String(action.args.image_id)
  const native = await imageHere(run, imageId)
  if (native === null) return going
  const image = await imageById(context.db, imageId)
  if (image && reimaged(action) === null) assertFits(server, image)
  if (reimaged(action) !== null) {
    const { cloudId } = run.binding
    const step = await reimage(context, {
      cloud,
      cloudId,
      server: { id: server.id, native: id },
      image: native,
      action,
    })
    return 'going' in step ? step : done(restingPower(run), {}, step.ended)
  }
  const step = able(cloud.server.rebuild, 'rebuild')
  const seed = action.args.reseeds === true ? await seedOf(run) : undefined
  if ((await step.call(cloud.server, id, native, String(action.args.token), seed)) === 'going') return going
  return done(restingPower(run), { launchedAt: server.launchedAt ?? context.now() })
}

const steps: Record<string, (run: Run) => Promise<Step>> = table({
  start: towards('running', ({ cloud, id }) => cloud.server.start(id)),
  stop: towards('stopped', ({ cloud, id }) => cloud.server.stop(id)),
  pause: towards('paused', ({ cloud, id }) => able(cloud.server.pause, 'pause').call(cloud.server, id)),
  unpause: towards('running', ({ cloud, id }) => able(cloud.server.unpause, 'unpause').call(cloud.server, id)),
  suspend: towards('suspended', ({ cloud, id }) => able(cloud.server.suspend, 'suspend').call(cloud.server, id)),
  resume: towards('running', ({ cloud, id }) => able(cloud.server.resume, 'resume').call(cloud.server, id)),
  reboot,
  resize,
  revertResize,
  rebuild,
  rescue,
  unrescue: until('running', ({ cloud, id }) => able(cloud.server.unrescue, 'unrescue').call(cloud.server, id)),
  shelve: until('stopped', ({ cloud, id }) => able(cloud.server.shelve, 'shelve').call(cloud.server, id)),
  unshelve: until('running', ({ cloud, id }) => able(cloud.server.unshelve, 'unshelve').call(cloud.server, id)),
})

/** Of a rebuild that was to bring another key. */
const keyBefore = ({ args }: ServerAction): Partial<NewServer> => {
  const before = args.before_key as { name: string | null; keypair: ServerRow['keypair'] } | undefined
  return before ? { keyName: before.name, keypair: before.keypair } : {}
}

/** The action will not be done. The server stays as it is: with the image that it has, and without what a resize had claimed. */
export const actionFailed = (context: Context, work: ServerWork, action: ServerAction, error: CloudError): Write[] => {
  const { server } = work
  const now = context.now()
  const resting = { ...server, vmState: server.vmState, taskState: null }
  const kept =
    action.action === 'rebuild' && 'before' in action.args
      ? { imageId: action.args.before as ServerRow['imageId'], ...keyBefore(action) }
      : {}
  return [
    guard(context, ACTION_ENDED, actionEnded(action.id)),
    finishActionById(context.db, action.id, error.message, now),
    updateServer(context.db, server.id, {
      ...kept,
      ...unwished(server, action),
      ...(action.action === 'resize' ? unresized(server) : {}),
      updatedAt: now,
      ...statusWith(resting, { action: null }),
    }),
    ...(action.action === 'resize'
      ? chargeFlavor(server.projectId, flavorInArgs(action), server.flavor, 'refund')
      : []),
  ]
}

/** Gives back what a resize had claimed that ends with the machine, once. The caller takes it out of the row. */
export const claimLost = (context: Context, server: ServerRow): Write[] => {
  const { to } = placesOf(server)
  return to?.flavor
    ? [
        guard(context, ACTION_ENDED, claimMoved(server.id, server)),
        ...chargeFlavor(server.projectId, to.flavor, server.flavor, 'refund'),
      ]
    : []
}

/** Actions that say which power a server shall have. */
const POWER_ACTIONS = new Set([
  ...['start', 'stop', 'reboot', 'pause', 'unpause', 'suspend', 'resume'],
  ...['rescue', 'unrescue', 'shelve', 'unshelve'],
])

/** A power that was refused is not wanted any longer: what is there is no drift, and nothing to be restored. */
const unwished = (server: ServerRow, { action }: ServerAction): Partial<NewServer> => {
  const power = powerShown(server)
  const rests = power !== 'changing' && power !== 'unknown'
  return POWER_ACTIONS.has(action) && rests ? { wantPower: power } : {}
}

interface Label {
  name: string
  metadata: Record<string, string>
}
type Told = Label & { [key: string]: Json }

/** Whether the cloud was told the name and metadata of now, or cannot show them. The frozen request says what it was told last. */
const isDescribed = ({ server: realm }: Cloud, { name, metadata }: ServerRow, { frozen }: Binding): boolean => {
  const told = frozen as Told | null
  return !realm.describe || (told?.name === name && JSON.stringify(told.metadata) === JSON.stringify(metadata))
}

/** Name and metadata where the cloud shows them. */
const describe = async (
  { db }: Context,
  { server }: ServerWork,
  binding: Binding,
  cloud: Cloud,
  seen: ServerSeen,
): Promise<{ settled: boolean; writes: Write[] }> => {
  const settled = seen.power !== 'changing'
  if (isDescribed(cloud, server, binding)) return { settled, writes: [] }
  const label: Label = { name: server.name, metadata: server.metadata }
  await cloud.server.describe!(binding.nativeId!, label)
  return { settled, writes: [rememberRequest(db, binding, { ...(binding.frozen as Told | null), ...label })] }
}
