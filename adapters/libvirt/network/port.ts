import { type PortSeen, type PortSpec, type Realm, reading } from '../../contract.ts'
import type { Context } from '../context.ts'
import { pageOf } from '../records/everywhere.ts'
import { atHostOf, partsOf } from '../records/ids.ts'
import { looking } from '../records/looking.ts'
import { type Machine, type MachinePort, machineOf, machinesOn } from '../records/machine.ts'

const seenOf = ({ id: server }: Machine, { id, mac, addresses, placed }: MachinePort): PortSeen => ({
  id,
  health: 'ready',
  mac,
  addresses,
  placed,
  server,
})

/** A port is a card of a domain, and goes with it: there are none beside domains. */
export const port = (context: Context): Realm<PortSpec, PortSeen> => {
  const found = (id: string) =>
    atHostOf(context, id, async (host) => {
      const [uuid = ''] = partsOf(id, 2)
      const machine = await machineOf(host, uuid)
      const own = machine?.ports.find((each) => each.id === id)
      return machine && own ? { machine, own } : null
    })
  return {
    ...looking<PortSpec, PortSeen>('Ports'),
    async get(id) {
      const port = await found(id)
      return port && seenOf(port.machine, port.own)
    },
    list: () =>
      pageOf(context, async (host) =>
        (await machinesOn(host)).flatMap((machine) => machine.ports.map((own) => seenOf(machine, own))),
      ),
    async read(id) {
      const port = await found(id)
      if (!port) return null
      const { mac, network, placed } = port.own
      const spec = {
        name: '',
        network,
        addresses: placed,
        mac,
        securityGroups: [],
        portSecurity: false,
      }
      return reading<PortSpec>(spec)
    },
  }
}
