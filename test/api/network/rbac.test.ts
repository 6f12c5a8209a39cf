import { beforeEach, describe, expect, test } from 'vitest'
import { createNetwork, createServer } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/* What is shared with single projects, and who sees and uses it then. */

const V2 = '/network/v2.0'
let plimsoll: Plimsoll
let demo: Client
let other: Client
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
  admin = plimsoll.as('admin')
  await plimsoll.newProject('other')
  await admin.put(`/broker/v1/projects/${plimsoll.projectId('other')}/clouds/sandbox`, { mapping: {} })
  other = plimsoll.as('other')
})
const project = (name = 'other') => plimsoll.projectId(name)
const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
]
const share = (object_type: string, object_id: string, target_tenant = project(), client = demo) =>
  client.post(`${V2}/rbac-policies`, {
    rbac_policy: { object_type, object_id, target_tenant, action: 'access_as_shared' },
  })
const ids = async (path: string, client = other) =>
  Object.values((await client.get(`${V2}/${path}`)).body as Record<string, { id: string }[]>)[0]!.map(({ id }) => id)

describe('a network that is shared with a project', () => {
  test('is seen and used there, and nowhere else, until nothing is on it', async () => {
    const { network, subnet } = await createNetwork(demo, { name: 'lent', cidr: '10.0.0.0/24' })
    expect((await other.get(`${V2}/networks/${network}`)).status).toBe(404)
    const before = (await demo.get(`${V2}/networks/${network}`)).body.network.revision_number
    const made = await share('network', network)
    expect([made.status, made.body.rbac_policy]).toEqual([
      201,
      {
        ...{ id: expect.any(String), project_id: project('demo'), tenant_id: project('demo') },
        ...{ object_type: 'network', object_id: network, target_tenant: project(), action: 'access_as_shared' },
      },
    ])
    expect((await demo.get(`${V2}/networks/${network}`)).body.network.revision_number).toBe(before + 1)
    expect((await other.get(`${V2}/networks/${network}`)).body.network.shared).toBe(true)
    expect((await demo.get(`${V2}/networks/${network}`)).body.network.shared).toBe(false)
    expect(await ids('networks?name=lent')).toEqual([network])
    expect(await ids(`subnets?network_id=${network}`)).toEqual([subnet])
    await plimsoll.newProject('third')
    expect((await plimsoll.as('third').get(`${V2}/networks/${network}`)).status).toBe(404)
    expect(fault(await other.put(`${V2}/networks/${network}`, { network: { name: 'mine' } }))[0]).toBe(403)

    const server = await createServer(plimsoll, other, { networks: [{ uuid: network }] })
    await plimsoll.settle()
    expect((await other.get(`/compute/v2.1/servers/${server}`)).body.server.status).toBe('ACTIVE')
    const policy = `${V2}/rbac-policies/${made.body.rbac_policy.id}`
    expect(fault(await demo.delete(policy))).toEqual([409, 'RbacPolicyInUse'])
    await other.delete(`/compute/v2.1/servers/${server}`)
    await plimsoll.settle()
    expect((await demo.delete(policy)).status).toBe(204)
    expect((await other.get(`${V2}/networks/${network}`)).status).toBe(404)
    expect((await demo.get(policy)).status).toBe(404)
  })

  test('is shared with all by its attribute or by a policy, which is the same', async () => {
    const { network } = (await demo.post(`${V2}/networks`, { network: {} })).body
    expect(fault(await share('network', network.id, '*'))).toEqual([403, 'PolicyNotAuthorized'])
    const all = await share('network', network.id, '*', admin)
    expect((await demo.get(`${V2}/networks/${network.id}`)).body.network.shared).toBe(true)
    await admin.delete(`${V2}/rbac-policies/${all.body.rbac_policy.id}`)
    expect((await demo.get(`${V2}/networks/${network.id}`)).body.network.shared).toBe(false)
    await admin.put(`${V2}/networks/${network.id}`, { network: { shared: true } })
    const listed = (await admin.get(`${V2}/rbac-policies?object_id=${network.id}`)).body.rbac_policies
    expect(listed).toMatchObject([{ target_tenant: '*', action: 'access_as_shared', object_type: 'network' }])
    expect(await ids(`networks?id=${network.id}`)).toEqual([network.id])
    expect((await demo.delete(`${V2}/networks/${network.id}`)).status).toBe(204)
    expect(await ids(`rbac-policies?object_id=${network.id}`, admin)).toEqual([])
  })
})

