import { sql } from 'drizzle-orm'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { remembered } from '../../../../adapters/sandbox/backdoor.ts'
import type { Client, Plimsoll } from '../../../support/harness.ts'
import { openCloudType, WHY_UNSHAPED } from '../../../support/open-cloud.ts'
import { askedWhile } from '../../block-storage/asked-while.ts'
import { newWorld, type World } from '../../compute/servers/world.ts'

/* Quality of service: what a policy says, who has it, and what a cloud makes of it. */

const V2 = '/network/v2.0'
let world: World
let plimsoll: Plimsoll
let demo: Client
let admin: Client
beforeAll(() => openCloudType())
const begin = async (clouds?: Parameters<typeof newWorld>[0]) => {
  world = await newWorld(clouds)
  plimsoll = world.plimsoll
  demo = world.demo
  admin = plimsoll.as('admin')
}

const create = (policy: object = {}, who = admin) => who.post(`${V2}/qos/policies`, { policy })
/** A policy that the project of `demo` sees, with limits. */
const policyWith = async (...limits: object[]): Promise<string> => {
  const { id } = (await create({ name: 'slow', project_id: plimsoll.projectId('demo') })).body.policy
  for (const limit of limits) await addLimit(id, limit)
  return id
}
const addLimit = (id: string, limit: object, who = admin) =>
  who.post(`${V2}/qos/policies/${id}/bandwidth_limit_rules`, { bandwidth_limit_rule: limit })
const addMark = (id: string, mark: unknown) =>
  admin.post(`${V2}/qos/policies/${id}/dscp_marking_rules`, { dscp_marking_rule: { dscp_mark: mark } })
const addLeast = (id: string, least: object) =>
  admin.post(`${V2}/qos/policies/${id}/minimum_bandwidth_rules`, { minimum_bandwidth_rule: least })
const makePort = (more: object, who = demo) => who.post(`${V2}/ports`, { port: { network_id: world.network, ...more } })
const fault = ({ status, body }: { status: number; body: { NeutronError?: { type: string; message: string } } }) => [
  status,
  body.NeutronError?.type,
  body.NeutronError?.message,
]

