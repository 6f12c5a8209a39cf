import { eq } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { bindings, networks, ports, quotas, subnets } from '../../../db/schema/index.ts'
import { commit } from '../../../functions/broker/line/commit.ts'
import { Refused } from '../../../functions/broker/line/refused.ts'
import { pinNetworks } from '../../../functions/broker/network/network.ts'
import { planPort, planPorts, removePorts, takePorts, untilFree } from '../../../functions/broker/network/port.ts'
import { createPorts } from '../../../functions/broker/network/port-life.ts'
import { createRouter } from '../../../functions/broker/network/router.ts'
import { addInterface } from '../../../functions/broker/network/router-interface.ts'
import { ensureDefaultGroup } from '../../../functions/broker/network/security/security-group.ts'
import { createNetworks } from '../../../functions/broker/network/segments/multi-provider.ts'
import { createSubnets } from '../../../functions/broker/network/subnet.ts'
import type { Context } from '../../../functions/context.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let context: Context
let projectId: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  context = plimsoll.context('demo')
  projectId = plimsoll.projectId('demo')
})

const entry = { action: 'test', kind: 'test', resourceId: 'x' }
const newNetwork = async (cidr: string) => {
  const plain = { projectId, name: cidr, description: '' }
  const [network] = await createNetworks(context, [
    { ...plain, adminStateUp: true, shared: false, portSecurity: true, segments: [] },
  ])
  const [subnet] = await createSubnets(context, [
    {
      ...plain,
      networkId: network!.id,
      ipVersion: 4,
      cidr,
      enableDhcp: true,
      dnsNameservers: [],
      hostRoutes: [],
      ipv6AddressMode: null,
      ipv6RaMode: null,
      segmentId: null,
    },
  ])
  return { network: network!.id, subnet: subnet!.id }
}
const newRouter = () =>
  createRouter(context, { projectId, name: 'r', description: '', adminStateUp: true, gateway: null })
const refusal = (error: unknown) => (error instanceof Refused ? error.refusal : error)
const cloudOf = async (id: string) => (await plimsoll.db.select().from(networks).where(eq(networks.id, id)))[0]!.cloudId
const used = async (resource: string) =>
  (await plimsoll.db.select().from(quotas).where(eq(quotas.resource, resource)))[0]?.used ?? 0

test('a network has one cloud and one zone, whoever pins it first', async () => {
  const { network, subnet } = await newNetwork('10.0.0.0/24')
  const pins = [
    ['a', 'z1'],
    ['b', 'z1'],
    ['a', 'z2'],
    ['a', 'z1'],
    ['a', null],
  ] as const
  const results = []
  for (const [cloud, zone] of pins)
    results.push(
      await commit(context, entry, pinNetworks(context, [network], { cloudId: cloud, zone, filters: 'enforced' })).then(
        () => 'pinned',
        refusal,
      ),
    )
  const guard = (what: string) => ({ kind: 'guard', what })
  expect(results).toEqual(['pinned', guard('network-elsewhere'), guard('network-zone'), 'pinned', 'pinned'])
  expect(await cloudOf(network)).toBe('a')
  expect((await plimsoll.db.select().from(subnets).where(eq(subnets.id, subnet)))[0]!.zone).toBe('z1')
})

