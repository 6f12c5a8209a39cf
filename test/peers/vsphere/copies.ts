import assert from 'node:assert/strict'
import { type ImageSeen, isTask, type Outcome, type ServerSeen } from '../../../adapters/contract.ts'
import { KEY } from '../../../adapters/vsphere/marks.ts'
import { machineOf } from '../../../adapters/vsphere/records/machine.ts'
import type { Workshop } from '../../adapters/cases.ts'
import { inFolder, type Step, type World } from './upload.ts'

/** Images of volumes: of any volume, whatever breaks on their way, and with nothing left of what came to nothing. */
export const copies = async (world: World, step: Step): Promise<void> => {
  const { image: realm } = world.cloud
  const volumeOf = async (shop: Workshop, image: string | null, sizeGiB: number) =>
    shop.make('volume', { ...(await shop.spec('volume')), sizeGiB, source: image && { kind: 'image', id: image } })
  const wishOf = (volume: string) =>
    ({
      name: `of a volume ${crypto.randomUUID().slice(0, 8)}`,
      source: { kind: 'volume', id: volume, arch: 'x86_64' },
    }) as const
  const settled = (shop: Workshop, outcome: Outcome<ImageSeen>) => shop.settled<ImageSeen>('image', outcome)

  await step('an image of a volume has its disk and its size, the cards of nobody, and is made once', async (shop) => {
    const volume = await volumeOf(shop, world.fixtures.image, 12)
    const spec = wishOf(volume.id)
    const mark = shop.mark('image')
    const twice = [await realm.create(spec, mark), await realm.create(spec, mark)]
    const [one, other] = [await settled(shop, twice[0]!), await settled(shop, twice[1]!)]
    shop.keep('image', one.id, mark)
    assert.equal(one.id, other.id)
    assert.deepEqual([one.health, one.minDiskGiB, one.mark, one.os], ['ready', 12, mark, 'linux'])
    const machine = (await machineOf(world.context, one.id))!
    assert.deepEqual([machine.template, machine.own[KEY.copying], machine.own[KEY.image]], [true, undefined, undefined])
    const disks = machine.devices.flatMap(({ disk }) => disk ?? [])
    assert.deepEqual(
      disks.map(({ disk, capacityKiB }) => [disk, capacityKiB / 1024 ** 2]),
      [[null, 12]],
    )
    assert.equal(machine.devices.filter(({ card }) => card).length, 0)
    assert.deepEqual(await realm.find(mark, spec), one)
    // The volume is as it was, and free.
    await shop.make('attachment', { ...(await shop.spec('attachment')), volume: volume.id })
  })
  await step('a volume that was made of nothing becomes an image too', async (shop) => {
    const volume = await volumeOf(shop, null, 2)
    const image = await shop.make<ImageSeen>('image', wishOf(volume.id))
    assert.deepEqual([image.minDiskGiB, image.arch], [2, 'x86_64'])
    const server = await shop.make<ServerSeen>('server', await shop.serverSpec({ image: image.id }))
    assert.equal(server.power, 'running')
  })
  await step('whatever call of it is lost, it goes on where it was', async (shop) => {
    const volume = await volumeOf(shop, world.fixtures.image, 12)
    for (const method of ['CloneVM_Task', 'CopyVirtualDisk_Task', 'ReconfigVM_Task', 'MarkAsTemplate'])
      for (const what of ['answer', 'call'] as const) {
        const spec = wishOf(volume.id)
        const mark = shop.mark('image')
        world.line.lose(method, what)
        // Who is not answered asks for it again, as the broker does.
        let outcome: Outcome<ImageSeen> | null = null
        let lost = 0
        for (let i = 0; i < 60 && (outcome === null || isTask(outcome)); i++) {
          try {
            outcome = outcome ? await realm.poll!(outcome.task) : await realm.create(spec, mark)
          } catch (error) {
            assert.equal((error as { code: string }).code, 'ambiguous', `${method} ${what}: ${error}`)
            lost++
            outcome = null
          }
        }
        assert(outcome && !isTask(outcome), `${method} ${what}`)
        shop.keep('image', outcome.id, mark)
        assert.equal(lost, 1, `${method} ${what}`)
        assert.equal((await inFolder(world, spec.name)).length, 1, `${method} ${what}`)
        assert.equal((await machineOf(world.context, outcome.id))!.devices.filter(({ disk }) => disk).length, 1)
      }
  })
  await step('a volume in a server is refused, and so is one that goes on the way; nothing is left', async (shop) => {
    const volume = await volumeOf(shop, world.fixtures.image, 12)
    const attachment = await shop.make('attachment', { ...(await shop.spec('attachment')), volume: volume.id })
    const used = wishOf(volume.id)
    await assert.rejects(async () => realm.create(used, shop.mark('image')), { code: 'definitive' })
    await shop.remove('attachment', attachment.id, shop.markOf(attachment.id))
    const spec = wishOf(volume.id)
    const begun = await realm.create(spec, shop.mark('image'))
    await shop.remove('volume', volume.id, shop.markOf(volume.id))
    await assert.rejects(
      async () => {
        for (let now = begun; ; ) now = isTask(now) ? await realm.poll!(now.task) : assert.fail('made of nothing')
      },
      { code: 'not_found' },
    )
    for (const { name } of [used, spec]) assert.deepEqual(await inFolder(world, name), [])
  })
}