describe('a policy', () => {
  beforeEach(() => begin())

  test('is for administrators: to others what they do not see is not there, and what does not fit is told first', async () => {
    const long = 'z'.repeat(256)
    expect(fault(await create({ name: long }, demo))[0]).toBe(400)
    expect(fault(await create({ project_id: long }, demo))[0]).toBe(400)
    const seen = await policyWith({ max_kbps: 100 })
    const unseen = (await create({ name: 'theirs' })).body.policy.id
    const rename = (id: string, name: string) => demo.put(`${V2}/qos/policies/${id}`, { policy: { name } })
    expect(fault(await rename(seen, long))[0]).toBe(400)
    expect(fault(await rename(seen, 'mine'))).toEqual([
      ...[403, 'PolicyNotAuthorized', 'rule:update_policy is disallowed by policy'],
    ])
    expect(fault(await rename(unseen, 'mine')).slice(0, 2)).toEqual([404, 'QosPolicyNotFound'])
    expect(fault(await demo.delete(`${V2}/qos/policies/${unseen}`)).slice(0, 2)).toEqual([404, 'QosPolicyNotFound'])
    const rule = (await addLimit(unseen, { max_kbps: 1 })).body.bandwidth_limit_rule.id
    const path = `${V2}/qos/policies/${unseen}/bandwidth_limit_rules`
    const change = { bandwidth_limit_rule: { max_kbps: 2 } }
    expect(fault(await demo.put(`${path}/${rule}`, change)).slice(0, 2)).toEqual([404, 'QosPolicyNotFound'])
    expect(fault(await demo.post(path, change))[2]).toBe(
      'rule:create_policy_bandwidth_limit_rule is disallowed by policy',
    )
  })

  test('is made, found, changed and deleted', async () => {
    const made = await create({ name: 'gold', description: 'fast' })
    expect([made.status, made.body.policy]).toEqual([
      201,
      {
        ...{ id: expect.any(String), name: 'gold', description: 'fast', shared: false, is_default: false, rules: [] },
        ...{ project_id: plimsoll.projectId('admin'), tenant_id: plimsoll.projectId('admin'), tags: [] },
        ...{ revision_number: 0, created_at: expect.any(String), updated_at: expect.any(String) },
      },
    ])
    const { id } = made.body.policy
    expect((await admin.get(`${V2}/qos/policies?name=gold`)).body.policies).toEqual([made.body.policy])
    const changed = await admin.put(`${V2}/qos/policies/${id}`, { policy: { name: 'silver', is_default: true } })
    expect(changed.body.policy).toMatchObject({ name: 'silver', is_default: true, revision_number: 1 })
    expect((await admin.put(`${V2}/policies/${id}/tags`, { tags: ['a'] })).body).toEqual({ tags: ['a'] })
    expect((await demo.put(`${V2}/policies/${id}/tags`, { tags: ['a'] })).status).toBe(403)
    expect((await admin.get(`${V2}/qos/policies?tags=a`)).body.policies).toMatchObject([{ id }])
    expect((await admin.put(`${V2}/policies/${id}/tags/b`)).status).toBe(201)
    expect((await demo.get(`${V2}/policies/${id}/tags/b`)).status).toBe(404)
    expect((await admin.get(`${V2}/policies/${id}/tags/b`)).status).toBe(204)
    expect((await admin.delete(`${V2}/policies/${id}/tags/b`)).status).toBe(204)
    expect((await admin.get(`${V2}/policies/${id}/tags`)).body).toEqual({ tags: ['a'] })
    expect((await admin.delete(`${V2}/policies/${id}/tags`)).status).toBe(204)
    expect((await admin.put(`${V2}/qos/policies/${id}`, { policy: { rules: [] } })).status).toBe(400)
    expect((await admin.delete(`${V2}/qos/policies/${id}`)).status).toBe(204)
    expect(fault(await admin.get(`${V2}/qos/policies/${id}`))).toEqual([
      ...[404, 'QosPolicyNotFound', `QoS policy ${id} could not be found.`],
    ])
  })

  test('is for administrators to make, and for those who see it to have', async () => {
    expect(fault(await create({}, demo))).toEqual([
      ...[403, 'PolicyNotAuthorized', 'rule:create_policy is disallowed by policy'],
    ])
    const { id } = (await create({})).body.policy
    expect((await demo.get(`${V2}/qos/policies/${id}`)).status).toBe(404)
    expect(fault(await makePort({ qos_policy_id: id }))).toEqual([
      ...[404, 'QosPolicyNotFound', `QoS policy ${id} could not be found.`],
    ])
    const lent = await admin.post(`${V2}/rbac-policies`, {
      rbac_policy: {
        ...{ object_type: 'qos_policy', object_id: id, action: 'access_as_shared' },
        target_tenant: plimsoll.projectId('demo'),
      },
    })
    expect((await demo.get(`${V2}/qos/policies/${id}`)).body.policy.shared).toBe(true)
    const { port } = (await makePort({ qos_policy_id: id })).body
    expect(port).toMatchObject({ qos_policy_id: id, qos_network_policy_id: null })
    const rbac = `${V2}/rbac-policies/${lent.body.rbac_policy.id}`
    expect(fault(await admin.delete(rbac)).slice(0, 2)).toEqual([409, 'RbacPolicyInUse'])
    expect((await admin.put(`${V2}/qos/policies/${id}`, { policy: { shared: true } })).body.policy.shared).toBe(true)
    expect((await admin.delete(rbac)).status).toBe(204)
    const withdrawn = { policy: { shared: false } }
    expect(fault(await admin.put(`${V2}/qos/policies/${id}`, withdrawn)).slice(0, 2)).toEqual([409, 'RbacPolicyInUse'])
    expect(
      (await demo.put(`${V2}/ports/${port.id}`, { port: { qos_policy_id: null } })).body.port.qos_policy_id,
    ).toBeNull()
    expect((await admin.put(`${V2}/qos/policies/${id}`, withdrawn)).body.policy.shared).toBe(false)
    expect((await demo.get(`${V2}/qos/policies`)).body.policies).toEqual([])
  })

  test('is no longer taken from a port by who does not see it', async () => {
    const { id } = (await create({})).body.policy
    const { port } = (await makePort({})).body
    expect((await admin.put(`${V2}/ports/${port.id}`, { port: { qos_policy_id: id } })).status).toBe(200)
    expect(fault(await demo.put(`${V2}/ports/${port.id}`, { port: { qos_policy_id: null } }))).toEqual([
      ...[403, 'PolicyRemoveAuthorizationError'],
      `Failed to remove provided policy ${id} because you are not authorized.`,
    ])
    expect((await demo.put(`${V2}/ports/${port.id}`, { port: { name: 'x' } })).status).toBe(200)
  })

  test('is the default of a project once, and then of its new networks', async () => {
    const project_id = plimsoll.projectId('demo')
    const { id } = (await create({ project_id, is_default: true })).body.policy
    const twice = [409, 'QoSPolicyDefaultAlreadyExists', `A default QoS policy exists for project ${project_id}.`]
    expect(fault(await create({ project_id, is_default: true }))).toEqual(twice)
    const other = (await create({ project_id })).body.policy.id
    expect(fault(await admin.put(`${V2}/qos/policies/${other}`, { policy: { is_default: true } }))).toEqual(twice)
    const { network } = (await demo.post(`${V2}/networks`, { network: {} })).body
    expect(network.qos_policy_id).toBe(id)
    expect((await demo.post(`${V2}/networks`, { network: { qos_policy_id: other } })).body.network.qos_policy_id).toBe(
      other,
    )
    const { port } = (await demo.post(`${V2}/ports`, { port: { network_id: network.id } })).body
    expect(port).toMatchObject({ qos_policy_id: null, qos_network_policy_id: id })
    expect(fault(await admin.delete(`${V2}/qos/policies/${id}`))).toEqual([
      ...[409, 'QosPolicyInUse', `QoS Policy ${id} is used by network ${network.id}.`],
    ])
    expect((await demo.put(`${V2}/networks/${network.id}`, { network: { qos_policy_id: null } })).status).toBe(200)
    expect((await admin.delete(`${V2}/qos/policies/${id}`)).status).toBe(204)
  })
})

