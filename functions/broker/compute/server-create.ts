import { type Found, lookUpReferences, type References } from '../../../db/queries/compute/places.ts'
import { insertServerAction } from '../../../db/queries/compute/server-actions.ts'
import { insertServer, namedGone, type ServerRow } from '../../../db/queries/compute/servers.ts'
import type { KeypairSnapshot } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { realiseImage, withTakers } from '../image/image-takers.ts'
import { charge, guard, type Write } from '../line/commit.ts'
import { bindTo } from '../line/resources.ts'
import { pinNetworks } from '../network/network.ts'
import { commitOr } from '../network/network-refusal.ts'
import { GROWTH_GUARDS } from '../network/pools/growth.ts'
import { overPool } from '../network/pools/pool-rules.ts'
import { planPortsAt, untilFree } from '../network/port.ts'
import { subnetsAt } from '../network/segments/sites.ts'
import { untilStill } from '../network/until-still.ts'
import { admitDisks, volumesCharged } from './disks/admit.ts'
import { archOf, bootDisk, type Disk, MOST_DISKS } from './disks/disk.ts'
import { disksOfImage } from './disks/image.ts'
import { sourcesNamed, understandDisks } from './disks/understand.ts'
import { parentIn, type Resolved, resolveFork } from './fork/fork.ts'
import { type Choice, choosePlaces } from './place/choose.ts'
import { growNetworks, growsFor } from './place/grow.ts'
import { REACH } from './place/hints.ts'
import { reachAround, stillReached } from './place/reach.ts'
import { recordPlacement } from './place/record.ts'
import { isFree } from './place/rules.ts'
import { who, withinLimits, withinQuota } from './server-action.ts'
import { joinGroup } from './server-group.ts'
import { plug, portsWished } from './server-ports.ts'
import { refuse } from './server-refusal.ts'
import { newRow } from './server-row.ts'
import {
  cloudsWith,
  NO_ORIGIN,
  type Origin,
  refuseSmallDisk,
  refuseUnsecured,
  type ServerWish,
  type Understood,
} from './server-wish.ts'

/**
 * Admits servers: one look at everything they refer to, one decision where they go, one batch with quota, rows, ports,
 * bindings and the journal. The cloud hears of them afterwards. Throws `ServerRefused`, `NetworkRefused`, or `Refused`.
 */
export const createServers = (context: Context, projectId: string, asked: ServerWish): Promise<ServerRow[]> =>
  untilStill([...STALE, ...GROWTH_GUARDS], (before) => create(context, projectId, asked, before), LOOKS)

/** Guards of what was looked up: by now it is gone, or somewhere else. Another look says what. */
const STALE = ['named-gone', 'server-group-moved', 'reach-moved', 'port-moved']
/** So often is looked: those that make a segment at the same time take their turns. */
const LOOKS = 8

const create = async (context: Context, projectId: string, asked: ServerWish, before: number): Promise<ServerRow[]> => {
  const { wish, found, origin } = await resolve(context, projectId, asked)
  const disks = await understandDisks(context, wish.disks, wish.maxCount === 1, found)
  const plain = understand(wish, found, projectId, disks)
  const networkIds = plain.nics.map(({ network }) => network.id)
  const understood = wish.hints[REACH] ? { ...plain, reach: await reachAround(context, networkIds, '') } : plain
  const choice = await choosePlaces(context, wish, understood, found)
  refuseUnsecured(wish, understood)
  if (origin.tied && !choice.places.length) refuse({ kind: 'no-place', reason: choice.reason })
  const admission = { context, projectId, wish, found, understood, origin, before, ...choice }
  const { vcpus, ramMib } = understood.flavor
  const made = understood.nics.filter(({ port }) => port === null)
  const charged = { instances: 1, cores: vcpus, ram: ramMib, ...volumesCharged(disks) }
  return withinQuota(context, projectId, wish, { ...charged, port: made.length }, (count) =>
    withinLimits(context, projectId, times(charged, count), () => untilFree(() => admit(admission, count))),
  )
}

const times = (amounts: Record<string, number>, count: number): Record<string, number> =>
  Object.fromEntries(Object.entries(amounts).map(([resource, amount]) => [resource, amount * count]))

/** What the wish refers to; a wish for a fork said as one for a plain server. */
const resolve = async (context: Context, projectId: string, asked: ServerWish): Promise<Resolved> => {
  const lookUp = async (wish: ServerWish) => {
    const found = await lookUpReferences(context.db, referencesOf(context, projectId, wish), context.look)
    return context.once?.replay ? asBefore(found) : found
  }
  const found = await lookUp(asked)
  const parentId = parentIn(asked, found.image)
  if (parentId !== undefined) return resolveFork(context, projectId, asked, parentId, lookUp)
  if (asked.fork) refuse({ kind: 'unlike-parent', reason: 'Only a fork has a time to live.' })
  const rooted = asked.disks.some(({ bootIndex }) => bootIndex === 0)
  const mapped = rooted || !found.image ? [] : disksOfImage(found.image)
  if (!mapped.length) return { wish: asked, found: await withTakers(context, found), origin: NO_ORIGIN }
  // An image that is a list of snapshots: what it names is looked up as if the user had named it.
  const wish = { ...asked, disks: [...mapped, ...asked.disks] }
  if (wish.disks.length > MOST_DISKS) refuse({ kind: 'disks', asked: wish.disks.length, maximum: MOST_DISKS })
  return { wish, found: await withTakers(context, await lookUp(wish)), origin: NO_ORIGIN }
}

