import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/* Rules that new security groups begin with. */

const V2 = '/network/v2.0'
let plimsoll: Plimsoll
let demo: Client
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
  admin = plimsoll.as('admin')
})
const both = { used_in_default_sg: true, used_in_non_default_sg: true }
const make = (rule: object, who = admin) =>
  who.post(`${V2}/default-security-group-rules`, {
    default_security_group_rule: { direction: 'ingress', ...both, ...rule },
  })
const list = async (query = '') =>
  (await demo.get(`${V2}/default-security-group-rules${query}`)).body.default_security_group_rules
const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]
type Rule = Record<string, string | number | null>
const shown = (rules: Rule[]) =>
  rules.map((r) => [r.direction, r.ethertype, r.protocol, r.port_range_min, r.remote_group_id, r.description]).sort()

describe('rules of new groups', () => {
  test('are at first what groups always had', async () => {
    const rules = (await demo.get(`${V2}/default-security-group-rules`)).body.default_security_group_rules
    expect(rules[0]).toEqual({
      ...{ id: expect.any(String), direction: 'egress', ethertype: 'IPv4', protocol: null, remote_ip_prefix: null },
      ...{ port_range_min: null, port_range_max: null, remote_group_id: null, remote_address_group_id: null, ...both },
      description: 'Legacy default SG rule for egress traffic',
    })
    expect(shown(rules).map(([direction, ethertype, , , group]) => [direction, ethertype, group])).toEqual([
      ['egress', 'IPv4', null],
      ['egress', 'IPv6', null],
      ['ingress', 'IPv4', 'PARENT'],
      ['ingress', 'IPv6', 'PARENT'],
    ])
    expect(await list('?used_in_non_default_sg=true&sort_key=ethertype&sort_dir=desc')).toMatchObject([
      { direction: 'egress', ethertype: 'IPv6' },
      { direction: 'egress', ethertype: 'IPv4' },
    ])
    expect((await demo.get(`${V2}/default-security-group-rules/${rules[0].id}`)).body).toEqual({
      default_security_group_rule: rules[0],
    })
  })

  test('are what groups made from then on begin with, and no others', async () => {
    const before = (await demo.get(`${V2}/security-groups`)).body.security_groups
    const ssh = { protocol: 'tcp', port_range_min: 22, port_range_max: 22, description: 'SSH' }
    const made = await make({ ...ssh, used_in_default_sg: false })
    expect([made.status, made.body.default_security_group_rule]).toMatchObject([
      201,
      { ...ssh, ethertype: 'IPv4', used_in_default_sg: false, used_in_non_default_sg: true },
    ])
    expect((await make({ protocol: 'icmp', remote_group_id: 'PARENT', used_in_non_default_sg: false })).status).toBe(
      201,
    )
    const v6 = (await list('?ethertype=IPv6&direction=egress'))[0]
    expect((await admin.delete(`${V2}/default-security-group-rules/${v6.id}`)).status).toBe(204)

    const group = (await demo.post(`${V2}/security-groups`, { security_group: { name: 'web' } })).body.security_group
    expect(shown(group.security_group_rules)).toEqual([
      ['egress', 'IPv4', null, null, null, ''],
      ['ingress', 'IPv4', 'tcp', 22, null, ''],
    ])
    await plimsoll.newProject('other')
    const [other] = (await plimsoll.as('other').get(`${V2}/security-groups`)).body.security_groups
    expect(shown(other.security_group_rules)).toEqual([
      ['egress', 'IPv4', null, null, null, ''],
      ['ingress', 'IPv4', null, null, other.id, ''],
      ['ingress', 'IPv4', 'icmp', null, other.id, ''],
      ['ingress', 'IPv6', null, null, other.id, ''],
    ])
    expect((await demo.get(`${V2}/security-groups?name=default`)).body.security_groups).toEqual(before)
    const { used } = (await demo.get(`${V2}/quotas/${plimsoll.projectId('demo')}/details`)).body.quota
      .security_group_rule
    expect(used).toBe(before[0].security_group_rules.length + 2)
  })

  test('are once for each kind of group', async () => {
    const first = await make({ protocol: 'tcp', port_range_min: 22, port_range_max: 22, used_in_default_sg: false })
    const { id } = first.body.default_security_group_rule
    const again = { protocol: '6', port_range_min: 22, port_range_max: 22, remote_ip_prefix: '0.0.0.0/0' }
    expect(fault(await make(again))).toEqual([
      ...[409, 'DefaultSecurityGroupRuleExists', `Default Security group rule already exists. Rule id is ${id}.`],
    ])
    expect((await make({ ...again, used_in_non_default_sg: false })).status).toBe(201)
  })

  test('name blocks of an address group, which stays while they do', async () => {
    const body = { address_group: { name: 'office', addresses: ['192.0.2.0/24'] } }
    const { id } = (await admin.post(`${V2}/address-groups`, body)).body.address_group
    const made = await make({ remote_address_group_id: id })
    expect(made.status).toBe(201)
    expect((await admin.delete(`${V2}/address-groups/${id}`)).status).toBe(409)
    const group = (await demo.post(`${V2}/security-groups`, { security_group: { name: 'web' } })).body.security_group
    expect(group.security_group_rules.filter((rule: Rule) => rule.remote_address_group_id === id)).toHaveLength(1)
    expect((await make({ remote_address_group_id: crypto.randomUUID() })).status).toBe(404)
  })

  test('are for administrators to say, and there are not too many', async () => {
    const [rule] = await list()
    expect(fault(await make({}, demo))[2]).toBe('rule:create_default_security_group_rule is disallowed by policy')
    expect(fault(await demo.delete(`${V2}/default-security-group-rules/${rule.id}`))[0]).toBe(403)
    const none = crypto.randomUUID()
    for (const answer of [
      await demo.get(`${V2}/default-security-group-rules/${none}`),
      await admin.delete(`${V2}/default-security-group-rules/${none}`),
    ])
      expect(fault(answer)).toEqual([
        ...[404, 'DefaultSecurityGroupRuleNotFound', `Default Security Group rule ${none} does not exist`],
      ])
    const foreign = (await demo.get(`${V2}/security-groups`)).body.security_groups[0].id
    for (const junk of [
      { used_in_default_sg: undefined },
      { used_in_default_sg: 'x' },
      { direction: 'in' },
      { port_range_min: 1, port_range_max: 2 },
      { protocol: 'x' },
      { remote_ip_prefix: '10.0.0.0/33' },
      { remote_group_id: foreign },
      { remote_group_id: 'PARENT', remote_ip_prefix: '10.0.0.0/8' },
      { remote_address_group_id: 'x' },
      { security_group_id: foreign },
    ])
      expect([junk, (await make(junk)).status]).toEqual([junk, 400])
    for (let port = 1; port <= 46; port++)
      expect((await make({ protocol: 'tcp', port_range_min: port, port_range_max: port })).status).toBe(201)
    expect(fault(await make({ protocol: 'udp' }))[2]).toBe(
      'Invalid input for operation: there are at most 50 default rules of security groups.',
    )
  })
})
