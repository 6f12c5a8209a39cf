import * as z from 'zod'
import { ruleById } from '../../../db/queries/network/security/security-groups.ts'
import { readCidr } from '../../broker/network/address.ts'
import type { RuleWish } from '../../broker/network/security/rule.ts'
import { addRules, removeRule } from '../../broker/network/security/security-group.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { isUuid } from '../servers/fields.ts'
import { ruleView } from './group-view.ts'
import { LAST } from './listing.ts'
import { groupOf } from './security-groups.ts'

/* Rules as Nova took them: nova/network/security_group_api.py, api/openstack/compute/security_groups.py */

const wish = z.strictObject({
  security_group_rule: z.looseObject({
    parent_group_id: z.unknown().optional(),
    ip_protocol: z.unknown().optional(),
    from_port: z.unknown().optional(),
    to_port: z.unknown().optional(),
    cidr: z.unknown().optional(),
    group_id: z.unknown().optional(),
  }),
})
type Wish = z.infer<typeof wish>
type Asked = Wish['security_group_rule']

interface Traffic {
  protocol: 'tcp' | 'udp' | 'icmp'
  from: number
  to: number
}

const invalid = (reason: string): never => {
  throw badRequest(`Invalid input received: ${reason}`)
}

const range = ({ from, to }: Pick<Traffic, 'from' | 'to'>, why: string): never => {
  throw badRequest(`Invalid port range ${from}:${to}. ${why}`)
}

const wholeOf = (value: unknown, protocol: string): number => {
  const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
  if (Number.isSafeInteger(number)) return number as number
  return invalid(
    protocol === 'icmp'
      ? 'Type and Code must be integers for ICMP protocol type'
      : 'To and From ports must be integers',
  )
}

/** As a text, whatever it is: nobody says that it is one. */
const wordOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
const isGiven = (value: unknown): boolean => value !== undefined && value !== null

/** What goes through; null: nothing was said of it. A group without ports opens all of them. */
const trafficOf = ({ ip_protocol, from_port, to_port }: Asked, fromGroup: boolean): Traffic | null => {
  if (!isGiven(ip_protocol) || ip_protocol === '') return null
  const protocol = wordOf(ip_protocol).toLowerCase()
  const silent = !isGiven(from_port) && !isGiven(to_port)
  if (silent && fromGroup && protocol === 'icmp') return { protocol, from: -1, to: -1 }
  if (silent && fromGroup && (protocol === 'tcp' || protocol === 'udp')) return { protocol, from: 1, to: 65535 }
  if (!isGiven(from_port) || !isGiven(to_port)) return null
  const ports = { from: wholeOf(from_port, protocol), to: wholeOf(to_port, protocol) }
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'icmp')
    throw badRequest(`Invalid IP protocol ${wordOf(ip_protocol)}.`)
  if (protocol === 'icmp') {
    if ([ports.from, ports.to].some((each) => each < -1 || each > 255))
      range(ports, 'For ICMP, the type:code must be valid')
  } else {
    if (ports.from > ports.to) range(ports, 'Former value cannot be greater than the later')
    if (ports.from < 1 || ports.to > 65535)
      range(ports, `Valid ${protocol.toUpperCase()} ports should be between 1-65535`)
  }
  return { protocol, ...ports }
}

/** Any address unless a block is named. A block of no bits means all addresses, and has to say so. */
const blockOf = ({ cidr }: Asked): { remoteIpPrefix: string; ethertype: RuleWish['ethertype'] } => {
  if (!isGiven(cidr)) return { remoteIpPrefix: '0.0.0.0/0', ethertype: 'IPv4' }
  const text = wordOf(cidr).trim()
  // Kept as it was written, as the network service keeps it.
  const whole = text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`
  const block = readCidr(whole)
  if (!block) throw badRequest(`Invalid cidr ${text}.`)
  const [net = '', bits] = text.split('/')
  if (bits === '0' && net !== '0.0.0.0' && net !== '::') throw badRequest(`Bad prefix for network in cidr ${text}`)
  return { remoteIpPrefix: whole, ethertype: block.version === 6 ? 'IPv6' : 'IPv4' }
}

const ruleOf = (asked: Asked): RuleWish => {
  const fromGroup = isGiven(asked.group_id)
  const traffic = trafficOf(asked, fromGroup)
  if (!fromGroup && traffic === null) throw badRequest('Not enough parameters to build a valid rule.')
  const from = fromGroup ? { remoteIpPrefix: null, ethertype: 'IPv4' as const } : blockOf(asked)
  const port = (value: number | undefined) => (value === undefined || value === -1 ? null : value)
  return {
    direction: 'ingress',
    ...from,
    protocol: traffic?.protocol ?? null,
    portRangeMin: port(traffic?.from),
    portRangeMax: port(traffic?.to),
    remoteGroupId: fromGroup ? wordOf(asked.group_id) : null,
    remoteAddressGroupId: null,
    description: '',
  }
}

const create = async ({ context, body }: Input<Wish>) => {
  const asked = body.security_group_rule
  const group = await groupOf(context, asked.parent_group_id)
  const source = isGiven(asked.group_id) ? await groupOf(context, asked.group_id) : null
  const [rule] = await addRules(context, [{ ...ruleOf(asked), securityGroupId: group.id }])
  const names = new Map(source ? [[source.id, source.name]] : [])
  return { body: { security_group_rule: ruleView(rule!, names) } }
}

/** https://docs.openstack.org/api-ref/compute/#rules-for-security-group-os-security-group-rules-deprecated */
export const securityGroupRuleOperations: Operation[] = [
  operation<Wish>({
    name: 'security_group_rule.create',
    method: 'POST',
    path: '/os-security-group-rules',
    who: 'member',
    summary: 'Lets something in: from a block of addresses, or from what is in a group.',
    status: 200,
    until: LAST,
    body: wish,
    handle: create,
  }),
  operation({
    name: 'security_group_rule.delete',
    method: 'DELETE',
    path: '/os-security-group-rules/:id',
    who: 'member',
    summary: 'Takes a rule away.',
    status: 202,
    until: LAST,
    handle: async ({ context, params }) => {
      const id = params.id!
      if (!isUuid(id)) throw badRequest('Security group id should be uuid')
      if (!(await ruleById(context.db, context.scope, id))) throw notFound(`Rule (${id}) not found`)
      await removeRule(context, id)
      return {}
    },
  }),
]
