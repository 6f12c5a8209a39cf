import { type PortSeen, type PortSpec, type Realm, reading } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { contains, parseAddress, parseCidr } from '../../shared/cidr.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { KEY, mayMark, readMark, writeMark } from '../marks.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, machineOf } from '../records/machine.ts'
import { holderOf } from '../records/port-holder.ts'
import {
  changeRecord,
  claimAddresses,
  dropRecord,
  type PortRecord,
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

/**
 * A port is an address and a MAC address, reserved until a server has the card and for as long as nobody removes it.
 * vSphere knows cards only: who has the port is always read from the machine, never from what we noted.
 */
export const port = (context: Context): Realm<PortSpec, PortSeen> => {
  const { vim, connection, options, surroundings } = context

  /** @throws `definitive` for what a card on vSphere cannot be */
  const check = async (spec: PortSpec): Promise<void> => {
    if (!MAC.test(spec.mac)) refuse(`${spec.mac} is not a MAC address.`)
    if (Number.parseInt(spec.mac.slice(0, 2), 16) & 1) refuse(`${spec.mac} is a multicast address.`)
    if (spec.securityGroups.length > 0)
      refuse('This cloud filters no traffic: without NSX there are no security groups.')
    if (spec.portSecurity) refuse('This cloud filters no traffic; the port has to be made without port security.')
    for (const { subnet, address } of spec.addresses) {
      const found = await subnetOf(context, subnet)
      if (!found) throw gone(subnet)
      const block = parseCidr(found.record.spec.cidr)
      const parsed = parseAddress(address)
      if (found.record.spec.network !== spec.network) refuse('The subnet is not of that network.')
      if (
        !block ||
        parsed?.family !== block.family ||
        !contains(block, { family: parsed.family, first: parsed.value, prefix: parsed.family === 4 ? 32 : 128 })
      )
        refuse(`${address} is not in ${found.record.spec.cidr}.`)
    }
  }

  const inMachine = (machine: Machine | null, mac: string): PortSeen | null =>
    (machine && portsIn(context, machine).find(({ seen }) => seen.mac === mac)?.seen) ?? null

  const seenOf = async (record: PortRecord): Promise<PortSeen> => {
    const holder = await holderOf(context, record)
    return { ...unplugged(context, record), server: holder?.ref.id ?? null }
  }

  const get = async (id: string): Promise<PortSeen | null> => {
    const { mac, machine } = partsOf(id)
    const kept = await recordOf(context, id)
    if (kept?.record.id === id) return seenOf(kept.record)
    const seen = machine === null ? null : inMachine(await machineOf(context, machine), mac)
    return seen?.id === id ? seen : null
  }

  const rewrite = async (machine: Machine, change: (table: ReturnType<typeof tableOf>) => void): Promise<void> => {
    const table = tableOf(machine)
    change(table)
    const spec = { extraConfig: extraConfig({ [KEY.ports]: writeTable(Object.values(table)) }) }
    await settled(context, taskIn(await vim.call(machine.ref, 'ReconfigVM_Task', { spec })))
  }

  return {
    once: 'unique',
    settleMs: options.settleMs,
    get,
    async find(mark, spec) {
      const kept = await recordOf(context, portId(spec.network, spec.mac.toLowerCase()))
      const found = readMark(kept?.record.mark)
      return kept && found?.token === mark.token && found.deployment === connection.deployment
        ? seenOf(kept.record)
        : null
    },
    list: (cursor, since) => portsPage(context, cursor, since),
    async create(given, mark) {
      const spec = { ...given, mac: given.mac.toLowerCase() }
      await check(spec)
      if ((await look(vim, [networkRef(spec.network)], ['name'])).length === 0) throw gone(spec.network)
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
      return seenOf(kept.record)
    },
    async update(id, spec) {
      await check({ ...spec, mac: spec.mac.toLowerCase() })
      const kept = await recordOf(context, id)
      if (kept?.record.id !== id) throw gone(id)
      const { record } = kept
      assertOurs(readMark(record.mark), connection.deployment)
      if (spec.network !== record.network || spec.mac.toLowerCase() !== record.mac)
        refuse('Network and MAC address of a port do not change.')
      const same = JSON.stringify(spec.addresses) === JSON.stringify(record.addresses)
      if (same && spec.name === record.name) return seenOf(record)
      const holder = await holderOf(context, record)
      if (!same && holder)
        refuse('The addresses of a port do not change while a server has it: its guest was told them.')
      await claimAddresses(context, { ...record, addresses: spec.addresses })
      const changed = await changeRecord(context, id, (now) => ({
        ...now,
        name: spec.name,
        addresses: spec.addresses,
      }))
      if (!changed) throw gone(id)
      const left = record.addresses.filter(
        (old) => !spec.addresses.some((now) => now.subnet === old.subnet && now.address === old.address),
      )
      for (const { subnet, address } of left) await releaseAddress(context, record, subnet, address)
      if (holder) await rewrite(holder, (table) => Object.assign(table, { [record.mac]: changed }))
      return seenOf(changed)
    },
    async remove(id, mark) {
      const kept = await recordOf(context, id)
      if (kept?.record.id !== id) {
        const seen = await get(id)
        if (seen) assertOurs(seen.mark, connection.deployment, mark)
        return
      }
      assertOurs(readMark(kept.record.mark), connection.deployment, mark)
      if (await holderOf(context, kept.record))
        throw new CloudError('conflict', 'The port is still plugged into a server.')
      await dropRecord(context, kept.record)
    },
    async read(id) {
      const seen = await get(id)
      if (!seen) return null
      const { network, mac } = partsOf(id)
      if (network === '') refuse('The card is plugged into no network that this cloud names.')
      const kept = await recordOf(context, id)
      const known = kept?.record.id === id ? kept.record : null
      const left = seen.addresses.length > 0 && !known ? ['Its addresses are those that its guest tells of.'] : []
      return reading(
        {
          name: seen.name ?? mac,
          network,
          addresses: known?.addresses ?? seen.addresses.map((address) => ({ subnet: '', address })),
          mac,
          securityGroups: [],
          portSecurity: false,
        },
        { left },
      )
    },
    async mark(id, mark) {
      const seen = await get(id)
      if (!seen) {
        if (mark) throw gone(id)
        return
      }
      const { network, mac, machine: card } = partsOf(id)
      const machine = seen.server === null ? null : await machineOf(context, seen.server)
      const kept = await recordOf(context, id)
      const own = kept?.record.id === id ? kept.record : undefined
      const present = readMark(own?.mark ?? (machine ? tableOf(machine)[mac]?.mark : undefined))
      if (mark ? !mayMark(present, mark) : present?.deployment !== connection.deployment) return
      const words = mark ? writeMark(mark) : ''
      if (!mark && card !== null) {
        // A card that was there before us is one again: no word of ours stays behind.
        if (machine) await rewrite(machine, (table) => Reflect.deleteProperty(table, mac))
        if (own) await dropRecord(context, own)
        return
      }
      const spec = { name: seen.name ?? mac, network, mac, addresses: own?.addresses ?? [] }
      const record: PortRecord = own
        ? { ...own, mark: words }
        : { id, ...spec, mark: words, holder: machine?.uuid ?? null }
      if (machine) await rewrite(machine, (table) => Object.assign(table, { [mac]: record }))
      if (own) await changeRecord(context, id, (now) => ({ ...now, mark: words }))
      else if (!(await putRecord(context, record, 0)))
        surroundings.log('warn', 'a port with this MAC address is reserved already', { mac })
    },
  }
}
