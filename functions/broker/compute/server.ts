import type { VolumeRead } from '../../../db/queries/block-storage/volumes.ts'
import { lookUpReferences } from '../../../db/queries/compute/places.ts'
import { insertServerAction } from '../../../db/queries/compute/server-actions.ts'
import {
  insertServer,
  insertServerPort,
  type NewServer,
  namedGone,
  quotaUse,
  type ServerRow,
  serverLeft,
  updateServer,
} from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { attachVolume } from '../block-storage/attachment.ts'
import { volumeFor } from '../block-storage/volume.ts'
import { realiseImage, withTakers } from '../image/image-place.ts'
import { charge, commit, guard, type Write } from '../line/commit.ts'
import { Refused } from '../line/refused.ts'
import { bindTo, changed, unwanted } from '../line/resources.ts'
import { pinNetworks } from '../network/network.ts'
import { planPort, takePorts, untilFree } from '../network/port.ts'
import {
  type Fork,
  forkColumns,
  forkedBy,
  forkingOf,
  imageToBoot,
  joinParent,
  onParentsGround,
  readFork,
} from './fork.ts'
import { serverStatus } from './lifecycle.ts'
import { keepingLineage, unlessForked } from './lineage.ts'
import type { Place } from './place.ts'
import { refuseLocked, snapshotOf, who, withinLimits } from './server-action.ts'
import { farewell } from './server-end.ts'
import { placesJson, statusWith } from './server-facts.ts'
import { type Choice, choosePlaces } from './server-place.ts'
import { refuse, ServerRefused } from './server-refusal.ts'
import { refuseUnsecured, type ServerWish, type Understood, understand } from './server-wish.ts'
import { sealUserData } from './user-data.ts'

/**
 * Admits servers: one look at everything they refer to, one decision where they go, one batch with quota, rows, ports,
 * bindings and the journal. The cloud hears of them afterwards. Throws `ServerRefused`, `NetworkRefused`, or `Refused`.
 */
export const createServers = async (
  context: Context,
  projectId: string,
  asked: ServerWish,
  again = false,
): Promise<ServerRow[]> => {
  const { db, scope, caller } = context
  const forking = await readFork(context, projectId, asked)
  const wish = forking?.wish ?? asked
  const nics = typeof wish.nics === 'string' ? [] : wish.nics
  const volumes = await volumesOf(context, wish)
  const referred = await lookUpReferences(db, {
    projectId,
    userId: caller?.userId ?? '',
    scope,
    flavorId: wish.flavorId,
    imageId: wish.imageId,
    keyName: wish.keyName,
    networkIds: nics.flatMap((nic) => ('networkId' in nic ? nic.networkId : [])),
    anyNetwork: typeof wish.nics === 'string',
    portIds: nics.flatMap((nic) => ('portId' in nic ? nic.portId : [])),
    securityGroups: wish.securityGroups ?? [],
    volumeIds: volumes.map(({ id }) => id),
    place: wish.zone,
  })
  const parentId = forkedBy(referred.image)
  if (!forking && parentId !== undefined) return createServers(context, projectId, forkingOf(asked, parentId), again)
  if (!forking && asked.fork) refuse({ kind: 'unlike-parent', reason: 'Only a fork has a time to live.' })
  const { fork, found } = forking
    ? onParentsGround(context, forking.fork, wish, referred)
    : { fork: null, found: await withTakers(referred) }
  const understood = understand(wish, found, projectId)
  const choice = await choosePlaces(context, wish, understood, found)
  refuseUnsecured(wish, understood)
  if (fork && !choice.places.length) refuse({ kind: 'no-place', reason: choice.reason })
  const admission = { context, projectId, wish, understood, fork, ...choice }
  const { vcpus, ramMib } = understood.flavor
  const rows = await withinQuota(context, projectId, wish, (count) =>
    withinLimits(context, projectId, { instances: count, cores: count * vcpus, ram: count * ramMib }, () =>
      untilFree(() => admit(admission, count)),
    ),
  ).catch((error) => {
    // Looked up and gone before it was admitted: the second look says what.
    const gone = error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'named-gone'
    if (!gone || again) throw error
    return createServers(context, projectId, asked, true)
  })
  if (choice.places.length)
    for (const { volume, options } of volumes) await attachVolume(context, rows[0]!, volume, options)
  return rows
}

