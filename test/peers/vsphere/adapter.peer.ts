import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { isTask, KINDS, type Kind, type ServerSeen } from '../../../adapters/contract.ts'
import { CloudError, type CloudErrorCode } from '../../../adapters/errors.ts'
import { capabilitiesOf } from '../../../adapters/registry.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { CASES, type Skips, until, Workshop } from '../../adapters/cases.ts'
import { Report } from '../support/report.ts'
import { connection, OPTIONS, surroundings, vsphereCloud } from './cloud.ts'
import { copies } from './copies.ts'
import { drives } from './drives.ts'
import { forks } from './forks.peer.ts'
import { groups } from './groups.ts'
import { images } from './images.ts'
import { launch } from './launch.ts'
import { packages } from './packages.ts'
import { rebuilds } from './rebuilds.ts'

type VsphereWorld = Awaited<ReturnType<typeof vsphereCloud>>

/** Why a case of the shared suite does not apply to vSphere, or not to the simulator. */
export const SKIPS: Skips = {
  'network.read': 'a port group has no address ranges of its own; the rest of the case is told below',
  'server.console':
    'servers of the simulator write nothing; a file that somebody else wrote is read in a story of its own',
}

/** The call that makes each kind. Subnets and ports are made in the store: no call of theirs can be lost. */
const MAKES: Partial<Record<Kind, string>> = {
  network: 'AddDVPortgroup_Task',
  volume: 'CreateDisk_Task',
  snapshot: 'VStorageObjectCreateSnapshot_Task',
  image: 'CloneVM_Task',
  server: 'CloneVM_Task',
  attachment: 'AttachDisk_Task',
  interface: 'ReconfigVM_Task',
}

const refused = async (call: () => Promise<unknown> | undefined, code: CloudErrorCode): Promise<CloudError> => {
  const error = await call()?.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  assert(error instanceof CloudError, `the call must be refused as ${code}`)
  assert.equal(error.code, code, error.detail.operatorMessage ?? error.message)
  return error
}

type Step = (title: string, run: (shop: Workshop) => Promise<void>) => Promise<void>

/** The adapter on vcsim: the shared suite, then what only the line in between and the simulator's own faults provoke. */
export const adapterOnVcsim = async (report: Report, only?: string): Promise<void> => {
  const world = await vsphereCloud()
  const step = async (title: string, run: (shop: Workshop) => Promise<void>, skip?: string): Promise<void> => {
    if (only !== undefined && !title.includes(only)) return
    if (skip !== undefined) return report.step('adapter on vcsim', title, 'skipped', 0, skip)
    const started = Date.now()
    const shop = new Workshop(world)
    const ended = (result: 'passed' | 'failed', detail = '') =>
      report.step('adapter on vcsim', title, result, Date.now() - started, detail)
    try {
      try {
        await run(shop)
      } finally {
        world.line.clear()
        await world.vcsim.heal()
        await shop.close()
      }
      ended('passed')
    } catch (error) {
      ended(
        'failed',
        error instanceof CloudError ? `${error.message} (${error.detail.operatorMessage})` : (error as Error).stack,
      )
    }
  }
  try {
    const has = capabilitiesOf(world.cloud, vsphere)
    for (const { id, title, needs, run } of CASES) {
      const lack = needs.find((need) => !has[need].available)
      await step(`${title} [${id}]`, run, SKIPS[id] ?? (lack && has[lack].reason))
    }
    for (const kind of KINDS) if (MAKES[kind]) await faults(kind, MAKES[kind], world, step)
    await duplicates(world, step)
    await forks(world, step)
    await groups(world, step)
    await sessions(world, step)
    await adoption(world, step)
    await images(world, step)
    await packages(world, step)
    await rebuilds(world, step)
    await drives(world, step)
    await copies(world, step)
    await kills(step)
    await versions(step)
  } finally {
    await world.close()
  }
}

/** What each kind does when its create call is lost in one of the three ways, or the simulator says no. */
const faults = async (kind: Kind, method: string, world: VsphereWorld, step: Step): Promise<void> => {
  const failing = async (shop: Workshop) => {
    const realm = shop.realm(kind)
    const spec = await shop.spec(kind)
    const mark = shop.mark(kind)
    return { realm, spec, mark, create: () => realm.create(spec, mark) }
  }
  await step(`${kind}: an answer that is lost leaves one object, found by its mark`, async (shop) => {
    const { realm, spec, mark, create } = await failing(shop)
    world.line.lose(method, 'answer')
    await refused(create, 'ambiguous')
    const found = await until(
      world,
      `${kind} found`,
      () => realm.find(mark, spec),
      (seen) => seen !== null,
    )
    shop.keep(kind, found!.id, mark)
    const again = await shop.settled(kind, await create())
    assert.equal(again.id, found!.id)
    const listed = await shop.pages((cursor) => realm.list(cursor))
    assert.equal(listed.filter((seen) => seen.id === found!.id || seen.mark?.token === mark.token).length, 1)
  })
  for (const what of ['call', 'garbage'] as const) {
    await step(`${kind}: a lost ${what} is ambiguous, and the next call makes one`, async (shop) => {
      const { spec, mark, create } = await failing(shop)
      world.line.lose(method, what)
      await refused(create, 'ambiguous')
      await shop.make(kind, spec, mark)
    })
  }
  for (const [fault, code] of [
    ['NoPermission', 'denied'],
    ['InsufficientResourcesFault', 'capacity'],
    ['TaskInProgress', 'conflict'],
  ] as const) {
    await step(`${kind}: ${fault} is ${code}, and makes nothing`, async (shop) => {
      const { realm, spec, mark, create } = await failing(shop)
      await world.vcsim.fail(method, fault)
      await refused(create, code)
      await world.vcsim.heal()
      assert.equal(await realm.find(mark, spec), null)
      await shop.make(kind, spec, mark)
    })
  }
}

