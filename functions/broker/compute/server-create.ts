import { type Found, lookUpReferences, type References } from '../../../db/queries/compute/places.ts'
import { insertServerAction } from '../../../db/queries/compute/server-actions.ts'
import { insertServer, namedGone, type ServerRow } from '../../../db/queries/compute/servers.ts'
import { burstSpending } from '../../../db/queries/money/burst-spending.ts'
import type { Context } from '../../context.ts'
import { ZONE_CLOSED } from '../block-storage/volume-money.ts'
import { POLICY_MOVED, stillSaid } from '../clouds/policy.ts'
import { realiseImage, withTakers } from '../image/image-takers.ts'
import { charge, guard, type Write } from '../line/commit.ts'
import { bindTo } from '../line/resources.ts'
import { untilStill } from '../line/until-still.ts'
import { affordable, BURST_MOVED, MONEY_GUARDS, moneyGuards, stillFunded } from '../money/allowance.ts'
import { whyUnlisted } from '../money/restored.ts'
import { paidUp } from '../money/settle.ts'
import { pinNetworks } from '../network/network.ts'
import { commitOr } from '../network/network-refusal.ts'
import { GROWTH_GUARDS } from '../network/pools/growth.ts'
import { overPool } from '../network/pools/pool-rules.ts'
import { planPortsAt, untilFree } from '../network/port.ts'
import { subnetsAt } from '../network/segments/sites.ts'
import { admitDisks, disksHourly, volumesCharged } from './disks/admit.ts'
import { bootDisk, MOST_DISKS } from './disks/disk.ts'
import { disksOfImage } from './disks/image.ts'
import { sourcesNamed, understandDisks } from './disks/understand.ts'
import { asManyAsFit, whyNowhere } from './foreseen/as-many.ts'
import { parentIn, type Resolved, resolveFork } from './fork/fork.ts'
import { COMPUTE_OWNER, plug, portsWished } from './interfaces/server-ports.ts'
import { withLease } from './lease/lease.ts'
import { withinAccount } from './place/accounts.ts'
import type { Choice } from './place/choose.ts'
import { payDisks, withinMeans } from './place/dear.ts'
import { growNetworks, growsFor } from './place/grow.ts'
import { REACH } from './place/hints.ts'
import { MARK_GUARDS, markWrites } from './place/marks.ts'
import { reachAround, stillReached } from './place/reach.ts'
import { recordPlacement } from './place/record.ts'
import { understand } from './place/understand.ts'
import { who, withinLimits, withinQuota, withinUser } from './server-action.ts'
import { joinGroup } from './server-group.ts'
import { refuse } from './server-refusal.ts'
import { newRow } from './server-row.ts'
import { NO_ORIGIN, type Origin, refuseUnsecured, type ServerWish, type Understood } from './server-wish.ts'

/**
 * Admits servers: one look at everything they refer to, one decision where they go, one batch with quota, rows, ports,
 * bindings and the journal. The cloud hears of them afterwards. Throws `ServerRefused`, `NetworkRefused`, or `Refused`.
 */
export const createServers = (context: Context, projectId: string, asked: ServerWish): Promise<ServerRow[]> =>
  withinMeans(() => untilStill(STALE, (before) => create(context, projectId, asked, before), LOOKS))

/** Guards of what was looked up: by now it is gone, or somewhere else. Another look says what. */
const MOVED = [POLICY_MOVED, BURST_MOVED, 'named-gone', 'server-group-moved', 'reach-moved', 'port-moved', 'type-moved']
const STALE = [...MOVED, ZONE_CLOSED, ...MARK_GUARDS, ...GROWTH_GUARDS, ...MONEY_GUARDS]
/** So often is looked: those that make a segment at the same time take their turns. */
const LOOKS = 8

/** A wish with what it refers to, and where it may go. */
interface Weighed {
  wish: ServerWish
  found: Found
  origin: Origin
  understood: Understood
  choice: Choice
}

/** Looks at everything that a wish refers to and decides where it goes; nothing is written. Throws `ServerRefused`, or `Refused`. */
export const weighWish = async (context: Context, projectId: string, asked: ServerWish): Promise<Weighed> => {
  const look = () => resolve(context, projectId, asked)
  const { wish: said, found, origin } = await paidUp(context, projectId, look, (looked) => looked.found)
  const unlisted = whyUnlisted(found.policy, found.spending, context.now(), asked.making !== undefined)
  if (unlisted !== null) refuse({ kind: 'unlisted', reason: unlisted })
  const wish = { ...said, metadata: withLease(said.metadata, found.policy) }
  const disks = await understandDisks(context, wish, found, projectId)
  const plain = understand(wish, found, projectId, disks)
  const networkIds = plain.nics.map(({ network }) => network.id)
  const understood = wish.hints[REACH] ? { ...plain, reach: await reachAround(context, networkIds, '') } : plain
  const { count, choice } = await asManyAsFit(context, wish, understood, found)
  refuseUnsecured(wish, understood)
  if (origin.tied && !choice.places.length && !context.once?.replay) refuse({ kind: 'no-place', reason: choice.reason })
  if (wish.making && !choice.places.length) refuse({ kind: 'no-place', reason: whyNowhere(choice) })
  return { wish: { ...wish, maxCount: count }, found, origin, understood, choice }
}

