import type { ServerSeen, ServerSpec } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { attachmentsOf } from '../../../db/queries/block-storage/attachments.ts'
import { finishActionById, finishActions, openActions } from '../../../db/queries/compute/server-actions.ts'
import { memberQuery } from '../../../db/queries/compute/server-groups.ts'
import { machinesBut, moveQuery, noOtherMachine } from '../../../db/queries/compute/server-moves.ts'
import {
  activatePorts,
  portsOfServer,
  type ServerRow,
  serverLeft,
  serverQuery,
  updateServer,
} from '../../../db/queries/compute/servers.ts'
import { type Binding, forgetGone, refOf } from '../../../db/queries/line/bindings.ts'
import { freeNetworks } from '../../../db/queries/network/unpin.ts'
import { everyProject } from '../../../db/scope.ts'
import { configDriveOf } from '../compute/config-drive.ts'
import { serverDrift, unaskedBoot } from '../compute/drift.ts'
import { beside, forgetMachines } from '../compute/home/leave.ts'
import {
  actBeside,
  failedBeside,
  placeArriving,
  roleIn,
  seenBeside,
  userDataArriving,
} from '../compute/home/machine.ts'
import { serverStatus, TASK_ACTIONS } from '../compute/lifecycle.ts'
import { isHard } from '../compute/place/group.ts'
import { moveOn } from '../compute/place/next.ts'
import { recordAttempt } from '../compute/place/record.ts'
import { limitedBy, noValidHost, placeRefused, refusedTo } from '../compute/place/refusals.ts'
import { reclaimAnnounced } from '../compute/reclaim/announced.ts'
import { serverReclaimed } from '../compute/reclaim/reclaimed.ts'
import { act, actionFailed, claimLost, machineAction, type ServerWork } from '../compute/server-act.ts'
import { endServer } from '../compute/server-end.ts'
import {
  failedStatus,
  hostIdOf,
  isCondemned,
  isShelved,
  placesJson,
  placesOf,
  statusShown,
  unresized,
} from '../compute/server-facts.ts'
import { stayTogether } from '../compute/server-group.ts'
import { openUserData } from '../compute/user-data.ts'
import { guard, type Write } from '../line/commit.ts'
import { bindTo } from '../line/resources.ts'
import { type Need, steps } from '../line/steps.ts'
import { keypairNeed } from './keypair.ts'
import { portNeed } from './port.ts'
import { serverGroupNeed } from './server-group.ts'
import { archFor, diskNeeds, hardwareFor, imageOfMemory, originOf } from './server-origin.ts'

const ownPort = ({ projectId }: ServerRow, id: string): Need => portNeed({ id, projectId })