describe('rules', () => {
  beforeEach(() => begin())

  test('are made, shown, changed and taken away, by their policy or by their ids', async () => {
    const id = await policyWith()
    const made = await addLimit(id, { max_kbps: '1000', max_burst_kbps: 100 })
    const limit = { id: expect.any(String), max_kbps: 1000, max_burst_kbps: 100, direction: 'egress' }
    expect([made.status, made.body]).toEqual([201, { bandwidth_limit_rule: limit }])
    const rule = made.body.bandwidth_limit_rule
    const path = `${V2}/qos/policies/${id}/bandwidth_limit_rules`
    expect((await demo.get(path)).body).toEqual({ bandwidth_limit_rules: [rule] })
    expect((await demo.get(`${path}?direction=ingress`)).body).toEqual({ bandwidth_limit_rules: [] })
    expect((await demo.get(`${path}?what=x`)).status).toBe(400)
    expect((await demo.get(`${path}/${rule.id}`)).body).toEqual({ bandwidth_limit_rule: rule })
    expect((await demo.get(`${V2}/qos/policies/${id}`)).body.policy).toMatchObject({
      rules: [{ ...rule, type: 'bandwidth_limit', qos_policy_id: id }],
      revision_number: 1,
    })
    const faster = await admin.put(`${path}/${rule.id}`, { bandwidth_limit_rule: { max_kbps: 2000 } })
    expect(faster.body.bandwidth_limit_rule).toEqual({ ...rule, max_kbps: 2000 })
    const alias = `${V2}/qos/alias-bandwidth-limit-rules/${rule.id}`
    expect((await demo.get(alias)).body).toEqual({ alias_bandwidth_limit_rule: { ...rule, max_kbps: 2000 } })
    const turned = await admin.put(alias, { alias_bandwidth_limit_rule: { direction: 'ingress' } })
    expect(turned.body.alias_bandwidth_limit_rule.direction).toBe('ingress')
    expect((await demo.delete(alias)).status).toBe(403)
    expect((await admin.delete(alias)).status).toBe(204)
    const gone = `QoS rule ${rule.id} for policy ${id} could not be found.`
    expect(fault(await admin.get(`${path}/${rule.id}`))).toEqual([404, 'QosRuleNotFound', gone])
    expect(fault(await admin.delete(`${path}/${rule.id}`))).toEqual([404, 'QosRuleNotFound', gone])
    expect((await admin.get(alias)).status).toBe(404)
  })

  test.each([
    [{}, "Failed to parse request. Required attribute 'max_kbps' not specified"],
    [{ max_kbps: -1 }, "Invalid input for max_kbps. Reason: '-1' is too small - must be at least '0'."],
    [
      { max_kbps: 2 ** 31 },
      "Invalid input for max_kbps. Reason: '2147483648' is too large - must be no larger than '2147483647'.",
    ],
    [{ max_kbps: 'x' }, "Invalid input for max_kbps. Reason: 'x' is not an integer."],
    [{ max_kbps: 1, direction: 'up' }, "Invalid input for direction. Reason: 'up' is not in ['egress', 'ingress']."],
    [{ max_kbps: 1, dscp_mark: 8 }, "Unrecognized attribute(s) 'dscp_mark'"],
  ])('of a limit that is none are refused: %j', async (limit, message) => {
    const answer = await addLimit(await policyWith(), limit)
    expect([answer.status, answer.body.NeutronError.message]).toEqual([400, message])
  })

  test('do not contradict each other', async () => {
    const id = await policyWith({ max_kbps: 1000 })
    const [{ id: first }] = (await admin.get(`${V2}/qos/policies/${id}`)).body.policy.rules
    expect(fault(await addLimit(id, { max_kbps: 2000 }))).toEqual([
      ...[409, 'QoSRulesConflict'],
      `Rule bandwidth_limit conflicts with rule ${first} which already exists in QoS Policy ${id}.`,
    ])
    const { id: other } = (await addLimit(id, { max_kbps: 2000, direction: 'ingress' })).body.bandwidth_limit_rule
    const alias = `${V2}/qos/alias-bandwidth-limit-rules/${other}`
    expect((await admin.put(alias, { alias_bandwidth_limit_rule: { direction: 'egress' } })).status).toBe(409)
    expect(fault(await addLeast(id, { min_kbps: 3000 }))).toEqual([
      ...[409, 'QoSRuleParameterConflict'],
      `Unable to add the rule with value 3000 to the policy ${id} as the existing rule of type bandwidth_limit restricts the bandwidth to 1000.`,
    ])
    expect((await addLeast(id, { min_kbps: 500 })).body.minimum_bandwidth_rule).toMatchObject({ direction: 'egress' })
    expect(
      fault(
        await admin.put(`${V2}/qos/policies/${id}/bandwidth_limit_rules/${first}`, {
          bandwidth_limit_rule: { max_kbps: 100 },
        }),
      )[1],
    ).toBe('QoSRuleParameterConflict')
  })

  test('of marks are shown, changed and taken away', async () => {
    const id = await policyWith()
    const rule = (await addMark(id, 26)).body.dscp_marking_rule
    expect((await demo.get(`${V2}/qos/policies/${id}/dscp_marking_rules`)).body).toEqual({ dscp_marking_rules: [rule] })
    expect((await demo.get(`${V2}/qos/policies/${id}/dscp_marking_rules/${rule.id}`)).body.dscp_marking_rule).toEqual(
      rule,
    )
    expect((await demo.get(`${V2}/qos/alias-dscp-marking-rules/${rule.id}`)).body.alias_dscp_marking_rule).toEqual(rule)
    const own = await admin.put(`${V2}/qos/policies/${id}/dscp_marking_rules/${rule.id}`, {
      dscp_marking_rule: { dscp_mark: '8' },
    })
    expect(own.body.dscp_marking_rule.dscp_mark).toBe(8)
    const alone = await admin.put(`${V2}/qos/alias-dscp-marking-rules/${rule.id}`, {
      alias_dscp_marking_rule: { dscp_mark: 10 },
    })
    expect(alone.body.alias_dscp_marking_rule.dscp_mark).toBe(10)
    expect((await admin.delete(`${V2}/qos/policies/${id}/dscp_marking_rules/${rule.id}`)).status).toBe(204)
    const again = (await addMark(id, 0)).body.dscp_marking_rule
    expect((await admin.delete(`${V2}/qos/alias-dscp-marking-rules/${again.id}`)).status).toBe(204)
    expect((await admin.get(`${V2}/qos/policies/${id}`)).body.policy.rules).toEqual([])
  })

  test('of what is had at least are shown, changed and taken away', async () => {
    const id = await policyWith()
    const rule = (await addLeast(id, { min_kbps: 100 })).body.minimum_bandwidth_rule
    expect(rule).toEqual({ id: expect.any(String), min_kbps: 100, direction: 'egress' })
    expect((await addLeast(id, { min_kbps: 100, direction: 'ingress' })).status).toBe(400)
    const all = await demo.get(`${V2}/qos/policies/${id}/minimum_bandwidth_rules`)
    expect(all.body).toEqual({ minimum_bandwidth_rules: [rule] })
    const one = await demo.get(`${V2}/qos/policies/${id}/minimum_bandwidth_rules/${rule.id}`)
    expect(one.body.minimum_bandwidth_rule).toEqual(rule)
    const lone = await demo.get(`${V2}/qos/alias-minimum-bandwidth-rules/${rule.id}`)
    expect(lone.body.alias_minimum_bandwidth_rule).toEqual(rule)
    const own = await admin.put(`${V2}/qos/policies/${id}/minimum_bandwidth_rules/${rule.id}`, {
      minimum_bandwidth_rule: { min_kbps: 200 },
    })
    expect(own.body.minimum_bandwidth_rule.min_kbps).toBe(200)
    const alone = await admin.put(`${V2}/qos/alias-minimum-bandwidth-rules/${rule.id}`, {
      alias_minimum_bandwidth_rule: { min_kbps: 300 },
    })
    expect(alone.body.alias_minimum_bandwidth_rule.min_kbps).toBe(300)
    expect((await admin.delete(`${V2}/qos/policies/${id}/minimum_bandwidth_rules/${rule.id}`)).status).toBe(204)
    const again = (await addLeast(id, { min_kbps: 1 })).body.minimum_bandwidth_rule
    expect((await admin.delete(`${V2}/qos/alias-minimum-bandwidth-rules/${again.id}`)).status).toBe(204)
  })

  test('that no cloud keeps are in no policy that is in use', async () => {
    const id = await policyWith()
    expect((await addMark(id, 26)).body.dscp_marking_rule).toEqual({ id: expect.any(String), dscp_mark: 26 })
    expect((await addMark(id, 7)).status).toBe(400)
    expect(fault(await makePort({ qos_policy_id: id })).slice(0, 2)).toEqual([409, 'QosRuleNotSupported'])
    expect(fault(await demo.put(`${V2}/networks/${world.network}`, { network: { qos_policy_id: id } }))).toEqual([
      ...[409, 'QosRuleNotSupportedByNetwork', `Rule dscp_marking is not supported by network ${world.network}`],
    ])
    const used = await policyWith({ max_kbps: 1000 })
    const { port } = (await makePort({ qos_policy_id: used })).body
    const limits = async (query = '') =>
      (await admin.get(`${V2}/qos/policies/${used}/bandwidth_limit_rules${query}`)).body.bandwidth_limit_rules
    expect(await limits()).toHaveLength(1)
    expect(await limits('?marker=none'), 'behind what there is not is nothing').toEqual([])
    const unkept = [409, 'QosRuleNotSupported', `Rule dscp_marking is not supported by port ${port.id}`]
    expect(fault(await addMark(used, 26))).toEqual(unkept)
    expect(fault(await addLeast(used, { min_kbps: 1 }))[1]).toBe('QosRuleNotSupported')
    const free = await policyWith()
    let late = ''
    const give = async () => {
      late = (await makePort({ qos_policy_id: free })).body.port.id
    }
    expect(fault(await askedWhile(plimsoll, give, () => addMark(free, 26))), 'given to one meanwhile').toEqual([
      ...[409, 'QosRuleNotSupported', `Rule dscp_marking is not supported by port ${late}`],
    ])
  })

  test('are of types that clouds keep, or of all', async () => {
    const types = async (query = '') =>
      (await demo.get(`${V2}/qos/rule-types${query}`)).body.rule_types.map(({ type }: { type: string }) => type)
    expect(await types()).toEqual(['bandwidth_limit'])
    expect(await types('?all_supported=true')).toEqual(['bandwidth_limit'])
    expect(await types('?all_rules=true')).toEqual(['bandwidth_limit', 'dscp_marking', 'minimum_bandwidth'])
    expect((await demo.get(`${V2}/qos/rule-types?all_rules=true&all_supported=true`)).status).toBe(400)
    expect((await demo.get(`${V2}/qos/rule-types?all_rules=x`)).status).toBe(400)
    expect((await admin.get(`${V2}/qos/rule-types/bandwidth_limit`)).body.rule_type).toMatchObject({
      type: 'bandwidth_limit',
      drivers: [{ name: 'sandbox', supported_parameters: [{ parameter_name: 'max_kbps' }, {}, {}] }],
    })
    expect((await admin.get(`${V2}/qos/rule-types/dscp_marking`)).body.rule_type.drivers).toEqual([])
    expect((await admin.get(`${V2}/qos/rule-types/x`)).status).toBe(404)
    expect((await demo.get(`${V2}/qos/rule-types/bandwidth_limit`)).status).toBe(403)
  })
})

