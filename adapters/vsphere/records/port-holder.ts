import type { Context } from '../context.ts'
import { type Machine, machineByBios, machineByUuid } from './machine.ts'
import type { PortRecord } from './port-record.ts'

/** Whether the machine has a card of that MAC address. */
export const hasCard = ({ devices }: Pick<Machine, 'devices'>, mac: string): boolean =>
  devices.some(({ card }) => card?.mac === mac)

/** Who has the card now, whatever the record believes. */
export const holderOf = async (context: Context, { holder, mac }: PortRecord) => {
  // Of a fork it is the UUID that the guest sees.
  const machine =
    holder === null ? null : ((await machineByUuid(context, holder)) ?? (await machineByBios(context, holder)))
  return machine && hasCard(machine, mac) ? machine : null
}