/** A server below the line. Everything else in the broker exists for it. */
export const serverSteps = steps<ServerWork, ServerSpec, ServerSeen>({
  kind: 'server',
  realm: (cloud) => cloud.server,

  async load({ db }, { resourceId }) {
    const [[server], actions, [group], [move]] = await db.batch([
      serverQuery(db, everyProject, resourceId),
      openActions(db, resourceId, TASK_ACTIONS),
      memberQuery(db, resourceId),
      moveQuery(db, resourceId),
    ])
    return server ? { server, actions, group: group ?? null, move: move ?? null } : null
  },

  async refused(context, work, binding) {
    const { server, move } = work
    const arriving = move && roleIn(work, binding) === 'arriving' ? placeArriving(move) : null
    const at = arriving ?? placesOf(server).at
    return at && refusedTo(context, server.projectId, at)
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

  async spec(context, work, binding, native) {
    const { server, group, move } = work
    const arriving = move && roleIn(work, binding) === 'arriving' ? move : null
    const at = arriving ? placeArriving(arriving) : placesOf(server).at
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
    const hardware = forks ? {} : await hardwareFor(context, server)
    return {
      name: server.name,
      size: { native: at.native, vcpus: at.vcpus, ramMiB: at.ramMib, diskGiB: at.diskGib },
      image: forks ? await imageOfMemory(context, server, binding) : boots ? '' : native(origin),
      boot: boots ? { volume: native(origin), arch: await archFor(context, at) } : null,
      zone: binding.zone ?? at.zone,
      ports: ports.map(({ portId }) => native(ownPort(server, portId))),
      keypair: keypair && native.orNull(keypairNeed(keypair, server.projectId)),
      publicKey: keypair?.publicKey ?? null,
      userData: arriving ? userDataArriving(context, work, arriving) : server.userData,
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
      ...(at.option === 'spot' ? { option: at.option } : {}),
      ...(Object.keys(hardware).length ? { hardware } : {}),
    }
  },

  reveal: (context, { resourceId }, spec) => ({
    ...spec,
    userData: openUserData(context, resourceId, spec.userData),
  }),

  observe(context, work, binding, seen) {
    const { db } = context
    const role = roleIn(work, binding)
    if (role !== 'current') return seenBeside(context, work, role, seen)
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
        rescued: seen.rescued === true,
        shelved: isShelved(server),
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
      ...(seen.announced ? [reclaimAnnounced(context, server, binding, seen.announced)] : []),
      ...(differs ? [updateServer(db, server.id, { ...after, updatedAt: now })] : []),
      ...(up ? [activatePorts(db, server.id, now), finishActions(db, server.id, ['create'], null, now)] : []),
      ...(broken && server.fault === null
        ? [finishActions(db, server.id, ['create'], after.fault?.message ?? null, now)]
        : []),
    ]
  },

  failed(context, work, binding, error) {
    const { server } = work
    if (roleIn(work, binding) !== 'current') return failedBeside(context, work, binding, error)
    const action = machineAction(work)
    const now = context.now()
    const exists = binding.phase === 'bound'
    const lost = exists && error.code === 'not_found'
    // What was never finished, and is not going to be, is no server that somebody could go on with.
    const unmade = exists && !action && server.launchedAt === null && error.code === 'definitive'
    if (exists && !lost && !unmade) return action ? actionFailed(context, work, action, error) : []
    const message = error.code === 'capacity' ? noValidHost(server, error) : error.message
    const claim = claimLost(context, server)
    return [
      ...claim,
      updateServer(context.db, server.id, {
        ...failedStatus(server, binding.want),
        ...(claim.length ? unresized(server) : {}),
        fault: { code: lost ? 404 : 500, message, created: now },
        updatedAt: now,
      }),
      ...(binding.phase === 'calling' ? placeRefused(context, server, error) : []),
      ...(exists ? [] : freeNetworks(context.db, { serverId: server.id, cloudId: binding.cloudId, going: [] }, now)),
      ...(action ? [finishActionById(context.db, action.id, message, now)] : []),
      finishActions(context.db, server.id, ['create'], message, now),
    ]
  },

  async gone(context, work, binding) {
    if (!work) return []
    const { server, actions, move } = work
    const current = roleIn(work, binding) === 'current'
    const left = move && !current && move.cloudId === binding.cloudId ? beside(context, move) : []
    if (!current && server.taskState !== 'deleting') return left
    // The last of its machines takes the server along.
    const others = move ? await machinesBut(context.db, server.id, binding.cloudId) : 0
    if (others) return [...left, guard(context, 'machine-left', noOtherMachine(server.id, binding.cloudId))]
    const rest = move ? await forgetMachines(context, server.id) : []
    return [...rest, ...(await endServer(context, server, actions))]
  },

  async elsewhere(context, work, binding, error) {
    const { server, group } = work
    if (server.forkMode === 'instant' || roleIn(work, binding) !== 'current') return null
    const next = await moveOn(context, server, binding, group)
    if (!next) return null
    const { place, places, filters, spilled } = next
    const { code, message } = error
    const { cloudId, zone } = place
    const writes: Write[] = [
      // What was deleted meanwhile is deleted where it was: no deletion would reach it elsewhere.
      guard(context, 'server-gone', serverLeft(server.id)),
      updateServer(context.db, server.id, {
        cloudId,
        zone,
        filters,
        spilled,
        places: placesJson({ ...places, ...limitedBy(error) }),
        updatedAt: context.now(),
      }),
      // Where it was not asked, it was somebody else who was refused.
      ...(binding.phase === 'calling' ? placeRefused(context, server, error) : []),
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

  async reclaimed(context, work, binding, { reclaimed }, stuck) {
    if (!reclaimed || roleIn(work, binding) !== 'current') return null
    return serverReclaimed(context, work, binding, reclaimed, stuck)
  },

  act: (context, work, binding, cloud, seen) =>
    (roleIn(work, binding) === 'current' ? act : actBeside)(context, work, binding, cloud, seen),
})

const RESTED = new Set(['running', 'stopped', 'paused', 'suspended'])
