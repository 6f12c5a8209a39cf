import * as z from 'zod'
import { cloudByName } from '../../../db/queries/clouds/clouds.ts'
import { adopt } from '../../broker/adopt/adopt.ts'
import { adoptablePage } from '../../broker/adopt/listing.ts'
import { changeVolume, projectOf, volumeFor } from '../../broker/block-storage/volume.ts'
import { connectCloud } from '../../broker/clouds/clouds.ts'
import { withoutKey } from '../../broker/line/commit.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { boolean, label, metadata, text } from '../shapes.ts'
import { volumeView } from '../volume-view.ts'

/** A zone of a cloud as Cinder's host, `<cloud>@<zone>#<type>`: the cloud, and the zone where one is said. Throws 404. */
export const placeOf = async ({ context }: Pick<Input, 'context'>, host: string) => {
  const [name = '', zone] = host.split('#')[0]!.split('@')
  const row = await cloudByName(context.db, name)
  if (!row) throw notFound(`Service cinder-volume could not be found on host ${host}.`)
  return { row, zone }
}

/** What is to be managed, by its id on its cloud: both names stand for that. */
export const reference = z.strictObject({
  'source-id': text().min(1).optional(),
  'source-name': text().min(1).optional(),
})
/** The id in a reference, or 400. */
export const nativeIdIn = (ref: z.infer<typeof reference>): string => {
  const nativeId = ref['source-id'] ?? ref['source-name']
  if (nativeId === undefined) throw badRequest('Reference must contain source-id or source-name element.')
  return nativeId
}

const fields = {
  host: text().min(1),
  ref: reference,
  name: label,
  description: label,
  volume_type: text().nullish(),
  availability_zone: text().nullish(),
  metadata: metadata.nullish(),
  bootable: boolean.optional(),
}
type Manage = { volume: z.infer<z.ZodObject<typeof fields>> }
const manageBody = z.strictObject({ volume: z.strictObject(fields) }) as unknown as z.ZodType<Manage>

const manage = async (input: Input<Manage>) => {
  const { context, body } = input
  const { host, ref, name, description, metadata: items, bootable } = body.volume
  const nativeId = nativeIdIn(ref)
  const { row } = await placeOf(input, host)
  const wish = { projectId: projectOf(context), nativeIds: [nativeId], newOf: 'volume' as const, tag: true }
  const { adopted, refused } = await adopt(withoutKey(context), row, wish)
  const item = adopted.find((each) => each.kind === 'volume' && each.nativeId === nativeId)
  if (!item)
    throw badRequest(
      `Manage existing volume failed due to invalid backend reference ${nativeId}: ${refused[0]?.reason ?? 'it is no volume.'}`,
    )
  const volume = await volumeFor(context, item.resourceId)
  if (!volume) throw notFound(`Volume ${item.resourceId} could not be found.`)
  const shown = await changeVolume(
    withoutKey(context),
    volume,
    {
      ...(name == null ? {} : { name }),
      ...(description == null ? {} : { description }),
      ...(items == null ? {} : { metadata: items }),
      ...(bootable === undefined ? {} : { bootable }),
    },
    'manage',
  )
  return { body: { volume: volumeView(input, shown) } }
}

/** So many pages of a cloud's volumes are looked through for one answer. */
const PAGES = 10

const manageable = (full: boolean) => async (input: Input) => {
  const { context, query } = input
  if (!query.host) throw badRequest('Host must be specified in query parameters')
  const { row, zone } = await placeOf(input, query.host)
  const { cloud } = await connectCloud(context, row, projectOf(context))
  const found: Awaited<ReturnType<typeof adoptablePage>>['items'] = []
  let cursor: string | undefined
  for (let page = 0; page < PAGES; page++) {
    const { items, next } = await adoptablePage(context, row, cloud, 'volume', cursor)
    found.push(...items.filter((item) => zone === undefined || item.zone === zone))
    cursor = next
    if (cursor === undefined) break
  }
  return {
    body: {
      'manageable-volumes': found.map(({ native_id, name, size_gib }) => ({
        reference: { 'source-name': native_id },
        size: size_gib,
        safe_to_manage: true,
        ...(full ? { reason_not_safe: null, cinder_id: null, extra_info: name } : {}),
      })),
    },
  }
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#volume-manage-extension-manageable-volumes */
export const manageOperations: Operation[] = [
  ...(
    [
      ['', false],
      ['/detail', true],
    ] as const
  ).map(([path, full]) =>
    operation({
      name: full ? 'manageable_volume.list_detail' : 'manageable_volume.list',
      method: 'GET',
      path: `/manageable_volumes${path}`,
      who: 'admin',
      summary: 'Volumes of a zone of a cloud (`host`) that nobody manages here.',
      status: 200,
      since: 8,
      handle: manageable(full),
    }),
  ),
  ...(
    [
      ['manageable_volume.create', '/manageable_volumes', 8],
      ['os_volume_manage.create', '/os-volume-manage', 0],
    ] as const
  ).map(([name, path, since]) =>
    operation<Manage>({
      name,
      method: 'POST',
      path,
      who: 'admin',
      summary: 'Adopts a volume of a cloud, by its own id there, for the project.',
      status: 202,
      since,
      body: manageBody,
      handle: manage,
    }),
  ),
]
