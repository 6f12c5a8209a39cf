import type { SubnetSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { formatCidr, parseAddress, parseCidr } from '../../shared/cidr.ts'
import { child, childrenOf, type Element, parseXml } from '../../shared/xml.ts'
import { readSubnetNote, type SubnetNote } from '../marks.ts'
import type { Host } from '../wire/host.ts'
import {
  DHCP_LEASES,
  FIND_NETWORK,
  isUuid,
  LIST_NETWORKS,
  NETWORK_RUNS,
  NETWORK_XML,
  type NetworkRef,
} from '../wire/procedures.ts'
import { fewAtATime } from './few.ts'
import { orNull } from './volume.ts'

/** A block of addresses that libvirt serves on a network. */
export interface ServedBlock {
  cidr: string
  gateway: string
  dhcp: boolean
}
/** A network that libvirt knows. */
export interface Network {
  ref: NetworkRef
  bridge: string | null
  /** The one VLAN of all that is on it. */
  vlan: number | null
  blocks: ServedBlock[]
  /** Its bridge is one of Open vSwitch. */
  openvswitch: boolean
  /** Addresses by the MAC address that has them: kept for it, or lent for now. */
  addresses: Map<string, string[]>
  /** Of one that was made for a subnet, whosever that is. */
  note: SubnetNote | undefined
  running: boolean
}

/** How wide the block is that an address is told with: by a mask or by a prefix. */
const blockOf = (ip: Element): ServedBlock | null => {
  const gateway = ip.attributes.get('address') ?? ''
  const mask = parseAddress(ip.attributes.get('netmask') ?? '')
  const given = ip.attributes.get('prefix')
  const width = mask ? [...mask.value.toString(2)].filter((bit) => bit === '1').length : Number(given ?? Number.NaN)
  const block = parseCidr(`${gateway}/${width}`)
  if (!block) return null
  return { cidr: formatCidr(block), gateway, dhcp: child(ip, 'dhcp') !== undefined }
}

/** The block of a subnet on a bridge, of which the bridge itself knows nothing. */
const blockIn = ({ cidr, gateway, dhcp }: SubnetSpec): ServedBlock => ({ cidr, gateway: gateway ?? '', dhcp })

/** What the network's DHCP keeps for its hosts. */
const keptIn = (root: Element): [mac: string, address: string][] =>
  childrenOf(root, 'ip').flatMap((ip) =>
    childrenOf(child(ip, 'dhcp'), 'host').flatMap(({ attributes }): [string, string][] => {
      const [mac, address] = [attributes.get('mac'), attributes.get('ip')]
      return mac && address ? [[mac, address]] : []
    }),
  )

/** What it has lent. A network that is not started has no leases, and some drivers tell of none. */
const lentOn = async (host: Host, network: NetworkRef): Promise<[mac: string, address: string][]> => {
  const leases = await host.call(DHCP_LEASES, { network, mac: null, wanted: 1, flags: 0 }).catch((error) => {
    if (error instanceof CloudError && (error.code === 'conflict' || error.code === 'definitive')) return { items: [] }
    throw error
  })
  return leases.items.flatMap(({ mac, address }): [string, string][] => (mac ? [[mac, address]] : []))
}

/** VIR_NETWORK_XML_INACTIVE: as it will be when it starts the next time. */
export const AS_KEPT = 1

/** What runs tells of the note with which it began. */
const noteOf = async (host: Host, network: NetworkRef, running: Element): Promise<SubnetNote | undefined> => {
  if (!readSubnetNote(running, host.name)) return undefined
  const { xml } = await host.call(NETWORK_XML, { network, flags: AS_KEPT })
  return readSubnetNote(parseXml(xml), host.name)
}

const read = async (host: Host, ref: NetworkRef): Promise<Network> => {
  const [{ xml }, lent, { active }] = await Promise.all([
    host.call(NETWORK_XML, { network: ref, flags: 0 }),
    lentOn(host, ref),
    host.call(NETWORK_RUNS, { network: ref }),
  ])
  const root = parseXml(xml)
  const tags = childrenOf(child(root, 'vlan'), 'tag')
  const addresses = new Map<string, string[]>()
  for (const [mac, address] of [...keptIn(root), ...lent]) {
    const known = addresses.get(mac.toLowerCase()) ?? []
    if (!known.includes(address)) addresses.set(mac.toLowerCase(), [...known, address])
  }
  const note = await noteOf(host, ref, root)
  return {
    ref,
    bridge: child(root, 'bridge')?.attributes.get('name') ?? null,
    vlan: tags.length === 1 ? Number(tags[0]!.attributes.get('id')) : null,
    blocks: note?.spec.wire ? [blockIn(note.spec)] : childrenOf(root, 'ip').flatMap((ip) => blockOf(ip) ?? []),
    openvswitch: child(root, 'virtualport')?.attributes.get('type') === 'openvswitch',
    addresses,
    note,
    running: active === 1,
  }
}

/** Every network of a host, started or not. */
export const networksOn = async (host: Host): Promise<Network[]> => {
  const { items } = await host.call(LIST_NETWORKS, { wanted: 1, flags: 0 })
  const found = await fewAtATime(items, (ref) => orNull(read(host, ref)))
  return found.filter((network) => network !== null)
}

/** One network by its UUID; null if there is none. */
export const networkOf = async (host: Host, uuid: string): Promise<Network | null> => {
  const found = isUuid(uuid) ? await orNull(host.call(FIND_NETWORK, { uuid })) : null
  return found && orNull(read(host, found.network))
}
