import {
  type Mark,
  type NativeId,
  type PortSeen,
  type PortSpec,
  type Reading,
  type Realm,
  reading,
} from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { contains, parseAddress, parseCidr } from '../../shared/cidr.ts'
import { readMark, writeMark } from '../../shared/mark-line.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { KEY } from '../marks.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, machineOf } from '../records/machine.ts'
import { holderOf } from '../records/port-holder.ts'
import {
  changeRecord,
  claimAddresses,
  dropRecord,
  type PortRecord,
  type PortTable,
  partsOf,
  portId,
  portsIn,
  putRecord,
  recordFor,
  recordOf,
  releaseAddress,
  tableOf,
  unplugged,
  writeTable,
} from '../records/port-record.ts'
import { subnetOf } from '../records/subnet-record.ts'
import { look } from '../wire/properties.ts'
import { settled, taskIn } from '../wire/tasks.ts'
import { networkRef } from './port-group.ts'
import { portsPage } from './port-pages.ts'

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/

/** A port as it is looked at: reserved in the store, or a card of a machine, or both. */
interface Port {
  id: NativeId
  seen: PortSeen
  /** Null: nobody reserved it. */
  record: PortRecord | null
  /** The machine that has the card now. */
  machine: Machine | null
}

/** @throws `definitive` for an address that is not in its subnet, `not_found` for a subnet that is none */
const checkAddress = async (context: Context, network: NativeId, subnet: NativeId, address: string): Promise<void> => {
  const found = await subnetOf(context, subnet)
  if (!found) throw gone(subnet)
  const { cidr, network: home } = found.record.spec
  const block = parseCidr(cidr)
  const parsed = parseAddress(address)
  if (home !== network) refuse('The subnet is not of that network.')
  const one = parsed && { family: parsed.family, first: parsed.value, prefix: parsed.family === 4 ? 32 : 128 }
  if (!block || !one || !contains(block, one)) refuse(`${address} is not in ${cidr}.`)
}

/** @throws `definitive` for what a card on vSphere cannot be */
const check = async (context: Context, spec: PortSpec): Promise<void> => {
  const mac = spec.mac.toLowerCase()
  if (!MAC.test(mac)) refuse(`${mac} is not a MAC address.`)
  if (Number.parseInt(mac.slice(0, 2), 16) & 1) refuse(`${mac} is a multicast address.`)
  if (spec.securityGroups.length > 0) refuse('This cloud filters no traffic: without NSX there are no security groups.')
  if (spec.addressPairs?.length) refuse('This cloud looks at no IP addresses without NSX, so there are none to allow.')
  if (spec.dhcpOptions?.length) refuse('This cloud serves no DHCP.')
  if (spec.bandwidth?.length) refuse('This cloud limits the traffic of port groups, and not of single ports.')
  if (spec.portSecurity) refuse('This cloud filters no traffic; the port has to be made without port security.')
  for (const { subnet, address } of spec.addresses) await checkAddress(context, spec.network, subnet, address)
}

const reserved = async (context: Context, record: PortRecord): Promise<Port> => {
  const machine = await holderOf(context, record)
  const seen = { ...unplugged(context, record), server: machine?.ref.id ?? null }
  return { id: record.id, seen, record, machine }
}

const raw = async (context: Context, id: NativeId): Promise<Port | null> => {
  const kept = await recordOf(context, id)
  if (kept?.record.id === id) return reserved(context, kept.record)
  const { mac, machine: card } = partsOf(id)
  const machine = card === null ? null : await machineOf(context, card)
  const seen = machine && portsIn(context, machine).find((each) => each.seen.mac === mac)?.seen
  return seen?.id === id ? { id, seen, record: null, machine } : null
}

const markOf = ({ seen: { mac }, record, machine }: Port): Mark | undefined =>
  readMark(record?.mark ?? (machine ? tableOf(machine)[mac]?.mark : undefined))

/** Changes what the machine's settings say of its ports. */
const rewrite = async (context: Context, machine: Machine, change: (table: PortTable) => void): Promise<void> => {
  const table = tableOf(machine)
  change(table)
  const spec = { extraConfig: extraConfig({ [KEY.ports]: writeTable(Object.values(table)) }) }
  await settled(context, taskIn(await context.vim.call(machine.ref, 'ReconfigVM_Task', { spec })))
}

