import { remembered } from '../../shared/remember.ts'
import { textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { inventoryOf } from '../inventory.ts'
import { KEY } from '../marks.ts'
import { below, type Found, look, text } from '../wire/properties.ts'
import { ref } from '../wire/soap.ts'
import { isImage, type Machine, PATHS, readMachine } from './machine.ts'

/** A machine in the directory: enough to know which one is meant. */
interface Entry {
  id: string
  /** By which vCenter knows it, and by which its guest does. */
  uuids: string[]
}
interface Directory {
  entries: Entry[]
  /** When it was asked for. */
  seenAt: number
}

export interface MachinePage {
  machines: Machine[]
  next?: string
  /** What was made later than this it may not show. */
  seenAt?: number
}

/** All whose listings read machines. */
const READERS = ['server', 'port', 'attachment', 'interface'] as const
export type Reader = (typeof READERS)[number]

const MARK_PATH = `config.extraConfig["${KEY.mark}"]`
const REMEMBERED_MS = 60_000
const PAGE = 250
/** Pages of more machines than this are not kept: they would fill the memory. */
const MOST_KEPT = 10_000

/** A copy that holds on to nothing: a part of a long answer would keep all of it in memory. */
const detached = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

const lookAtAll = async (context: Context, images: boolean): Promise<Directory> => {
  const seenAt = context.surroundings.now()
  const { datacenter } = await inventoryOf(context)
  const found = await below(context.vim, datacenter.vmFolder, {
    VirtualMachine: ['config.template', 'config.instanceUuid', 'config.uuid', MARK_PATH],
  })
  const shown = (each: Found) => ({
    template: text(each, 'config.template') === 'true',
    own: { [KEY.mark]: textOf(each.props.get(MARK_PATH), 'value') ?? '' },
  })
  const entries = found
    .filter((each) => isImage(shown(each)) === images)
    .map((each) => ({
      id: each.ref.id,
      uuids: [text(each, 'config.instanceUuid') ?? '', text(each, 'config.uuid') ?? ''],
    }))
    .sort((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1))
  return { entries: detached(entries), seenAt }
}

/** Every server or every image, in an order that stays the same, so that a page begins where another ended. */
const directoryOf = (context: Context, images: boolean, fresh: boolean): Promise<Directory> => {
  const key = `vsphere/machines/${context.connection.cloudId}/${images}`
  return remembered(context.surroundings, key, REMEMBERED_MS, () => lookAtAll(context, images), fresh)
}

/** Those of these that are there, with those of their devices that somebody asks for. */
const machinesOf = async ({ vim }: Context, ids: string[]): Promise<Machine[]> => {
  const refs = ids.map((id) => ref('VirtualMachine', id))
  const machines = (await look(vim, refs, PATHS)).map(readMachine)
  return machines.map((machine) =>
    detached({ ...machine, devices: machine.devices.filter(({ card, disk, serial }) => card || disk || serial) }),
  )
}

const pageOf = async (context: Context, images: boolean, cursor: string | undefined) => {
  const { entries, seenAt } = await directoryOf(context, images, cursor === undefined)
  const from =
    cursor === undefined
      ? 0
      : entries.findIndex(({ id }) => id.length > cursor.length || (id.length === cursor.length && id > cursor))
  const ids = (from < 0 ? [] : entries.slice(from, from + PAGE)).map(({ id }) => id)
  const machines = await machinesOf(context, ids)
  const last = ids.at(-1)
  const more = last !== undefined && entries.at(-1)?.id !== last
  return { machines, seenAt, ...(more ? { next: last } : {}), few: entries.length <= MOST_KEPT }
}

/** A page of images. Its end is the last id, which any process can go on from. */
export const imagesPage = async (context: Context, cursor: string | undefined): Promise<MachinePage> => {
  const { machines, next } = await pageOf(context, true, cursor)
  return { machines, ...(next === undefined ? {} : { next }) }
}

interface Kept {
  page: MachinePage & { seenAt: number }
  /** Who has not read it yet. */
  waiting: Reader[]
}

/**
 * A page of servers. Four listings of a sweep read the same machines, one after the other, and a machine's devices are most
 * of what vCenter has to say: so the first of them leaves the page to the others, and each takes it once. The last takes
 * it away.
 */
export const serversPage = async (
  context: Context,
  reader: Reader,
  cursor: string | undefined,
  since: number | undefined,
): Promise<MachinePage> => {
  if (since === undefined) {
    const { machines, next } = await pageOf(context, false, cursor)
    return { machines, ...(next === undefined ? {} : { next }) }
  }
  const { cache, now } = context.surroundings
  const prefix = `vsphere/page/${context.connection.cloudId}/`
  const key = prefix + (cursor ?? '')
  const kept = cache.get(key)
  const { page, waiting = [] } = (kept?.value ?? {}) as Partial<Kept>
  if (kept && page && page.seenAt >= since && waiting.includes(reader)) {
    const others = waiting.filter((other) => other !== reader)
    if (others.length) cache.set(key, { ...kept, value: { page, waiting: others } })
    else cache.delete(key)
    return page
  }
  for (const [old, { until }] of cache) if (old.startsWith(prefix) && until <= now()) cache.delete(old)
  const { few, ...fresh } = await pageOf(context, false, cursor)
  const value: Kept = { page: fresh, waiting: READERS.filter((other) => other !== reader) }
  if (few) cache.set(key, { value, until: now() + REMEMBERED_MS })
  return fresh
}

/** Servers by UUID, either of the two, in one question. One that the directory does not know yet is left out. */
export const serversByUuid = async (context: Context, uuids: string[]): Promise<Map<string, Machine>> => {
  const wanted = new Set(uuids)
  const { entries } = await directoryOf(context, false, false)
  const known = entries.filter((entry) => entry.uuids.some((uuid) => wanted.has(uuid)))
  const machines: Machine[] = []
  for (let at = 0; at < known.length; at += PAGE)
    machines.push(
      ...(await machinesOf(
        context,
        known.slice(at, at + PAGE).map(({ id }) => id),
      )),
    )
  // vCenter keeps its own UUIDs apart; what guests see may be there twice.
  return new Map([
    ...machines.map((machine) => [machine.biosUuid, machine] as const),
    ...machines.map((machine) => [machine.uuid, machine] as const),
  ])
}
