import type { Mark } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { readMark } from '../../shared/mark-line.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { child, childrenOf, type Element, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { refByUuid } from '../records/machine.ts'
import { asRef, type Ref, type Value } from '../wire/soap.ts'
import { settled, taskIn } from '../wire/tasks.ts'

/** Keys of a disk's metadata. */
export const DISK_KEY = {
  mark: 'plimsoll.mark',
  name: 'plimsoll.name',
  zone: 'plimsoll.zone',
  type: 'plimsoll.type',
  /** The template that it is a copy of, or its source was. */
  image: 'plimsoll.image',
} as const

/** A first-class disk: one that exists without a machine. */
export interface Disk {
  id: string
  name: string
  sizeMiB: number
  datastore: Ref
  /** The file that it is, as `[datastore] path`. */
  file: string
  /** The machines that have it, by the UUIDs that vCenter writes down. */
  consumers: string[]
  metadata: Record<string, string>
}

const isId = (id: string): boolean => /^[\w-]+$/.test(id)

const absent = (error: unknown): boolean =>
  error instanceof CloudError && (error.code === 'not_found' || error.detail.cloudCode === 'InvalidArgument')

/** The disk from the global catalogue, which knows its datastore by itself. */
export const diskOf = async ({ vim }: Context, id: string): Promise<Disk | null> => {
  if (!isId(id)) return null
  let config: Element | undefined
  let pairs: Element[]
  try {
    config = child(await vim.storage('VslmRetrieveVStorageObject', { id: { id } }), 'returnval', 'config')
    pairs = childrenOf(
      await vim.storage('VslmRetrieveVStorageObjectMetadata', { id: { id }, prefix: 'plimsoll.' }),
      'returnval',
    )
  } catch (error) {
    if (absent(error)) return null
    throw error
  }
  const datastore = asRef(child(config, 'backing', 'datastore'))
  if (!config || !datastore) return null
  return {
    id,
    name: textOf(config, 'name') ?? '',
    sizeMiB: Number(textOf(config, 'capacityInMB') ?? 0),
    datastore,
    file: textOf(config, 'backing', 'filePath') ?? '',
    consumers: childrenOf(config, 'consumerId').flatMap((each) => textOf(each, 'id') ?? []),
    metadata: Object.fromEntries(pairs.map((pair) => [textOf(pair, 'key') ?? '', textOf(pair, 'value') ?? ''])),
  }
}

type Query = [field: string, operator: string, value: string]

/** Ids of disks, in ascending order; `more` if the catalogue stopped at `limit`. */
export const queryDisks = async (
  { vim }: Context,
  queries: Query[],
  limit: number,
): Promise<{ ids: string[]; more: boolean }> => {
  const query = queries.map(([queryField, queryOperator, queryValue]) => ({ queryField, queryOperator, queryValue }))
  const answer = child(await vim.storage('VslmListVStorageObjectForSpec', { query, maxResult: limit }), 'returnval')
  const ids = childrenOf(answer, 'queryResults').flatMap((each) => textOf(each, 'id', 'id') ?? [])
  const all = ids.length > 0 ? ids : childrenOf(answer, 'id').flatMap((each) => textOf(each, 'id') ?? [])
  return { ids: all, more: textOf(answer, 'allRecordsReturned') === 'false' && all.length > 0 }
}

const PAGE = 50

/** A page of disks: the end of one is the id after which the next begins. */
export const diskPage = async (
  context: Context,
  cursor: string | undefined,
): Promise<{ disks: Disk[]; next?: string }> => {
  const { ids, more } = await queryDisks(context, cursor === undefined ? [] : [['id', 'greaterThan', cursor]], PAGE)
  const disks: Disk[] = []
  for (const id of ids) {
    const disk = await diskOf(context, id)
    if (disk) disks.push(disk)
  }
  const next = more ? ids.at(-1) : undefined
  return { disks, ...(next === undefined ? {} : { next }) }
}

/** The manager of disks of vim25, which makes and changes them. */
const managerOf = async ({ vim }: Context): Promise<Ref> =>
  (await vim.content()).disks ?? refuse('This vCenter has no first-class disks.')

/** Asks the manager of disks for something that takes time; gives the task. */
export const startOnDisks = async (context: Context, method: string, parameters: Record<string, Value>): Promise<Ref> =>
  taskIn(await context.vim.call(await managerOf(context), method, parameters))

/** The same for what is done in a moment. @throws `conflict` if it takes longer */
export const runOnDisks = async (context: Context, method: string, parameters: Record<string, Value>): Promise<void> =>
  settled(context, await startOnDisks(context, method, parameters))

/** Asks the manager of disks for what it knows; gives the response. */
export const askDisks = async (context: Context, method: string, parameters: Record<string, Value>): Promise<Element> =>
  context.vim.call(await managerOf(context), method, parameters)

/** Only what changes. */
export const describeDisk = async (
  context: Context,
  disk: Disk,
  wanted: Record<string, string>,
  without: string[] = [],
): Promise<void> => {
  const metadata = Object.entries(wanted).filter(([key, value]) => disk.metadata[key] !== value)
  const deleteKeys = without.filter((key) => disk.metadata[key] !== undefined)
  if (metadata.length === 0 && deleteKeys.length === 0) return
  await runOnDisks(context, 'VCenterUpdateVStorageObjectMetadataEx_Task', {
    id: { id: disk.id },
    datastore: disk.datastore,
    metadata: metadata.map(([key, value]) => ({ key, value })),
    deleteKeys,
  })
}

/** The machine that has the disk. Releases differ in which of its UUIDs they write down. */
export const consumerOf = async (context: Context, { consumers }: Disk): Promise<string | null> => {
  for (const uuid of consumers) {
    const machine = (await refByUuid(context, uuid, true)) ?? (await refByUuid(context, uuid, false))
    if (machine) return machine.id
  }
  return null
}

/** The disk that is to be changed. @throws `not_found`, or `definitive` if it is not ours */
export const ourDisk = async (context: Context, id: string, mark?: Mark): Promise<Disk> => {
  const disk = await diskOf(context, id)
  if (!disk) throw gone(id)
  assertOurs(readMark(disk.metadata[DISK_KEY.mark]), context.connection.deployment, mark)
  return disk
}