/** What a repetition finds taken was taken by the request that it repeats; what that one wrote is for the journal to say. */
const asBefore = (found: Found): Found => ({
  ...found,
  ports: found.ports.map((port) => ({ ...port, deviceId: '' })),
  volumes: found.volumes.map((volume) => ({ ...volume, status: 'available', attachment: null })),
})

const referencesOf = ({ scope, caller }: Context, projectId: string, wish: ServerWish): References => {
  const nics = typeof wish.nics === 'string' ? [] : wish.nics
  return {
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
    ...sourcesNamed(wish.disks),
    groupId: wish.groupId,
    place: wish.zone,
  }
}

/** Checks what a new server refers to, in the order in which Nova does. Throws `ServerRefused`. Pure. */
const understand = (wish: ServerWish, found: Found, projectId: string, disks: Disk[]): Understood => {
  const flavor = found.flavor ?? refuse({ kind: 'unknown', what: 'flavor', id: wish.flavorId })
  if (!isFree(wish, found) && !found.clouds.some(({ named }) => named))
    refuse({ kind: 'unknown', what: 'zone', id: wish.zone! })
  const root = bootDisk(disks)
  const image = root && !wish.imageId ? null : understandImage(wish, found, projectId, root)
  const boots = root?.made?.image ?? image
  if (boots && flavor.ramMib < boots.minRamMib)
    refuse({ kind: 'too-small', what: 'memory', has: flavor.ramMib, needs: boots.minRamMib })
  if (image && !root) refuseSmallDisk(flavor.diskGib, image)
  const keypair = understandKeypair(wish, found)
  if (wish.groupId !== null && !found.group) refuse({ kind: 'unknown', what: 'server-group', id: wish.groupId })
  const nics = understandNics(wish, found, projectId)
  const arch = root ? archOf(root) : (image?.arch ?? 'x86_64')
  return { flavor, image, arch, nics, groupIds: understandGroups(wish, found), keypair, disks }
}

/** The key itself: its name may mean another one by the time it is needed. */
const understandKeypair = ({ keyName }: ServerWish, { keypair }: Found): KeypairSnapshot | null => {
  if (keyName === null) return null
  const { id, publicKey, fingerprint } = keypair ?? refuse({ kind: 'unknown', what: 'keypair', id: keyName })
  return { id, publicKey, fingerprint }
}

const understandImage = (
  wish: ServerWish,
  found: Found,
  projectId: string,
  root: Disk | undefined,
): NonNullable<Found['image']> => {
  const image = found.image ?? refuse({ kind: 'unknown', what: 'image', id: wish.imageId })
  // Of somebody else's images only those on the project's own clouds can be seen at all, and those that are with us.
  const here = image.blob || cloudsWith(found).length > 0 || root
  if (image.projectId !== projectId && !here && found.clouds.length)
    refuse({ kind: 'unknown', what: 'image', id: wish.imageId })
  if (image.status !== 'active') refuse({ kind: 'image-status', id: image.id, status: image.status })
  return image
}

const understandNics = (wish: ServerWish, found: Found, projectId: string): Understood['nics'] => {
  if (typeof wish.nics === 'string') {
    const choice = found.networks.filter((network) => !network.external && hasSubnet(found, network))
    const network = choice[0]
    if (choice.length > 1) refuse({ kind: 'many-networks' })
    if (!network) return wish.nics === 'any' ? [] : refuse({ kind: 'no-network', projectId })
    return [{ network, fixedIp: null, port: null }]
  }
  const several = wish.maxCount > 1
  return wish.nics.map((nic) => {
    if ('portId' in nic) {
      if (several) refuse({ kind: 'only-one', what: 'port', id: nic.portId })
      return understandPort(nic.portId, found)
    }
    if (several && nic.fixedIp !== null) refuse({ kind: 'only-one', what: 'fixed-ip' })
    const network =
      found.networks.find(({ id }) => id === nic.networkId) ??
      refuse({ kind: 'unknown', what: 'network', id: nic.networkId })
    if (network.external && !found.mayAttachExternal) refuse({ kind: 'external-network', id: network.id })
    if (!hasSubnet(found, network)) refuse({ kind: 'no-subnet', networkId: network.id })
    return { network, fixedIp: nic.fixedIp, port: null }
  })
}

/** It has one, or gets one where its server goes. */
const hasSubnet = (found: Found, network: Found['networks'][number]): boolean =>
  found.subnets.some((s) => s.networkId === network.id) || growsFor({ network, fixedIp: null, port: null }, found)