describe('a cloud', () => {
  const onCloud = async (mac: string) => {
    await plimsoll.settle()
    const ports = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'port')
    return ports.find(({ spec }) => spec.mac === mac)?.spec.bandwidth
  }
  const due = () => plimsoll.db.all(sql`select resource_id from bindings where kind = 'port' and due_at is not null`)
  const EGRESS = { direction: 'egress', kbps: 1000, burstKbits: 100 }

  test('is told the limits of a port, its own or those of its network, and again when they change', async () => {
    await begin()
    const own = await policyWith({ max_kbps: 1000, max_burst_kbps: 100 })
    const { port } = (await makePort({ qos_policy_id: own })).body
    const server = await world.running({ networks: [{ port: port.id }, { uuid: world.network }] })
    const plain = (await demo.get(`${V2}/ports?device_id=${server}`)).body.ports.find(
      ({ id }: { id: string }) => id !== port.id,
    )
    expect([await onCloud(port.mac_address), await onCloud(plain.mac_address)]).toEqual([[EGRESS], undefined])
    const general = await policyWith({ max_kbps: 500, direction: 'ingress' })
    await demo.put(`${V2}/networks/${world.network}`, { network: { qos_policy_id: general } })
    await plimsoll.settle()
    await demo.put(`${V2}/networks/${world.network}`, { network: { qos_policy_id: general, name: 'again' } })
    expect(await due(), 'the same again is told to nobody').toEqual([])
    const INGRESS = { direction: 'ingress', kbps: 500, burstKbits: 0 }
    expect([await onCloud(port.mac_address), await onCloud(plain.mac_address)]).toEqual([[EGRESS], [INGRESS]])
    await addLimit(own, { max_kbps: 2000, direction: 'ingress' })
    expect(await onCloud(port.mac_address)).toEqual([EGRESS, { ...INGRESS, kbps: 2000 }])
    const { rules } = (await admin.get(`${V2}/qos/policies/${general}`)).body.policy
    await admin.put(`${V2}/qos/alias-bandwidth-limit-rules/${rules[0].id}`, {
      alias_bandwidth_limit_rule: { max_kbps: 0 },
    })
    expect(await onCloud(plain.mac_address), 'nothing a second limits nothing').toBeUndefined()
    await demo.put(`${V2}/ports/${port.id}`, { port: { qos_policy_id: null } })
    expect(await onCloud(port.mac_address)).toBeUndefined()
  })

  test('that limits nothing has no port with a policy, and no server with one', async () => {
    await begin({ clouds: [{ name: 'dc1', type: 'open' }] })
    expect((await demo.get(`${V2}/qos/rule-types`)).body.rule_types).toEqual([])
    expect((await demo.get(`${V2}/extensions/qos`)).status).toBe(404)
    const id = await policyWith({ max_kbps: 1000 })
    const { port } = (await makePort({ qos_policy_id: id })).body
    const answer = await world.boot({ networks: [{ port: port.id }] })
    expect([answer.status, answer.body.conflictingRequest?.message]).toEqual([409, WHY_UNSHAPED])
    const running = await world.running({})
    const plugged = await demo.post(`/compute/v2.1/servers/${running}/os-interface`, {
      interfaceAttachment: { port_id: port.id },
    })
    expect([plugged.status, plugged.body.conflictingRequest?.message]).toEqual([409, WHY_UNSHAPED])
    const [there] = (await demo.get(`${V2}/ports?device_id=${running}`)).body.ports
    const late = await demo.put(`${V2}/ports/${there.id}`, { port: { qos_policy_id: id } })
    expect(fault(late)).toEqual([409, 'QosRuleNotSupported', WHY_UNSHAPED])
    expect(fault(await makePort({ qos_policy_id: id }))).toEqual([409, 'QosRuleNotSupported', WHY_UNSHAPED])
    const whole = await demo.put(`${V2}/networks/${world.network}`, { network: { qos_policy_id: id } })
    expect(fault(whole)).toEqual([409, 'QosRuleNotSupportedByNetwork', WHY_UNSHAPED])
    const { network } = (await demo.post(`${V2}/networks`, { network: { qos_policy_id: id } })).body
    const ground = { network_type: 'vlan', physical_network: 'dc1.a' }
    const segment = await demo.post(`${V2}/segments`, { segment: { network_id: network.id, ...ground } })
    expect(fault(segment)).toEqual([409, 'QosRuleNotSupportedByNetwork', WHY_UNSHAPED])
    await admin.put(`${V2}/qos/policies/${id}`, { policy: { is_default: true } })
    const provider = { 'provider:network_type': 'vlan', 'provider:physical_network': 'dc1.a' }
    const project = { project_id: plimsoll.projectId('demo') }
    const placed = await admin.post(`${V2}/networks`, { network: { ...provider, ...project } })
    expect(fault(placed), 'by default').toEqual([409, 'QosRuleNotSupportedByNetwork', WHY_UNSHAPED])
    await demo.post(`${V2}/subnets`, { subnet: { network_id: network.id, ip_version: 4, cidr: '10.3.0.0/24' } })
    const boot = await world.boot({ networks: [{ uuid: network.id }] })
    expect([boot.status, boot.body.conflictingRequest?.message]).toEqual([409, WHY_UNSHAPED])
  })
})
