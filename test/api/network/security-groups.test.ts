import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
})

const V2 = '/network/v2.0'
const newGroup = async (name = 'web') =>
  (await demo.post(`${V2}/security-groups`, { security_group: { name } })).body.security_group
const addRule = (security_group_id: string, body: object) =>
  demo.post(`${V2}/security-group-rules`, { security_group_rule: { security_group_id, direction: 'ingress', ...body } })
const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]
const used = async (resource: string) =>
  (await demo.get(`${V2}/quotas/${plimsoll.projectId('demo')}/details`)).body.quota[resource].used

describe('the default group', () => {
  test('is there when a project first looks, once', async () => {
    const lists = await Promise.all([1, 2, 3].map(() => demo.get(`${V2}/security-groups`)))
    for (const { body } of lists) expect(body.security_groups).toHaveLength(1)
    const [group] = lists[0]!.body.security_groups
    expect(group).toMatchObject({ name: 'default', description: 'Default security group' })
    const rules = group.security_group_rules.map((rule: Record<string, string>) => [
      rule.direction,
      rule.ethertype,
      rule.remote_group_id,
    ])
    expect(rules.toSorted()).toEqual([
      ['egress', 'IPv4', null],
      ['egress', 'IPv6', null],
      ['ingress', 'IPv4', group.id],
      ['ingress', 'IPv6', group.id],
    ])
    expect([await used('security_group'), await used('security_group_rule')]).toEqual([1, 4])
  })

  test('has one name and stays', async () => {
    const [group] = (await demo.get(`${V2}/security-groups`)).body.security_groups
    expect(fault(await demo.post(`${V2}/security-groups`, { security_group: { name: 'default' } }))).toEqual([
      409,
      'SecurityGroupDefaultAlreadyExists',
      'Default security group already exists.',
    ])
    expect(fault(await demo.put(`${V2}/security-groups/${group.id}`, { security_group: { name: 'x' } }))[1]).toBe(
      'SecurityGroupCannotUpdateDefault',
    )
    expect(fault(await demo.delete(`${V2}/security-groups/${group.id}`))).toEqual([
      409,
      'SecurityGroupCannotRemoveDefault',
      'Insufficient rights for removing default security group.',
    ])
    expect((await plimsoll.as('admin').delete(`${V2}/security-groups/${group.id}`)).status).toBe(204)
  })
})

test('a group is stateless where every cloud of the project can tell', async () => {
  const plain = await newGroup()
  const made = await demo.post(`${V2}/security-groups`, { security_group: { name: 'bare', stateful: false } })
  expect([made.status, made.body.security_group.stateful]).toEqual([201, false])
  const { id } = made.body.security_group
  const listed = (await demo.get(`${V2}/security-groups?stateful=false`)).body.security_groups
  expect(listed.map((group: { id: string }) => group.id)).toEqual([id])
  const network = (await demo.post(`${V2}/networks`, { network: {} })).body.network.id
  const port = (groups: string[]) =>
    demo.post(`${V2}/ports`, { port: { network_id: network, security_groups: groups } })
  expect(fault(await port([plain.id, id])).slice(0, 2)).toEqual([409, 'SecurityGroupConflict'])
  expect((await port([id])).status).toBe(201)
  const turned = await demo.put(`${V2}/security-groups/${plain.id}`, { security_group: { stateful: false } })
  expect([turned.status, turned.body.security_group.stateful]).toEqual([200, false])
  expect(fault(await demo.post(`${V2}/security-groups`, { security_group: { stateful: 'perhaps' } }))[0]).toBe(400)
})

