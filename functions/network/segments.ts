import * as z from 'zod'
import { listSegments, type SegmentView, segmentAttributes, segmentById } from '../../db/queries/network/segments.ts'
import { missing } from '../broker/network/network-refusal.ts'
import { changeSegment, createSegments, removeSegment } from '../broker/network/segments/segment.ts'
import type { Context } from '../context.ts'
import { type Operation, operation } from '../http/operation.ts'
import { countOrNull, ownership, text, textOrNone, textOrNull, uuid } from './attributes.ts'
import { changeOf, given, oneOrMany, ownerOf } from './body.ts'
import { reading, standardView } from './listing.ts'

/* Segments: https://docs.openstack.org/api-ref/network/v2/#segments. What Neutron leaves to administrators, owners may. */

const changeable = { name: textOrNull().optional(), description: textOrNone().optional() }
const create = z.strictObject({
  ...changeable,
  ...ownership,
  network_id: uuid(),
  network_type: text(32),
  physical_network: textOrNull(128).optional(),
  segmentation_id: countOrNull().optional(),
})
const update = z.strictObject(changeable)
const fixed = [
  'id',
  'network_id',
  'network_type',
  'physical_network',
  'segmentation_id',
  'created_at',
  'updated_at',
  'revision_number',
]

const view = (segment: SegmentView) => {
  const { tenant_id, project_id, ...standard } = standardView(segment)
  return {
    ...standard,
    name: segment.name,
    network_id: segment.networkId,
    network_type: segment.networkType,
    physical_network: segment.physicalNetwork,
    segmentation_id: segment.segmentationId,
  }
}

const find = async (context: Context, id: string): Promise<SegmentView> => {
  const segment = await segmentById(context.db, context.scope, id)
  if (!segment) throw missing('Segment', id)
  return segment
}

export const segmentOperations: Operation[] = [
  ...reading({
    resource: 'segment',
    collection: 'segments',
    attributes: segmentAttributes,
    tagged: false,
    list: listSegments,
    find,
    view,
  }),
  operation({
    name: 'segment.create',
    method: 'POST',
    path: '/v2.0/segments',
    who: 'member',
    summary: 'Creates a segment of a network on a cloud that its project is mapped to, or several.',
    status: 201,
    body: oneOrMany('segment', 'segments', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      const made = await createSegments(
        context,
        wishes.map((wish) => {
          ownerOf(context, wish)
          return {
            networkId: wish.network_id,
            networkType: wish.network_type,
            physicalNetwork: wish.physical_network ?? null,
            segmentationId: wish.segmentation_id ?? null,
            name: wish.name ?? null,
            description: wish.description ?? '',
          }
        }),
      )
      return { body: bulk ? { segments: made.map(view) } : { segment: view(made[0]!) } }
    },
  }),
  operation({
    name: 'segment.update',
    method: 'PUT',
    path: '/v2.0/segments/:id',
    who: 'member',
    summary: 'Changes what a segment is called.',
    status: 200,
    body: changeOf('segment', update, fixed),
    handle: async ({ context, params, body }) => ({
      body: { segment: view(await changeSegment(context, params.id!, given(body))) },
    }),
  }),
  operation({
    name: 'segment.delete',
    method: 'DELETE',
    path: '/v2.0/segments/:id',
    who: 'member',
    summary: 'Deletes a segment; refused while subnets lie in it.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeSegment(context, params.id!)
      return {}
    },
  }),
]
