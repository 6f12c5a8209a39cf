import type { Json, Mark, NativeId, PortSeen } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { writeMark } from '../../shared/mark-line.ts'
import type { Context } from '../context.ts'
import { KEY, ourMark } from '../marks.ts'
import { cardsOf } from './devices.ts'
import type { Machine } from './machine.ts'

/**
 * What is known of a port. vSphere has none: a network card exists in a machine or not at all. So a port is this record
 * in the store, and once a machine has the card, the same in the machine's settings, where it outlives our store.
 */
export interface PortRecord {
  id: NativeId
  network: string
  mac: string
  name: string
  addresses: { subnet: NativeId; address: string }[]
  /** As `writeMark` writes it; whose ever it is. */
  mark: string
  /** Instance UUID of the machine that the card was put into, and may be in; of a fork the UUID that its guest sees. */
  holder: string | null
}

/** A port that was reserved is named by what makes it unique. */
export const portId = (network: string, mac: string): NativeId => `${network}/${mac}`
/** A card that nobody reserved is named after its machine too: a look-up has to know where to look. */
const cardId = (network: string, mac: string, machine: string): NativeId => `${network}/${mac}@${machine}`

/** What the id of a port or of a card says; `machine` is null for one that was reserved. */
export const partsOf = (id: NativeId): { network: string; mac: string; machine: string | null } => {
  const [, network = '', mac = '', machine = null] = /^([^/]*)\/([^@]*)(?:@(.*))?$/.exec(id) ?? []
  return { network, mac, machine }
}

/** A MAC address is unique in its network, as Neutron has it. */
const portKey = ({ storePrefix }: Context, id: NativeId): string => {
  const { network, mac } = partsOf(id)
  return `${storePrefix}/port/${network}/${mac}`
}
const addressKey = ({ storePrefix }: Context, subnet: NativeId, address: string): string =>
  `${storePrefix}/address/${subnet}/${address}`

/** The record with the version that a change of it has to name; null: nobody reserved the port. */
export const recordOf = async (
  context: Context,
  id: NativeId,
): Promise<{ record: PortRecord; version: number } | null> => {
  const row = await context.surroundings.store.get(portKey(context, id))
  return row && { record: row.value as unknown as PortRecord, version: row.version }
}

/** Writes a record; false: it is not at that version any more (0: it is there already). */
export const putRecord = (context: Context, record: PortRecord, version: number): Promise<boolean> =>
  context.surroundings.store.put(portKey(context, record.id), record as unknown as Json, version)

/** Forgets a port and gives its addresses back. Safe to repeat. */
export const dropRecord = async (context: Context, record: PortRecord): Promise<void> => {
  for (const { subnet, address } of record.addresses) await releaseAddress(context, record, subnet, address)
  await context.surroundings.store.delete(portKey(context, record.id))
}

/** Changes a record whatever others do to it meanwhile. */
export const changeRecord = async (
  context: Context,
  id: NativeId,
  change: (record: PortRecord) => PortRecord,
): Promise<PortRecord | null> => {
  for (;;) {
    const kept = await recordOf(context, id)
    if (!kept) return null
    const changed = change(kept.record)
    if (changed === kept.record || (await putRecord(context, changed, kept.version))) return changed
  }
}

/** Records in an order that stays the same, after the one with the id `after`. */
export const recordsPage = async (
  context: Context,
  after: string | undefined,
  limit: number,
): Promise<PortRecord[]> => {
  const rows = await context.surroundings.store.list(
    `${context.storePrefix}/port/`,
    limit,
    after && portKey(context, after),
  )
  return rows.map(({ value }) => value as unknown as PortRecord)
}

/** Every record, page by page. */
export async function* allRecords(context: Context): AsyncGenerator<PortRecord> {
  let after: string | undefined
  do {
    const page = await recordsPage(context, after, 500)
    yield* page
    after = page.length === 500 ? page.at(-1)?.id : undefined
  } while (after !== undefined)
}

/** @throws `conflict` while another port has the address */
export const claimAddresses = async (context: Context, record: PortRecord): Promise<void> => {
  const { store } = context.surroundings
  for (const { subnet, address } of record.addresses) {
    const key = addressKey(context, subnet, address)
    for (;;) {
      if (await store.put(key, record.mac, 0)) break
      const holder = (await store.get(key))?.value
      if (holder === record.mac) break
      if (holder !== undefined) throw new CloudError('conflict', `The address ${address} is in use already.`)
    }
  }
}

/** Gives an address back, unless another port has it by now. */
export const releaseAddress = async (
  context: Context,
  record: PortRecord,
  subnet: NativeId,
  address: string,
): Promise<void> => {
  const { store } = context.surroundings
  const key = addressKey(context, subnet, address)
  const row = await store.get(key)
  if (row?.value === record.mac) await store.delete(key, row.version)
}

export type PortTable = Record<string, Omit<PortRecord, 'holder'>>

/** The ports that a machine's settings name, by MAC address. */
export const tableOf = ({ own }: Pick<Machine, 'own'>): PortTable => {
  try {
    return JSON.parse(own[KEY.ports] ?? '{}') as PortTable
  } catch {
    return {}
  }
}

/** The ports of a machine as its settings hold them; empty text takes the setting away. */
export const writeTable = (records: Omit<PortRecord, 'holder'>[]): string =>
  records.length === 0
    ? ''
    : JSON.stringify(
        Object.fromEntries(
          records.map(({ id, network, mac, name, addresses, mark }) => [
            mac,
            { id, network, mac, name, addresses, mark },
          ]),
        ),
      )

/** The cards of a machine as ports: ours by what is written of them, the others by what the guest tells. */
export const portsIn = (context: Context, machine: Machine): { seen: PortSeen; entry?: PortTable[string] }[] => {
  const table = tableOf(machine)
  return cardsOf(machine.devices).map(({ card }) => {
    const { mac, network } = card!
    const entry = table[mac]
    const mark = ourMark(entry?.mark, context.connection.deployment)
    const seen: PortSeen = {
      id: entry?.id ?? cardId(network ?? '', mac, machine.ref.id),
      ...(mark ? { mark } : {}),
      ...(entry ? { name: entry.name } : {}),
      health: 'ready',
      mac,
      addresses: entry
        ? entry.addresses.map(({ address }) => address)
        : (machine.guest.find((nic) => nic.mac === mac)?.addresses ?? []).filter((address) => !/^fe80:/i.test(address)),
      server: machine.ref.id,
    }
    return { seen, ...(entry ? { entry } : {}) }
  })
}

/** A port that is in no machine. */
export const unplugged = (context: Context, record: PortRecord): PortSeen => {
  const mark = ourMark(record.mark, context.connection.deployment)
  return {
    id: record.id,
    ...(mark ? { mark } : {}),
    name: record.name,
    health: 'ready',
    mac: record.mac,
    addresses: record.addresses.map(({ address }) => address),
    server: null,
  }
}

/** The record of a port that is asked for. `holder` as `PortRecord` has it. */
export const recordFor = (
  id: NativeId,
  spec: { name: string; network: string; mac: string; addresses: PortRecord['addresses'] },
  mark: Mark,
  holder: string | null,
): PortRecord => ({
  id,
  network: spec.network,
  mac: spec.mac,
  name: spec.name,
  addresses: spec.addresses,
  mark: writeMark(mark),
  holder,
})