test('a group lets everything out, and is changed and deleted', async () => {
  const group = await newGroup()
  expect(group.security_group_rules).toMatchObject([
    { direction: 'egress', ethertype: 'IPv4', protocol: null, remote_ip_prefix: null },
    { direction: 'egress', ethertype: 'IPv6' },
  ])
  expect(
    (await demo.put(`${V2}/security-groups/${group.id}`, { security_group: { name: 'w', description: 'd' } })).body
      .security_group,
  ).toMatchObject({
    name: 'w',
    description: 'd',
  })
  expect(group.stateful).toBe(true)
  const network = (await demo.post(`${V2}/networks`, { network: {} })).body.network.id
  const port = (await demo.post(`${V2}/ports`, { port: { network_id: network, security_groups: [group.id] } })).body
    .port
  expect(fault(await demo.delete(`${V2}/security-groups/${group.id}`))).toEqual([
    409,
    'SecurityGroupInUse',
    `Security Group ${group.id} in use.`,
  ])
  expect(fault(await demo.put(`${V2}/security-groups/${group.id}`, { security_group: { stateful: false } }))[1]).toBe(
    'SecurityGroupInUse',
  )
  await demo.delete(`${V2}/ports/${port.id}`)
  expect((await demo.delete(`${V2}/security-groups/${group.id}`)).status).toBe(204)
  expect(fault(await demo.get(`${V2}/security-groups/${group.id}`))).toEqual([
    404,
    'SecurityGroupNotFound',
    `Security group ${group.id} does not exist`,
  ])
  expect((await demo.get(`${V2}/security-groups?fields=name`)).body.security_groups).toEqual([{ name: 'default' }])
  expect([await used('security_group'), await used('security_group_rule')]).toEqual([1, 4])
})

test('an administrator who looks at a project finds its default group, unless there is no such project', async () => {
  await plimsoll.newProject('looked-at')
  const groups = async (project: string) =>
    (await plimsoll.as('admin').get(`${V2}/security-groups?project_id=${project}`)).body.security_groups
  expect(await groups(plimsoll.projectId('looked-at'))).toMatchObject([{ name: 'default' }])
  expect(await groups('nobody')).toEqual([])
})

test('groups that come together may be wrapped one by one', async () => {
  const wrapped = { security_groups: [{ security_group: { name: 'one' } }, { name: 'two' }] }
  const { body } = await demo.post(`${V2}/security-groups`, wrapped)
  expect(body.security_groups.map(({ name }: { name: string }) => name)).toEqual(['one', 'two'])
})