const volumesOf = (context: Context, { volumes, maxCount }: ServerWish) =>
  Promise.all(
    volumes.map(async ({ id, ...options }) => {
      if (maxCount > 1) refuse({ kind: 'only-one', what: 'volume', id })
      const volume: VolumeRead = (await volumeFor(context, id)) ?? refuse({ kind: 'unknown', what: 'volume', id })
      if (volume.status !== 'available') refuse({ kind: 'volume-status', id, status: volume.status })
      return { id, volume, options }
    }),
  )

/** As many as were asked for; if the quota does not allow that, as many as it allows, but never fewer than the minimum. */
const withinQuota = async <T>(
  context: Context,
  projectId: string,
  { minCount, maxCount }: ServerWish,
  attempt: (count: number) => Promise<T>,
): Promise<T> => {
  try {
    return await attempt(maxCount)
  } catch (error) {
    const quota = error instanceof ServerRefused && error.refusal.kind === 'quota'
    if (!quota || minCount === maxCount) throw error
    const [instances] = await quotaUse(context.db, projectId, ['instances'])
    const room = instances && instances.maximum >= 0 ? instances.maximum - instances.used : maxCount - 1
    return attempt(Math.max(minCount, Math.min(room, maxCount - 1)))
  }
}

type Admission = {
  context: Context
  projectId: string
  wish: ServerWish
  understood: Understood
  fork: Fork | null
} & Choice

/** One batch for all of them. */
const admit = async (admission: Admission, count: number): Promise<ServerRow[]> => {
  const { context, projectId, understood, fork, places, zonal, filters } = admission
  const { flavor, nics } = understood
  const taken = new Set<string>()
  const rows: ServerRow[] = []
  const writes: Write[] = [
    charge(context, projectId, 'instances', count),
    charge(context, projectId, 'cores', count * flavor.vcpus),
    charge(context, projectId, 'ram', count * flavor.ramMib),
  ]
  const [at] = places
  const networkIds = [...new Set(nics.map(({ network }) => network.id))]
  if (at)
    writes.push(
      ...pinNetworks(context, networkIds, { cloudId: at.cloudId, zone: zonal ? at.zone : null, filters }),
      ...realiseImage(context, understood.image, projectId, at.cloudId),
    )
  for (let index = 0; index < count; index++) {
    const row = newRow(admission, count > 1 ? index + 1 : null)
    rows.push(row)
    writes.push(insertServer(context.db, row), history(context, row))
    if (at) writes.push(...(await plug(admission, row, at, taken)), bindTo(context, 'server', row, at))
  }
  if (fork) writes.push(...joinParent(context, fork, rows))
  else writes.push(guard(context, 'named-gone', namedGone(rows[0]!)))
  await commit(
    context,
    { action: 'create', kind: 'server', resourceId: rows[0]!.id, detail: { ids: rows.map(({ id }) => id) } },
    writes,
  )
  return rows
}

const history = (context: Context, row: ServerRow): Write =>
  insertServerAction(context.db, { ...who(context, row), action: 'create', now: context.now() })

/** Nova's rule for what a guest calls itself (nova/utils.py, sanitize_hostname). */
export const hostnameOf = (name: string, id: string): string =>
  name
    .toLowerCase()
    .replace(/[ _.]/g, '-')
    .replace(/[^a-z0-9-]+/g, '')
    .slice(0, 63)
    .replace(/^-+|(?<!-)-+$/g, '') || `server-${id}`