test('what is shared with all is taken back by its owner, while nobody uses it', async () => {
  const { network } = await createNetwork(demo, { name: 'n', cidr: '10.0.0.0/24' })
  const policy = (await share('network', network, '*', admin)).body.rbac_policy
  const port = (await other.post(`${V2}/ports`, { port: { network_id: network } })).body.port.id
  const turned = await admin.put(`${V2}/networks/${network}`, { network: { shared: false } })
  expect([...fault(turned), turned.body.NeutronError.message]).toEqual([
    ...[409, 'InvalidSharedSetting'],
    'Unable to reconfigure sharing settings for network n. Multiple tenants are using it.',
  ])
  expect((await admin.get(`${V2}/networks/${network}`)).body.network.shared).toBe(true)
  await other.delete(`${V2}/ports/${port}`)
  expect((await admin.put(`${V2}/networks/${network}`, { network: { shared: false } })).status).toBe(200)
  // An administrator makes one in the name of the owner, who takes it away.
  expect((await demo.get(`${V2}/rbac-policies/${policy.id}`)).status).toBe(404)
  const theirs = await admin.post(`${V2}/rbac-policies`, {
    rbac_policy: {
      ...{ object_type: 'network', object_id: network, target_tenant: '*', action: 'access_as_shared' },
      project_id: project('demo'),
    },
  })
  expect((await demo.delete(`${V2}/rbac-policies/${theirs.body.rbac_policy.id}`)).status).toBe(204)
  expect((await demo.get(`${V2}/networks/${network}`)).body.network.shared).toBe(false)
})

test('who was given a policy of what is another’s gives it to nobody else, and is no owner of it', async () => {
  const { network } = await createNetwork(demo, { name: 'n', cidr: '10.0.0.0/24' })
  const given = (projectId: string, target_tenant: string) =>
    admin.post(`${V2}/rbac-policies`, {
      rbac_policy: {
        ...{ object_type: 'network', object_id: network, target_tenant, action: 'access_as_shared' },
        project_id: projectId,
      },
    })
  const { id } = (await given(project(), 'x')).body.rbac_policy
  const passed = await other.put(`${V2}/rbac-policies/${id}`, { rbac_policy: { target_tenant: 'y' } })
  expect([...fault(passed), passed.body.NeutronError.message]).toEqual([
    ...[400, 'InvalidInput'],
    expect.stringContaining('Only admins can manipulate policies on objects they do not own'),
  ])
  expect((await other.delete(`${V2}/rbac-policies/${id}`)).status).toBe(204)
  // With all, in the name of the other project: the ports of the network's own project do not keep it, those of the other do.
  const all = (await given(project(), '*')).body.rbac_policy.id
  await demo.post(`${V2}/ports`, { port: { network_id: network } })
  const port = (await other.post(`${V2}/ports`, { port: { network_id: network } })).body.port.id
  expect(fault(await admin.delete(`${V2}/rbac-policies/${all}`))).toEqual([409, 'RbacPolicyInUse'])
  await other.delete(`${V2}/ports/${port}`)
  expect((await admin.delete(`${V2}/rbac-policies/${all}`)).status).toBe(204)
})

test('whose the network is sees what others have on it, and takes it away', async () => {
  const { network } = await createNetwork(demo, { name: 'n', cidr: '10.0.0.0/24' })
  await share('network', network)
  const port = (await other.post(`${V2}/ports`, { port: { network_id: network } })).body.port
  const mine = (await demo.post(`${V2}/ports`, { port: { network_id: network } })).body.port.id
  expect((await demo.get(`${V2}/ports/${port.id}`)).body.port).toMatchObject({ id: port.id, project_id: project() })
  expect((await ids(`ports?network_id=${network}`, demo)).sort()).toEqual([port.id, mine].sort())
  expect(await ids('ports', demo)).toEqual([mine])
  expect(await ids(`ports?network_id=${network}`)).toEqual([port.id])
  expect((await other.get(`${V2}/ports/${mine}`)).status).toBe(404)
  expect((await other.delete(`${V2}/ports/${mine}`)).status).toBe(404)
  expect((await demo.put(`${V2}/ports/${port.id}`, { port: { name: 'mine' } })).status).toBe(404)
  const external = (await demo.get(`${V2}/networks?router:external=true`)).body.networks[0].id
  const floatingip = { floating_network_id: external, port_id: port.id }
  expect((await demo.post(`${V2}/floatingips`, { floatingip })).body.NeutronError.message).toBe(
    `Bad floatingip request: Cannot process floating IP association with Port ${port.id}, since that port is owned by a different project.`,
  )
  expect((await demo.delete(`${V2}/ports/${port.id}`)).status).toBe(204)
  expect((await other.get(`${V2}/ports/${port.id}`)).status).toBe(404)
})

