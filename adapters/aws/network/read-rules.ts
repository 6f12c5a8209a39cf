import type { SecurityGroup } from '@aws-sdk/client-ec2'
import type { SecurityRule } from '../../contract.ts'
import { asCloudError } from '../../errors.ts'
import { type Grant, grantsFor, grantsIn, keyOf } from './rules.ts'

/** EC2's permission as the rule that stands for it; whether it really does is for `readRules` to find out. */
const ruleOf = (self: string, { direction, protocol, from, to, peer, description }: Grant): SecurityRule => {
  const number = (value: number | undefined) => (value === undefined || value < 0 ? null : value)
  const ports = protocol === 'tcp' || protocol === 'udp'
  const all = !/^[a-z]/.test(protocol) || (ports && (number(from) ?? 0) === 0 && [null, 65_535].includes(number(to)))
  const anyone = peer.value === '0.0.0.0/0' || peer.value === '::/0'
  return {
    direction,
    family: peer.kind === 'v6' ? 6 : 4,
    protocol: protocol === '-1' ? null : protocol === 'icmpv6' ? 'ipv6-icmp' : protocol,
    min: all ? null : number(from),
    max: all ? null : number(to),
    cidr: peer.kind === 'group' || anyone ? null : peer.value,
    group: peer.kind !== 'group' ? null : peer.value === self ? 'self' : peer.value,
    ...(description ? { description } : {}),
  }
}

/** Groups of other networks and accounts are no groups of this network. */
const strangers = ({ IpPermissions = [], IpPermissionsEgress = [], VpcId, OwnerId }: SecurityGroup): Set<string> =>
  new Set(
    [...IpPermissions, ...IpPermissionsEgress]
      .flatMap(({ UserIdGroupPairs }) => UserIdGroupPairs ?? [])
      .filter(
        (pair) =>
          pair.VpcPeeringConnectionId ||
          (pair.VpcId && pair.VpcId !== VpcId) ||
          (pair.UserId && pair.UserId !== OwnerId),
      )
      .flatMap(({ GroupId }) => GroupId ?? []),
  )

/**
 * The rules of a group in the contract's words, each tried: translated back it must be the very permission that it came
 * from. What is not is named, because an update of the group would take it away.
 */
export const readRules = (group: SecurityGroup): { rules: SecurityRule[]; lost: string[] } => {
  const self = group.GroupId ?? ''
  const foreign = strangers(group)
  const grants = [
    ...grantsIn('ingress', group.IpPermissions).values(),
    ...grantsIn('egress', group.IpPermissionsEgress).values(),
  ]
  const rules: SecurityRule[] = []
  const lost: string[] = []
  for (const grant of grants) {
    const rule = grant.peer.kind === 'list' || foreign.has(grant.peer.value) ? null : ruleOf(self, grant)
    if (rule && means(rule, self, grant)) rules.push(rule)
    else
      lost.push(
        `No rule says ${grant.direction} ${grant.protocol} ${grant.from ?? ''}-${grant.to ?? ''} ${grant.peer.value}.`,
      )
  }
  return { rules, lost }
}

const means = (rule: SecurityRule, self: string, grant: Grant): boolean => {
  try {
    return [...grantsFor([rule], self).keys()].join() === keyOf(grant)
  } catch (error) {
    asCloudError(error)
    return false
  }
}
