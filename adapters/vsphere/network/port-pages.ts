import type { Page, PortSeen } from '../../contract.ts'
import type { Context } from '../context.ts'
import { type Machine, machineOf } from '../records/machine.ts'
import { serversByUuid, serversPage } from '../records/machine-pages.ts'
import { hasCard, holderOf } from '../records/port-holder.ts'
import {
  allRecords,
  type PortRecord,
  partsOf,
  portId,
  portsIn,
  putRecord,
  recordsPage,
  unplugged,
} from '../records/port-record.ts'

const STORED = '+'
const PAGE = 250
const REMEMBERED_MS = 60_000

/** What a listing on its way knows, lest it ask for each port by itself. */
interface Known {
  /** By network and MAC address, as they were when it began. */
  records: Map<string, PortRecord>
  /** Ids of ports that a machine has been shown to have. */
  plugged: Set<string>
  /** All machines were shown here. In a process that took over, those that have a port count as shown. */
  whole: boolean
}

/** Process-local: a listing that goes on elsewhere reads the records again. */
const knownTo = async (context: Context, begins: boolean): Promise<Known> => {
  const { cache, now } = context.surroundings
  const key = `vsphere/ports/${context.connection.cloudId}`
  const kept = cache.get(key)
  const value = !begins && kept && kept.until > now() ? (kept.value as Known) : await begin(context, begins)
  cache.set(key, { value, until: now() + REMEMBERED_MS })
  return value
}

const begin = async (context: Context, whole: boolean): Promise<Known> => {
  const records: Known['records'] = new Map()
  for await (const record of allRecords(context)) records.set(keyOf(record.id), record)
  return { records, plugged: new Set(), whole }
}

/** A card that nobody reserved has its machine in its id, and its record has not. */
const keyOf = (id: string): string => {
  const { network, mac } = partsOf(id)
  return portId(network, mac)
}

/**
 * The ports of a machine. A store that was lost or set back gets back what the machines still know: as it is now, lest a
 * port be noted again that was removed since the machine was looked at.
 */
const portsOf = async (context: Context, machine: Machine, { records, plugged }: Known): Promise<PortSeen[]> => {
  const ports = portsIn(context, machine)
  if (ports.some(({ seen, entry }) => entry && !records.has(keyOf(seen.id)))) {
    const now = await machineOf(context, machine.ref.id)
    for (const { seen, entry } of now ? portsIn(context, now) : [])
      if (entry && !records.has(keyOf(seen.id))) await putRecord(context, { ...entry, holder: machine.uuid }, 0)
  }
  for (const { seen } of ports) plugged.add(seen.id)
  return ports.map(({ seen }) => {
    const record = records.get(keyOf(seen.id))
    return record?.id === seen.id ? { ...unplugged(context, record), server: machine.ref.id } : seen
  })
}

/** Ports that no page of machines has shown: those that are in none, and those that came into one since. */
const othersOf = async (context: Context, records: PortRecord[], { plugged, whole }: Known): Promise<PortSeen[]> => {
  const open = records.filter(({ id }) => !plugged.has(id))
  const holders = open.flatMap(({ holder }) => holder ?? [])
  const machines = holders.length ? await serversByUuid(context, holders) : new Map<string, Machine>()
  const items: PortSeen[] = []
  for (const record of open) {
    const machine = record.holder === null ? undefined : machines.get(record.holder)
    const here = machine && hasCard(machine, record.mac)
    if (here && !whole) continue
    // One that is too young for the directory is asked for by itself.
    const holder = here ? machine : machine ? null : await holderOf(context, record)
    items.push({ ...unplugged(context, record), server: holder?.ref.id ?? null })
  }
  return items
}

/** Every port: first the cards of machines, then the records of those that are in none. */
export const portsPage = async (
  context: Context,
  cursor: string | undefined,
  since: number | undefined,
): Promise<Page<PortSeen>> => {
  const known = await knownTo(context, cursor === undefined)
  if (!cursor?.startsWith(STORED)) {
    const { machines, next = STORED, ...page } = await serversPage(context, 'port', cursor, since)
    const items: PortSeen[] = []
    for (const machine of machines) items.push(...(await portsOf(context, machine, known)))
    return { items, complete: true, ...page, next }
  }
  const records = await recordsPage(context, cursor.slice(1) || undefined, PAGE)
  const items = await othersOf(context, records, known)
  const last = records.length === PAGE ? records.at(-1)?.id : undefined
  return { items, complete: true, ...(last === undefined ? {} : { next: STORED + last }) }
}