describe('policies', () => {
  test('share what is the own, once, as far as the quota goes', async () => {
    const { network } = (await demo.post(`${V2}/networks`, { network: {} })).body
    await admin.put(`${V2}/quotas/${project('demo')}`, { quota: { rbac_policy: 1 } })
    const made = (await share('network', network.id)).body.rbac_policy
    expect(fault(await share('network', network.id, 'someone'))).toEqual([409, 'OverQuota'])
    await admin.put(`${V2}/quotas/${project('demo')}`, { quota: { rbac_policy: 5 } })
    expect(fault(await share('network', network.id))).toEqual([409, 'DuplicateRbacPolicy'])
    expect(fault(await share('network', network.id, 'x', other))).toEqual([400, 'InvalidInput'])
    const moved = await demo.put(`${V2}/rbac-policies/${made.id}`, { rbac_policy: { target_tenant: 'someone' } })
    expect(moved.body.rbac_policy.target_tenant).toBe('someone')
    expect((await other.get(`${V2}/networks/${network.id}`)).status).toBe(404)
    expect((await other.get(`${V2}/rbac-policies/${made.id}`)).status).toBe(404)
    expect(fault(await demo.put(`${V2}/rbac-policies/${made.id}`, { rbac_policy: { target_tenant: '*' } }))[0]).toBe(
      403,
    )
    // Its quota is free again with its network.
    await demo.delete(`${V2}/networks/${network.id}`)
    const { quota } = (await demo.get(`${V2}/quotas/${project('demo')}/details`)).body
    expect(quota.rbac_policy).toEqual({ limit: 5, used: 0, reserved: 0 })
  })

  test('are of what there is', async () => {
    const post = (body: object) => demo.post(`${V2}/rbac-policies`, { rbac_policy: body })
    const { network } = (await demo.post(`${V2}/networks`, { network: {} })).body
    const good = { object_type: 'network', object_id: network.id, target_tenant: 'x', action: 'access_as_shared' }
    expect((await post({ ...good, object_type: 'bgpvpn' })).status).toBe(400)
    expect((await post({ ...good, action: 'fly' })).status).toBe(400)
    expect((await post({ ...good, action: 'access_as_external' })).status).toBe(501)
    expect((await post({ ...good, object_id: crypto.randomUUID() })).status).toBe(404)
    expect((await post({ ...good, target_tenant: undefined })).status).toBe(400)
    expect((await post({ ...good, target_project: 'y' })).status).toBe(400)
    expect((await post({ ...good, target_tenant: '' })).status).toBe(400)
  })
})

test('security groups, subnet pools and address scopes are shared too', async () => {
  const { security_group: group } = (await demo.post(`${V2}/security-groups`, { security_group: { name: 'g' } })).body
  const { network } = await createNetwork(other, { name: 'n', cidr: '10.0.0.0/24' })
  const port = () => other.post(`${V2}/ports`, { port: { network_id: network, security_groups: [group.id] } })
  expect((await port()).status).toBe(404)
  const policy = (await share('security_group', group.id)).body.rbac_policy.id
  expect((await other.get(`${V2}/security-groups/${group.id}`)).body.security_group).toMatchObject({ shared: true })
  expect(fault(await other.delete(`${V2}/security-groups/${group.id}`))[0]).toBe(403)
  const rule = { security_group_id: group.id, direction: 'ingress' }
  expect((await other.post(`${V2}/security-group-rules`, { security_group_rule: rule })).status).toBe(403)
  const made = await port()
  expect(made.status).toBe(201)
  expect(fault(await demo.delete(`${V2}/rbac-policies/${policy}`))[1]).toBe('RbacPolicyInUse')
  await other.delete(`${V2}/ports/${made.body.port.id}`)
  expect((await demo.delete(`${V2}/rbac-policies/${policy}`)).status).toBe(204)

  const scope = (await demo.post(`${V2}/address-scopes`, { address_scope: { name: 's', ip_version: 4 } })).body
  const scoped = { prefixes: ['10.65.0.0/16'], address_scope_id: scope.address_scope.id }
  const within = (await demo.post(`${V2}/subnetpools`, { subnetpool: { name: 'w', ...scoped } })).body.subnetpool.id
  expect(fault(await share('subnetpool', within))).toEqual([400, 'RbacPolicyInitError'])
  const pool = (await demo.post(`${V2}/subnetpools`, { subnetpool: { name: 'p', prefixes: ['10.64.0.0/16'] } })).body
  await share('address_scope', scope.address_scope.id)
  const both = (await share('subnetpool', within)).body.rbac_policy.id
  expect((await demo.delete(`${V2}/rbac-policies/${both}`)).status).toBe(204)
  expect(
    fault(await demo.put(`${V2}/address-scopes/${scope.address_scope.id}`, { address_scope: { shared: false } }))[0],
  ).toBe(403)
  await share('subnetpool', pool.subnetpool.id)
  expect(await ids('address-scopes')).toEqual([scope.address_scope.id])
  expect(await ids('subnetpools')).toEqual([pool.subnetpool.id])
  const subnet = { network_id: network, ip_version: 4, subnetpool_id: pool.subnetpool.id, prefixlen: 24 }
  const bare = (await other.post(`${V2}/networks`, { network: {} })).body.network.id
  expect((await other.post(`${V2}/subnets`, { subnet: { ...subnet, network_id: bare } })).status).toBe(201)
})