const newRow = (
  { context, projectId, wish, understood, fork, places, zonal, reason }: Admission,
  number: number | null,
): ServerRow => {
  const [at, ...next] = places
  const now = context.now()
  const id = context.newId()
  const name = number === null ? wish.name : `${wish.name}-${number}`
  const status = serverStatus({
    phase: at ? 'intent' : 'failed',
    want: 'present',
    health: null,
    power: null,
    launched: false,
    action: null,
    resized: false,
    before: null,
  })
  return {
    id,
    projectId,
    userId: context.caller?.userId ?? '',
    name,
    description: wish.description,
    hostname: wish.hostname ?? hostnameOf(name, id),
    tags: wish.tags,
    flavor: snapshotOf(understood.flavor),
    oldFlavor: null,
    launchIndex: number === null ? 0 : number - 1,
    imageId: understood.image.id,
    keyName: wish.keyName,
    keypair: understood.keypair,
    userData: sealUserData(context, id, wish.userData),
    configDrive: wish.configDrive,
    wantPower: 'running',
    pinnedZone: wish.zone,
    locked: false,
    lockedReason: null,
    accessIpv4: wish.accessIpv4,
    accessIpv6: wish.accessIpv6,
    diskConfig: wish.diskConfig,
    ...status,
    fault: at ? null : { code: 500, message: `No valid host was found. ${reason}`, created: now },
    cloudId: at?.cloudId ?? null,
    zone: at?.zone ?? null,
    places: placesJson({ at: at ?? null, next, ...(zonal ? { zonal } : {}), ...imageToBoot(fork) }),
    hostId: '',
    bootedAt: null,
    ...forkColumns(fork, wish.metadata),
    launchedAt: null,
    terminatedAt: null,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  }
}

export const COMPUTE_OWNER = 'compute:nova'

/** Its ports, made or taken, in the order in which the guest sees them, and where they are to be realised. */
const plug = async (
  { context, projectId, understood, filters }: Admission,
  row: ServerRow,
  at: Place,
  taken: Set<string>,
): Promise<Write[]> => {
  const writes: Write[] = []
  const brought = understood.nics.flatMap(({ port }) => port?.id ?? [])
  writes.push(...takePorts(context, brought, { id: row.id, owner: COMPUTE_OWNER }))
  for (const [position, { network, fixedIp, port }] of understood.nics.entries()) {
    const made = port
      ? null
      : await planPort(
          context,
          {
            projectId,
            networkId: network.id,
            fixedIps: fixedIp === null ? null : [{ ip_address: fixedIp }],
            securityGroupIds: filters && network.portSecurity ? understood.groupIds : null,
            ...(filters ? {} : { portSecurity: false }),
            deviceId: row.id,
            deviceOwner: COMPUTE_OWNER,
          },
          taken,
        )
    const portId = port?.id ?? made!.port.id
    writes.push(
      ...(made?.writes ?? []),
      insertServerPort(context.db, { serverId: row.id, portId, position, owned: made !== null }),
      bindTo(context, 'port', { id: portId, projectId }, at),
    )
  }
  return writes
}

/** Deletes a server. It is gone when its cloud has let go; one that never had a cloud is gone at once. */
export const deleteServer = async (context: Context, server: ServerRow): Promise<void> => {
  refuseLocked(context, server)
  if (server.taskState === 'deleting') return
  const { db } = context
  const now = context.now()
  const gone = server.cloudId === null
  const writes = [
    guard(context, 'server-gone', serverLeft(server.id)),
    insertServerAction(db, { ...who(context, server), action: 'delete', now }),
    ...(gone
      ? await farewell(context, server, [])
      : [
          updateServer(db, server.id, { updatedAt: now, ...statusWith(server, { want: 'absent' }) }),
          unwanted(context, 'server', server.id),
        ]),
  ]
  await unlessForked(context, server, (unforked) =>
    commit(context, { action: 'delete', kind: 'server', resourceId: server.id }, [unforked, ...writes]),
  )
}

/** What users may change of a server as such. Name and metadata are told to a cloud that shows them. */
export const describeServer = async (
  context: Context,
  server: ServerRow,
  asked: Partial<
    Pick<
      NewServer,
      | 'name'
      | 'description'
      | 'hostname'
      | 'metadata'
      | 'tags'
      | 'accessIpv4'
      | 'accessIpv6'
      | 'diskConfig'
      | 'locked'
      | 'lockedReason'
    >
  >,
  action = 'update',
  also: Write[] = [],
): Promise<ServerRow> => {
  const set = keepingLineage(server, asked)
  const updatedAt = context.now()
  const shown = set.name !== undefined || set.metadata !== undefined
  await commit(context, { action, kind: 'server', resourceId: server.id }, [
    guard(context, 'server-gone', serverLeft(server.id)),
    updateServer(context.db, server.id, { ...set, updatedAt }),
    ...(shown ? [changed(context, 'server', server.id)] : []),
    ...also,
  ])
  return { ...server, ...set, updatedAt } as ServerRow
}