const understandPort = (id: string, found: Found): Understood['nics'][number] => {
  const port = found.ports.find((each) => each.id === id) ?? refuse({ kind: 'unknown', what: 'port', id })
  if (port.deviceId !== '') refuse({ kind: 'port-in-use', id, serverId: port.deviceId })
  if (port.fixedIps.length === 0 && port.ipAllocation !== 'deferred') refuse({ kind: 'port-without-address', id })
  const network = found.networks.find((each) => each.id === port.networkId)
  return { network: network ?? refuse({ kind: 'unknown', what: 'network', id: port.networkId }), fixedIp: null, port }
}

const understandGroups = ({ securityGroups }: ServerWish, found: Found): string[] | null => {
  if (securityGroups === null) return null
  const ids = [...new Set(securityGroups)].flatMap((name) => {
    const exact = found.securityGroups.find(({ id }) => id === name)
    if (exact) return [exact.id]
    const named = found.securityGroups.filter((group) => group.name === name)
    if (named.length > 1) refuse({ kind: 'many-groups', name })
    // The default group is made when it is first looked for.
    if (!named.length && name === 'default') return []
    return [named[0]?.id ?? refuse({ kind: 'unknown', what: 'security-group', id: name })]
  })
  return ids.length ? [...new Set(ids)] : null
}

type Admission = {
  context: Context
  projectId: string
  wish: ServerWish
  found: Found
  understood: Understood
  origin: Origin
  /** How often it was looked up before. */
  before: number
} & Choice

/** One batch for all of them; a repetition has nothing to write, and plans nothing. */
const admit = async (admission: Admission, count: number): Promise<ServerRow[]> => {
  const { context, understood } = admission
  const rows = Array.from({ length: count }, (_, i) => newRow(admission, count > 1 ? i + 1 : null))
  const writes = context.once?.replay ? [] : await writesFor(admission, rows)
  const volumeIds = understood.disks.flatMap(({ volume }) => volume?.id ?? [])
  const detail = { ids: rows.map(({ id }) => id), ...(volumeIds.length ? { volume_ids: volumeIds } : {}) }
  const entry = { action: 'create', kind: 'server', resourceId: rows[0]!.id, detail }
  await commitOr(context, entry, writes, { 'pool-quota': overPool })
  return rows
}

const writesFor = async (admission: Admission, rows: ServerRow[]): Promise<Write[]> => {
  const { context, projectId, understood, origin, places, zonal, filters } = admission
  const { flavor, nics, disks, image } = understood
  const writes: Write[] = [
    charge(context, projectId, 'instances', rows.length),
    charge(context, projectId, 'cores', rows.length * flavor.vcpus),
    charge(context, projectId, 'ram', rows.length * flavor.ramMib),
  ]
  const [at] = places
  const growing = nics.filter((nic) => growsFor(nic, admission.found)).map(({ network }) => network)
  const grown = at && (await growNetworks(context, growing, admission.found, { ...admission, at }))
  const found = grown?.read ?? admission.found
  writes.push(...(grown?.writes ?? []))
  const networkIds = [...new Set(nics.map(({ network }) => network.id))]
  if (at && understood.reach) writes.push(stillReached(context, understood.reach, networkIds, '', at.cloudId))
  const lying = (networkId: string) => at && subnetsAt(found, networkId, at)
  if (at)
    writes.push(
      ...pinNetworks(context, networkIds, {
        cloudId: at.cloudId,
        zone: zonal ? at.zone : null,
        subnetIds: networkIds.flatMap((id) => lying(id) ?? []),
        filters,
      }),
      ...(image && !bootDisk(disks) ? realiseImage(context, image, projectId, at.cloudId) : []),
    )
  const wishes = at ? rows.map((row) => portsWished({ ...understood, filters, lying }, row)) : []
  const waiting = nics.flatMap(({ port }) => (at && port && !port.fixedIps.length ? port : []))
  const placings = waiting.map((port) => ({ port, subnetIds: lying(port.networkId) }))
  const { made: planned, placed } = await planPortsAt(context, wishes.flat(), placings, found)
  writes.push(...placed)
  for (const [i, row] of rows.entries()) {
    writes.push(insertServer(context.db, row), recordPlacement(admission, row), history(context, row))
    if (at)
      writes.push(
        ...plug(context, { ...understood, filters }, planned.splice(0, wishes[i]!.length), row, at),
        ...(await admitDisks(context, row, disks, at)),
        bindTo(context, 'server', row, at),
      )
  }
  if (found.group) writes.push(...joinGroup(context, found.group, rows, at))
  writes.push(...origin.writes(rows))
  if (!origin.tied) writes.push(guard(context, 'named-gone', namedGone(rows[0]!, namedBy(understood))))
  return writes
}

/** What has to be there still when servers are admitted that are made of it. */
const namedBy = ({ image, disks }: Understood) => ({
  imageIds: [image, ...disks.map(({ made }) => made?.image)].flatMap((each) => each?.id ?? []),
  snapshotIds: disks.flatMap(({ made }) => made?.snapshotId ?? []),
})

const history = (context: Context, row: ServerRow): Write =>
  insertServerAction(context.db, { ...who(context, row), action: 'create', now: context.now() })
