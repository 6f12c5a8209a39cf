import { protocolNumber } from './protocols.ts'

/** A rule as it is asked for, already checked. */
export interface RuleWish {
  direction: 'ingress' | 'egress'
  ethertype: 'IPv4' | 'IPv6'
  protocol: string | null
  portRangeMin: number | null
  portRangeMax: number | null
  remoteIpPrefix: string | null
  remoteGroupId: string | null
  remoteAddressGroupId: string | null
  description: string
}

const ANYWHERE = ['0.0.0.0/0', '::/0']

/**
 * What two rules have in common if they mean the same: the name of a protocol is its number, and from anywhere is from no
 * place in particular (neutron/db/securitygroups_db.py, `_rule_to_key`).
 */
export const signatureOf = (w: RuleWish): string => {
  const protocol = protocolNumber(w.protocol, w.ethertype)
  const from = ANYWHERE.includes(w.remoteIpPrefix ?? '') ? null : w.remoteIpPrefix
  const plain = [w.direction, w.ethertype, protocol, w.portRangeMin, w.portRangeMax, from, w.remoteGroupId]
  // Those without one are kept as they were written before there were any.
  return [...plain, ...(w.remoteAddressGroupId === null ? [] : [w.remoteAddressGroupId])].map((v) => v ?? '').join('|')
}
