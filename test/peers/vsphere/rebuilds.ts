import assert from 'node:assert/strict'
import type { ImageSeen, ServerSeen } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { KEY } from '../../../adapters/vsphere/marks.ts'
import { machineOf } from '../../../adapters/vsphere/records/machine.ts'
import { until } from '../../adapters/cases.ts'
import { streamOptimized } from '../../adapters/vsphere/disk-image.ts'
import { imported, MIB, type Step, specOf, type World } from './upload.ts'

/** Servers that get a fresh root disk. */
export const rebuilds = async (world: World, step: Step): Promise<void> => {
  const rebuilt = async (id: string, image: string, token: string) => {
    await until(
      world,
      'the rebuild',
      () => world.cloud.server.rebuild!(id, image, token),
      (progress) => progress === 'done',
    )
  }
  const diskOf = async (id: string) =>
    (await machineOf(world.context, id))!.devices.filter(({ disk }) => disk && disk.disk === null)
  await step('a rebuild exchanges the root disk and nothing else, once for each token', async (shop) => {
    const spec = await shop.serverSpec({ userData: btoa('#!/bin/sh'), metadata: { role: 'db' } })
    const server = await shop.make<ServerSeen>('server', spec)
    const volume = await shop.make('volume', await shop.spec('volume'))
    await shop.make('attachment', { server: server.id, volume: volume.id, device: null })
    const before = (await machineOf(world.context, server.id))!
    const [old] = await diskOf(server.id)
    const upload = await specOf(world, 'vmdk/bare')
    const mark = shop.mark('image')
    const image = await imported(world, upload, mark)
    shop.keep('image', image.id, mark)
    const settings = async () => {
      const machine = (await world.vcsim.inventory()).machines.find(({ id }) => id === server.id)!
      return Object.fromEntries(Object.entries(machine.settings).filter(([key]) => key.startsWith('guestinfo.')))
    }
    const told = await settings()
    const token = crypto.randomUUID()
    await rebuilt(server.id, image.id, token)
    const [fresh, ...more] = await diskOf(server.id)
    assert.equal(more.length, 0)
    assert.notEqual(fresh?.disk?.file, old?.disk?.file)
    assert.equal(fresh?.disk?.capacityKiB, MIB * 1024)
    assert.deepEqual([fresh?.controllerKey, fresh?.unitNumber], [old?.controllerKey, old?.unitNumber])
    const after = (await machineOf(world.context, server.id))!
    assert.deepEqual([after.uuid, after.name, after.power], [before.uuid, before.name, 'poweredOn'])
    const seen = (await world.cloud.server.get(server.id))!
    assert.deepEqual([seen.ports, seen.image, seen.mark], [server.ports, image.id, server.mark])
    assert.deepEqual(
      seen.volumes.map(({ id }) => id),
      [volume.id],
    )
    assert.deepEqual(await settings(), told)
    // A repeat does nothing, not even to a server that was stopped since.
    await world.cloud.server.stop(server.id)
    const calls = world.line.asked.length
    assert.equal(await world.cloud.server.rebuild!(server.id, image.id, token), 'done')
    assert(!world.line.asked.slice(calls).some((method) => /_Task$/.test(method)))
    // Another token is another rebuild, and a server that was off stays off.
    await rebuilt(server.id, world.fixtures.image, crypto.randomUUID())
    const again = await diskOf(server.id)
    assert.notEqual(again[0]?.disk?.file, fresh?.disk?.file)
    assert.equal((await world.cloud.server.get(server.id))?.power, 'stopped')
  })
  await step('a rebuild that lost an answer at each of its calls comes to its end all the same', async (shop) => {
    const server = await shop.make<ServerSeen>('server', await shop.serverSpec())
    for (const method of ['CopyVirtualDisk_Task', 'ReconfigVM_Task', 'PowerOffVM_Task', 'PowerOnVM_Task']) {
      const [old] = await diskOf(server.id)
      world.line.lose(method, 'answer')
      const token = crypto.randomUUID()
      for (let i = 0; ; i++) {
        assert(i < 100, method)
        const progress = await world.cloud.server.rebuild!(server.id, world.fixtures.image, token).catch(
          (error: unknown) => {
            assert(error instanceof CloudError && ['ambiguous', 'conflict'].includes(error.code), String(error))
            return 'going' as const
          },
        )
        if (progress === 'done') break
        await world.advance(50)
      }
      const fresh = await diskOf(server.id)
      assert.equal(fresh.length, 1, method)
      assert.notEqual(fresh[0]?.disk?.file, old?.disk?.file, method)
      assert.equal((await world.cloud.server.get(server.id))?.power, 'running', method)
    }
  })
  await step('a rebuild grows the fresh disk to the size, and refuses an image that is larger', async (shop) => {
    const spec = await shop.serverSpec({ size: world.fixtures.otherSize! })
    const server = await shop.make<ServerSeen>('server', spec)
    await rebuilt(server.id, world.fixtures.image, crypto.randomUUID())
    assert.equal((await diskOf(server.id))[0]?.disk?.capacityKiB, 20 * 1024 ** 2)
    const upload = await specOf(world, 'vmdk/bare', await streamOptimized(21 * 1024, 'large'))
    const mark = shop.mark('image')
    const image = await imported(world, upload, mark)
    shop.keep('image', image.id, mark)
    const [old] = await diskOf(server.id)
    const error = await world.cloud.server.rebuild!(server.id, image.id, crypto.randomUUID()).catch(
      (thrown: unknown) => thrown,
    )
    assert(error instanceof CloudError && error.code === 'definitive', String(error))
    assert.match(error.message, /21 GiB/)
    assert.deepEqual([(await diskOf(server.id))[0], (await world.cloud.server.get(server.id))?.power], [old, 'running'])
  })
  await step('a rebuild that is overtaken by another leaves no copy behind', async (shop) => {
    const server = await shop.make<ServerSeen>('server', await shop.serverSpec())
    await world.cloud.server.rebuild!(server.id, world.fixtures.image, crypto.randomUUID())
    const token = crypto.randomUUID()
    const before = world.line.asked.length
    await rebuilt(server.id, world.fixtures.image, token)
    assert(world.line.asked.slice(before).includes('DeleteVirtualDisk_Task'))
    assert.match((await diskOf(server.id))[0]?.disk?.file ?? '', new RegExp(token))
  })
  await step('a machine that is not ours is not rebuilt', async () => {
    const stranger = (await world.cloud.server.list()).items.find(({ name }) => name === 'DC0_C1_RP1_VM0')!
    const error = await world.cloud.server.rebuild!(stranger.id, world.fixtures.image, crypto.randomUUID()).catch(
      (thrown: unknown) => thrown,
    )
    assert(error instanceof CloudError && error.code === 'definitive')
  })
  await step('an image of a rebuilt server knows nothing of the rebuild', async (shop) => {
    const server = await shop.make<ServerSeen>('server', await shop.serverSpec())
    await rebuilt(server.id, world.fixtures.image, crypto.randomUUID())
    const image = await shop.make<ImageSeen>('image', { name: 'rebuilt', source: { kind: 'server', id: server.id } })
    assert.equal((await machineOf(world.context, image.id))?.own[KEY.rebuild], undefined)
  })
}
