import { adapterFor } from '../../../adapters/registry.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import { networkById, networkMoved, touchNetwork } from '../../../db/queries/network/network.ts'
import { insertSegment, placeSegment, type SegmentRow, segmentsOf } from '../../../db/queries/network/segments.ts'
import { type SubnetRow, subnetsOf, updateSubnet } from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import { guard, type Write } from '../line/commit.ts'
import { segmentIdAt } from '../network/segments/segment-id.ts'
import type { Site } from '../network/segments/sites.ts'
import { adoptedId, type Item, type Plan } from './plan.ts'

type Part = Pick<SegmentRow, 'id' | 'cloudId' | 'zone'>

/** A network as it will be by what a plan has written so far. */
interface Shape {
  id: string
  projectId: string
  segments: Part[]
  subnets: Pick<SubnetRow, 'id' | 'zone' | 'segmentId'>[]
}

const shapes = new WeakMap<Plan, Map<string, Shape>>()

/** Read once for each plan, with the guard that nobody else finds something of the network at the same time. */
const shapeOf = async (plan: Plan, { resourceId: id, projectId }: Item): Promise<{ shape: Shape; writes: Write[] }> => {
  const { context, row } = plan
  const { db } = context
  const known = shapes.get(plan) ?? new Map<string, Shape>()
  shapes.set(plan, known)
  const found = known.get(id)
  if (found) return { shape: found, writes: [] }
  const [network, segments, subnets] = [
    await networkById(db, everyProject, id),
    await segmentsOf(db, [id]),
    await subnetsOf(db, [id]),
  ]
  // One without a segment has its first by now, with the network itself.
  const parts: Part[] = segments.length ? segments : [{ id, cloudId: row.id, zone: null }]
  const shape = { id, projectId, segments: [...parts], subnets: [...subnets] }
  known.set(id, shape)
  const still = network && [
    guard(context, 'network-moved', networkMoved(id, network.revision)),
    touchNetwork(db, id, context.now()),
  ]
  return { shape, writes: plan.options.byMark && still ? still : [] }
}

/**
 * The segment in which a subnet lies that is found on a cloud, with the writes that make it so, before those of the subnet;
 * null: its network is not routed. Of a routed network it is the one there, made if there is none. A network whose rows were
 * lost is routed again as soon as its subnets are found in several places: nothing else has them so.
 */
export const segmentFor = async (
  plan: Plan,
  network: Item,
  subnet: Pick<SubnetRow, 'id' | 'zone'>,
): Promise<{ segmentId: string | null; writes: Write[] }> => {
  const { row } = plan
  const { shape, writes } = await shapeOf(plan, network)
  const at: Site = { cloudId: row.id, zone: (await isZonal(row.type)) ? subnet.zone : null }
  // A network of somebody's that was taken over as it was has subnets in several zones, and no segments.
  const lost = plan.options.byMark && shape.id !== adoptedId(row.id, 'network', network.nativeId)
  const routed = shape.subnets.some(({ segmentId }) => segmentId !== null)
  if (!routed && lost && isApart(shape, at)) writes.push(...(await divide(plan, shape)))
  const divided = routed || (lost && isApart(shape, at))
  const segmentId = divided ? lieAt(plan, shape, at, writes) : null
  shape.subnets.push({ ...subnet, segmentId })
  return { segmentId, writes }
}

const isZonal = async (type: string): Promise<boolean> => (await adapterFor(type))?.zonalSubnets === true

/** Something of it is elsewhere than this. A subnet without a zone is nowhere yet. */
const isApart = ({ segments, subnets }: Shape, { cloudId, zone }: Site): boolean =>
  segments.some((each) => each.cloudId !== cloudId) ||
  (zone !== null && subnets.some((each) => each.zone !== null && each.zone !== zone))

/** What a network had until it was found in several places lies in its first segment, which gets a place of its own. */
const divide = async ({ context }: Plan, shape: Shape): Promise<Write[]> => {
  const [first] = shape.segments
  // Nothing lies in it yet: the first subnet that does says where it is.
  if (!first || !shape.subnets.length) return []
  const cloud = await cloudById(context.db, first.cloudId)
  const zone = cloud && (await isZonal(cloud.type)) ? (shape.subnets[0]?.zone ?? null) : null
  const placed = { id: segmentIdAt(shape.id, { cloudId: first.cloudId, zone }), zone }
  const writes = [
    placeSegment(context.db, first.id, placed),
    ...shape.subnets.map(({ id }) => updateSubnet(context.db, id, { segmentId: placed.id, updatedAt: context.now() })),
  ]
  Object.assign(first, placed)
  for (const subnet of shape.subnets) subnet.segmentId = placed.id
  return writes
}

/** The id of the segment there, and what makes it be there. */
const lieAt = ({ context }: Plan, shape: Shape, at: Site, writes: Write[]): string => {
  const here = shape.segments.filter(({ cloudId }) => cloudId === at.cloudId)
  const found = here.find(({ zone }) => zone === at.zone) ?? here.find(({ zone }) => zone === null)
  const placed = { id: segmentIdAt(shape.id, at), zone: at.zone }
  // The first segment of a network says of no place until something lies in it.
  if (found?.id === shape.id && !shape.subnets.some(({ segmentId }) => segmentId === found.id)) {
    writes.push(placeSegment(context.db, found.id, placed))
    Object.assign(found, placed)
    return placed.id
  }
  if (found) return found.id
  const now = context.now()
  const segment: SegmentRow = {
    ...{ id: placed.id, projectId: shape.projectId, networkId: shape.id, ...at, name: null, description: '' },
    ...{ revision: 0, wire: null, networkType: 'flat', segmentationId: null, createdAt: now, updatedAt: now },
  }
  writes.push(insertSegment(context.db, segment))
  shape.segments.push(segment)
  return placed.id
}
