import {
  type Aggregate,
  type AggregateHost,
  aggregateById,
  aggregateByUuid,
  aggregateGone,
  aggregateMoved,
  deleteAggregate,
  deleteAggregateHost,
  hasHosts,
  heldInZone,
  inOtherZone,
  insertAggregate,
  insertAggregateHost,
  isCloudName,
  updateAggregate,
  zonesOtherwise,
} from '../../../db/queries/clouds/aggregates.ts'
import type { Context } from '../../context.ts'
import { commit, guard, type Write } from '../line/commit.ts'
import { Refusing } from '../line/refused.ts'

/* Host aggregates, and the availability zones that operators make of them: nova/compute/api.py, `AggregateAPI`. */

/** Why nothing is done to an aggregate, or made one. */
export type AggregateRefusal =
  /** Its hosts are in other zones already. */
  | { kind: 'other-zones'; zones: string[] }
  /** A name that means a cloud's zones. */
  | { kind: 'cloud-zone'; zone: string }

export class AggregateRefused extends Refusing<AggregateRefusal> {
  constructor(refusal: AggregateRefusal) {
    super(refusal, `refused: ${JSON.stringify(refusal)}`)
  }
}

const entryOf = (action: string, { uuid, name }: Pick<Aggregate, 'uuid' | 'name'>) => ({
  action,
  kind: 'aggregate',
  resourceId: uuid,
  detail: { name },
})

/** A zone of an operator's own has a name that no cloud's has. */
const ownName = (context: Context, zone: string | null): Write[] => {
  if (zone?.includes('.')) throw new AggregateRefused({ kind: 'cloud-zone', zone })
  return zone === null ? [] : [guard(context, 'zone-of-cloud', isCloudName(zone))]
}

/** Makes one without hosts. Throws `Refused` (`taken`) if the name is, (`zone-of-cloud`) or `AggregateRefused` if its zone has that of a cloud. */
export const createAggregate = async (
  context: Context,
  { name, zone }: { name: string; zone: string | null },
): Promise<Aggregate> => {
  const uuid = context.newId()
  const metadata: Record<string, string> = zone === null ? {} : { availability_zone: zone }
  await commit(context, entryOf('create', { uuid, name }), [
    ...ownName(context, zone),
    insertAggregate(context.db, { uuid, name, availabilityZone: zone, metadata, createdAt: context.now() }),
  ])
  return aggregateByUuid(context.db, uuid)
}

/** For the batch: it is there, and as it was read, so that nothing which somebody else says of it meanwhile is lost. */
const still = (context: Context, aggregate: Aggregate): Write[] => [
  guard(context, 'aggregate-gone', aggregateGone(aggregate.id)),
  guard(context, 'aggregate-moved', aggregateMoved(aggregate)),
]

/** Changes its name, or its metadata; `null` takes an item away. A host is in one zone at most, and none is taken from under a server. */
export const changeAggregate = async (
  context: Context,
  aggregate: Aggregate,
  { name = aggregate.name, metadata = {} }: { name?: string | undefined; metadata?: Record<string, string | null> },
): Promise<Aggregate> => {
  const { db } = context
  const merged = { ...aggregate.metadata, ...metadata }
  const kept = Object.fromEntries(Object.entries(merged).filter((item): item is [string, string] => item[1] !== null))
  const zone = kept.availability_zone ?? null
  const moves = zone !== aggregate.availabilityZone
  const others = moves && zone !== null ? await zonesOtherwise(db, aggregate.id, zone) : []
  if (others.length) throw new AggregateRefused({ kind: 'other-zones', zones: others })
  const guards = moves
    ? [
        ...ownName(context, zone),
        guard(context, 'aggregate-held', heldInZone(aggregate.id)),
        ...(zone === null ? [] : [guard(context, 'other-zones', inOtherZone(aggregate.id, zone))]),
      ]
    : []
  await commit(context, entryOf('update', aggregate), [
    ...still(context, aggregate),
    ...guards,
    updateAggregate(db, aggregate.id, { name, metadata: kept, availabilityZone: zone, updatedAt: context.now() }),
  ])
  return (await aggregateById(db, aggregate.id)) ?? aggregate
}

/** Removes one that has no host. */
export const removeAggregate = (context: Context, aggregate: Aggregate): Promise<void> =>
  commit(context, entryOf('delete', aggregate), [
    guard(context, 'aggregate-gone', aggregateGone(aggregate.id)),
    guard(context, 'aggregate-full', hasHosts(aggregate.id)),
    deleteAggregate(context.db, aggregate.id),
  ])

/** Puts a cloud, or one zone of it, into one. Servers that are there show its zone from now on. */
export const addHost = async (context: Context, aggregate: Aggregate, host: AggregateHost): Promise<Aggregate> => {
  const { db } = context
  const { id, availabilityZone: zone } = aggregate
  const others = zone === null ? [] : await zonesOtherwise(db, id, zone, host)
  if (others.length) throw new AggregateRefused({ kind: 'other-zones', zones: others })
  await commit(context, entryOf('add_host', aggregate), [
    ...still(context, aggregate),
    ...(zone === null ? [] : [guard(context, 'other-zones', inOtherZone(id, zone, host))]),
    insertAggregateHost(db, { ...host, aggregateId: id, createdAt: context.now() }),
  ])
  return (await aggregateById(db, id)) ?? aggregate
}

/** Takes it out again, unless a server is there that was asked for in the zone. */
export const removeHost = async (context: Context, aggregate: Aggregate, host: AggregateHost): Promise<Aggregate> => {
  const { db } = context
  await commit(context, entryOf('remove_host', aggregate), [
    guard(context, 'aggregate-gone', aggregateGone(aggregate.id)),
    guard(context, 'aggregate-held', heldInZone(aggregate.id, host)),
    deleteAggregateHost(db, aggregate.id, host),
  ])
  return (await aggregateById(db, aggregate.id)) ?? aggregate
}
