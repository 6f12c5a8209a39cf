import type { NativeId } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { gone } from '../errors.ts'
import type { GuestPort } from '../records/guestinfo.ts'
import { assertOurs, readMark } from '../records/marks.ts'
import { changeRecord, type PortRecord, recordOf } from '../records/port-record.ts'
import { subnetOf } from '../records/subnet-record.ts'
import type { Socket } from './devices.ts'
import { type Machine, machineByBios, machineByUuid } from './machine.ts'

/** A port on its way into a machine. */
export interface Plug {
  record: PortRecord
  socket: Socket
  guest: GuestPort
}

export const hasCard = ({ devices }: Pick<Machine, 'devices'>, mac: string): boolean =>
  devices.some(({ card }) => card?.mac === mac)

/** Who has the card now, whatever the record believes. */
export const holderOf = async (context: Context, { holder, mac }: PortRecord) => {
  // Of a fork it is the UUID that the guest sees.
  const machine =
    holder === null ? null : ((await machineByUuid(context, holder)) ?? (await machineByBios(context, holder)))
  return machine && hasCard(machine, mac) ? machine : null
}

/** What the guest has to be told of a port. */
const guestOf = async (context: Context, { mac, addresses }: PortRecord): Promise<GuestPort> => {
  const told: GuestPort['addresses'] = []
  for (const { subnet, address } of addresses) {
    const found = await subnetOf(context, subnet)
    if (!found) throw gone(subnet)
    const { cidr, gateway, dnsServers } = found.record.spec
    told.push({ address, cidr, gateway, dnsServers })
  }
  return { mac, addresses: told }
}

/**
 * Ports for the machine that will have this instance UUID, noted in their records before the machine is asked for:
 * whoever looks at the port then knows where to look.
 * @throws `conflict` while another machine has one of them
 */
export const plugsFor = async (
  context: Context,
  ports: NativeId[],
  uuid: string,
  socketOf: (network: string) => Promise<Socket>,
): Promise<Plug[]> => {
  const plugs: Plug[] = []
  for (const id of ports) {
    const kept = await recordOf(context, id)
    if (kept?.record.id !== id) throw gone(id)
    const { record } = kept
    assertOurs(readMark(record.mark), context.connection.deployment)
    if (record.holder !== uuid && (await holderOf(context, record)))
      throw new CloudError('conflict', 'The port is plugged into another server.')
    const socket = await socketOf(record.network)
    const guest = await guestOf(context, record)
    const held = await changeRecord(context, id, (now) => (now.holder === uuid ? now : { ...now, holder: uuid }))
    if (!held) throw gone(id)
    plugs.push({ record: held, socket, guest })
  }
  return plugs
}
