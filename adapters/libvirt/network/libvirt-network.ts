import { createHash } from 'node:crypto'
import type { SubnetSpec } from '../../contract.ts'
import { formatAddress, parseCidr } from '../../shared/cidr.ts'
import { escapeXml } from '../../shared/xml.ts'
import { type SubnetNote, writeSubnetNote } from '../marks.ts'
import type { Forward } from '../options.ts'
import type { Plugged } from './wire.ts'

/** The network's own address and the first one, which the host itself has in it; broadcast. */
export const RESERVED = { head: 2, tail: 1 }

/** The address of the host in a subnet: where its DHCP answers, and its gateway if it has one. */
export const hostAddress = ({ cidr }: Pick<SubnetSpec, 'cidr'>): string => {
  const { family, first } = parseCidr(cidr)!
  return formatAddress({ family, value: first + 1n })
}

const digestOf = (token: string): string => createHash('sha256').update(`libvirt network ${token}`).digest('hex')

/** The UUID of the network of libvirt's for a token: a second one of the same collides. */
export const uuidFor = (token: string): string =>
  digestOf(token).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')

/** 15 characters are all that Linux gives an interface. */
const bridgeFor = (token: string): string => `plm${digestOf(token).slice(-12)}`

/** A host entry of DHCP. */
export interface Entry {
  mac: string
  address: string
}
export const entryXml = ({ mac, address }: Entry): string =>
  `<host mac="${escapeXml(mac)}" ip="${escapeXml(address)}"/>`

/** What dnsmasq is told besides what libvirt tells it: options 3 and 6 of DHCP, https://www.rfc-editor.org/rfc/rfc2132 */
const dhcpOptions = ({ gateway, dnsServers }: SubnetSpec): string[] => [
  ...(gateway === null ? ['dhcp-option=3'] : []),
  ...(dnsServers.length ? [`dhcp-option=6,${dnsServers.join(',')}`] : []),
]

/** The parts that say what a network is: one of the host's own, with its address and DHCP, or a bridge that is there. */
const ground = (note: SubnetNote, forward: Forward, entries: Entry[]): string => {
  const { mark, spec } = note
  const dhcp = spec.dhcp && entries.length ? `<dhcp>${entries.map(entryXml).join('')}</dhcp>` : ''
  const options = spec.dhcp ? dhcpOptions(spec) : []
  return [
    forward === 'none' ? '' : `<forward mode="${forward}"/>`,
    `<bridge name="${bridgeFor(mark.token)}" stp="off" delay="0"/>`,
    `<ip address="${hostAddress(spec)}" prefix="${parseCidr(spec.cidr)!.prefix}">${dhcp}</ip>`,
    options.length
      ? `<dnsmasq:options>${options.map((value) => `<dnsmasq:option value="${escapeXml(value)}"/>`).join('')}</dnsmasq:options>`
      : '',
  ].join('')
}

const onBridge = ({ bridge, openvswitch, tag }: Plugged): string =>
  [
    `<forward mode="bridge"/><bridge name="${escapeXml(bridge)}"/>`,
    openvswitch ? '<virtualport type="openvswitch"/>' : '',
    tag === null ? '' : `<vlan><tag id="${tag}"/></vlan>`,
  ].join('')

/**
 * The definition of the network of libvirt's that a subnet is.
 * https://libvirt.org/formatnetwork.html
 * @param entries of DHCP that it has from the start; where it leases nothing else, it serves those alone
 * @param plugged the bridge that it is; null: it is one of its own
 */
export const networkXml = (note: SubnetNote, forward: Forward, entries: Entry[], plugged: Plugged | null): string => {
  const { token } = note.mark
  return [
    '<network xmlns:dnsmasq="http://libvirt.org/schemas/network/dnsmasq/1.0">',
    `<name>plimsoll-${escapeXml(token)}</name><uuid>${uuidFor(token)}</uuid>`,
    `<metadata>${writeSubnetNote(note)}</metadata>`,
    plugged ? onBridge(plugged) : ground(note, forward, entries),
    '</network>',
  ].join('')
}
