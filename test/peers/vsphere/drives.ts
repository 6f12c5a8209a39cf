import assert from 'node:assert/strict'
import type { ServerSeen, ServerSpec } from '../../../adapters/contract.ts'
import { driveImage } from '../../../adapters/shared/config-drive.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { datacenterPath } from '../../../adapters/vsphere/inventory.ts'
import { DRIVE_CONTENT } from '../../../adapters/vsphere/marks.ts'
import { machineOf } from '../../../adapters/vsphere/records/machine.ts'
import { until, type Workshop } from '../../adapters/cases.ts'
import type { Step, World } from './upload.ts'

const drive = { metaData: { uuid: 'u', name: 'Straße' }, networkData: { links: [] }, vendorData: {} }
const userData = btoa('#cloud-config')

/** Servers with a config drive: what is in the drive, what a crash leaves, and that nothing stays. */
export const drives = async (world: World, step: Step): Promise<void> => {
  const discOf = async (id: string): Promise<string[]> =>
    ((await machineOf(world.context, id))?.devices ?? []).flatMap(({ disc }) => disc?.file ?? [])
  /** What `/folder` has of a file. */
  const read = async (file: string): Promise<{ status: number; bytes: Uint8Array }> => {
    const [, datastore = '', path = ''] = /^\[([^\]]+)\] (.+)$/.exec(file) ?? []
    const where = new URLSearchParams({ dcPath: await datacenterPath(world.context), dsName: datastore })
    const url = `/folder/${path.split('/').map(encodeURIComponent).join('/')}?${where}`
    const answer = await world.context.vim.download(url, {})
    return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) }
  }
  const finished = (id: string) =>
    until(
      world,
      'the server finished',
      async () => {
        const seen = (await world.cloud.server.get(id))!
        if (seen.unfinished) await world.cloud.server.finish!(id)
        return seen
      },
      ({ unfinished, power }) => !unfinished && power === 'running',
    )
  const begun = async (shop: Workshop, change: Partial<ServerSpec> = {}) => {
    const spec = await shop.serverSpec({ configDrive: true, drive, userData, ...change })
    const mark = shop.mark('server')
    const server = await shop.make<ServerSeen>('server', spec, mark)
    return { id: server.id, spec, mark }
  }

  await step(
    'a config drive is in the machine before it starts, says what was asked, and goes with it',
    async (shop) => {
      const { id, spec, mark } = await begun(shop)
      assert.equal((await machineOf(world.context, id))?.power, 'poweredOff')
      await finished(id)
      const [file, ...more] = await discOf(id)
      assert.equal(more.length, 0)
      assert.deepEqual((await read(file!)).bytes, driveImage(spec))
      const machine = (await world.vcsim.inventory()).machines.find((each) => each.id === id)!
      assert.equal(machine.settings[DRIVE_CONTENT] ?? '', '')
      assert.equal((await world.cloud.server.read!(id))?.spec.configDrive, true)
      await shop.remove('server', id, mark)
      assert.equal((await read(file!)).status, 404)
    },
  )
  await step('what a crash left of a config drive is gone on with, or goes with the machine', async (shop) => {
    for (const goesOn of [true, false]) {
      const { id, spec, mark } = await begun(shop)
      world.line.lose('ReconfigVM_Task', 'call')
      await assert.rejects(async () => world.cloud.server.finish!(id))
      world.line.clear()
      assert.deepEqual(await discOf(id), [])
      if (goesOn) {
        await finished(id)
        assert.deepEqual((await read((await discOf(id))[0]!)).bytes, driveImage(spec))
      } else {
        const file = `${world.context.options.datastore ?? '[LocalDS_0]'} ${(await machineOf(world.context, id))!.name}/config-drive.iso`
        assert.equal((await read(file)).status, 200)
        await shop.remove('server', id, mark)
        assert.equal((await read(file)).status, 404)
      }
    }
  })
  await step('an image of a server has not its config drive, and neither has what is made of that', async (shop) => {
    const { id } = await begun(shop)
    await finished(id)
    const image = await shop.make('image', { name: 'of one with a drive', source: { kind: 'server', id } })
    assert.deepEqual(await discOf(image.id), [])
    const plain = await shop.make<ServerSeen>('server', await shop.serverSpec({ image: image.id }))
    assert.equal(plain.power, 'running')
    assert.deepEqual(await discOf(plain.id), [])
    const own = await begun(shop, { image: image.id })
    await finished(own.id)
    assert.deepEqual((await read((await discOf(own.id))[0]!)).bytes, driveImage(own.spec))
  })
  await step('a server that boots from a volume has its config drive too', async (shop) => {
    const source = { kind: 'image', id: world.fixtures.image }
    const volume = await shop.make('volume', { ...(await shop.spec('volume')), sizeGiB: 10, source })
    const { id, spec, mark } = await begun(shop, { image: '', boot: { volume: volume.id, arch: 'x86_64' } })
    const seen = await finished(id)
    assert.deepEqual(
      seen.volumes.map((each) => [each.id, each.root]),
      [[volume.id, true]],
    )
    assert.deepEqual((await read((await discOf(id))[0]!)).bytes, driveImage(spec))
    await shop.remove('server', id, mark)
  })
  await step('where the operator says so the machine has its files as settings, and no disc', async (shop) => {
    const connection = { ...world.connection, options: { ...world.connection.options, config_drive: 'guestinfo' } }
    const cloud = vsphere.connect(connection, { ...world.surroundings, cache: new Map() })
    const spec = await shop.serverSpec({ configDrive: true, drive, userData })
    const mark = shop.mark('server')
    const { id } = await shop.settled<ServerSeen>('server', await cloud.server.create(spec, mark))
    const seen = (await cloud.server.get(id))!
    assert.deepEqual([seen.unfinished ?? false, seen.power], [false, 'running'])
    assert.deepEqual(await discOf(id), [])
    const { settings } = (await world.vcsim.inventory()).machines.find((each) => each.id === id)!
    for (const [name, value] of [
      ['meta_data', drive.metaData],
      ['network_data', drive.networkData],
      ['vendor_data', drive.vendorData],
    ] as const) {
      const told = Buffer.from(settings[`guestinfo.openstack.${name}.json`] ?? '', 'base64').toString()
      assert.deepEqual(JSON.parse(told), value)
    }
    assert.equal(settings['guestinfo.userdata'], userData)
    assert.equal((await world.cloud.server.read!(id))?.spec.configDrive, true)
    const image = await shop.make('image', { name: 'of one with guestinfo', source: { kind: 'server', id } })
    const held = (await world.vcsim.inventory()).machines.find((each) => each.id === image.id)!
    assert.deepEqual(
      Object.keys(held.settings).filter((key) => key.startsWith('guestinfo.openstack.') && held.settings[key]),
      [],
    )
    await shop.remove('server', id, mark)
  })
  await step('who may not write into the datastore is told so, and the server is not started without', async (shop) => {
    const { id } = await begun(shop)
    const refusing: typeof fetch = async (input, init) =>
      init?.method === 'PUT' ? new Response(null, { status: 403 }) : world.surroundings.fetch(input, init)
    const cloud = vsphere.connect(world.connection, { ...world.surroundings, cache: new Map(), fetch: refusing })
    await assert.rejects(async () => cloud.server.finish!(id), { code: 'denied' })
    assert.equal((await machineOf(world.context, id))?.power, 'poweredOff')
  })
}
