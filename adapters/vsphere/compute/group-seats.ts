import type { NativeId, ServerGrouping } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { readMark } from '../../shared/mark-line.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { inventoryOf, zoneOf } from '../inventory.ts'
import { KEY, tokenName } from '../marks.ts'
import { EDIT_RULES, lackedOn } from '../privileges.ts'
import {
  changeGroup,
  type GroupRecord,
  groupOf,
  isHard,
  isJoining,
  putGroup,
  type Seat,
} from '../records/group-record.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, machineByName, machineByUuid, uuidOf } from '../records/machine.ts'
import { look, refAt, refsAt, text } from '../wire/properties.ts'
import { type Ref, ref } from '../wire/soap.ts'
import { settled, taskIn } from '../wire/tasks.ts'
import { syncRules } from './group-rule.ts'

/* Servers of a group have a seat each: a host of their zone, taken before they are made. A rule of the cluster keeps them there. */

/** A seat whose machine has not come is believed to be taken so long; then it is looked for. */
const FRESH_MS = 300_000

const MARK = `config.extraConfig["${KEY.mark}"]`

/** While its disks are copied a machine has no UUID, and is known by its name alone. */
const isMade = async (context: Context, token: string, { sought }: Seat): Promise<boolean> => {
  if (await machineByUuid(context, await uuidOf(token))) return true
  if (!sought) return false
  try {
    return (await machineByName(context, ref('Folder', sought.folder), tokenName(sought.name, token))) !== null
  } catch (error) {
    if (error instanceof CloudError && error.code === 'not_found') return false
    throw error
  }
}

/** Seats without those whose machines are not there any more, were handed back, or never came. */
export const withoutGhosts = async (context: Context, record: GroupRecord): Promise<GroupRecord> => {
  const seats = Object.entries(record.seats)
  const machines = seats.flatMap(([, { machine }]) => (machine ? [ref('VirtualMachine', machine)] : []))
  const found = await look(context.vim, machines, ['name', MARK])
  const there = new Set(found.filter((each) => textOf(each.props.get(MARK), 'value')).map((each) => each.ref.id))
  const old = context.surroundings.now() - FRESH_MS
  const kept: [string, Seat][] = []
  for (const [token, seat] of seats) {
    const lives = seat.machine ? there.has(seat.machine) : seat.at > old || (await isMade(context, token, seat))
    if (lives) kept.push([token, seat])
  }
  return kept.length === seats.length ? record : { ...record, seats: Object.fromEntries(kept) }
}

interface Host {
  id: string
  usedMiB: number
}

/** Hosts of a cluster that take machines, the emptiest first. */
const hostsOf = async ({ vim }: Context, cluster: Ref): Promise<Host[]> => {
  const [found] = await look(vim, [cluster], ['host'])
  const paths = ['runtime.connectionState', 'runtime.inMaintenanceMode', 'summary.quickStats.overallMemoryUsage']
  const hosts = await look(vim, found ? refsAt(found, 'host') : [], paths)
  return hosts
    .filter((host) => text(host, paths[0]!) === 'connected' && text(host, paths[1]!) !== 'true')
    .map((host) => ({ id: host.ref.id, usedMiB: Number(text(host, paths[2]!) ?? 0) }))
    .toSorted((a, b) => a.usedMiB - b.usedMiB || a.id.localeCompare(b.id))
}

/** Where the others of a group are now: vCenter may have moved them together or apart since. */
const taken = async ({ vim }: Context, record: GroupRecord, zone: string): Promise<string[]> => {
  const seats = Object.values(record.seats).filter((seat) => seat.zone === zone)
  const machines = seats.flatMap(({ machine }) => (machine ? [ref('VirtualMachine', machine)] : []))
  const found = await look(vim, machines, ['runtime.host'])
  const now = new Map(found.map((each) => [each.ref.id, refAt(each, 'runtime.host')?.id]))
  return seats.map(({ machine, host }) => (machine && now.get(machine)) || host)
}