describe('rules', () => {
  test('show what was asked', async () => {
    const { id } = await newGroup()
    const { status, body } = await addRule(id, {
      protocol: 'tcp',
      port_range_min: '22',
      port_range_max: 22,
      remote_ip_prefix: '10.0.0.7/8',
    })
    expect(status).toBe(201)
    expect(body.security_group_rule).toMatchObject({
      security_group_id: id,
      direction: 'ingress',
      ethertype: 'IPv4',
      protocol: 'tcp',
      port_range_min: 22,
      port_range_max: 22,
      remote_ip_prefix: '10.0.0.7/8',
      normalized_cidr: '10.0.0.0/8',
      remote_group_id: null,
      description: '',
    })
    const rule = body.security_group_rule
    expect((await demo.get(`${V2}/security-group-rules/${rule.id}`)).body).toEqual(body)
    expect(
      (await demo.get(`${V2}/security-group-rules?protocol=tcp&security_group_id=${id}`)).body.security_group_rules,
    ).toEqual([rule])
    expect((await demo.get(`${V2}/security-groups/${id}`)).body.security_group.security_group_rules).toHaveLength(3)
    expect((await demo.delete(`${V2}/security-group-rules/${rule.id}`)).status).toBe(204)
    expect(fault(await demo.delete(`${V2}/security-group-rules/${rule.id}`))).toEqual([
      404,
      'SecurityGroupRuleNotFound',
      `Security group rule ${rule.id} does not exist`,
    ])
  })

  test.each([
    [{ protocol: 17, port_range_min: 53, port_range_max: 53 }, { protocol: '17' }],
    [{ protocol: 58, ethertype: 'IPv6' }, { protocol: '58' }],
    [
      { protocol: 'icmp', port_range_min: 8, port_range_max: null },
      { port_range_min: 8, port_range_max: null },
    ],
    [
      { protocol: 'icmp', port_range_min: 0, port_range_max: 0 },
      { port_range_min: 0, port_range_max: 0 },
    ],
    [
      { protocol: 'ipv6-icmp', ethertype: 'IPv6' },
      { protocol: 'ipv6-icmp', ethertype: 'IPv6' },
    ],
    [{ protocol: 'any' }, { protocol: null }],
    [
      { protocol: null, ethertype: 'ipv6', remote_ip_prefix: '2001:db8::1' },
      { ethertype: 'IPv6', remote_ip_prefix: '2001:db8::1/128' },
    ],
    [
      { direction: 'egress', protocol: 'tcp', remote_ip_prefix: '0.0.0.0/0' },
      { direction: 'egress', remote_ip_prefix: '0.0.0.0/0' },
    ],
    [{ protocol: 'vrrp' }, { protocol: 'vrrp' }],
  ])('%j is fine', async (asked, shown) => {
    const { id } = await newGroup()
    const answer = await addRule(id, asked)
    expect(answer.status, JSON.stringify(answer.body)).toBe(201)
    expect(answer.body.security_group_rule).toMatchObject(shown)
  })

  test.each([
    [{ protocol: 'tcp', port_range_min: 'x' }, 400, 'Invalid value for port x'],
    [{ protocol: 'tcp', port_range_min: -16384, port_range_max: 3 }, 400, 'Invalid value for port -16384'],
    [{ protocol: 'tcp', port_range_min: 0, port_range_max: 3 }, 400, 'Invalid value for port 0'],
    [{ protocol: 'tcp', port_range_min: 1, port_range_max: 65536 }, 400, 'Invalid value for port 65536'],
    [{ protocol: 'tcp', port_range_min: 80, port_range_max: 65 }, 400, 'port_range_min must be <= port_range_max'],
    [{ protocol: 'tcp', port_range_max: 65 }, 400, 'port_range_min must be <= port_range_max'],
    [{ protocol: 'icmp', port_range_min: 1, port_range_max: 256 }, 400, 'Invalid value for ICMP code'],
    [{ protocol: 'icmp', port_range_min: 300, port_range_max: 1 }, 400, 'Invalid value for ICMP type'],
    [{ protocol: 'icmp', port_range_max: 6 }, 400, 'ICMP type (port-range-min) is missing'],
    [{ port_range_min: 1, port_range_max: 2 }, 400, 'Must also specify protocol if port range is given.'],
    [{ protocol: 'vrrp', port_range_min: 1, port_range_max: 2 }, 400, 'Invalid protocol vrrp for port range'],
    [{ protocol: 'bad' }, 400, 'Security group rule protocol bad not supported.'],
    [{ protocol: 256 }, 400, 'Security group rule protocol 256 not supported.'],
    [{ ethertype: 'bad' }, 400, "'bad' is not in ['IPv4', 'IPv6']"],
    [{ direction: 'sideways' }, 400, "'sideways' is not in ['ingress', 'egress']"],
    [{ direction: undefined }, 400, "Required attribute 'direction' not specified"],
    [{ remote_ip_prefix: 'bad' }, 400, 'Invalid CIDR bad given as IP prefix.'],
    [{ remote_ip_prefix: '::/0' }, 400, 'Conflicting value ethertype IPv4 for CIDR ::/0'],
    [{ protocol: 'icmpv6' }, 400, 'Invalid ethertype IPv4 for protocol icmpv6.'],
    [
      { remote_ip_prefix: '10.0.0.0/8', remote_group_id: 'x' },
      400,
      'Only remote_ip_prefix or remote_group_id may be provided.',
    ],
    [{ remote_group_id: 'x' }, 404, 'Security group x does not exist'],
    [{ security_group_id: 'x' }, 404, 'Security group x does not exist'],
    [
      { remote_address_group_id: 'x' },
      400,
      "Invalid input for remote_address_group_id. Reason: 'x' is not a valid UUID.",
    ],
  ])('%j is refused', async (body, status, words) => {
    const { id } = await newGroup()
    const answer = await addRule(id, body)
    expect(answer.status).toBe(status)
    expect(answer.body.NeutronError.message).toContain(words)
  })

  test.each([
    ['a number and a name', { protocol: 'tcp' }, { protocol: '6' }],
    ['two names', { protocol: 'icmpv6', ethertype: 'IPv6' }, { protocol: 'ipv6-icmp', ethertype: 'IPv6' }],
    ['ICMP of IPv6', { protocol: 'icmp', ethertype: 'IPv6' }, { protocol: 58, ethertype: 'IPv6' }],
    ['anywhere and nowhere in particular', { protocol: 'udp' }, { protocol: 'udp', remote_ip_prefix: '0.0.0.0/0' }],
    [
      'spellings of a block',
      { ethertype: 'IPv6', remote_ip_prefix: '2001:558:FC00::/39' },
      { ethertype: 'IPv6', remote_ip_prefix: '2001:558:fc00:0::/39' },
    ],
    ['an address and a block of one', { remote_ip_prefix: '10.0.0.7' }, { remote_ip_prefix: '10.0.0.7/32' }],
    ['descriptions', { description: 'a' }, { description: 'b' }],
  ])('that mean the same are one: %s', async (_, first, second) => {
    const { id } = await newGroup()
    const rule = (await addRule(id, first)).body.security_group_rule
    expect(fault(await addRule(id, second))).toEqual([
      409,
      'SecurityGroupRuleExists',
      `Security group rule already exists. Rule id is ${rule.id}.`,
    ])
  })

  test.each([
    ['2001:558:FC00::/39', '2001:558:fc00::/39'],
    ['2001:0db8:0:0:0:0:0:1', '2001:db8::1/128'],
    ['::FFFF:10.0.0.1/128', '::ffff:10.0.0.1/128'],
    ['::ffff:a00:1', '::ffff:10.0.0.1/128'],
  ])('say %s as netaddr does', async (remote_ip_prefix, shown) => {
    const { id } = await newGroup()
    const { body } = await addRule(id, { ethertype: 'IPv6', remote_ip_prefix })
    expect(body.security_group_rule).toMatchObject({ remote_ip_prefix: shown, normalized_cidr: shown })
  })

  test('are not added twice, alone or in a bunch', async () => {
    const { id } = await newGroup()
    const body = { protocol: 'tcp', port_range_min: 80, port_range_max: 80 }
    const rule = (await addRule(id, body)).body.security_group_rule
    expect(fault(await addRule(id, body))).toEqual([
      409,
      'SecurityGroupRuleExists',
      `Security group rule already exists. Rule id is ${rule.id}.`,
    ])
    const bunch = [81, 82].map((port) => ({
      security_group_id: id,
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: port,
      port_range_max: port,
    }))
    expect(
      (await demo.post(`${V2}/security-group-rules`, { security_group_rules: bunch })).body.security_group_rules,
    ).toHaveLength(2)
    const twice = {
      security_group_rules: [83, 83].map((port) => ({ ...bunch[0], port_range_min: port, port_range_max: port })),
    }
    expect(fault(await demo.post(`${V2}/security-group-rules`, twice))[1]).toBe('DuplicateSecurityGroupRuleInPost')
    expect(await used('security_group_rule')).toBe(4 + 2 + 3)
  })

  test('that name a group go with it; groups of others cannot be named', async () => {
    const [web, app] = [await newGroup('web'), await newGroup('app')]
    await addRule(app.id, { protocol: 'tcp', port_range_min: 80, port_range_max: 80, remote_group_id: web.id })
    await plimsoll.newProject('other')
    const other = plimsoll.as('other')
    const theirs = (await other.post(`${V2}/security-groups`, { security_group: { name: 'x' } })).body.security_group
    expect(fault(await addRule(app.id, { remote_group_id: theirs.id }))[1]).toBe('SecurityGroupNotFound')
    expect(fault(await addRule(theirs.id, {}))[1]).toBe('SecurityGroupNotFound')
    expect((await other.get(`${V2}/security-group-rules`)).body.security_group_rules).toHaveLength(6)
    expect((await demo.delete(`${V2}/security-groups/${web.id}`)).status).toBe(204)
    expect((await demo.get(`${V2}/security-groups/${app.id}`)).body.security_group.security_group_rules).toHaveLength(2)
    expect(await used('security_group_rule')).toBe(4 + 2)
  })
})

test('what is no text and no number is refused as such', async () => {
  const group = (await demo.post(`${V2}/security-groups`, { security_group: { name: 'g' } })).body.security_group.id
  for (const junk of [{ toString: 1 }, [{ toString: 1, valueOf: 1 }], {}, [], true]) {
    for (const name of [
      'direction',
      'ethertype',
      'protocol',
      'remote_ip_prefix',
      'remote_group_id',
      'port_range_min',
    ]) {
      const rule = { security_group_id: group, direction: 'ingress', [name]: junk }
      expect([name, (await demo.post(`${V2}/security-group-rules`, { security_group_rule: rule })).status]).toEqual([
        ...[name, 400],
      ])
    }
    const addresses = [junk]
    expect((await demo.post(`${V2}/address-groups`, { address_group: { addresses } })).status).toBe(400)
    expect((await demo.put(`${V2}/security-groups/${group}/tags`, { tags: [junk] })).status).toBe(400)
    expect((await demo.put(`${V2}/security-groups/${group}/tags`, { tags: { toString: junk } })).status).toBe(400)
    const subnet = { network_id: group, ip_version: junk, cidr: '10.0.0.0/24' }
    expect((await demo.post(`${V2}/subnets`, { subnet })).status).toBe(400)
  }
})
