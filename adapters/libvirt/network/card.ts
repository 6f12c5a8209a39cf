import type { NativeId } from '../../contract.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { escapeXml } from '../../shared/xml.ts'
import { networkOf } from '../records/network.ts'
import { PORTS, portParts } from '../records/tables.ts'
import type { Host } from '../wire/host.ts'
import { filterName } from './filters.ts'

/**
 * A port as the card of a machine, with its filter, in the words of a domain.
 * https://libvirt.org/formatdomain.html#network-interfaces
 * @param model what the guest sees, e.g. `virtio`
 * @throws `definitive` for a port of another host, `not_found` for one that is none
 */
export const cardXml = async (host: Host, port: NativeId, model: string): Promise<string> => {
  const kept = await PORTS.get(host.keep, port)
  const parts = portParts(port)
  if (!kept || kept.record.leaving || !parts) throw gone(port)
  if (parts.host !== host.name) refuse('The port is on another host than the server.')
  const network = await networkOf(host, parts.network)
  if (!network) throw gone(port)
  return [
    `<interface type="network"><mac address="${escapeXml(parts.mac)}"/>`,
    `<source network="${escapeXml(network.ref.name)}"/><model type="${escapeXml(model)}"/>`,
    network.openvswitch ? '' : `<filterref filter="${filterName(host.keep, port)}"/>`,
    '</interface>',
  ].join('')
}
