import assert from 'node:assert/strict'
import type { ImageSeen, Mark, Outcome, ServerSeen } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { KEY, tokenName } from '../../../adapters/vsphere/marks.ts'
import { machineOf } from '../../../adapters/vsphere/records/machine.ts'
import { until, type Workshop } from '../../adapters/cases.ts'
import { ovf, streamOptimized } from '../../adapters/vsphere/disk-image.ts'
import { contentLibrary } from './library.ts'
import { another, DEAD_MS, inFolder, MIB, persistent, type Step, type World } from './upload.ts'

/** Servers made of what a content library has. */
export const packages = async (world: World, step: Step): Promise<void> => {
  const library = await contentLibrary(world.vcsim.url, world.connection.credentials)
  const disk = await streamOptimized(MIB, 'a package')
  const item = await library.add(world, 'appliance', {
    'appliance.ovf': new TextEncoder().encode(ovf({ name: 'disk1.vmdk', size: disk.length, mib: MIB })),
    'disk1.vmdk': disk,
  })
  await library.addIso(world, 'rescue.iso')
  const id = `library:${item}`
  const built = (around: World, spec: Awaited<ReturnType<Workshop['serverSpec']>>, mark: Mark) =>
    persistent<ServerSeen>(
      around,
      () => around.cloud.server.create(spec, mark) as Promise<Outcome<ServerSeen>>,
      (task) => around.cloud.server.poll!(task) as Promise<Outcome<ServerSeen>>,
    )
  await step('a package of a content library is in the catalogue, an ISO image is not', async (shop) => {
    const catalogue = await shop.pages<ImageSeen>((cursor) => world.cloud.image.catalog(cursor))
    const found = catalogue.filter((image) => image.id.startsWith('library:'))
    assert.deepEqual(
      found.map(({ id: each, name, health }) => [each, name, health]),
      [[id, 'appliance', 'ready']],
    )
    assert.equal((await world.cloud.image.get(id))?.name, 'appliance')
    assert.equal(await world.cloud.image.get('library:nothing'), null)
    assert(catalogue.some((image) => image.id === world.fixtures.image))
  })
  await step('a server is made of a package as of a template', async (shop) => {
    const spec = await shop.serverSpec({ image: id, metadata: { role: 'web' } })
    const mark = shop.mark('server')
    const server = await built(world, spec, mark)
    shop.keep('server', server.id, mark)
    assert.deepEqual(
      [server.health, server.power, server.image, server.size, server.name, server.ports.map((port) => port.id)],
      ['ready', 'running', id, 'vs.small', spec.name, spec.ports],
    )
    assert.deepEqual(server.mark, mark)
    const [machine] = await inFolder(world, tokenName(spec.name, mark.token))
    assert.equal(machine?.settings[KEY.mark]?.split(' ')[5], mark.token)
    assert.equal(machine?.cards.length, 1)
    assert(machine?.settings['guestinfo.metadata'])
    assert.equal((await world.cloud.server.find(mark, spec))?.id, server.id)
    assert.equal((await built(world, spec, mark)).id, server.id)
    const read = await world.cloud.server.read!(server.id)
    assert.equal(read?.spec.metadata.role, 'web')
  })
  await step('a server of a package has its config drive before it starts', async (shop) => {
    const drive = { metaData: { uuid: 'u' }, networkData: {}, vendorData: {} }
    const spec = await shop.serverSpec({ image: id, configDrive: true, drive })
    const mark = shop.mark('server')
    const server = await built(world, spec, mark)
    shop.keep('server', server.id, mark)
    assert.deepEqual([server.power, server.unfinished], ['running', undefined])
    const [disc] = (await machineOf(world.context, server.id))!.devices.flatMap((each) => each.disc ?? [])
    assert(disc?.file.endsWith('/config-drive.iso'))
  })
  await step('a lost answer to the deployment leaves one server', async (shop) => {
    const spec = await shop.serverSpec({ image: id })
    const mark = shop.mark('server')
    let left = 1
    const losing = another(world, 0, async (input, init) => {
      const answer = await world.surroundings.fetch(input, init)
      if (String(input).includes('action=deploy') && left-- > 0) throw new TypeError('terminated')
      return answer
    })
    const server = await built(losing, spec, mark)
    shop.keep('server', server.id, mark)
    assert.equal((await inFolder(world, tokenName(spec.name, mark.token))).length, 1)
    assert.equal(server.power, 'running')
  })
  await step(
    'a process that dies after the deployment: the server is ours, unfinished, and finished by the next',
    async (shop) => {
      const spec = await shop.serverSpec({ image: id })
      const mark = shop.mark('server')
      const dying = another(world, 0, (input, init) =>
        String(init?.body).includes('<ReconfigVM_Task ')
          ? new Promise(() => {})
          : world.surroundings.fetch(input, init),
      )
      void dying.cloud.server.create(spec, mark).catch(() => {})
      const [half] = await until(
        world,
        'a deployed machine',
        () => inFolder(world, tokenName(spec.name, mark.token)),
        (found) => found.length > 0,
      )
      const seen = await until(
        world,
        'its notes',
        () => world.cloud.server.get(half!.id),
        (server) => server?.mark !== undefined,
      )
      assert.deepEqual([seen?.mark, seen?.health], [mark, 'pending'])
      assert.equal(await world.cloud.server.find(mark, spec), null)
      const server = await built(another(world, DEAD_MS), spec, mark)
      shop.keep('server', server.id, mark)
      assert.deepEqual([server.id, server.power], [half!.id, 'running'])
    },
  )
  await step('a package whose disk is larger than the size is refused, and its machine goes', async (shop) => {
    const large = await library.add(world, 'large', {
      'large.ovf': new TextEncoder().encode(ovf({ name: 'disk1.vmdk', size: disk.length, mib: 40 * 1024 })),
      'disk1.vmdk': disk,
    })
    const spec = await shop.serverSpec({ image: `library:${large}`, size: world.fixtures.otherSize })
    const mark = shop.mark('server')
    const error = await built(world, spec, mark).catch((thrown: unknown) => thrown)
    assert(error instanceof CloudError && error.code === 'definitive', String(error))
    assert.match(error.message, /40 GiB/)
    assert.equal((await inFolder(world, tokenName(spec.name, mark.token))).length, 0)
  })
  await step('a package that is not there is not found', async (shop) => {
    const spec = await shop.serverSpec({ image: 'library:nothing' })
    const error = await built(world, spec, shop.mark('server')).catch((thrown: unknown) => thrown)
    assert(error instanceof CloudError && ['definitive', 'not_found'].includes(error.code), String(error))
  })
}