const create = async (context: Context, given: PortSpec, mark: Mark): Promise<PortSeen> => {
  const spec = { ...given, mac: given.mac.toLowerCase() }
  if ((await look(context.vim, [networkRef(spec.network)], ['name'])).length === 0) throw gone(spec.network)
  const record = recordFor(portId(spec.network, spec.mac), spec, mark, null)
  const fresh = await putRecord(context, record, 0)
  const kept = await recordOf(context, record.id)
  if (!kept) throw new CloudError('conflict', 'The port is being removed.')
  if (readMark(kept.record.mark)?.token !== mark.token)
    throw new CloudError('conflict', `The MAC address ${spec.mac} is in use already.`)
  try {
    await claimAddresses(context, kept.record)
  } catch (error) {
    if (fresh && error instanceof CloudError && error.code === 'conflict') await dropRecord(context, kept.record)
    throw error
  }
  return (await reserved(context, kept.record)).seen
}

const update = async (context: Context, { id, seen, record, machine }: Port, spec: PortSpec): Promise<PortSeen> => {
  if (!record) throw gone(id)
  if (spec.network !== record.network || spec.mac.toLowerCase() !== record.mac)
    refuse('Network and MAC address of a port do not change.')
  const { name, addresses } = spec
  const same = JSON.stringify(addresses) === JSON.stringify(record.addresses)
  if (same && name === record.name) return seen
  if (!same && machine) refuse('The addresses of a port do not change while a server has it: its guest was told them.')
  await claimAddresses(context, { ...record, addresses })
  const changed = await changeRecord(context, id, (now) => ({ ...now, name, addresses }))
  if (!changed) throw gone(id)
  const left = record.addresses.filter(
    (old) => !addresses.some((now) => now.subnet === old.subnet && now.address === old.address),
  )
  for (const { subnet, address } of left) await releaseAddress(context, record, subnet, address)
  if (machine) await rewrite(context, machine, (table) => Object.assign(table, { [record.mac]: changed }))
  return { ...unplugged(context, changed), server: machine?.ref.id ?? null }
}

const readPort = ({ id, seen, record }: Port): Reading<PortSpec> => {
  const { network, mac } = partsOf(id)
  if (network === '') refuse('The card is plugged into no network that this cloud names.')
  const left = seen.addresses.length > 0 && !record ? ['Its addresses are those that its guest tells of.'] : []
  const spec = {
    name: seen.name ?? mac,
    network,
    addresses: record?.addresses ?? seen.addresses.map((address) => ({ subnet: '', address })),
    mac,
    securityGroups: [],
    portSecurity: false,
  }
  return reading(spec, { left })
}

const remark = async (context: Context, { id, seen, record: own, machine }: Port, mark: Mark | null): Promise<void> => {
  const { network, mac, machine: card } = partsOf(id)
  const words = mark ? writeMark(mark) : ''
  if (!mark && card !== null) {
    // A card that was there before us is one again: no word of ours stays behind.
    if (machine) await rewrite(context, machine, (table) => Reflect.deleteProperty(table, mac))
    if (own) await dropRecord(context, own)
    return
  }
  const spec = { name: seen.name ?? mac, network, mac, addresses: own?.addresses ?? [] }
  const record: PortRecord = own ? { ...own, mark: words } : { id, ...spec, mark: words, holder: machine?.uuid ?? null }
  if (machine) await rewrite(context, machine, (table) => Object.assign(table, { [mac]: record }))
  if (own) await changeRecord(context, id, (now) => ({ ...now, mark: words }))
  else if (!(await putRecord(context, record, 0)))
    context.surroundings.log('warn', 'a port with this MAC address is reserved already', { mac })
}

/**
 * A port is an address and a MAC address, reserved until a server has the card and for as long as nobody removes it.
 * vSphere knows cards only: who has the port is always read from the machine, never from what we noted.
 */
export const port = (context: Context): Realm<PortSpec, PortSeen> => {
  const { connection, options } = context
  const records = {
    raw: (id: NativeId) => raw(context, id),
    markOf,
    one: ({ seen }: Port) => seen,
    async find(mark: Mark, spec: PortSpec) {
      const kept = await recordOf(context, portId(spec.network, spec.mac.toLowerCase()))
      const found = readMark(kept?.record.mark)
      const same = found?.token === mark.token && found.deployment === connection.deployment
      return kept && same ? (await reserved(context, kept.record)).seen : null
    },
    list: (cursor?: string, since?: number) => portsPage(context, cursor, since),
    remark: (native: Port, mark: Mark | null) => remark(context, native, mark),
  }
  return markedRealm<PortSpec, PortSeen, Port>(connection, records, {
    once: 'unique',
    settleMs: options.settleMs,
    check: (spec) => check(context, spec),
    create: (spec, mark) => create(context, spec, mark),
    update: (native, spec) => update(context, native, spec),
    async remove({ record, machine }) {
      if (!record) return
      if (machine) throw new CloudError('conflict', 'The port is still plugged into a server.')
      await dropRecord(context, record)
    },
    read: readPort,
  })
}
