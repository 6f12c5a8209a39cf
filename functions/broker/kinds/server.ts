import type { ServerSeen, ServerSpec } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { type AttachmentRow, attachmentsOf } from '../../../db/queries/block-storage/attachments.ts'
import { archOfSize } from '../../../db/queries/compute/flavors.ts'
import { finishActionById, finishActions, openActions } from '../../../db/queries/compute/server-actions.ts'
import { memberQuery } from '../../../db/queries/compute/server-groups.ts'
import {
  activatePorts,
  portsOfServer,
  type ServerRow,
  serverLeft,
  serverQuery,
  updateServer,
} from '../../../db/queries/compute/servers.ts'
import { imageEver } from '../../../db/queries/image/images.ts'
import { type Binding, bindingsOn, forgetGone, refOf } from '../../../db/queries/line/bindings.ts'
import { freeNetworks } from '../../../db/queries/network/unpin.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { configDriveOf } from '../compute/config-drive.ts'
import { serverDrift, unaskedBoot } from '../compute/drift.ts'
import { serverStatus, TASK_ACTIONS } from '../compute/lifecycle.ts'
import { isHard } from '../compute/place/group.ts'
import { moveOn } from '../compute/place/next.ts'
import { recordAttempt } from '../compute/place/record.ts'
import { act, actionFailed, machineAction, type ServerWork } from '../compute/server-act.ts'
import { endServer } from '../compute/server-end.ts'
import { hostIdOf, isCondemned, type Place, placesJson, placesOf, statusShown } from '../compute/server-facts.ts'
import { stayTogether } from '../compute/server-group.ts'
import { assertFits } from '../compute/server-wish.ts'
import { openUserData } from '../compute/user-data.ts'
import { imageNeedOn } from '../image/image-takers.ts'
import { guard, type Write } from '../line/commit.ts'
import { bindTo } from '../line/resources.ts'
import { type Need, steps } from '../line/steps.ts'
import { keypairNeed } from './keypair.ts'
import { portNeed } from './port.ts'
import { serverGroupNeed } from './server-group.ts'

const ownPort = ({ projectId }: ServerRow, id: string): Need => portNeed({ id, projectId })

/** The image that its user named, or the one that is made for it to be forked from. */
const imageOf = async (context: Context, server: ServerRow, cloudId: string): Promise<Need | null> => {
  const { image: made } = placesOf(server)
  const id = made ?? server.imageId
  if (!id) return null
  const image = await imageEver(context.db, id)
  if (!image) throw new CloudError('definitive', `Image ${id} was deleted.`)
  if (made && image.status === 'killed')
    throw new CloudError('definitive', `No image could be made of the parent: ${image.fault ?? ''}`)
  if (!made && server.launchedAt === null) assertFits(server, image)
  return {
    ...(await imageNeedOn(context, image, server.projectId, cloudId)),
    atRest: made !== undefined && image.status !== 'active',
  }
}

/** What it begins from: the memory of its parent, which has to be there, a volume that is made, or an image. */
const originOf = async (
  context: Context,
  server: ServerRow,
  disks: AttachmentRow[],
  cloudId: string,
): Promise<Need | null> => {
  const { parentId, forkMode, projectId } = server
  if (parentId !== null && forkMode === 'instant') return { kind: 'server', resourceId: parentId, projectId }
  const root = disks.find(({ bootIndex }) => bootIndex === 0)
  return root
    ? { kind: 'volume', resourceId: root.volumeId, projectId: root.projectId, atRest: true }
    : imageOf(context, server, cloudId)
}

/** Without its disks it is not the server that was asked for: they are made before it. */
const diskNeeds = (disks: AttachmentRow[]): Need[] =>
  disks
    .filter(({ bootIndex }) => bootIndex !== 0)
    .map(({ volumeId, projectId }) => ({ kind: 'volume', resourceId: volumeId, projectId }))