const chosen = ({ policy, mostPerHost }: GroupRecord, hosts: Host[], others: string[]): Host | undefined => {
  const on = (host: Host) => others.filter((each) => each === host.id).length
  if (policy === 'affinity') return others.length ? hosts.find((host) => on(host) > 0) : hosts[0]
  return hosts.filter((host) => on(host) < (mostPerHost ?? 1)).toSorted((a, b) => on(a) - on(b))[0]
}

/**
 * Takes a seat for a server that is to be made: the host that it is to be on; null for one that is in no group, or in a soft
 * one. The same token has the same seat. Throws `capacity` where the group allows none, `not_found` for a group that is none.
 */
export const takeSeat = async (
  context: Context,
  group: ServerGrouping | null | undefined,
  token: string,
  { cluster: zone, folder }: { cluster: { name: string; ref: Ref }; folder: Ref },
  name: string,
): Promise<Ref | null> => {
  if (!group || !isHard(group)) return null
  const native = group.native ?? refuse('The server group has to be made on this cloud first.')
  // Rather no server than one that nothing keeps where it was put.
  if ((await lackedOn(context, zone.ref, [EDIT_RULES])).length)
    throw new CloudError('denied', 'The cloud account may not keep servers together or apart.', {
      operatorMessage: `The user has not ${EDIT_RULES} on cluster ${zone.name}.`,
    })
  for (;;) {
    const kept = await groupOf(context, native)
    if (!kept) throw gone(native)
    const mine = kept.record.seats[token]
    if (mine) return ref('HostSystem', mine.host)
    const record = await withoutGhosts(context, kept.record)
    const host = chosen(record, await hostsOf(context, zone.ref), await taken(context, record, zone.name))
    if (!host)
      throw new CloudError('capacity', 'The zone has no host left on which the group of the server allows one more.')
    const sought = { folder: folder.id, name }
    const seat: Seat = { zone: zone.name, host: host.id, machine: null, at: context.surroundings.now(), sought }
    if (await putGroup(context, { ...record, seats: { ...record.seats, [token]: seat } }, kept.version))
      return ref('HostSystem', host.id)
  }
}

const nativeIn = ({ own }: Machine): NativeId | undefined => own[KEY.group]?.split(' ')[0]

/** Lets the rule of its group name a machine that was made, and notes that in its settings. Safe to repeat. */
export const joinGroup = async (context: Context, machine: Machine): Promise<void> => {
  const native = nativeIn(machine)
  const token = readMark(machine.own[KEY.mark])?.token
  if (!isJoining(machine) || !native || !token) return
  const zone = zoneOf(await inventoryOf(context), machine.pool)
  const { now } = context.surroundings
  // What took so long that its seat was given up is in the group all the same.
  const fresh = zone === undefined ? undefined : { zone, host: machine.host ?? '', machine: null, at: now() }
  const record = await changeGroup(context, native, (group) => {
    const seat = group.seats[token] ?? fresh
    return !seat || seat.machine === machine.ref.id
      ? group
      : { ...group, seats: { ...group.seats, [token]: { ...seat, machine: machine.ref.id } } }
  })
  if (record) await syncRules(context, record, [record.seats[token]?.zone ?? ''])
  const spec = { extraConfig: extraConfig({ [KEY.group]: native }) }
  await settled(context, taskIn(await context.vim.call(machine.ref, 'ReconfigVM_Task', { spec })))
}

/** Gives the seat of a machine back, which is about to go, and lets the rule forget it. Safe to repeat. */
export const leaveGroup = async (context: Context, machine: Machine): Promise<void> => {
  const native = nativeIn(machine)
  const token = readMark(machine.own[KEY.mark])?.token
  if (!native || !token) return
  const record = await changeGroup(context, native, (group) => {
    if (!group.seats[token]) return group
    const { [token]: _, ...seats } = group.seats
    return { ...group, seats }
  })
  if (record) await syncRules(context, record)
}
