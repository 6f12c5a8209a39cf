import { isDeepStrictEqual } from 'node:util'
import {
  type AddressPair,
  type Mark,
  type NativeId,
  type PortSeen,
  type PortSpec,
  type Realm,
  reading,
} from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { contains, parseAddress, parseCidr } from '../../shared/cidr.ts'
import { readMark, writeMark } from '../../shared/mark-line.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { pageOf } from '../records/everywhere.ts'
import { atHostOf, idOn, partsOf } from '../records/ids.ts'
import { exceptOthers } from '../records/looking.ts'
import { type Machine, type MachinePort, machineOf, machinesOn, subnetId } from '../records/machine.ts'
import { networkOf } from '../records/network.ts'
import { GROUPS, PORTS, type PortRecord, portId, portParts, portsOn } from '../records/tables.ts'
import { type Host, keepOf } from '../wire/host.ts'
import { claim, release } from './addresses.ts'
import { serve } from './dhcp.ts'
import { dropFilter, keepFilters, names, sweepFilters } from './filters.ts'
import { hostAddress } from './libvirt-network.ts'
import { UNFILTERED } from './wire.ts'

/** One that was reserved here, or a card that somebody made. */
interface Native {
  id: NativeId
  /** Null: nobody reserved it. */
  record: PortRecord | null
  /** Of the machine that has it: null where none has. */
  card: { machine: Machine; own: MachinePort } | null
}

const cardsOf = (machines: Machine[]): NonNullable<Native['card']>[] =>
  machines.flatMap((machine) => machine.ports.map((own) => ({ machine, own })))

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/

/** The host and the network of libvirt's that a subnet is, and its block. @throws `definitive` where it says none */
const homeOf = ({ addresses }: PortSpec): { host: string; network: string; cidr: string } => {
  const [first, other] = [...new Set(addresses.map(({ subnet }) => subnet))]
  if (first === undefined || other !== undefined) return refuse('A port of this cloud has addresses in one subnet.')
  const [host = ''] = first.split('/', 1)
  const [kind, network = '', cidr = ''] = partsOf(first, 3)
  return kind === 'network' ? { host, network, cidr } : refuse('The subnet of the port is not there.')
}

/** The groups that a port is in, or was in until lately. */
const groupsOf = ({ spec, left }: PortRecord): NativeId[] => [
  ...new Set([...spec.securityGroups, ...(left?.groups ?? [])]),
]
/** The addresses that a port has, or had until lately. */
const addressesOf = ({ spec, left }: PortRecord): PortSpec['addresses'] => [
  ...spec.addresses,
  ...(left?.addresses ?? []),
]

const idFor = (spec: PortSpec): NativeId => {
  const { host, network } = homeOf(spec)
  return portId({ name: host }, network, spec.mac)
}

/** @throws `definitive` for a pair that the filter of a port cannot say */
const checkPair = ({ address, mac }: AddressPair, { portSecurity }: PortSpec): void => {
  if (!portSecurity) refuse('A port without port security speaks with any address.')
  if (mac !== null && !MAC.test(mac.toLowerCase())) refuse(`${mac} is not a MAC address.`)
  if ((parseAddress(address) ?? parseCidr(address))?.family !== 4)
    refuse(`${address} is not of IPv4, and nothing else passes a port of this cloud.`)
}

/** @throws `definitive` for what no card can be */
const check = (spec: PortSpec): void => {
  const mac = spec.mac.toLowerCase()
  if (!MAC.test(mac)) refuse(`${mac} is not a MAC address.`)
  if (Number.parseInt(mac.slice(0, 2), 16) & 1) refuse(`${mac} is a multicast address.`)
  if (spec.securityGroups.length && !spec.portSecurity) refuse('A port without port security is in no security group.')
  for (const pair of spec.addressPairs ?? []) checkPair(pair, spec)
  if (spec.dhcpOptions?.length) refuse('The DHCP of this cloud tells all guests of a network the same.')
  if (spec.bandwidth?.length) refuse('The traffic of ports of this cloud is not limited yet.')
  const { cidr } = homeOf(spec)
  const block = parseCidr(cidr)
  for (const { address } of spec.addresses) {
    const parsed = parseAddress(address)
    if (parsed?.family !== 4 || !block || !contains(block, { ...parsed, first: parsed.value, prefix: 32 }))
      refuse(`${address} is not in ${cidr}.`)
    if (address === hostAddress({ cidr })) refuse(`${address} is the host's own address in ${cidr}.`)
  }
}