test('a pin reaches everything that routers join, and takes the routers along', async () => {
  const [a, b, c, d] = await Promise.all(['10.0.0.0/24', '10.1.0.0/24', '10.2.0.0/24', '10.3.0.0/24'].map(newNetwork))
  const [first, second] = [await newRouter(), await newRouter()]
  await addInterface(context, first.id, { subnetId: a!.subnet })
  await addInterface(context, first.id, { subnetId: b!.subnet })
  const [port] = await createPorts(context, [{ projectId, networkId: b!.network }])
  await addInterface(context, second.id, { portId: port!.id })
  await addInterface(context, second.id, { subnetId: c!.subnet })
  const cloud = plimsoll.cloudId('sandbox')
  await commit(context, entry, pinNetworks(context, [a!.network], { cloudId: cloud, zone: null, filters: 'enforced' }))
  expect(await Promise.all([a, b, c, d].map((each) => cloudOf(each!.network)))).toEqual([cloud, cloud, cloud, null])
  const bound = (await plimsoll.db.select().from(bindings)).filter(({ kind }) => kind === 'router')
  expect(bound.map(({ resourceId }) => resourceId).toSorted()).toEqual([first.id, second.id].toSorted())
  expect(new Set(bound.map(({ token }) => token)).size).toBe(2)
  const elsewhere = commit(
    context,
    entry,
    pinNetworks(context, [c!.network], { cloudId: 'other', zone: null, filters: 'enforced' }),
  )
  expect(await elsewhere.catch(refusal)).toEqual({ kind: 'guard', what: 'network-elsewhere' })
  // What hangs on nothing joins the cloud when it is joined itself.
  await addInterface(context, second.id, { subnetId: d!.subnet })
  expect(await cloudOf(d!.network)).toBe(cloud)
})

test('an address that the cloud keeps is refused once the cloud is known', async () => {
  const { network } = await newNetwork('10.0.0.0/24')
  const wish = { projectId, networkId: network, fixedIps: [{ ip_address: '10.0.0.1' }] }
  await planPort(context, wish)
  await commit(
    context,
    entry,
    pinNetworks(context, [network], { cloudId: plimsoll.cloudId('sandbox'), zone: 'a', filters: 'enforced' }),
  )
  await expect(planPort(context, wish)).rejects.toThrow('IP address 10.0.0.1 is kept by cloud sandbox for itself.')
})

test('ports of one batch get different addresses; plans that lose a race are made again', async () => {
  const { network } = await newNetwork('10.0.0.0/24')
  const planned = await planPorts(
    context,
    [1, 2, 3].map(() => ({ projectId, networkId: network })),
  )
  const batch = () =>
    commit(
      context,
      entry,
      planned.flatMap(({ writes }) => writes),
    )
  await batch()
  let attempts = 0
  const again = () => {
    attempts++
    return batch()
  }
  await expect(untilFree(again)).rejects.toThrow(Refused)
  expect(attempts).toBe(8)
  const many = await Promise.all(
    Array.from({ length: 10 }, () => createPorts(context, [{ projectId, networkId: network }])),
  )
  const addresses = [...planned.map(({ port }) => port), ...many.flat()].map((port) => port.fixedIps[0]!.ip_address)
  expect(new Set(addresses).size).toBe(13)
  expect(await used('port')).toBe(13)
})

test('removing ports twice gives their quota back once', async () => {
  const { network } = await newNetwork('10.0.0.0/24')
  const made = await createPorts(context, [
    { projectId, networkId: network },
    { projectId, networkId: network },
  ])
  const ids = made.map(({ id }) => id)
  await Promise.all([1, 2].map(() => commit(context, entry, removePorts(context, ids))))
  expect(await used('port')).toBe(0)
  expect(await plimsoll.db.select().from(ports)).toEqual([])
})

test('one taker gets a port', async () => {
  const { network } = await newNetwork('10.0.0.0/24')
  const [port] = await createPorts(context, [{ projectId, networkId: network }])
  const take = (id: string) =>
    commit(context, entry, takePorts(context, [port!], { id, owner: 'compute:nova' }, 'enforced')).then(
      () => 'taken',
      refusal,
    )
  expect((await Promise.all([take('a'), take('b')])).toSorted()).toEqual(
    ['taken', { kind: 'guard', what: 'port-in-use' }].toSorted(),
  )
})

test('a project has one default group, however many look for it at once', async () => {
  const ids = await Promise.all(Array.from({ length: 5 }, () => ensureDefaultGroup(context, projectId)))
  expect(new Set(ids).size).toBe(1)
  expect([await used('security_group'), await used('security_group_rule')]).toEqual([1, 4])
})