const create = async (context: Context, projectId: string, asked: ServerWish, before: number): Promise<ServerRow[]> => {
  const { choice, ...weighed } = await weighWish(context, projectId, asked)
  const { wish, understood } = weighed
  const admission = { context, projectId, before, ...weighed, ...choice }
  const { port, ...charged } = takenByEach(understood)
  const { allowance } = choice
  const [first] = choice.places
  const disks = first && allowance ? await disksHourly(context, understood.disks, first.cloudId) : 0
  const owner = { projectId, userId: context.caller?.userId ?? '' }
  return withinQuota(context, owner, wish, { ...charged, port }, (most) => {
    const paid = first && allowance && disks ? payDisks(allowance, first, disks, wish.minCount) : most
    const count = first ? Math.min(most, paid, affordable(allowance, first.hourly)) : most
    return withinLimits(context, owner, times(charged, count), () => untilFree(() => admit(admission, count)))
  })
}

/** What one server counts against the quotas of its project. */
export const takenByEach = ({ flavor, nics, disks }: Understood) => ({
  instances: 1,
  cores: flavor.vcpus,
  ram: flavor.ramMib,
  ...volumesCharged(disks),
  port: nics.filter(({ port }) => port === null).length,
})

const times = (amounts: Record<string, number>, count: number): Record<string, number> =>
  Object.fromEntries(Object.entries(amounts).map(([resource, amount]) => [resource, amount * count]))

/** What the wish refers to; a wish for a fork said as one for a plain server. */
const resolve = async (context: Context, projectId: string, asked: ServerWish): Promise<Resolved> => {
  const lookUp = async (wish: ServerWish) => {
    const read = await lookUpReferences(context.db, referencesOf(context, projectId, wish), context.look)
    const own = await withinAccount(context, projectId, read)
    const found = wish.making ? { ...own, burst: await burstSpending(context.db, wish.making.burstId) } : own
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

/** What a repetition finds taken, or spent, was so by the request that it repeats; what that one wrote is for the journal to say. */
const asBefore = (found: Found): Found => ({
  ...found,
  policy: found.policy && { ...found.policy, max_hourly_cost: null, budget: null },
  ports: found.ports.map((port) => ({ ...port, deviceId: '' })),
  volumes: found.volumes.map((volume) => ({ ...volume, status: 'available', attachment: null })),
})

const referencesOf = ({ scope, caller, now }: Context, projectId: string, wish: ServerWish): References => {
  const nics = typeof wish.nics === 'string' ? [] : wish.nics
  return {
    now: now(),
    projectId,
    userId: wish.making?.userId ?? caller?.userId ?? '',
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

type Admission = Omit<Weighed, 'choice'> & {
  context: Context
  projectId: string
  /** How often it was looked up before. */
  before: number
} & Choice

/** One batch for all of them; a repetition has nothing to write, and plans nothing. */
const admit = async (admission: Admission, count: number): Promise<ServerRow[]> => {
  const { context, understood } = admission
  const { making } = admission.wish
  const rows = Array.from({ length: count }, (_, i) => newRow(admission, count > 1 || making ? i + 1 : null))
  const writes = context.once?.replay ? [] : await writesFor(admission, rows)
  const volumeIds = understood.disks.flatMap(({ volume }) => volume?.id ?? [])
  const detail = { ids: rows.map(({ id }) => id), ...(volumeIds.length ? { volume_ids: volumeIds } : {}) }
  const entry = { action: 'create', kind: 'server', resourceId: rows[0]!.id, detail }
  await commitOr(context, entry, writes, { 'pool-quota': overPool })
  return rows
}

const writesFor = async (admission: Admission, rows: ServerRow[]): Promise<Write[]> => {
  const { context, projectId, wish, understood, origin, places, zonal, filters } = admission
  const { flavor, nics, disks, image } = understood
  const writes: Write[] = [
    ...(wish.making?.before(rows) ?? []),
    withinUser(context, rows[0]!, times({ instances: 1, cores: flavor.vcpus, ram: flavor.ramMib }, rows.length)),
    charge(projectId, 'instances', rows.length),
    charge(projectId, 'cores', rows.length * flavor.vcpus),
    charge(projectId, 'ram', rows.length * flavor.ramMib),
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
  const placings = waiting.map((port) => ({ port, owner: COMPUTE_OWNER, subnetIds: lying(port.networkId) }))
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
  if (found.group) writes.push(...joinGroup(context, found.group, rows, at, wish.making !== undefined))
  writes.push(...origin.writes(rows))
  writes.push(stillSaid(context, projectId, found.said), ...stillFunded(context, found.burst))
  writes.push(...moneyGuards(context, projectId, admission.allowance))
  if (at) writes.push(...markWrites(context, admission, at, flavor, rows.length))
  if (!origin.tied) writes.push(guard(context, 'named-gone', namedGone(rows[0]!, namedBy(understood))))
  return writes
}

/** What has to be there still when servers are admitted that are made of it. */
const namedBy = ({ image, disks }: Understood) => ({
  imageIds: [image, ...disks.map(({ made }) => made?.image)].flatMap((each) => each?.id ?? []),
  snapshotIds: disks.flatMap(({ made }) => made?.snapshotId ?? []),
})

const history = (context: Context, row: ServerRow): Write =>
  insertServerAction(context.db, {
    ...who(context, row),
    userId: row.userId,
    action: 'create',
    now: context.now(),
  })
