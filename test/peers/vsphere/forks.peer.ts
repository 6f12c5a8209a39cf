import assert from 'node:assert/strict'
import type { PortSeen, ServerSeen, ServerSpec } from '../../../adapters/contract.ts'
import { CloudError, type CloudErrorCode } from '../../../adapters/errors.ts'
import { KEY } from '../../../adapters/vsphere/marks.ts'
import { machineOf } from '../../../adapters/vsphere/records/machine.ts'
import { until, type Workshop } from '../../adapters/cases.ts'
import type { vsphereCloud } from './cloud.ts'

type VsphereWorld = Awaited<ReturnType<typeof vsphereCloud>>
type Step = (title: string, run: (shop: Workshop) => Promise<void>) => Promise<void>

const refused = async (call: () => Promise<unknown>, code: CloudErrorCode): Promise<CloudError> => {
  const error = await call().then(
    () => null,
    (thrown: unknown) => thrown,
  )
  assert(error instanceof CloudError, `the call must be refused as ${code}`)
  assert.equal(error.code, code, error.detail.operatorMessage ?? error.message)
  return error
}

/** A parent that runs, and the specification of a fork of it. */
const family = async (shop: Workshop) => {
  const parent = await shop.make<ServerSeen>('server', await shop.serverSpec({ metadata: { role: 'parent' } }))
  const spec: ServerSpec = await shop.serverSpec({ name: 'fork', fork: parent.id, image: parent.image ?? '' })
  const mark = shop.mark('server')
  return { parent, spec, mark, create: () => shop.world.cloud.server.create(spec, mark) }
}

/** Instant clones: what the shared case does not ask, and how they fare when calls are lost. */
export const forks = async (world: VsphereWorld, step: Step): Promise<void> => {
  await step('fork: nothing of ours that the parent was told is left in its fork', async (shop) => {
    const { parent, spec, mark } = await family(shop)
    const { id } = await shop.make<ServerSeen>('server', spec, mark)
    const [origin, made] = [(await machineOf(world.context, parent.id))!, (await machineOf(world.context, id))!]
    assert.equal(made.biosUuid, mark.token)
    assert.notEqual(made.uuid, origin.uuid)
    assert.deepEqual(Object.keys(JSON.parse(made.own[KEY.ports]!)), [made.devices.find(({ card }) => card)?.card?.mac])
    assert.equal(origin.own[KEY.name], 'case-server')
    assert.equal(made.own[KEY.name], 'fork')
    assert.equal(made.own[KEY.metadata], undefined)
    assert.equal((await world.cloud.server.read!(id))?.spec.ports[0], spec.ports[0])
  })
  await step('fork: keeps its port, renamed or off, and lets go of it', async (shop) => {
    const { spec, mark } = await family(shop)
    const { server, port } = world.cloud
    const { id } = await shop.make<ServerSeen>('server', spec, mark)
    await server.describe!(id, { name: 'another', metadata: {} })
    assert.equal((await server.find(mark, spec))?.id, id)
    await server.stop(id)
    const off = async () => (await server.get(id))?.power
    await until(world, 'off', off, (power) => power === 'stopped')
    assert.equal(((await port!.get(spec.ports[0]!)) as PortSeen).server, id)
    await refused(() => port!.remove(spec.ports[0]!, shop.markOf(spec.ports[0]!)), 'conflict')
    await shop.remove('server', id, mark)
    assert.equal(((await port!.get(spec.ports[0]!)) as PortSeen).server, null)
  })
  await step('fork: four at once from one parent, and a fork of a fork', async (shop) => {
    const { parent } = await family(shop)
    const made = await Promise.all(
      [1, 2, 3, 4].map(async (n) => {
        const spec = await shop.serverSpec({ name: `fork-${n}`, fork: parent.id })
        return shop.make<ServerSeen>('server', spec)
      }),
    )
    assert.equal(new Set(made.map(({ id }) => id)).size, 4)
    const spec = await shop.serverSpec({ name: 'grandchild', fork: made[0]!.id })
    assert.equal((await shop.make<ServerSeen>('server', spec)).power, 'running')
  })
  await step('fork: refused for what an instant clone is not', async (shop) => {
    const { spec, mark, parent } = await family(shop)
    const { server } = world.cloud
    const twice = [spec.ports[0]!, (await shop.port()).id]
    for (const change of [{ ports: [] }, { ports: twice }, { zone: 'DC0_C1' }, { configDrive: true }])
      await refused(() => server.create({ ...spec, ...change }, mark), 'definitive')
    await refused(() => server.create({ ...spec, fork: 'vm-999999' }, mark), 'not_found')
    const volume = await shop.make('volume', await shop.spec('volume'))
    await shop.make('attachment', { server: parent.id, volume: volume.id, device: null })
    assert.match((await refused(() => server.create(spec, mark), 'definitive')).message, /volumes/)
    assert.equal(await server.find(mark, spec), null)
  })
  await step('fork: of a machine that somebody else made only when it is ours', async (shop) => {
    const { server } = world.cloud
    const stranger = (await shop.pages((cursor) => server.list(cursor))).find(({ name }) => name === 'DC0_C1_RP1_VM0')
    if (!stranger) return assert.fail('the simulator has no such machine')
    const spec = await shop.serverSpec({ name: 'fork', fork: stranger.id, image: '', zone: 'DC0_C1' })
    await refused(() => server.create(spec, shop.mark('server')), 'definitive')
    await server.mark!(stranger.id, shop.mark('server'))
    const made = await shop.make<ServerSeen>('server', spec)
    assert.deepEqual([made.size, made.zone], [stranger.size, 'DC0_C1'])
    await server.mark!(stranger.id, null)
  })
  await step('fork: an answer that is lost leaves one machine, found by its mark', async (shop) => {
    const { spec, mark, create } = await family(shop)
    world.line.lose('InstantClone_Task', 'answer')
    await refused(create, 'ambiguous')
    const find = () => world.cloud.server.find(mark, spec)
    const found = await until(world, 'fork found', find, (seen) => seen !== null)
    shop.keep('server', found!.id, mark)
    assert.equal((await shop.settled<ServerSeen>('server', await create())).id, found!.id)
  })
  await step('fork: twelve at once with one token are one machine', async (shop) => {
    const { mark, create } = await family(shop)
    const asked = await Promise.allSettled(Array.from({ length: 12 }, create))
    const ids = new Set<string>()
    for (const each of asked)
      if (each.status === 'fulfilled') ids.add((await shop.settled<ServerSeen>('server', each.value)).id)
    assert.equal(ids.size, 1)
    shop.keep('server', [...ids][0]!, mark)
  })
  for (const [fault, code] of [
    ['InsufficientResourcesFault', 'capacity'],
    ['TaskInProgress', 'conflict'],
    ['DisallowedMigrationDeviceAttached', 'definitive'],
  ] as const)
    await step(`fork: ${fault} is ${code}, and makes nothing`, async (shop) => {
      const { spec, mark, create } = await family(shop)
      await world.vcsim.fail('InstantClone_Task', fault)
      await refused(create, code)
      await world.vcsim.heal()
      assert.equal(await world.cloud.server.find(mark, spec), null)
      await shop.make('server', spec, mark)
    })
}
