import * as z from 'zod'
import {
  listTransfers,
  TRANSFER_SORT,
  type TransferRow,
  transferById,
} from '../../db/queries/block-storage/transfers.ts'
import { acceptVolume, offerVolume, withdrawOffer } from '../broker/block-storage/transfer.ts'
import { volumeFor } from '../broker/block-storage/volume.ts'
import { notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { filtersIn, nextLinks, sliceOf } from './listing.ts'
import { invalidVolume, noVolume, whenStatus } from './refusals.ts'
import { linksTo, listScope } from './routes.ts'
import { boolean, label, text, time, uuid } from './shapes.ts'

/** The transfers of before 3.55 move what the others move, under another path. */
interface Family {
  path: string
  name: string
  since?: number
}
const FAMILIES: Family[] = [
  { path: '/os-volume-transfer', name: 'os_volume_transfer' },
  { path: '/volume-transfers', name: 'volume_transfer', since: 55 },
]

const noTransfer = (id: string) => notFound(`Transfer ${id} could not be found.`)
const transferOf = async ({ context, params }: Input): Promise<TransferRow> => {
  const transfer = await transferById(context.db, context.scope, params.id!)
  if (!transfer) throw noTransfer(params.id!)
  return transfer
}

const summary =
  ({ path }: Family) =>
  (input: Input, { id, volumeId, name }: TransferRow) => ({
    id,
    volume_id: volumeId,
    name,
    links: linksTo(input, path.slice(1), id),
  })

const fullView = (family: Family) => (input: Input, transfer: TransferRow) => ({
  ...summary(family)(input, transfer),
  created_at: time(transfer.createdAt),
  ...(family.since && input.version >= 57
    ? {
        destination_project_id: transfer.destinationProjectId,
        source_project_id: transfer.projectId,
        accepted: transfer.destinationProjectId !== null,
      }
    : {}),
  ...(family.since ? { no_snapshots: transfer.noSnapshots } : {}),
})

const fields = { volume_id: uuid, name: label }
const since55 = { ...fields, no_snapshots: boolean.optional() }
type Create = { transfer: z.infer<z.ZodObject<typeof since55>> }
const createBody = ({ since }: Family) =>
  z.strictObject({ transfer: z.strictObject(since ? since55 : fields) }) as unknown as z.ZodType<Create>
type Accept = { accept: { auth_key: string } }
const acceptBody = z.strictObject({
  accept: z.strictObject({ auth_key: text().min(1) }),
}) as unknown as z.ZodType<Accept>

const list = (view: (input: Input, transfer: TransferRow) => unknown) => async (input: Input) => {
  const { context, query, queries } = input
  const { name, volume_id } = filtersIn(queries)
  const filter = { name, volumeId: volume_id }
  const page = await listTransfers(context.db, listScope(context, query), filter, sliceOf(query, TRANSFER_SORT))
  if (!page) throw noTransfer(query.marker!)
  const links = nextLinks(input, page)
  return { body: { transfers: page.map((each) => view(input, each)), ...(links ? { transfers_links: links } : {}) } }
}

const operationsOf = (family: Family): Operation[] => {
  const { path, name, since } = family
  const common = since === undefined ? {} : { since }
  return [
    operation({
      ...common,
      name: `${name}.list`,
      method: 'GET',
      path,
      who: 'reader',
      summary: 'Volumes that the project gives away.',
      status: 200,
      handle: list(summary(family)),
    }),
    operation({
      ...common,
      name: `${name}.list_detail`,
      method: 'GET',
      path: `${path}/detail`,
      who: 'reader',
      summary: 'Volumes that the project gives away, in full.',
      status: 200,
      handle: list(fullView(family)),
    }),
    operation<Create>({
      ...common,
      name: `${name}.create`,
      method: 'POST',
      path,
      who: 'member',
      summary: 'Gives a volume to whoever comes with the key, which this answer alone tells.',
      status: 202,
      body: createBody(family),
      handle: async (input) => {
        const { volume_id, name: called, no_snapshots } = input.body.transfer
        const volume = await volumeFor(input.context, volume_id)
        if (!volume) throw noVolume(volume_id)
        const wish = { name: called ?? null, noSnapshots: no_snapshots ?? false }
        const { transfer, key } = await offerVolume(input.context, volume, wish)
        return { body: { transfer: { ...fullView(family)(input, transfer), auth_key: key } } }
      },
      refuse: whenStatus(() => invalidVolume('status must be available')),
    }),
    operation({
      ...common,
      name: `${name}.show`,
      method: 'GET',
      path: `${path}/:id`,
      who: 'reader',
      summary: 'A volume that is given away.',
      status: 200,
      handle: async (input) => ({ body: { transfer: fullView(family)(input, await transferOf(input)) } }),
    }),
    operation<Accept>({
      ...common,
      name: `${name}.accept`,
      method: 'POST',
      path: `${path}/:id/accept`,
      who: 'member',
      summary:
        "The volume is the project's from now on, and so says its cloud; both have to have the same account there.",
      status: 202,
      body: acceptBody,
      handle: async (input) => {
        const transfer = await acceptVolume(input.context, input.params.id!, input.body.accept.auth_key)
        if (!transfer) throw noTransfer(input.params.id!)
        return { body: { transfer: summary(family)(input, transfer) } }
      },
    }),
    operation({
      ...common,
      name: `${name}.delete`,
      method: 'DELETE',
      path: `${path}/:id`,
      who: 'member',
      summary: 'Takes the offer back.',
      status: 202,
      handle: async (input) => {
        await withdrawOffer(input.context, await transferOf(input))
        return {}
      },
    }),
  ]
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#volume-transfer and #volume-transfers-volume-transfers-3-55-or-later */
export const transferOperations: Operation[] = FAMILIES.flatMap(operationsOf)
