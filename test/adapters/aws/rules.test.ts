import { describe, expect, it } from 'vitest'
import { type Grant, grantsFor, grantsIn, keyOf, permissionFor } from '../../../adapters/aws/network/rules.ts'
import type { SecurityRule } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { generator, neutron, number, type Packet, rule, within } from '../packets.ts'

/** What EC2's permissions let through, by its: ports count for four protocols, groups stand for both families. */
const ec2 = (grants: Grant[], packet: Packet): boolean =>
  grants.some((grant) => {
    const { IpProtocol, FromPort, ToPort, IpRanges, Ipv6Ranges, UserIdGroupPairs } = permissionFor(grant)
    if (grant.direction !== packet.direction) return false
    if (IpProtocol !== '-1') {
      if (number(IpProtocol!) !== packet.protocol) return false
      const icmp = IpProtocol === 'icmp' || IpProtocol === 'icmpv6'
      if (icmp && ((FromPort !== -1 && FromPort !== packet.port) || (ToPort !== -1 && ToPort !== packet.code)))
        return false
      const ported = IpProtocol === 'tcp' || IpProtocol === 'udp'
      if (ported && (packet.port < FromPort! || packet.port > ToPort!)) return false
    }
    const ranges = [...(IpRanges ?? []).map((r) => r.CidrIp!), ...(Ipv6Ranges ?? []).map((r) => r.CidrIpv6!)]
    return (
      ranges.some((range) => within(range, packet.peer)) ||
      (UserIdGroupPairs ?? []).some((pair) => packet.groups.includes(pair.GroupId!))
    )
  })

const SELF = 'sg-self'

describe('security rules on EC2', () => {
  const next = generator(20_261_120)
  const pick = <T>(...of: T[]): T => of[Math.floor(next() * of.length)]!
  const randomRule = (): SecurityRule => {
    const family = pick<4 | 6>(4, 6)
    const protocol = pick(null, 'tcp', 'udp', 'icmp', 'icmpv6', 'sctp', 'gre', '6', '58', '112', 'any', '0')
    const min = pick(null, 0, 8, 22, 80, 443)
    return rule({
      direction: pick('ingress', 'egress'),
      family,
      protocol,
      min,
      max: pick(null, min, min === null ? null : min + 10, 0),
      ...pick<Partial<SecurityRule>>(
        {},
        { cidr: family === 4 ? pick('10.0.0.0/8', '10.1.2.3/24', '192.0.2.7') : pick('2001:db8::/32', '::/0') },
        { group: pick('self', 'sg-other') },
      ),
    })
  }
  const randomPacket = (): Packet => {
    // No interface that the adapter makes has an IPv6 address, so members of groups are IPv4 peers.
    const groups = pick<string[]>([], [], [SELF], ['sg-other'], [SELF, 'sg-other'])
    const family = groups.length > 0 ? 4 : pick<4 | 6>(4, 6)
    return {
      direction: pick('ingress', 'egress'),
      family,
      protocol: pick('6', '17', family === 4 ? '1' : '58', '132', '47', '112', '50'),
      port: pick(0, 8, 22, 23, 80, 85, 443, 453, 65_535),
      code: pick(0, 10, 18, 80),
      peer:
        family === 4
          ? pick('10.1.2.9', '10.9.9.9', '192.0.2.7', '192.0.2.8', '203.0.113.1')
          : pick('2001:db8::1', '2001:db9::1'),
      groups,
    }
  }

  it('admit exactly what the rules say, or are refused: 3,000 sets, 30 packets each', () => {
    let kept = 0
    for (let i = 0; i < 3_000; i++) {
      const rules = Array.from({ length: Math.floor(next() * 4) }, randomRule).filter((each) => {
        try {
          grantsFor([each], SELF)
          return true
        } catch (error) {
          expect(error).toBeInstanceOf(CloudError)
          return false
        }
      })
      kept += rules.length
      const grants = [...grantsFor(rules, SELF).values()]
      for (let j = 0; j < 30; j++) {
        const packet = randomPacket()
        const open = ec2(grants, packet)
        const allowed = neutron(rules, packet, SELF)
        if (open !== allowed) expect({ rules, packet, open }).toEqual({ rules, packet, open: allowed })
      }
    }
    expect(kept).toBeGreaterThan(1_000)
  })

  it('are read back from EC2 with the keys they were written with', () => {
    for (let i = 0; i < 500; i++) {
      let grants: Map<string, Grant>
      try {
        grants = grantsFor([randomRule()], SELF)
      } catch {
        continue
      }
      for (const [key, grant] of grants) {
        expect([...grantsIn(grant.direction, [permissionFor(grant)]).keys()]).toEqual([key])
      }
    }
  })

  it.each([
    ['ports of SCTP, which EC2 would ignore', { protocol: 'sctp', min: 80, max: 80 }],
    ['ports of any protocol', { protocol: null, min: 80, max: 80 }],
    ['ICMPv6 over IPv4', { protocol: 'icmpv6' }],
    ['ICMP over IPv6', { protocol: 'icmp', family: 6 as const }],
    ['an ICMP code without a type', { protocol: 'icmp', max: 0 }],
    ['a range without its lower end', { max: 80 }],
    ['an unknown protocol', { protocol: 'carrier-pigeon' }],
    ['a number beyond protocols', { protocol: '256' }],
    ['an address range of the other family', { cidr: '::/0' }],
    ['a range and a group at once', { cidr: '10.0.0.0/8', group: 'self' as const }],
  ])('refuse %s', (_, change) => {
    expect(() => grantsFor([rule(change)], SELF)).toThrow(CloudError)
  })

  it('leave out the IPv6 members of a group, who do not exist', () => {
    expect(grantsFor([rule({ family: 6, protocol: null, group: 'self' })], SELF).size).toBe(0)
  })

  it('see the one rule that EC2 gives a fresh group, and what others added', () => {
    const fresh = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }]
    expect([...grantsIn('egress', fresh).keys()]).toEqual(['egress -1 all v4 0.0.0.0/0'])
    const mixed = [
      {
        IpProtocol: 'tcp',
        FromPort: 22,
        ToPort: 22,
        IpRanges: [{ CidrIp: '10.0.0.0/8', Description: 'x' }, { CidrIp: '192.0.2.0/24' }],
        UserIdGroupPairs: [{ GroupId: 'sg-1', UserId: '123456789012' }],
        PrefixListIds: [{ PrefixListId: 'pl-1' }],
      },
    ]
    expect(grantsIn('ingress', mixed).size).toBe(4)
  })

  it('keep a description that EC2 takes', () => {
    const [grant] = grantsFor([rule({ cidr: '10.0.0.0/8', description: 'büro → ssh' })], SELF).values()
    expect(permissionFor(grant!).IpRanges).toEqual([{ CidrIp: '10.0.0.0/8', Description: 'b_ro _ ssh' }])
    expect(keyOf(grant!)).toBe('ingress tcp 0-65535 v4 10.0.0.0/8')
  })
})