const duplicates = async (world: VsphereWorld, step: Step): Promise<void> => {
  await step('twelve at once with one token are one server, and its ports have one card each', async (shop) => {
    const realm = world.cloud.server
    const spec = await shop.serverSpec()
    const mark = shop.mark('server')
    const asked = await Promise.allSettled(Array.from({ length: 12 }, () => realm.create(spec, mark)))
    const ids = new Set<string>()
    for (const each of asked) {
      if (each.status === 'fulfilled') ids.add((await shop.settled<ServerSeen>('server', each.value)).id)
    }
    assert.equal(ids.size, 1)
    const [id] = ids
    shop.keep('server', id!, mark)
    const all = await shop.pages((cursor) => realm.list(cursor))
    const same = all.filter((seen) => seen.mark?.token === mark.token || seen.name === spec.name)
    assert.deepEqual(
      same.map((seen) => seen.ports.map(({ id: port }) => port)),
      [spec.ports],
    )
  })
  await step('two networks at once get two VLANs', async (shop) => {
    const spec = await shop.spec('network')
    await Promise.all([1, 2, 3].map(() => shop.make('network', spec)))
    const held = await world.surroundings.store.list(`${world.context.storePrefix}/vlan/`, 100)
    assert.equal(held.length, 3, JSON.stringify(held))
    await shop.close()
    assert.equal((await world.surroundings.store.list(`${world.context.storePrefix}/vlan/`, 100)).length, 0)
  })
  await step(
    'a server holds its name against a second machine of the same token, and keeps it when renamed',
    async (shop) => {
      const spec = await shop.serverSpec()
      const mark = shop.mark('server')
      const { id } = await shop.make<ServerSeen>('server', spec, mark)
      await world.cloud.server.describe!(id, { name: 'another', metadata: {} })
      assert.equal((await world.cloud.server.find(mark, spec))?.id, id)
      assert.equal((await shop.settled<ServerSeen>('server', await world.cloud.server.create(spec, mark))).id, id)
    },
  )
}

const sessions = async (world: VsphereWorld, step: Step): Promise<void> => {
  await step('a session that has ended is begun anew, once, and the call is made', async (shop) => {
    await world.cloud.zones()
    const before = world.line.asked.filter((method) => method === 'Login').length
    await world.vcsim.fail('RetrievePropertiesEx', 'NotAuthenticated')
    await shop.make('server', await shop.serverSpec())
    assert.equal(world.line.asked.filter((method) => method === 'Login').length, before + 1)
  })
  await step('a listing in which the session ends is whole all the same', async () => {
    const whole = await world.cloud.server.list()
    for (const method of ['CreateContainerView', 'RetrievePropertiesEx']) {
      await world.vcsim.fail(method, 'NotAuthenticated')
      assert.deepEqual(await world.cloud.server.list(), whole, method)
      await world.vcsim.heal()
    }
  })
  await step('a session that is refused twice is refused', async () => {
    await world.vcsim.fail('RetrievePropertiesEx', 'NotAuthenticated', 2)
    await refused(() => world.cloud.server.list(), 'denied')
  })
  await step('a wrong password is denied, and said in the check', async () => {
    const credentials = { username: 'plimsoll@vsphere.local', password: 'wrong' }
    const cloud = vsphere.connect(connection(world.vcsim.url, { credentials, cloudId: 'another' }), surroundings(fetch))
    await refused(() => cloud.zones(), 'denied')
    const report = await cloud.check()
    assert.deepEqual([report.reachable, report.denied], [true, ['Login']])
  })
  await step('a folder or a pool that is not there is refused before anything is made', async (shop) => {
    const mapped = (key: string) =>
      vsphere.connect(connection(world.vcsim.url, { mapping: { [key]: 'nowhere' } }), surroundings(fetch))
    const spec = await shop.serverSpec({ ports: [] })
    for (const key of ['folder', 'resource_pool', 'datastore'])
      await refused(() => mapped(key).server.create(spec, shop.mark('server')), 'definitive')
    await refused(
      async () => mapped('network').network?.create({ name: 'n', cidrs: [] }, shop.mark('network')),
      'definitive',
    )
  })
  await step('a port group that is lent is used and stays', async (shop) => {
    const mapping = { network: 'DC0_DVPG0' }
    const cloud = vsphere.connect(connection(world.vcsim.url, { mapping }), surroundings(fetch))
    const mark = shop.mark('network')
    const lent = await cloud.network!.create({ name: 'n', cidrs: [] }, mark)
    assert(!isTask(lent) && lent.mark === undefined && lent.name === 'DC0_DVPG0')
    await cloud.network!.remove(lent.id, mark)
    assert.equal((await cloud.network!.get(lent.id))?.name, 'DC0_DVPG0')
  })
}

