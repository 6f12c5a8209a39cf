import { child, childrenOf, parseXml } from '../../shared/xml.ts'
import { AS_KEPT, type Network } from '../records/network.ts'
import { type PortRecord, portsOn } from '../records/tables.ts'
import type { Host } from '../wire/host.ts'
import { KEPT, LIVE, NETWORK_XML, type NetworkRef, UPDATE_NETWORK } from '../wire/procedures.ts'
import { type Entry, entryXml } from './libvirt-network.ts'

/** virNetworkUpdateCommand and virNetworkUpdateSection */
const DELETE = 2
const ADD_LAST = 3
const DHCP_HOST = 4

/** What the DHCP of a network keeps for ports. */
export const entriesOf = (ports: PortRecord[]): Entry[] =>
  ports.flatMap(({ leaving, spec: { mac, addresses } }) =>
    leaving ? [] : addresses.map(({ address }) => ({ mac, address })),
  )

const entriesIn = async (host: Host, network: NetworkRef, flags: number): Promise<Entry[]> => {
  const { xml } = await host.call(NETWORK_XML, { network, flags })
  return childrenOf(parseXml(xml), 'ip').flatMap((ip) =>
    childrenOf(child(ip, 'dhcp'), 'host').flatMap(({ attributes }) => {
      const [mac, address] = [attributes.get('mac')?.toLowerCase(), attributes.get('ip')]
      return mac && address ? [{ mac, address }] : []
    }),
  )
}

/**
 * Makes the DHCP of a network that was made here keep what its ports have, and nothing else, in what runs and in what is kept. An
 * entry that is there was made after its port was reserved: so they are looked at before the ports are.
 */
export const serve = async (host: Host, { ref: network, note, running }: Network): Promise<void> => {
  // On a bridge of others DHCP is theirs.
  if (!note?.spec.dhcp || note.spec.wire) return
  for (const { flags, seen } of [...(running ? [{ flags: LIVE, seen: 0 }] : []), { flags: KEPT, seen: AS_KEPT }]) {
    const there = await entriesIn(host, network, seen)
    const wanted = entriesOf(await portsOn(host, network.uuid))
    const lacks = (list: Entry[], each: Entry) =>
      !list.some(({ mac, address }) => mac === each.mac && address === each.address)
    const change = (command: number, entry: Entry) =>
      host.call(UPDATE_NETWORK, { network, command, section: DHCP_HOST, parent: 0, xml: entryXml(entry), flags })
    for (const entry of there.filter((each) => lacks(wanted, each))) await change(DELETE, entry)
    for (const entry of wanted.filter((each) => lacks(there, each))) await change(ADD_LAST, entry)
  }
}
