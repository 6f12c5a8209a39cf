import { type SQL, sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import { commit } from '../../../functions/broker/line/commit.ts'
import { createAddressScopes, removeAddressScope } from '../../../functions/broker/network/pools/address-scope.ts'
import { createSubnetPools } from '../../../functions/broker/network/pools/subnet-pool.ts'
import { planPort } from '../../../functions/broker/network/port.ts'
import { createRouter } from '../../../functions/broker/network/router.ts'
import { removeAddresses } from '../../../functions/broker/network/security/address-group.ts'
import { addRules } from '../../../functions/broker/network/security/security-group.ts'
import { createRbacPolicy } from '../../../functions/broker/network/sharing/rbac.ts'
import type { Context } from '../../../functions/context.ts'
import { createNetwork, createServer } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/* What somebody else does between the look at what is there and the batch that stands on it. */

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

/** A context in which something happens once, before the first batch that has a guard in it. */
const before = (context: Context, happens: () => Promise<unknown>): Context => {
  let guarded = false
  const db = new Proxy(context.db, {
    get: (target, name, self) => {
      const member = Reflect.get(target, name, self)
      if (name === 'run')
        return (statement: SQL) => {
          const [first] = statement.queryChunks as { value?: string[] }[]
          guarded ||= first?.value?.[0]?.startsWith('insert into guards') === true
          return target.run(statement)
        }
      if (name !== 'batch') return member
      return async (list: Parameters<typeof target.batch>[0]) => {
        if (guarded) {
          guarded = false
          await happens()
        }
        return target.batch(list)
      }
    },
  })
  return { ...context, db }
}
const made = async (client: Client, path: string, resource: string, body: object = {}): Promise<string> => {
  const answer = await client.post(`${V2}/${path}`, { [resource]: body })
  expect(answer.status).toBe(201)
  return answer.body[resource].id
}
const lend = (object_type: string, object_id: string): Promise<string> =>
  made(demo, 'rbac-policies', 'rbac_policy', {
    ...{ object_type, object_id, target_tenant: plimsoll.projectId('other'), action: 'access_as_shared' },
  })
const takeBack = async (policy: string): Promise<void> => {
  expect((await demo.delete(`${V2}/rbac-policies/${policy}`)).status).toBe(204)
}
const entry = { action: 'test', kind: 'test', resourceId: 'x' }
const refused = (what: string) => ({ refusal: { kind: 'guard', what } })

test('what is not lent any more is not used', async () => {
  const { network } = await createNetwork(demo, { name: 'lent', cidr: '10.0.0.0/24' })
  const [net, group] = [await lend('network', network), await made(demo, 'security-groups', 'security_group')]
  const inGroup = await lend('security_group', group)
  const context = plimsoll.context('other')
  const projectId = plimsoll.projectId('other')
  const own = await createNetwork(other, { name: 'own', cidr: '10.1.0.0/24' })
  const wishes = [
    ['network-gone', { networkId: network }, net],
    ['security-group-gone', { networkId: own.network, securityGroupIds: [group] }, inGroup],
  ] as const
  for (const [guard, wish, policy] of wishes) {
    const { writes } = await planPort(context, {
      projectId,
      ...wish,
      securityGroupIds: [...(('securityGroupIds' in wish && wish.securityGroupIds) || [])],
    })
    await takeBack(policy)
    await expect(commit(context, entry, writes)).rejects.toMatchObject(refused(guard))
  }
})

test('rules and pools of what is not lent any more are refused', async () => {
  const context = plimsoll.context('other')
  const projectId = plimsoll.projectId('other')
  const mine = await made(other, 'security-groups', 'security_group')
  const plain = {
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: null,
    portRangeMin: null,
    portRangeMax: null,
  } as const
  const rule = { ...plain, remoteIpPrefix: null, remoteGroupId: null, remoteAddressGroupId: null, description: '' }
  const group = await made(demo, 'security-groups', 'security_group')
  const lent = await lend('security_group', group)
  await expect(
    addRules(
      before(context, () => takeBack(lent)),
      [{ ...rule, remoteGroupId: group, securityGroupId: mine }],
    ),
  ).rejects.toMatchObject(refused('security-group-gone'))
  const addresses = await made(demo, 'address-groups', 'address_group', { addresses: ['10.0.0.0/8'] })
  const policy = await lend('address_group', addresses)
  await expect(
    addRules(
      before(context, () => takeBack(policy)),
      [{ ...rule, remoteAddressGroupId: addresses, securityGroupId: mine }],
    ),
  ).rejects.toMatchObject(refused('address-group-gone'))
  const scope = await made(demo, 'address-scopes', 'address_scope', { name: 's', ip_version: 4 })
  const scoped = await lend('address_scope', scope)
  const pool = {
    projectId,
    name: 'p',
    description: '',
    prefixes: ['10.0.0.0/16'],
    addressScopeId: scope,
    shared: false,
  }
  await expect(
    createSubnetPools(
      before(context, () => takeBack(scoped)),
      [{ ...pool, isDefault: false, defaultQuota: null }],
    ),
  ).rejects.toMatchObject({ refusal: { type: 'AddressScopeNotFound' } })
})

test('what is gone is shared with nobody', async () => {
  const context = plimsoll.context('demo')
  const projectId = plimsoll.projectId('demo')
  const [scope] = await createAddressScopes(context, [{ projectId, name: 's', ipVersion: 4, shared: false }])
  const going = before(context, () => removeAddressScope(context, scope!.id))
  await expect(
    createRbacPolicy(going, { projectId, objectType: 'address_scope', objectId: scope!.id, target: 'x' }),
  ).rejects.toMatchObject({ refusal: { type: 'AddressScopeNotFound' } })
})

test('a router gets no gateway on a network that leads outside no more, nor anybody a port on one that came to', async () => {
  const network = await made(admin, 'networks', 'network', {
    ...{ 'router:external': true, project_id: plimsoll.projectId('demo') },
  })
  const turn = async (external: boolean) =>
    expect((await admin.put(`${V2}/networks/${network}`, { network: { 'router:external': external } })).status).toBe(
      200,
    )
  const context = plimsoll.context('demo')
  const projectId = plimsoll.projectId('demo')
  const wish = { projectId, name: 'r', description: '', adminStateUp: true, gateway: { networkId: network } }
  await expect(
    createRouter(
      before(context, () => turn(false)),
      wish,
    ),
  ).rejects.toMatchObject(refused('network-gone'))
  const { writes } = await planPort(context, { projectId, networkId: network })
  await turn(true)
  await expect(commit(context, entry, writes)).rejects.toMatchObject(refused('network-gone'))
})

test('a port is in groups that are alike when it comes to be in them', async () => {
  const { network } = await createNetwork(demo, { name: 'n', cidr: '10.0.0.0/24' })
  const [a, b] = [
    await made(demo, 'security-groups', 'security_group'),
    await made(demo, 'security-groups', 'security_group'),
  ]
  const context = plimsoll.context('demo')
  const projectId = plimsoll.projectId('demo')
  const { writes } = await planPort(context, { projectId, networkId: network, securityGroupIds: [a, b] })
  await plimsoll.db.run(sql`update security_groups set stateful = 0 where id = ${b}`)
  await expect(commit(context, entry, writes)).rejects.toMatchObject(refused('security-group-gone'))
})

test('an address group that loses a block loses it for a rule that came at the same time', async () => {
  const addresses = await made(demo, 'address-groups', 'address_group', { addresses: ['10.0.0.0/8', '192.0.2.0/24'] })
  const group = await made(demo, 'security-groups', 'security_group')
  const { network } = await createNetwork(demo, { name: 'n', cidr: '10.0.0.0/24' })
  const port = await made(demo, 'ports', 'port', { network_id: network, security_groups: [group] })
  await createServer(plimsoll, demo, { networks: [{ port }] })
  await plimsoll.settle()
  const onCloud = async () => {
    const groups = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'security_group')
    const { rules } = groups.find(({ mark }) => mark?.resource === group)!.spec
    return rules.filter(({ direction }) => direction === 'ingress').map(({ cidr }) => cidr)
  }
  const context = before(plimsoll.context('demo'), async () => {
    await made(demo, 'security-group-rules', 'security_group_rule', {
      ...{ security_group_id: group, direction: 'ingress', remote_address_group_id: addresses },
    })
    await plimsoll.settle()
    expect(await onCloud()).toEqual(['10.0.0.0/8', '192.0.2.0/24'])
  })
  await removeAddresses(context, addresses, ['10.0.0.0/8'])
  plimsoll.clock.now += 60_000
  await plimsoll.settle()
  expect(await onCloud()).toEqual(['192.0.2.0/24'])
})
