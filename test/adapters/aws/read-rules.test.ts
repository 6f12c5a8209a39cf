import type { IpPermission } from '@aws-sdk/client-ec2'
import { describe, expect, it } from 'vitest'
import { readRules } from '../../../adapters/aws/network/read-rules.ts'
import { grantsFor, grantsIn } from '../../../adapters/aws/network/rules.ts'

const group = (IpPermissions: IpPermission[], IpPermissionsEgress: IpPermission[] = []) => ({
  GroupId: 'sg-1',
  VpcId: 'vpc-1',
  OwnerId: '123456789012',
  IpPermissions,
  IpPermissionsEgress,
})
const v4 = (CidrIp: string) => ({ IpRanges: [{ CidrIp }] })

describe('the rules of a group that somebody else wrote', () => {
  it('are read so that writing them again changes nothing', () => {
    const inward: IpPermission[] = [
      { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, ...v4('192.0.2.0/24') },
      { IpProtocol: 'tcp', FromPort: 0, ToPort: 65_535, ...v4('0.0.0.0/0') },
      { IpProtocol: 'udp', FromPort: 500, ToPort: 600, Ipv6Ranges: [{ CidrIpv6: '2001:db8::/32' }] },
      { IpProtocol: 'icmp', FromPort: -1, ToPort: -1, ...v4('10.0.0.0/8') },
      { IpProtocol: 'icmpv6', FromPort: 128, ToPort: -1, Ipv6Ranges: [{ CidrIpv6: '::/0' }] },
      { IpProtocol: '50', ...v4('10.0.0.0/8') },
      { IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: 'sg-1' }, { GroupId: 'sg-2' }] },
    ]
    const outward: IpPermission[] = [{ IpProtocol: '-1', ...v4('0.0.0.0/0') }]
    const { rules, lost } = readRules(group(inward, outward))
    expect(lost).toEqual([])
    const had = [...grantsIn('ingress', inward).keys(), ...grantsIn('egress', outward).keys()]
    expect([...grantsFor(rules, 'sg-1').keys()].sort()).toEqual(had.sort())
    expect(rules.at(-1)).toEqual({
      direction: 'egress',
      family: 4,
      protocol: null,
      min: null,
      max: null,
      cidr: null,
      group: null,
    })
  })

  it('are named where no rule says them, because an update would take them away', () => {
    const { rules, lost } = readRules(
      group([
        { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, PrefixListIds: [{ PrefixListId: 'pl-1' }] },
        { IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: 'sg-9', VpcId: 'vpc-9' }] },
        { IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: 'sg-8', UserId: '999999999999' }] },
        { IpProtocol: 'icmpv6', FromPort: -1, ToPort: -1, ...v4('0.0.0.0/0') },
        { IpProtocol: 'tcp', FromPort: 80, ToPort: 80, ...v4('0.0.0.0/0') },
      ]),
    )
    expect(rules).toHaveLength(1)
    expect(lost).toHaveLength(4)
    expect(lost[0]).toBe('No rule says ingress tcp 443-443 pl-1.')
  })
})
