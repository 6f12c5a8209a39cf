import { describe, expect, it } from 'vitest'
import type { SecurityRule } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { filterXml, passagesFor, type Scene } from '../../../adapters/libvirt/network/filter.ts'
import type { GroupRecord, PortRecord } from '../../../adapters/libvirt/records/tables.ts'
import { type Element, parseXml } from '../../../adapters/shared/xml.ts'
import { generator, neutron, number, type Packet, rule, within } from '../packets.ts'

const [SELF, OTHER] = ['*/group/self', '*/group/other']
const OWN = '10.1.2.4'
const MAC = 'fa:16:3e:00:00:04'
/** Who is in which groups, beside the port itself. */
const MEMBERS: Record<string, string[]> = { '10.1.2.9': [SELF], '10.9.9.9': [OTHER], '10.1.2.10': [SELF, OTHER] }

const portWith = (
  address: string,
  mac: string,
  securityGroups: string[],
  more: Partial<PortRecord> = {},
): PortRecord => ({
  id: `kvm1/port/net/${mac}`,
  mark: '',
  spec: {
    name: 'p',
    network: '*/network/n',
    addresses: [{ subnet: 'kvm1/network/net/10.0.0.0/8', address }],
    mac,
    securityGroups,
    portSecurity: true,
  },
  ...more,
})
const port = portWith(OWN, MAC, [SELF])
const scene = (rules: SecurityRule[], more: PortRecord[] = []): Scene => {
  const group = (id: string, of: SecurityRule[]): [string, GroupRecord] => [
    id,
    { id, mark: '', spec: { name: id, description: '', network: '*/network/n', rules: of } },
  ]
  const others = Object.entries(MEMBERS).map(([address, groups], i) =>
    portWith(address, `fa:16:3e:00:01:0${i}`, groups),
  )
  return { ports: [port, ...others, ...more], groups: new Map([group(SELF, rules), group(OTHER, [])]) }
}

const rulesIn = (rules: SecurityRule[], of = port): Element[] =>
  parseXml(filterXml('f', '0b9a9070-9fe1-49da-9cbd-2243b39ef98e', scene(rules), of)).children.filter(
    ({ name }) => name === 'rule',
  )

const FRAMES = ['mac', 'arp', 'ip']
/** What is told of a packet, by the words of libvirt's documentation. */
const matches = ({ name, attributes }: Element, { direction, protocol, port: at, code, peer }: Packet): boolean => {
  const given = (key: string) => attributes.get(key)
  // What belongs to a connection is none that begins.
  if (given('state')) return false
  if (name !== 'all' && number(name) !== protocol) return false
  const side = direction === 'ingress' ? 'src' : 'dst'
  if (given(direction === 'ingress' ? 'dstipaddr' : 'srcipaddr')) return false
  const address = given(`${side}ipaddr`)
  if (address && !within(`${address}/${given(`${side}ipmask`) ?? 32}`, peer)) return false
  if (given('type') && Number(given('type')) !== at) return false
  if (given('code') && Number(given('code')) !== code) return false
  if (given('srcportstart')) return false
  const [from, to] = [given('dstportstart'), given('dstportend')]
  return from === undefined || (at >= Number(from) && at <= Number(to ?? from))
}

/** Whether a filter lets a packet through: the first rule by priority that is about it decides, and where none is it passes. */
const passes = (rules: Element[], packet: Packet): boolean => {
  const about = rules
    .filter(({ attributes, children: [what] }) => {
      const direction = attributes.get('direction')
      return (
        what &&
        !FRAMES.includes(what.name) &&
        ['inout', packet.direction === 'ingress' ? 'in' : 'out'].includes(direction!)
      )
    })
    .toSorted((a, b) => Number(a.attributes.get('priority')) - Number(b.attributes.get('priority')))
  const first = about.find(({ children: [what] }) => matches(what!, packet))
  return (first?.attributes.get('action') ?? 'accept') === 'accept'
}

