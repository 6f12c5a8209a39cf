import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { everything } from '../../../../db/queries/network/network-listing.ts'
import { type PortView, portsHeldBy } from '../../../../db/queries/network/ports.ts'
import { listSubnets, type SubnetRow } from '../../../../db/queries/network/subnets.ts'
import type { Context } from '../../../context.ts'
import { NetworkRefused } from '../../network/network-refusal.ts'
import { changePort } from '../../network/port-life.ts'
import { refuseLocked } from '../server-action.ts'
import { refuse } from '../server-refusal.ts'

/* Further addresses of a server, until clients ask the network service (nova/network/neutron.py, `add_fixed_ip_to_instance`). */

const asWished = (fixedIps: PortView['fixedIps']) =>
  fixedIps.map(({ subnet_id, ip_address }) => ({ subnet_id, ip_address }))

const subnetsOf = ({ db, scope }: Context, networkId: string): Promise<SubnetRow[]> =>
  listSubnets(db, scope, { ...everything, filters: [{ key: 'network_id', values: [networkId] }] })

/** Whether there was no free address, so that another subnet may have one. */
const isFull = (error: unknown): boolean =>
  error instanceof NetworkRefused && error.refusal.type === 'IpAddressGenerationFailure'

/**
 * Gives a port of a server on the network one more address, of the first of its subnets that has one. Throws `ServerRefused`,
 * `NetworkRefused`.
 */
export const addAddress = async (context: Context, server: ServerRow, networkId: string): Promise<void> => {
  refuseLocked(context, server)
  const [port] = (await portsHeldBy(context.db, server.id)).filter((each) => each.networkId === networkId)
  if (!port) return refuse({ kind: 'not-on-network', id: server.id })
  // A port may be able to lie in no other subnet than it does.
  const lies = ({ id }: SubnetRow) => port.fixedIps.some(({ subnet_id }) => subnet_id === id)
  const all = await subnetsOf(context, networkId)
  const subnets = [...all.filter(lies), ...all.filter((subnet) => !lies(subnet))]
  for (const [i, { id }] of subnets.entries()) {
    try {
      await changePort(context, port.id, ({ fixedIps }) => ({
        set: {},
        fixedIps: [...asWished(fixedIps), { subnet_id: id }],
      }))
      return
    } catch (error) {
      if (!isFull(error) || i === subnets.length - 1) throw error
    }
  }
}

/** Takes an address of a server away. Throws `ServerRefused`, `NetworkRefused`: its first one stays. */
export const removeAddress = async (context: Context, server: ServerRow, address: string): Promise<void> => {
  refuseLocked(context, server)
  const has = ({ fixedIps }: PortView) => fixedIps.some(({ ip_address }) => ip_address === address)
  const port = (await portsHeldBy(context.db, server.id)).find(has)
  if (!port) return refuse({ kind: 'not-its-address', address })
  await changePort(context, port.id, ({ fixedIps }) => ({
    set: {},
    fixedIps: asWished(fixedIps.filter(({ ip_address }) => ip_address !== address)),
  }))
}
