import assert from 'node:assert/strict'
import type { ServerSeen } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { childrenOf, textOf } from '../../../adapters/shared/xml.ts'
import { inventoryOf } from '../../../adapters/vsphere/inventory.ts'
import { look } from '../../../adapters/vsphere/wire/properties.ts'
import { ref } from '../../../adapters/vsphere/wire/soap.ts'
import { settled, taskIn } from '../../../adapters/vsphere/wire/tasks.ts'
import { until, type Workshop } from '../../adapters/cases.ts'
import type { Step, World } from './upload.ts'

/** Groups of servers, as far as the rules of the simulator's clusters show them: no scheduler of its moves anything. */
export const groups = async (world: World, step: Step): Promise<void> => {
  const rules = async () => {
    const { clusters } = await inventoryOf(world.context)
    const found = await look(
      world.context.vim,
      clusters.map(({ ref }) => ref),
      ['configurationEx'],
    )
    return found.flatMap((cluster) =>
      childrenOf(cluster.props.get('configurationEx'), 'rule').map((rule) => ({
        type: rule.xsiType,
        name: textOf(rule, 'name'),
        enabled: textOf(rule, 'enabled'),
        machines: childrenOf(rule, 'vm').map(({ text }) => text),
      })),
    )
  }
  const groupOf = async (shop: Workshop, mostPerHost: number | null = null) => {
    const mark = shop.mark('server_group')
    const spec = { name: 'apart', policy: 'anti-affinity', mostPerHost }
    const { id } = await shop.make('server_group', spec, mark)
    return { id: mark.resource, policy: 'anti-affinity' as const, mostPerHost, native: id }
  }
  const finished = async (id: string): Promise<ServerSeen> => {
    const look = async () => {
      const seen = await world.cloud.server.get(id)
      if (seen?.unfinished) await world.cloud.server.finish!(id)
      return seen
    }
    return (await until(world, 'a server that is finished', look, (seen) => seen?.power === 'running')) as ServerSeen
  }

  await step('servers apart are named by one rule of their cluster, which goes with the last but one', async (shop) => {
    const group = await groupOf(shop)
    const marks = [shop.mark('server'), shop.mark('server')]
    const servers = await Promise.all(
      marks.map(async (mark) => shop.make<ServerSeen>('server', await shop.serverSpec({ group }), mark)),
    )
    const seen = await Promise.all(servers.map(({ id }) => finished(id)))
    assert.equal(new Set(seen.map(({ host }) => host)).size, 2, 'two at once never share a host')
    const [rule, ...more] = await rules()
    assert.deepEqual(more, [])
    assert.equal(rule?.type, 'ClusterAntiAffinityRuleSpec')
    assert.equal(rule?.name, `plimsoll ${group.native}`)
    assert.equal(rule?.enabled, 'true')
    assert.deepEqual(rule?.machines.toSorted(), servers.map(({ id }) => id).toSorted())

    const third = shop.mark('server')
    const spec = await shop.serverSpec({ group })
    const refused = await Promise.resolve(world.cloud.server.create(spec, third)).catch((error: unknown) => error)
    assert(refused instanceof CloudError && refused.code === 'capacity', 'the zone has two hosts')
    assert.equal(await world.cloud.server.find(third, spec), null)

    await shop.remove('server', servers[0]!.id, marks[0]!)
    assert.deepEqual(await rules(), [])
    const again = await shop.make<ServerSeen>('server', spec, third)
    await finished(again.id)
    assert.equal((await rules()).length, 1)
    await shop.close()
    assert.deepEqual(await rules(), [])
  })

  await step('a process that dies before the rule: the next one finishes the server', async (shop) => {
    const group = await groupOf(shop)
    for (const lost of [false, true]) {
      const { id } = await shop.make<ServerSeen>('server', await shop.serverSpec({ group }))
      if (lost) world.line.lose('ReconfigureComputeResource_Task', 'answer', 1)
      await world.cloud.server.finish!(id).catch((error: unknown) => {
        assert(lost && error instanceof CloudError)
      })
      await finished(id)
    }
    assert.equal((await rules())[0]?.machines.length, 2)
    await shop.close()
    assert.deepEqual(await rules(), [])
  })

  await step('servers that may share a host in pairs fill the hosts evenly, and no rule forbids it', async (shop) => {
    const group = await groupOf(shop, 2)
    const hosts: (string | undefined)[] = []
    for (let count = 0; count < 4; count++) {
      const { id } = await shop.make<ServerSeen>('server', await shop.serverSpec({ group }))
      hosts.push((await finished(id)).host)
    }
    assert.deepEqual(
      Object.values(Object.groupBy(hosts, (host) => host ?? '')).map((each) => each?.length),
      [2, 2],
    )
    assert.deepEqual(await rules(), [])
    const refused = world.cloud.server.create(await shop.serverSpec({ group }), shop.mark('server'))
    const error = await Promise.resolve(refused).catch((thrown: unknown) => thrown)
    assert(error instanceof CloudError && error.code === 'capacity')
  })

  await step('a server that somebody else removed keeps no seat', async (shop) => {
    const group = await groupOf(shop)
    for (let count = 0; count < 2; count++) {
      const { id } = await shop.make<ServerSeen>('server', await shop.serverSpec({ group }))
      await finished(id)
      if (count === 0) {
        for (const method of ['PowerOffVM_Task', 'Destroy_Task'])
          await settled(world.context, taskIn(await world.context.vim.call(ref('VirtualMachine', id), method)))
      }
    }
    const { id } = await shop.make<ServerSeen>('server', await shop.serverSpec({ group }))
    await finished(id)
  })
}
