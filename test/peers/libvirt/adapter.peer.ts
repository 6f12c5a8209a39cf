import assert from 'node:assert/strict'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { capabilitiesOf } from '../../../adapters/registry.ts'
import { dial } from '../../../functions/runtime/dial.ts'
import { CASES, type Skips, Workshop, type World } from '../../adapters/cases.ts'
import { connection, OPTIONS, surroundings } from '../../adapters/libvirt/scripted.ts'
import { MemoryBlobs } from '../../support/memory-blobs.ts'
import type { Report } from '../support/report.ts'
import type { Libvirtd } from './launch.ts'

const UNMADE = 'no server is made there yet'
const NAMED = 'the mark of a volume is its name'
const BORN = 'only what is made here carries a mark, which nobody takes off: what others made is looked at'

/** Why a case of the shared suite does not apply to libvirt. */
export const SKIPS: Skips = {
  'cloud.offers': 'sizes are for sale in no zone, as no server is made there yet',
  'image.catalog': 'nothing there is an image yet',
  ...Object.fromEntries(
    [
      'life',
      'twice',
      'race',
      'foreign',
      'power',
      'foreign_power',
      'pause',
      'suspend',
      'describe',
      'refusals',
      'spot',
      'reclaimed',
      'unmarked',
      'read',
      'mark',
    ].map((name) => [`server.${name}`, UNMADE]),
  ),
  ...Object.fromEntries(
    [
      'port.in_use',
      'server.parts',
      'attachment.life',
      'attachment.twice',
      'attachment.shown',
      'attachment.exclusive',
      'volume.in_use',
    ].map((id) => [id, UNMADE]),
  ),
  ...Object.fromEntries(
    ['network.unmarked', 'network.mark', 'subnet.mark', 'security_group.mark', 'port.mark'].map((id) => [id, BORN]),
  ),
  'volume.unmarked': NAMED,
  'volume.read': 'the name that its owner gave a volume is above the line alone',
  'volume.mark': NAMED,
}

const connected = (uri: string) => {
  const linked = connection({ options: { ...OPTIONS, hosts: [{ name: 'kvm1', uri }] } })
  const around = surroundings((to) => dial(to, null, () => false))
  return { linked, around, cloud: libvirt.connect(linked, around) }
}

/** The shared suite as far as nothing has to be made, and what is seen of machines that somebody else made. */
export const adapterOnLibvirt = async (report: Report, host: Libvirtd): Promise<void> => {
  const { linked, around, cloud } = connected(host.uri)
  const step = async (title: string, run: () => Promise<unknown>, skip?: string): Promise<void> => {
    if (skip !== undefined) return report.step('adapter on libvirt', title, 'skipped', 0, skip)
    const started = Date.now()
    const end = (result: 'passed' | 'failed', said = '') =>
      report.step('adapter on libvirt', title, result, Date.now() - started, said)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 800)),
    )
  }
  const able = capabilitiesOf(cloud, libvirt)
  const world: World = {
    cloud,
    adapter: libvirt,
    connection: linked,
    surroundings: around,
    blobs: new MemoryBlobs(),
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 100))),
    fixtures: {
      zone: 'kvm1',
      size: { native: 'k.tiny', vcpus: 1, ramMiB: 64, diskGiB: 0 },
      image: '',
      cidr: '10.40.0.0/24',
    },
  }
  for (const { id, title, needs, run } of CASES) {
    const lack = needs.map((each) => able[each]).find(({ available }) => !available)
    const shop = new Workshop(world)
    await step(`${title} [${id}]`, () => run(shop).finally(() => shop.close()), SKIPS[id] ?? lack?.reason)
  }
  await step('machines of others are seen as virsh shows them', async () => {
    const { items, complete } = await cloud.server.list()
    assert.equal(complete, true)
    const uuid = (await host.virsh('domuuid', 'web')).trim()
    const web = items.find(({ name }) => name === 'web')
    assert.equal(web?.id, `kvm1/${uuid}`)
    assert.deepEqual([web?.power, web?.size], ['running', 'k.tiny'])
    assert.deepEqual(
      web?.volumes.map(({ id, root }) => [id, root]),
      [
        [`kvm1/${host.pool}/web.qcow2`, true],
        [`kvm1/${host.pool}/web-data.raw`, false],
      ],
    )
    const { items: networks } = await cloud.network!.list()
    assert.deepEqual(networks.map(({ name }) => name).sort(), ['br9', 'default'])
  })
  await step('a host that is away is ambiguous, never an absence', async () => {
    const away = connected(`${host.uri}-of-nobody`).cloud
    for (const call of [() => away.server.list(), () => away.server.get('kvm1/x'), () => away.zones()])
      await assert.rejects(call, { code: 'ambiguous' })
    assert.equal((await away.check()).reachable, false)
  })
}