/** What the parent was made of, for the books: an image that has left the cloud since does not matter to a memory. */
const imageOfMemory = async ({ db }: Context, { imageId, projectId }: ServerRow, { cloudId }: Binding) => {
  const bindings = await bindingsOn(db, cloudId, [imageId ?? ''])
  const mine = bindings.find(({ phase, scope }) => phase === 'bound' && (scope === '' || scope === projectId))
  return mine?.nativeId ?? ''
}

const archFor = async ({ db }: Context, { cloudId, native }: Place): Promise<'x86_64' | 'aarch64'> =>
  (await archOfSize(db, cloudId, native)) === 'aarch64' ? 'aarch64' : 'x86_64'

/** A server below the line. Everything else in the broker exists for it. */
export const serverSteps = steps<ServerWork, ServerSpec, ServerSeen>({
  kind: 'server',
  realm: (cloud) => cloud.server,

  async load({ db }, { resourceId }) {
    const [[server], actions, [group]] = await db.batch([
      serverQuery(db, everyProject, resourceId),
      openActions(db, resourceId, TASK_ACTIONS),
      memberQuery(db, resourceId),
    ])
    return server ? { server, actions, group: group ?? null } : null
  },

  async needs(context, { server, group }, binding) {
    const ports = await portsOfServer(context.db, server.id)
    const disks = await attachmentsOf(context.db, everyProject, server.id)
    const origin = await originOf(context, server, disks, binding.cloudId)
    const { keypair } = server
    return [
      ...diskNeeds(disks),
      ...ports.map(({ portId }) => ({ ...ownPort(server, portId), zone: binding.zone })),
      ...(origin ? [origin] : []),
      ...(keypair ? [{ ...keypairNeed(keypair, server.projectId), ifOffered: true }] : []),
      ...(group && isHard(group.policy) ? [serverGroupNeed(group.groupId, server.projectId)] : []),
    ]
  },

  async spec(context, { server, group }, binding, native) {
    const { at } = placesOf(server)
    const origin = await originOf(
      context,
      server,
      await attachmentsOf(context.db, everyProject, server.id),
      binding.cloudId,
    )
    if (!at || !origin) throw new CloudError('definitive', 'The server has no place or no image.')
    const forks = origin.kind === 'server'
    const boots = origin.kind === 'volume'
    const { keypair } = server
    const ports = await portsOfServer(context.db, server.id)
    return {
      name: server.name,
      size: { native: at.native, vcpus: at.vcpus, ramMiB: at.ramMib, diskGiB: at.diskGib },
      image: forks ? await imageOfMemory(context, server, binding) : boots ? '' : native(origin),
      boot: boots ? { volume: native(origin), arch: await archFor(context, at) } : null,
      zone: binding.zone ?? at.zone,
      ports: ports.map(({ portId }) => native(ownPort(server, portId))),
      keypair: keypair && native.orNull(keypairNeed(keypair, server.projectId)),
      publicKey: keypair?.publicKey ?? null,
      userData: server.userData,
      metadata: server.metadata,
      configDrive: server.configDrive,
      drive: await configDriveOf(context, server, { cloudId: binding.cloudId, zone: binding.zone ?? at.zone }),
      fork: forks ? native(origin) : null,
      group: group && {
        id: group.groupId,
        policy: group.policy,
        mostPerHost: group.maxServerPerHost,
        native: native.orNull(serverGroupNeed(group.groupId, server.projectId)),
      },
    }
  },

  reveal: (context, { resourceId }, spec) => ({
    ...spec,
    userData: openUserData(context, resourceId, spec.userData),
  }),

  observe(context, work, binding, seen) {
    const { db } = context
    const { server } = work
    const now = context.now()
    const up = server.launchedAt === null && seen.health === 'ready' && RESTED.has(seen.power)
    const action = machineAction(work) ?? work.actions[0]
    const broken = seen.health === 'failed'
    const after = {
      ...serverStatus({
        phase: binding.phase,
        want: binding.want,
        health: seen.health,
        power: seen.power,
        launched: server.launchedAt !== null || up,
        action: action?.action ?? null,
        actionArgs: { hard: action?.args.hard === true },
        resized: server.oldFlavor !== null,
        condemned: isCondemned(server),
        before: statusShown(server),
      }),
      hostId: hostIdOf(seen.host, server.projectId) || server.hostId,
      zone: seen.zone ?? server.zone,
      launchedAt: up ? now : server.launchedAt,
      bootedAt: seen.bootedAt ?? server.bootedAt,
      fault: broken
        ? (server.fault ?? { code: 500, message: seen.fault ?? 'The cloud says that it failed.', created: now })
        : null,
    }
    const differs = Object.entries(after).some(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(server[key as keyof ServerRow]),
    )
    const idle = !action && !broken && binding.phase === 'bound' && binding.want === 'present'
    return [
      ...(idle ? [...serverDrift(context, server, binding, seen), ...unaskedBoot(context, server, seen)] : []),
      ...(differs ? [updateServer(db, server.id, { ...after, updatedAt: now })] : []),
      ...(up ? [activatePorts(db, server.id, now), finishActions(db, server.id, ['create'], null, now)] : []),
      ...(broken && server.fault === null
        ? [finishActions(db, server.id, ['create'], after.fault?.message ?? null, now)]
        : []),
    ]
  },

  failed(context, work, binding, error) {
    const { server } = work
    const action = machineAction(work)
    const now = context.now()
    const exists = binding.phase === 'bound'
    const lost = exists && error.code === 'not_found'
    // What was never finished, and is not going to be, is no server that somebody could go on with.
    const unmade = exists && !action && server.launchedAt === null && error.code === 'definitive'
    if (exists && !lost && !unmade) return action ? actionFailed(context, work, action, error) : []
    const message = error.code === 'capacity' ? `No valid host was found. ${error.message}` : error.message
    const status = serverStatus({
      phase: 'failed',
      want: binding.want,
      health: null,
      power: null,
      launched: server.launchedAt !== null,
      action: null,
      resized: false,
      before: statusShown(server),
    })
    return [
      updateServer(context.db, server.id, {
        ...status,
        fault: { code: lost ? 404 : 500, message, created: now },
        updatedAt: now,
      }),
      ...(exists ? [] : freeNetworks(context.db, { serverId: server.id, cloudId: binding.cloudId, going: [] }, now)),
      ...(action ? [finishActionById(context.db, action.id, message, now)] : []),
      finishActions(context.db, server.id, ['create'], message, now),
    ]
  },

  gone: async (context, work, binding) =>
    work && work.server.cloudId === binding.cloudId ? endServer(context, work.server, work.actions) : [],

  async elsewhere(context, { server, group }, binding, { code, message }) {
    if (server.forkMode === 'instant') return null
    const next = await moveOn(context, server, binding, group)
    if (!next) return null
    const { place, places, filters } = next
    const { cloudId, zone } = place
    const writes: Write[] = [
      // What was deleted meanwhile is deleted where it was: no deletion would reach it elsewhere.
      guard(context, 'server-gone', serverLeft(server.id)),
      updateServer(context.db, server.id, { cloudId, zone, filters, places: placesJson(places) }),
      recordAttempt(context, server.id, place, { code, message }),
      ...(group ? stayTogether(context, group, place) : []),
      ...next.writes,
    ]
    if (place.cloudId === binding.cloudId) return { here: { zone: place.zone }, writes }
    return {
      here: { want: 'absent', phase: 'gone', dueAt: null } as Partial<Binding>,
      writes: [
        ...writes,
        // It may have been there before.
        forgetGone(context.db, { ...refOf(binding), cloudId }),
        bindTo(context, 'server', server, place),
      ],
    }
  },

  act: (context, work, binding, cloud, seen) => act(context, work, binding, cloud, seen),
})

const RESTED = new Set(['running', 'stopped', 'paused', 'suspended'])
