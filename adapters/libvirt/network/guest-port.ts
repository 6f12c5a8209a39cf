import type { NativeId } from '../../contract.ts'
import type { GuestPort } from '../../shared/guest-network.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { networkOf } from '../records/network.ts'
import { PORTS, portParts } from '../records/tables.ts'
import type { Host } from '../wire/host.ts'

/**
 * What a guest is told of a port of ours: its addresses, or where DHCP serves them to ask for them.
 * @throws `definitive` for a port of another host, `not_found` for one that is none
 */
export const guestPort = async (host: Host, port: NativeId): Promise<GuestPort> => {
  const kept = await PORTS.get(host.keep, port)
  const parts = portParts(port)
  if (!kept || kept.record.leaving || !parts) throw gone(port)
  if (parts.host !== host.name) refuse('The port is on another host than the server.')
  const subnet = (await networkOf(host, parts.network))?.note?.spec
  const { mac, addresses } = kept.record.spec
  if (!subnet || subnet.dhcp) return { mac, addresses: [] }
  const { cidr, gateway, dnsServers } = subnet
  return { mac, addresses: addresses.map(({ address }) => ({ address, cidr, gateway, dnsServers })) }
}
