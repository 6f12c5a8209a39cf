import type { NativeId } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import type { GuestPort } from '../../shared/guest-network.ts'
import { readMark } from '../../shared/mark-line.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { type PortGroup, portGroupOf } from '../network/port-group.ts'
import { holderOf } from '../records/port-holder.ts'
import { changeRecord, type PortRecord, recordOf } from '../records/port-record.ts'
import { subnetOf } from '../records/subnet-record.ts'

/** A port on its way into a machine: the network card that it becomes there. */
export interface NewCard {
  record: PortRecord
  portGroup: PortGroup
  guest: GuestPort
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
 * a look at the port then knows where to go on.
 * @throws `conflict` while another machine has one of them
 */
export const newCardsFor = async (context: Context, ports: NativeId[], uuid: string): Promise<NewCard[]> => {
  const newCards: NewCard[] = []
  for (const id of ports) {
    const kept = await recordOf(context, id)
    if (kept?.record.id !== id) throw gone(id)
    const { record } = kept
    assertOurs(readMark(record.mark), context.connection.deployment)
    if (record.holder !== uuid && (await holderOf(context, record)))
      throw new CloudError('conflict', 'The port is plugged into another server.')
    const portGroup = await portGroupOf(context, record.network)
    const guest = await guestOf(context, record)
    const held = await changeRecord(context, id, (now) => (now.holder === uuid ? now : { ...now, holder: uuid }))
    if (!held) throw gone(id)
    newCards.push({ record: held, portGroup, guest })
  }
  return newCards
}