describe('who a port may be', () => {
  const paired = (...addressPairs: { address: string; mac: string | null }[]): PortRecord => ({
    ...port,
    spec: { ...port.spec, addressPairs },
  })
  /** Of each rule about whole frames that a port sends: what it does, and with what. */
  const sent = (of: PortRecord) =>
    rulesIn([], of)
      .filter(
        ({ attributes, children: [what] }) =>
          what && FRAMES.includes(what.name) && attributes.get('direction') === 'out',
      )
      .map(({ attributes, children: [what] }) => [
        attributes.get('action'),
        what!.name,
        Object.fromEntries([...what!.attributes].filter(([name]) => !/^(dst|protocol|srcport)/.test(name))),
      ])
  const OTHER = 'fa:16:3e:00:00:99'

  it('is itself alone', () => {
    expect(sent(port)).toEqual([
      ['drop', 'mac', { match: 'no', srcmacaddr: MAC }],
      ['accept', 'arp', { arpsrcmacaddr: MAC, arpsrcipaddr: OWN }],
      ['accept', 'arp', { arpsrcmacaddr: MAC, arpsrcipaddr: '0.0.0.0' }],
      ['accept', 'ip', { srcipaddr: OWN }],
      ['accept', 'ip', { srcipaddr: '0.0.0.0' }],
    ])
  })

  it('and the addresses of its pairs, from its own MAC address', () => {
    const own = paired({ address: '10.1.2.200', mac: null }, { address: '10.1.3.0/24', mac: null })
    expect(sent(own)).toEqual([
      ['drop', 'mac', { match: 'no', srcmacaddr: MAC }],
      ['accept', 'arp', { arpsrcmacaddr: MAC, arpsrcipaddr: OWN }],
      ['accept', 'arp', { arpsrcmacaddr: MAC, arpsrcipaddr: '10.1.2.200' }],
      ['accept', 'arp', { arpsrcmacaddr: MAC, arpsrcipaddr: '10.1.3.0', arpsrcipmask: '24' }],
      ['accept', 'arp', { arpsrcmacaddr: MAC, arpsrcipaddr: '0.0.0.0' }],
      ['accept', 'ip', { srcipaddr: OWN }],
      ['accept', 'ip', { srcipaddr: '10.1.2.200' }],
      ['accept', 'ip', { srcipaddr: '10.1.3.0', srcipmask: '24' }],
      ['accept', 'ip', { srcipaddr: '0.0.0.0' }],
    ])
  })

  it('and of those with another MAC address from that alone', () => {
    expect(sent(paired({ address: '10.1.2.200', mac: OTHER }))).toEqual([
      ['accept', 'arp', { srcmacaddr: MAC, arpsrcmacaddr: MAC, arpsrcipaddr: OWN }],
      ['accept', 'arp', { srcmacaddr: OTHER, arpsrcmacaddr: OTHER, arpsrcipaddr: '10.1.2.200' }],
      ['accept', 'arp', { srcmacaddr: MAC, arpsrcmacaddr: MAC, arpsrcipaddr: '0.0.0.0' }],
      ['accept', 'arp', { srcmacaddr: OTHER, arpsrcmacaddr: OTHER, arpsrcipaddr: '0.0.0.0' }],
      ['accept', 'ip', { srcmacaddr: MAC, srcipaddr: OWN }],
      ['accept', 'ip', { srcmacaddr: OTHER, srcipaddr: '10.1.2.200' }],
      ['accept', 'ip', { srcmacaddr: MAC, srcipaddr: '0.0.0.0' }],
    ])
  })

  it('is let in with its pairs by rules that name a group of it', () => {
    const member = { ...paired({ address: '10.1.3.0/24', mac: null }), id: 'kvm1/port/net/m' }
    const among: Scene = { ...scene([rule({ direction: 'ingress', family: 4, group: 'self' })]), ports: [port, member] }
    const xml = filterXml('f', '0b9a9070-9fe1-49da-9cbd-2243b39ef98e', among, port)
    expect(xml).toContain('<tcp srcipaddr="10.1.3.0" srcipmask="24"/>')
  })
})

