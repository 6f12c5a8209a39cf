import type { SecurityGroupSpec, SecurityRule } from '../../../adapters/contract.ts'
import { type NetworkRow, networkById } from '../../../db/queries/network/network.ts'
import { addressGroupsById } from '../../../db/queries/network/security/address-groups.ts'
import {
  groupsIn,
  type RuleRow,
  type SecurityGroupView,
  securityGroupById,
} from '../../../db/queries/network/security/security-groups.ts'
import { everyProject } from '../../../db/scope.ts'
import { type Natives, type Need, steps } from '../line/steps.ts'
import { readCidr, writeCidr } from '../network/address.ts'
import { networkNeed } from './network.ts'

interface Loaded {
  group: SecurityGroupView
  network: NetworkRow
  /** Blocks of the address groups that its rules name, by their ids. */
  blocks: Map<string, string[]>
}

/** A group as something on a network needs it: it is realised once per network. */
export const securityGroupNeed = ({ id, projectId }: { id: string; projectId: string }, networkId: string): Need => ({
  kind: 'security_group',
  resourceId: id,
  scope: networkId,
  projectId,
})

/**
 * Born without rules, so that groups may name each other; then given exactly what their owner wrote. A remote group is
 * its members on the same network: narrower than Neutron where it has members elsewhere, never wider.
 */
export const securityGroupSteps = steps<Loaded, SecurityGroupSpec>({
  kind: 'security_group',
  returns: true,
  realm: (cloud) => cloud.security_group,
  load: async ({ db }, { resourceId, scope }) => {
    const group = await securityGroupById(db, everyProject, resourceId)
    const network = group && (await networkById(db, everyProject, scope))
    if (!network) return null
    const named = [...new Set(group.rules.flatMap(({ remoteAddressGroupId }) => remoteAddressGroupId ?? []))]
    const found = named.length ? await addressGroupsById(db, named) : []
    return { group, network, blocks: new Map(found.map(({ id, addresses }) => [id, addresses])) }
  },
  needs: async ({ db }, { group, network }, _, stage) => {
    const named = stage === 'create' ? [] : remoteGroups(group)
    const groups = named.length ? await groupsIn(db, everyProject, named) : []
    return [networkNeed(network), ...groups.map((each) => securityGroupNeed(each, network.id))]
  },
  keeps: ({ network }) => [{ kind: 'network', nativeId: network }],
  // As it was born: groups that name each other would hold each other for ever.
  stripped: ({ frozen }) => (frozen ? { ...(frozen as unknown as SecurityGroupSpec), rules: [] } : null),
  spec: (_, { group, network, blocks }, binding, native, stage) => ({
    name: group.name,
    description: group.description,
    network: native(networkNeed(network)),
    rules:
      stage === 'create'
        ? []
        : group.rules.flatMap((rule) => spread(rule, blocks)).map((rule) => translated(rule, binding.scope, native)),
    ...(group.stateful ? {} : { stateless: true as const }),
  }),
})

const remoteGroups = ({ id, rules }: SecurityGroupView): string[] => [
  ...new Set(rules.flatMap(({ remoteGroupId }) => (remoteGroupId && remoteGroupId !== id ? [remoteGroupId] : []))),
]

/** A rule of an address group is one for each of its blocks of the family, or none. */
const spread = (rule: RuleRow, blocks: Map<string, string[]>): RuleRow[] =>
  rule.remoteAddressGroupId === null
    ? [rule]
    : (blocks.get(rule.remoteAddressGroupId) ?? [])
        .filter((block) => (readCidr(block)?.version === 6) === (rule.ethertype === 'IPv6'))
        .map((remoteIpPrefix) => ({ ...rule, remoteIpPrefix }))

/** One rule of Neutron in the words of the contract. */
export const translated = (rule: RuleRow, networkId: string, native: Natives): SecurityRule => {
  const { remoteGroupId, remoteIpPrefix } = rule
  const block = remoteIpPrefix === null ? null : readCidr(remoteIpPrefix)
  if (remoteIpPrefix !== null && !block) throw new Error(`rule ${rule.id} has a bad prefix`)
  return {
    direction: rule.direction,
    family: rule.ethertype === 'IPv6' ? 6 : 4,
    protocol: protocolOf(rule),
    min: rule.portRangeMin,
    max: rule.portRangeMax,
    cidr: block && writeCidr(block),
    group:
      remoteGroupId === null
        ? null
        : remoteGroupId === rule.securityGroupId
          ? 'self'
          : native({ kind: 'security_group', resourceId: remoteGroupId, scope: networkId }),
    ...(rule.description ? { description: rule.description } : {}),
  }
}

/** ICMP has another number in IPv6, whatever the rule calls it. */
const protocolOf = ({ protocol, ethertype }: RuleRow): string | null =>
  ethertype === 'IPv6' && protocol && ['icmp', 'icmpv6', 'ipv6-icmp', '58', '1'].includes(protocol)
    ? 'ipv6-icmp'
    : protocol === '1'
      ? 'icmp'
      : protocol === '6'
        ? 'tcp'
        : protocol === '17'
          ? 'udp'
          : protocol