/**
 * A port is a MAC address and an address of a subnet, so it is on the host of that. It is reserved until somebody removes it,
 * whether a machine has it as a card or not: libvirt knows cards alone, so it is a record of ours, and what follows from it on the
 * host is made anew from that: an entry of DHCP, and a filter.
 */
export const port = (context: Context): Realm<PortSpec, PortSeen> => {
  const { connection, options } = context
  const keep = keepOf(context)
  const markOf = ({ record }: Native): Mark | undefined => readMark(record?.mark)
  const seenOf = (native: Native): PortSeen => {
    const { id, record, card } = native
    const mark = markOf(native)
    return {
      id,
      ...(mark?.deployment === connection.deployment ? { mark } : {}),
      ...(record ? { name: record.spec.name } : {}),
      health: 'ready',
      mac: record?.spec.mac ?? card!.own.mac,
      addresses: record ? record.spec.addresses.map(({ address }) => address) : card!.own.addresses,
      placed: record?.spec.addresses ?? card!.own.placed,
      server: card?.machine.id ?? null,
    }
  }
  const reserved = (record: PortRecord, machines: Machine[]): Native => ({
    id: record.id,
    record,
    card: cardsOf(machines).find(({ own }) => own.id === record.id) ?? null,
  })
  const raw = async (id: NativeId): Promise<Native | null> => {
    if (portParts(id)) {
      const kept = await PORTS.get(keep, id)
      if (!kept) return null
      const found = await atHostOf(context, id, async (host) => reserved(kept.record, await machinesOn(host)))
      // Of a host that is part of the cloud no more there is nothing but what is kept of it.
      return found ?? reserved(kept.record, [])
    }
    return atHostOf(context, id, async (host) => {
      const [uuid = ''] = partsOf(id, 2)
      const machine = await machineOf(host, uuid)
      const card = machine && cardsOf([machine]).find(({ own }) => own.id === id)
      return card ? { id, record: null, card } : null
    })
  }
  const now = async (id: NativeId): Promise<PortSeen> => {
    const native = await raw(id)
    if (!native) throw gone(id)
    return seenOf(native)
  }
  /** What follows from a port: its own filter, those of who lets its groups in, and its entry of DHCP. */
  const carryOut = async (host: Host, record: PortRecord): Promise<void> => {
    const { id } = record
    const groups = groupsOf(record)
    await keepFilters(host, (port, scene) => port.id === id || names(port, scene, groups))
    const network = await networkOf(host, portParts(id)!.network)
    if (!network) throw gone(id)
    await serve(host, network)
  }
  const at = async (id: NativeId, work: (host: Host) => Promise<void>): Promise<void> => {
    const done = await atHostOf(context, id, async (host) => {
      await work(host)
      return true
    })
    if (!done) throw gone(id)
  }
  const lower = (spec: PortSpec): PortSpec => ({ ...spec, mac: spec.mac.toLowerCase() })
  /** @throws `not_found` for a group that is none, `definitive` for one of another network */
  const checkGroups = async ({ securityGroups, network }: PortSpec): Promise<void> => {
    for (const id of securityGroups) {
      const kept = await GROUPS.get(keep, id)
      if (!kept) throw gone(id)
      if (kept.record.spec.network !== network) refuse('The security group is on another network.')
    }
  }

  const realm = markedRealm<PortSpec, PortSeen, Native>(
    connection,
    {
      raw,
      markOf,
      one: seenOf,
      async find(mark, spec) {
        const kept = await PORTS.get(keep, idFor(lower(spec)))
        const same = kept && readMark(kept.record.mark)?.token === mark.token
        return same ? now(kept.record.id) : null
      },
      list: () =>
        pageOf(context, async (host) => {
          const [records, machines] = [await portsOn(host), await machinesOn(host)]
          const known = new Set(records.map(({ id }) => id))
          const cards = cardsOf(machines).filter(({ own }) => !known.has(own.id))
          return [
            ...records.map((record) => seenOf(reserved(record, machines))),
            ...cards.map((card) => seenOf({ id: card.own.id, record: null, card })),
          ]
        }),
    },
    {
      once: 'unique',
      settleMs: options.settleMs,
      check,
      async create(given, mark) {
        const spec = lower(given)
        await checkGroups(spec)
        const { host: name, network: uuid, cidr } = homeOf(spec)
        const record: PortRecord = { id: idFor(spec), mark: writeMark(mark), spec }
        await at(record.id, async (host) => {
          const network = await networkOf(host, uuid)
          const home = network && (network.note?.spec.network ?? idOn({ name }, 'network', uuid))
          if (!network?.blocks.some((block) => block.cidr === cidr))
            throw gone(subnetId(idOn({ name }, 'network', uuid), cidr))
          if (home !== spec.network) refuse('The subnet is not of that network.')
          if (network.openvswitch && spec.portSecurity) refuse(UNFILTERED)
          const fresh = await PORTS.put(keep, record, 0)
          const kept = (await PORTS.get(keep, record.id))?.record
          if (!kept || kept.leaving) throw new CloudError('conflict', 'The port is being removed.')
          if (readMark(kept.mark)?.token !== mark.token)
            throw new CloudError('conflict', `The MAC address ${spec.mac} is in use already.`)
          try {
            await claim(keep, kept)
          } catch (error) {
            if (fresh) await PORTS.drop(keep, kept.id)
            throw error
          }
          await carryOut(host, kept)
        })
        return now(record.id)
      },
      async update({ id, record, card }, given) {
        const spec = lower(given)
        const { spec: old } = record!
        await checkGroups(spec)
        if (spec.network !== old.network || idFor(spec) !== id)
          refuse('Network, subnet and MAC address of a port do not change.')
        const same = JSON.stringify(spec.addresses) === JSON.stringify(old.addresses)
        if (!same && card) refuse('The addresses of a port do not change while a server has it.')
        if (spec.portSecurity && !old.portSecurity)
          await at(id, async (host) => {
            if ((await networkOf(host, portParts(id)!.network))?.openvswitch) refuse(UNFILTERED)
          })
        await claim(keep, { ...record!, spec })
        const changed = await PORTS.change(keep, id, (kept) => ({
          ...kept,
          spec,
          left: { groups: groupsOf(kept), addresses: addressesOf(kept) },
        }))
        if (!changed) throw gone(id)
        await at(id, (host) => carryOut(host, changed))
        await release(keep, changed, changed.left!.addresses, spec.addresses)
        await PORTS.change(keep, id, (kept) => {
          const { left, ...settled } = kept
          return isDeepStrictEqual(kept, changed) ? settled : kept
        })
        return now(id)
      },
      async remove({ id, card }) {
        if (card) throw new CloudError('conflict', 'The port is still plugged into a server.')
        const leaving = await PORTS.change(keep, id, (kept) => ({ ...kept, leaving: true }))
        if (!leaving) return
        // Nobody lets its address in any more when somebody else gets it.
        await atHostOf(context, id, async (host) => {
          await keepFilters(host, (port, scene) => names(port, scene, groupsOf(leaving)))
          const network = await networkOf(host, portParts(id)!.network)
          if (network) await serve(host, network)
          await dropFilter(host, id)
          await sweepFilters(host)
          return true
        })
        await release(keep, leaving, addressesOf(leaving), [])
        await PORTS.drop(keep, id)
      },
      read({ record, card }) {
        if (record) return reading(record.spec)
        const { mac, network, placed } = card!.own
        return reading({ name: '', network, addresses: placed, mac, securityGroups: [], portSecurity: false })
      },
    },
  )
  return exceptOthers(realm, 'Ports', async (id) => {
    const native = portParts(id) ? null : await raw(id)
    return native && seenOf(native)
  })
}