/** What was there before us becomes ours where it stands, and goes back as it was. */
const adoption = async (world: VsphereWorld, step: Step): Promise<void> => {
  await step('a machine that somebody else made is read, marked, worked with and given back', async (shop) => {
    const realm = world.cloud.server
    const stranger = (await shop.pages((cursor) => realm.list(cursor))).find(({ name }) => name === 'DC0_C1_RP1_VM0')!
    const read = await realm.read!(stranger.id)
    assert.equal(read?.spec.zone, 'DC0_C1')
    assert.deepEqual(
      read?.spec.ports,
      stranger.ports.map(({ id }) => id),
    )
    await refused(() => realm.stop(stranger.id), 'definitive')
    const mark = shop.mark('server')
    await realm.mark!(stranger.id, mark)
    await realm.mark!(stranger.id, mark)
    await refused(() => realm.mark!(stranger.id, shop.mark('server')), 'definitive')
    assert.deepEqual((await realm.get(stranger.id))?.mark, mark)
    await realm.stop(stranger.id)
    assert.equal((await realm.get(stranger.id))?.power, 'stopped')
    await realm.start(stranger.id)
    const port = world.cloud.port!
    const [card] = stranger.ports
    const portMark = shop.mark('port')
    assert.equal((await port.read!(card!.id))?.spec.mac, card!.mac)
    await port.mark!(card!.id, portMark)
    assert.deepEqual([(await port.get(card!.id))?.mark, (await port.get(card!.id))?.server], [portMark, stranger.id])
    assert.deepEqual(
      (await realm.get(stranger.id))?.ports.map(({ id }) => id),
      [card!.id],
    )
    await port.mark!(card!.id, null)
    await realm.mark!(stranger.id, null)
    const after = await realm.get(stranger.id)
    assert(after!.bootedAt! > stranger.bootedAt!)
    assert.deepEqual({ ...after, bootedAt: stranger.bootedAt }, stranger)
  })
  await step('a port group and a disk are marked and given back', async (shop) => {
    const group = (await world.cloud.network!.list()).items.find(({ name }) => name === 'DC0_DVPG0')!
    const volume = await shop.make('volume', await shop.spec('volume'))
    for (const [kind, id] of [
      ['network', group.id],
      ['volume', volume.id],
    ] as const) {
      const realm = shop.realm(kind)
      assert(await realm.read!(id), kind)
      const own = (await realm.get(id))?.mark
      await realm.mark!(id, null)
      assert.equal((await realm.get(id))?.mark, undefined, kind)
      const mark = own ?? shop.mark(kind)
      await realm.mark!(id, mark)
      assert.deepEqual((await realm.get(id))?.mark, mark, kind)
      if (!own) await realm.mark!(id, null)
    }
  })
  await step('ports are known again from the machines when the store is lost', async (shop) => {
    const spec = await shop.serverSpec()
    const server = await shop.make<ServerSeen>('server', spec)
    const around = { ...surroundings(fetch), cache: new Map() }
    const cloud = vsphere.connect(connection(world.vcsim.url), around)
    const ports = await shop.pages((cursor) => cloud.port!.list(cursor))
    const found = ports.find(({ id }) => id === spec.ports[0])
    assert.equal(found?.server, server.id)
    assert.deepEqual(await cloud.port!.get(found!.id), found)
  })
}

const kills = async (step: Step): Promise<void> => {
  await step('a vCenter that dies is ambiguous, never an absence', async () => {
    const vcsim = await launch()
    try {
      const around = surroundings(fetch)
      const cloud = vsphere.connect(connection(vcsim.url), around)
      const [server] = (await cloud.server.list()).items
      await vcsim.kill()
      await refused(() => cloud.server.get(server!.id), 'ambiguous')
      await refused(() => cloud.server.list(), 'ambiguous')
      await refused(() => cloud.volume!.list(), 'ambiguous')
      assert.equal((await cloud.check()).reachable, false)
    } finally {
      await vcsim.stop()
    }
  })
}

const versions = async (step: Step): Promise<void> => {
  await step('7 and 9 are spoken to, 6.7 is refused in words', async () => {
    for (const [version, spoken] of [
      ['7.0.3.0', true],
      ['9.0.0.0', true],
      ['6.7.3', false],
    ] as const) {
      const vcsim = await launch({ version })
      try {
        const cloud = vsphere.connect(connection(vcsim.url, { options: OPTIONS }), surroundings(fetch))
        if (spoken) assert.equal((await cloud.zones()).length, 2, version)
        else assert.match((await refused(() => cloud.zones(), 'definitive')).message, /too old/)
      } finally {
        await vcsim.stop()
      }
    }
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = new Report()
  await adapterOnVcsim(report, process.argv[2])
  report.print()
  process.exit(report.count('failed') ? 1 : 0)
}