describe('the filter of a port', () => {
  const next = generator(20_261_130)
  const pick = <T>(...of: T[]): T => of[Math.floor(next() * of.length)]!
  const randomRule = (): SecurityRule => {
    const family = pick<4 | 6>(4, 4, 6)
    const min = pick(null, 0, 8, 22, 80, 443)
    return rule({
      direction: pick('ingress', 'egress'),
      family,
      protocol: pick(null, 'tcp', 'udp', 'icmp', 'ICMP', 'sctp', 'gre', '6', '17', '1', '112', '50', 'any', '0'),
      min,
      max: pick(null, min, min === null ? null : min + 10, 0),
      ...pick<Partial<SecurityRule>>(
        {},
        { cidr: family === 4 ? pick('10.0.0.0/8', '10.1.2.3/24', '192.0.2.7', '0.0.0.0/0') : '::/0' },
        { group: pick('self', SELF, OTHER) },
      ),
    })
  }
  const randomPacket = (): Packet => {
    const peer = pick(...Object.keys(MEMBERS), '10.1.2.11', '192.0.2.7', '192.0.2.8', '203.0.113.1')
    return {
      direction: pick('ingress', 'egress'),
      family: 4,
      protocol: pick('6', '17', '1', '132', '47', '112', '50', '51'),
      port: pick(0, 8, 22, 23, 80, 85, 443, 453, 65_535),
      code: pick(0, 10, 18, 80),
      peer,
      groups: MEMBERS[peer] ?? [],
    }
  }
  const lower = (each: SecurityRule): SecurityRule => ({ ...each, protocol: each.protocol?.toLowerCase() ?? null })

  it('lets through exactly what the rules say, or they are refused: 3,000 sets, 30 packets each', () => {
    let [kept, open] = [0, 0]
    for (let i = 0; i < 3_000; i++) {
      const rules = Array.from({ length: Math.floor(next() * 4) }, randomRule).filter((each) => {
        try {
          passagesFor(each, [])
          return true
        } catch (error) {
          expect(error).toBeInstanceOf(CloudError)
          return false
        }
      })
      kept += rules.length
      const filter = rulesIn(rules)
      for (let j = 0; j < 30; j++) {
        const packet = randomPacket()
        const allowed = neutron(rules.map(lower), packet, SELF)
        const through = passes(filter, packet)
        if (through !== allowed) expect({ rules, packet, through }).toEqual({ rules, packet, through: allowed })
        if (through) open += 1
      }
    }
    expect(kept).toBeGreaterThan(1_000)
    expect(open).toBeGreaterThan(1_000)
  })

  it('lets nobody speak with the addresses of others, and nothing be said but ARP and IPv4', () => {
    const frames = rulesIn([rule({ direction: 'egress', protocol: null })]).filter(
      ({ children: [what] }) => !what || FRAMES.includes(what.name),
    )
    const told = frames.map(({ attributes, children: [what] }) =>
      [
        attributes.get('action'),
        attributes.get('direction'),
        what?.name ?? 'anything',
        ...(what?.attributes.values() ?? []),
      ].join(' '),
    )
    expect(told).toEqual([
      `drop out mac no ${MAC}`,
      `accept out arp ${MAC} ${OWN}`,
      `accept out arp ${MAC} 0.0.0.0`,
      'accept in arp',
      `accept out ip ${OWN}`,
      'accept out ip 0.0.0.0 udp 68 67',
      'accept in ip',
      'drop inout anything',
    ])
    const priorities = frames.map(({ attributes }) => Number(attributes.get('priority')))
    expect(priorities).toEqual(priorities.toSorted((a, b) => a - b))
  })

  it('lets answers to a type of ICMP out, and to nobody else', () => {
    const said = passagesFor(rule({ protocol: 'icmp', min: 8, cidr: '10.0.0.0/8' }), [])
    expect(said).toEqual([
      { direction: 'in', element: 'icmp', attributes: { srcipaddr: '10.0.0.0', srcipmask: '8', type: '8' } },
      {
        direction: 'out',
        element: 'icmp',
        attributes: { dstipaddr: '10.0.0.0', dstipmask: '8', state: 'ESTABLISHED' },
      },
    ])
  })

  it('knows no member any more that is being removed', () => {
    const leaving = portWith('10.1.2.77', 'fa:16:3e:00:02:00', [SELF], { leaving: true })
    const rules = [rule({ protocol: null, group: 'self' })]
    const xml = filterXml('f', 'u', scene(rules, [leaving]), port)
    expect(xml).toContain('10.1.2.9')
    expect(xml).not.toContain('10.1.2.77')
  })

  it('is empty without port security', () => {
    expect(rulesIn([], { ...port, spec: { ...port.spec, securityGroups: [], portSecurity: false } })).toEqual([])
  })

  it.each([
    ['ports of any protocol', { protocol: null, min: 80, max: 80 }],
    ['ports of a protocol that has none', { protocol: 'esp', min: 80, max: 80 }],
    ['a protocol that libvirt cannot name', { protocol: 'gre' }],
    ['an unknown protocol', { protocol: 'carrier-pigeon' }],
    ['an ICMP code without a type', { protocol: 'icmp', max: 0 }],
    ['a type of ICMP beyond a byte', { protocol: 'icmp', min: 256 }],
    ['a range without its lower end', { max: 80 }],
    ['a range that ends before it begins', { min: 80, max: 22 }],
    ['an address range of the other family', { cidr: '::/0' }],
    ['a range and a group at once', { cidr: '10.0.0.0/8', group: 'self' as const }],
  ])('refuses %s', (_, change) => {
    expect(() => passagesFor(rule(change), [])).toThrow(CloudError)
  })
})
