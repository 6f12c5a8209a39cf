import assert from 'node:assert/strict'
import { isTask, type ServerSeen } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { KEY, tokenName } from '../../../adapters/vsphere/marks.ts'
import { until } from '../../adapters/cases.ts'
import { monolithicSparse, ova, ovf, streamOptimized } from '../../adapters/vsphere/disk-image.ts'
import { another, DEAD_MS, imported, inFolder, MIB, type Step, specOf, type World } from './upload.ts'

/** What becomes of uploaded data, whatever breaks on its way. */
export const images = async (world: World, step: Step): Promise<void> => {
  for (const format of ['vmdk/bare', 'vmdk/ova'] as const) {
    await step(`an uploaded ${format} becomes a template, boots, and goes`, async (shop) => {
      const spec = await specOf(world, format)
      const mark = shop.mark('image')
      const sent: string[] = []
      const listening = another(world, 0, async (input, init) => {
        const url = new URL(String(input))
        if (!url.pathname.startsWith('/nfc/')) return world.surroundings.fetch(input, init)
        const body = new Uint8Array(await new Response(init?.body).arrayBuffer())
        sent.push(`${init?.method} ${new Headers(init?.headers).get('content-length')} ${body.length}`)
        return fetch(input, { ...init, body })
      })
      const image = await imported(listening, spec, mark)
      shop.keep('image', image.id, mark)
      const disk = await streamOptimized(MIB, 'a disk of the tests')
      assert.deepEqual(sent, [`POST ${disk.length} ${disk.length}`])
      assert.deepEqual(
        [image.name, image.health, image.os, image.arch, image.minDiskGiB, image.mark],
        [spec.name, 'ready', 'linux', 'x86_64', 1, mark],
      )
      const [machine] = await inFolder(world, spec.name)
      assert.equal(machine?.template, true)
      assert.equal(machine?.name, tokenName(spec.name, mark.token))
      assert.equal(machine?.cards.length, 0)
      assert.equal(machine?.settings[KEY.importing] ?? '', '')
      assert.equal((await world.cloud.image.find(mark, spec))?.id, image.id)
      assert.deepEqual((await imported(world, spec, mark)).id, image.id, 'a repeat is the same image')
      assert((await shop.pages((cursor) => world.cloud.image.catalog(cursor))).some(({ id }) => id === image.id))
      const servers = await shop.pages((cursor) => world.cloud.server.list(cursor))
      assert(!servers.some(({ mark: of }) => of?.token === mark.token))
      const server = await shop.make<ServerSeen>('server', await shop.serverSpec({ image: image.id }))
      assert.deepEqual([server.image, server.power, server.ports.length], [image.id, 'running', 1])
      await shop.close()
      assert.equal((await inFolder(world, spec.name)).length, 0)
    })
  }
  await step('what vSphere would not take is refused before anything is asked of it', async (shop) => {
    const disk = await streamOptimized(MIB, 'x')
    const descriptor = (more: string) => new TextEncoder().encode(ovf({ name: 'disk1.vmdk', size: 1, mib: 1 }, more))
    for (const [format, bytes, words] of [
      ['vmdk/bare', monolithicSparse(MIB), /monolithicSparse/],
      ['vmdk/bare', new TextEncoder().encode('# Disk DescriptorFile\ncreateType="monolithicFlat"\n'), /monolithicFlat/],
      ['vmdk/ova', disk, /tar archive/],
      ['vmdk/ova', (await ova(disk, MIB)).slice(0, 6_000), /ends too early/],
      ['vmdk/ova', await ova(disk, MIB, { change: { 'appliance.ovf': descriptor('') } }), /damaged/],
    ] as const) {
      const before = world.line.asked.length
      const spec = await specOf(world, format, bytes as Uint8Array<ArrayBuffer>)
      const error = await world.cloud.image.create(spec, shop.mark('image')).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      assert(error instanceof CloudError && error.code === 'definitive', String(error))
      assert.match(error.message, words)
      assert(!world.line.asked.slice(before).some((method) => method === 'ImportVApp'))
    }
  })
  await step('a disk that is not the one of its manifest makes no image', async (shop) => {
    const other = await streamOptimized(MIB, 'another')
    const data = await ova(await streamOptimized(MIB, 'one'), MIB, { change: { 'disk1.vmdk': other } })
    const spec = await specOf(world, 'vmdk/ova', data)
    const error = await imported(world, spec, shop.mark('image')).catch((thrown: unknown) => thrown)
    assert(error instanceof CloudError && error.code === 'definitive', String(error))
    assert.match(error.message, /disk1\.vmdk is not the one of its manifest/)
    assert.equal((await inFolder(world, spec.name)).length, 0)
  })
  await step('an upload that breaks off is made anew and leaves one template', async (shop) => {
    const spec = await specOf(world, 'vmdk/bare')
    const mark = shop.mark('image')
    let left = 2
    const breaking = another(world, 0, async (input, init) => {
      if (new URL(String(input)).pathname.startsWith('/nfc/') && left-- > 0) throw new TypeError('terminated')
      return world.surroundings.fetch(input, init)
    })
    const image = await imported(breaking, spec, mark)
    shop.keep('image', image.id, mark)
    assert.equal((await inFolder(world, spec.name)).length, 1)
  })
  await step('a host that never takes the disk ends it, and nothing is left', async (shop) => {
    const spec = await specOf(world, 'vmdk/bare')
    let tries = 0
    const refusing = another(world, 0, async (input, init) => {
      if (!new URL(String(input)).pathname.startsWith('/nfc/')) return world.surroundings.fetch(input, init)
      tries++
      return new Response('no', { status: 500 })
    })
    const error = await imported(refusing, spec, shop.mark('image')).catch((thrown: unknown) => thrown)
    assert(error instanceof CloudError && error.code === 'definitive', String(error))
    assert.equal(tries, 4)
    assert.equal((await inFolder(world, spec.name)).length, 0)
  })
  await step(
    'a process that dies during the upload: nobody else sends meanwhile, then it is made anew',
    async (shop) => {
      const spec = await specOf(world, 'vmdk/bare')
      const mark = shop.mark('image')
      let reached: () => void = () => {}
      const halfway = new Promise<void>((resolve) => {
        reached = resolve
      })
      const dying = another(world, 0, (input, init) => {
        if (!new URL(String(input)).pathname.startsWith('/nfc/')) return world.surroundings.fetch(input, init)
        reached()
        return new Promise(() => {})
      })
      const asked = dying.cloud.image.create(spec, mark)
      await halfway
      const [half] = await inFolder(world, spec.name)
      assert.equal(half?.template, false)
      assert.equal(half?.settings[KEY.importing], mark.token)
      // The machine is ours and no server; it is an image that is not ready, and no answer to who asks for it.
      assert.equal(await world.cloud.image.find(mark, spec), null)
      assert.equal((await world.cloud.image.get(half!.id))?.health, 'pending')
      const listed = await shop.pages((cursor) => world.cloud.image.list(cursor))
      assert.equal(listed.find(({ id }) => id === half!.id)?.mark?.token, mark.token)
      const catalogue = await shop.pages((cursor) => world.cloud.image.catalog(cursor))
      assert(!catalogue.some(({ id }) => id === half!.id))
      const other = another(world)
      assert(isTask(await other.cloud.image.create(spec, mark)), 'another process waits for the one that sends')
      assert.deepEqual(
        (await inFolder(world, spec.name)).map(({ id }) => id),
        [half!.id],
      )
      const image = await imported(another(world, DEAD_MS), spec, mark)
      shop.keep('image', image.id, mark)
      assert.notEqual(image.id, half!.id)
      assert.deepEqual(
        (await inFolder(world, spec.name)).map(({ id, template }) => [id, template]),
        [[image.id, true]],
      )
      await asked
    },
  )
  await step('a process that dies between the disk and the template: only the template is made', async (shop) => {
    const spec = await specOf(world, 'vmdk/ova')
    const mark = shop.mark('image')
    const dying = another(world, 0, (input, init) => {
      if (String(init?.body).includes('<MarkAsTemplate ')) return new Promise(() => {})
      return world.surroundings.fetch(input, init)
    })
    void dying.cloud.image.create(spec, mark).catch(() => {})
    const [whole] = await until(
      world,
      'a machine with its disks',
      () => inFolder(world, spec.name),
      ([machine]) => machine !== undefined && (machine.settings[KEY.importing] ?? '') === '',
    )
    assert.equal(whole?.template, false)
    const later = another(world, DEAD_MS)
    const before = world.line.asked.length
    const image = await imported(later, spec, mark)
    shop.keep('image', image.id, mark)
    assert.equal(image.id, whole!.id)
    assert(!world.line.asked.slice(before).includes('ImportVApp'))
    assert.equal((await later.cloud.image.get(image.id))?.health, 'ready')
  })
  await step('a lost answer to the import leaves one image', async (shop) => {
    for (const what of ['answer', 'call', 'garbage'] as const) {
      const spec = await specOf(world, 'vmdk/bare')
      const mark = shop.mark('image')
      world.line.lose('ImportVApp', what)
      const image = await imported(world, spec, mark)
      shop.keep('image', image.id, mark)
      assert.equal((await inFolder(world, spec.name)).length, 1, what)
    }
  })
  await step('six at once with one token are one image', async (shop) => {
    const spec = await specOf(world, 'vmdk/bare')
    const mark = shop.mark('image')
    const made = await Promise.all(Array.from({ length: 6 }, () => imported(another(world), spec, mark)))
    shop.keep('image', made[0]!.id, mark)
    assert.equal(new Set(made.map(({ id }) => id)).size, 1)
    assert.equal((await inFolder(world, spec.name)).length, 1)
  })
  await step('a template that somebody else made is neither changed nor removed', async (shop) => {
    const { image } = world.fixtures
    const before = await inFolder(world, 'debian-12')
    const error = await world.cloud.image.remove(image, shop.mark('image')).catch((thrown: unknown) => thrown)
    assert(error instanceof CloudError && error.code === 'definitive')
    assert.deepEqual(await inFolder(world, 'debian-12'), before)
  })
}
