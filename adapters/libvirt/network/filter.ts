import type { AddressPair, NativeId, SecurityRule } from '../../contract.ts'
import { formatCidr, parseCidr } from '../../shared/cidr.ts'
import { refuse } from '../../shared/refusals.ts'
import { escapeXml } from '../../shared/xml.ts'
import { table } from '../../table.ts'
import type { GroupRecord, PortRecord } from '../records/tables.ts'

/*
 * What a port lets through, as one filter of libvirt's (https://libvirt.org/formatnwfilter.html), never more than is asked.
 * Frames are looked at first, without memory: whose they are, and that they are ARP or IPv4. Packets are looked at then, with
 * the connections that they are of: what answers passes as long as the rule is there that let the question through.
 */

/** Protocols that libvirt can name, by what Neutron calls them. https://www.iana.org/assignments/protocol-numbers */
const PROTOCOLS: Record<string, string> = table({
  icmp: 'icmp',
  '1': 'icmp',
  igmp: 'igmp',
  '2': 'igmp',
  tcp: 'tcp',
  '6': 'tcp',
  udp: 'udp',
  '17': 'udp',
  esp: 'esp',
  '50': 'esp',
  ah: 'ah',
  '51': 'ah',
  sctp: 'sctp',
  '132': 'sctp',
  udplite: 'udplite',
  '136': 'udplite',
})
const WITH_PORTS = ['tcp', 'udp', 'sctp']

/** One thing that passes: an element of libvirt's with its attributes, in one direction. */
interface Passage {
  direction: 'in' | 'out'
  element: string
  attributes: Record<string, string>
}

/** @throws `definitive` for a range that the protocol has not: libvirt would let more through without it */
const rangeOf = ({ min, max }: SecurityRule, element: string): Record<string, string> => {
  if (min === null && max === null) return {}
  if (min === null) return refuse('A range needs its lower end.')
  const top = element === 'icmp' ? 255 : 65_535
  if (![min, max ?? min].every((bound) => Number.isInteger(bound) && bound >= 0 && bound <= top))
    refuse(`${min} to ${max} is no range of ${element}.`)
  if (element !== 'icmp' && max !== null && max < min) refuse(`${min} to ${max} is no range.`)
  if (element === 'icmp') return { type: String(min), ...(max === null ? {} : { code: String(max) }) }
  if (!WITH_PORTS.includes(element)) return refuse('This cloud filters ports of TCP, UDP and SCTP only.')
  return { dstportstart: String(min), dstportend: String(max ?? min) }
}

const elementOf = ({ protocol }: SecurityRule): string => {
  const name = protocol?.toLowerCase() ?? null
  if (name === null || name === 'any' || name === '0') return 'all'
  return PROTOCOLS[name] ?? refuse(`This cloud does not filter the protocol ${protocol}.`)
}

/** The blocks that a rule lets through: of a group those of its members. */
const peersOf = ({ cidr, group, family }: SecurityRule, members: string[]): (string | null)[] => {
  if (cidr !== null && group !== null) return refuse('A rule names either an address range or a group.')
  if (group !== null) return members
  if (cidr === null) return [null]
  const block = parseCidr(cidr.includes('/') ? cidr : `${cidr}/${family === 4 ? 32 : 128}`)
  if (block?.family !== family) return refuse(`${cidr} is no IPv${family} address range.`)
  return [block.prefix === 0 ? null : formatCidr(block)]
}

/**
 * One rule as what passes by it. No port has an address of IPv6, so nothing passes by rules of that.
 * @param members blocks of the members of the group that it names
 * @throws `definitive` for a rule that libvirt could keep only by letting more through
 */
export const passagesFor = (rule: SecurityRule, members: string[]): Passage[] => {
  if (rule.family === 6) return []
  const element = elementOf(rule)
  const range = rangeOf(rule, element)
  const direction = rule.direction === 'ingress' ? 'in' : 'out'
  const [address, mask] = direction === 'in' ? ['srcipaddr', 'srcipmask'] : ['dstipaddr', 'dstipmask']
  return peersOf(rule, members).flatMap((peer) => {
    const [from, width] = peer?.split('/') ?? []
    const own = peer === null ? {} : { [address]: from!, [mask]: width! }
    const answers: Passage[] =
      'type' in range
        ? // libvirt lets no answer to one type of ICMP through by itself: it has another type.
          [
            {
              direction: direction === 'in' ? 'out' : 'in',
              element,
              attributes: { ...swapped(own), state: 'ESTABLISHED' },
            },
          ]
        : []
    return [{ direction, element, attributes: { ...own, ...range } }, ...answers]
  })
}

const SWAPPED = table({
  srcipaddr: 'dstipaddr',
  srcipmask: 'dstipmask',
  dstipaddr: 'srcipaddr',
  dstipmask: 'srcipmask',
})
const swapped = (attributes: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [SWAPPED[name] ?? name, value]))

/** The ports of one network of libvirt's, and all groups. */
export interface Scene {
  ports: PortRecord[]
  groups: Map<NativeId, GroupRecord>
}

const blockOf = ({ address }: Pick<AddressPair, 'address'>): string =>
  address.includes('/') ? address : `${address}/32`

/** Blocks of those that are in a group, on the network of a port: what they may speak with is theirs too, as Neutron has it. */
const membersOf = ({ ports }: Scene, { spec: { network } }: PortRecord, group: NativeId): string[] =>
  ports
    .filter(({ leaving, spec }) => !leaving && spec.network === network && spec.securityGroups.includes(group))
    .flatMap(({ spec }) => [...spec.addresses, ...(spec.addressPairs ?? [])].map(blockOf))

/** More than a host can look through for each packet in good time. */
const MOST = 2_000

/** What passes a port by the rules of its groups. @throws `definitive` for more than a host can keep */
const passages = (scene: Scene, port: PortRecord): Passage[] => {
  const all = port.spec.securityGroups.flatMap((id) =>
    (scene.groups.get(id)?.spec.rules ?? []).flatMap((rule) => {
      const named = rule.group === 'self' ? id : rule.group
      return passagesFor(rule, named === null ? [] : membersOf(scene, port, named))
    }),
  )
  const each = [...new Map(all.map((passage) => [JSON.stringify(passage), passage])).values()]
  return each.length > MOST ? refuse('The groups of the port let through more than this cloud can keep.') : each
}

const rule = (action: 'accept' | 'drop', direction: string, priority: number, element: string): string =>
  `<rule action="${action}" direction="${direction}" priority="${priority}">${element}</rule>`

const empty = (element: string, attributes: Record<string, string>): string =>
  `<${element}${Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeXml(value)}"`)
    .join('')}/>`

/** What a port may speak with: its own addresses, and those of its pairs, each from a MAC address. */
const spoken = ({ mac, addresses, addressPairs = [] }: PortRecord['spec']): { mac: string; block: string }[] => [
  ...addresses.map((each) => ({ mac, block: blockOf(each) })),
  ...addressPairs.map((pair) => ({ mac: pair.mac?.toLowerCase() ?? mac, block: blockOf(pair) })),
]

/** Those addresses of a sender as attributes of an element: a block that is one address has no mask. */
const sender = (block: string, address: string, mask: string): Record<string, string> => {
  const [from = '', width] = block.split('/')
  return width === '0' ? {} : width === '32' ? { [address]: from } : { [address]: from, [mask]: width! }
}

/** Nobody speaks with another's addresses, and nothing but ARP and IPv4. */
const frames = (spec: PortRecord['spec']): string[] => {
  const senders = spoken(spec)
  const macs = [...new Set([spec.mac, ...senders.map(({ mac }) => mac)])]
  return [
    // Of several each is looked at where its own addresses are: what no rule lets through is dropped at the end.
    ...(macs.length > 1 ? [] : [rule('drop', 'out', -900, empty('mac', { match: 'no', srcmacaddr: spec.mac }))]),
    // 0.0.0.0 asks whether an address is free (RFC 5227), or has none yet.
    ...[...senders, ...macs.map((mac) => ({ mac, block: '0.0.0.0/32' }))].map(({ mac, block }) =>
      rule(
        'accept',
        'out',
        -800,
        empty('arp', {
          ...(macs.length > 1 ? { srcmacaddr: mac } : {}),
          arpsrcmacaddr: mac,
          ...sender(block, 'arpsrcipaddr', 'arpsrcipmask'),
        }),
      ),
    ),
    rule('accept', 'in', -800, empty('arp', {})),
    ...senders.map(({ mac, block }) =>
      rule(
        'accept',
        'out',
        -700,
        empty('ip', { ...(macs.length > 1 ? { srcmacaddr: mac } : {}), ...sender(block, 'srcipaddr', 'srcipmask') }),
      ),
    ),
    rule(
      'accept',
      'out',
      -700,
      empty('ip', {
        ...(macs.length > 1 ? { srcmacaddr: spec.mac } : {}),
        srcipaddr: '0.0.0.0',
        protocol: 'udp',
        srcportstart: '68',
        dstportstart: '67',
      }),
    ),
    rule('accept', 'in', -700, empty('ip', {})),
    '<rule action="drop" direction="inout" priority="1000"/>',
  ]
}

/** What every port needs: its address from DHCP, and word of what became of what it sent. */
const USUAL: Passage[] = [
  { direction: 'out', element: 'udp', attributes: { srcportstart: '68', dstportstart: '67' } },
  { direction: 'in', element: 'icmp', attributes: { state: 'RELATED' } },
  { direction: 'out', element: 'icmp', attributes: { state: 'RELATED' } },
]

/** The filter of a port, in libvirt's words. */
export const filterXml = (name: string, uuid: string, scene: Scene, port: PortRecord): string => {
  const head = `<filter name="${escapeXml(name)}" chain="root"><uuid>${uuid}</uuid>`
  if (!port.spec.portSecurity) return `${head}</filter>`
  const packets = [...USUAL, ...passages(scene, port)].map(({ direction, element, attributes }) =>
    rule('accept', direction, 100, empty(element, attributes)),
  )
  const rest = ['all', 'all-ipv6'].map((element) => rule('drop', 'inout', 1000, empty(element, {})))
  return [head, ...frames(port.spec), ...packets, ...rest, '</filter>'].join('')
}
