import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { NAMESPACE, PREFIX } from '../../../adapters/libvirt/marks.ts'
import { capabilitiesOf } from '../../../adapters/registry.ts'
import { dial } from '../../../functions/runtime/dial.ts'
import { CASES, type Skips, Workshop, type World } from '../../adapters/cases.ts'
import { connection, OPTIONS, surroundings } from '../../adapters/libvirt/scripted.ts'
import { MemoryBlobs } from '../../support/memory-blobs.ts'
import type { Report } from '../support/report.ts'
import { guestImage } from './guest.ts'
import type { Libvirtd } from './launch.ts'

const NAMED = 'the mark of a volume is its name'
const BORN = 'only what is made here carries a mark, which nobody takes off: what others made is looked at'

const NO_OBJECT = 'a group is no object of its own: servers say in their definitions of which they are'

/** Why a case of the shared suite does not apply to libvirt. */
export const SKIPS: Skips = {
  'image.catalog': 'there is no catalogue: images are uploaded, or made of what is there',
  ...Object.fromEntries(
    ['network.unmarked', 'network.mark', 'subnet.mark', 'security_group.mark', 'port.mark'].map((id) => [id, BORN]),
  ),
  ...Object.fromEntries(
    ['server_group.life', 'server_group.twice', 'server_group.foreign'].map((id) => [id, NO_OBJECT]),
  ),
  'server_group.apart': 'a host has one libvirtd, and two are scripted in a story of their own',
  'volume.unmarked': NAMED,
  'volume.read': 'the name that its owner gave a volume is above the line alone',
  'volume.mark': NAMED,
}

const SIZES = [
  ...OPTIONS.sizes,
  { name: 'k.small', vcpus: 1, ram_mib: 160 },
  { name: 'k.large', vcpus: 2, ram_mib: 224 },
]

/** How a broker comes to a host: what an operator says of it, and with which credentials. */
export interface Reached {
  host: { uri: string; host_key?: string }
  credentials: Record<string, string>
}

export const connected = ({ host, credentials }: Reached) => {
  const hosts = [{ name: 'kvm1', ...host }]
  const linked = connection({ options: { ...OPTIONS, sizes: SIZES, shutdown_seconds: 0, hosts }, credentials })
  const around = { ...surroundings((to) => dial(to, null, () => false)), now: Date.now, timeoutMs: 60_000 }
  return { linked, around, cloud: libvirt.connect(linked, around) }
}

const uploadOf = async (blobs: MemoryBlobs, bytes: Uint8Array<ArrayBuffer>) => {
  await blobs.write('guest', new Blob([bytes]).stream())
  const data = { blob: 'guest', format: 'qcow2/bare', sizeBytes: bytes.length, arch: 'x86_64', os: 'linux' }
  return { name: 'guest', source: { kind: 'data', ...data, minDiskGiB: 1 } }
}

/** The shared suite, and what is seen of machines that somebody else made. */
export const adapterOnLibvirt = async (
  report: Report,
  host: Libvirtd,
  by: { name: string; reached: Reached } = {
    name: 'adapter on libvirt',
    reached: { host: { uri: host.uri }, credentials: {} },
  },
): Promise<void> => {
  const { linked, around, cloud } = connected(by.reached)
  const step = async (title: string, run: () => Promise<unknown>, skip?: string): Promise<void> => {
    if (skip !== undefined) return report.step(by.name, title, 'skipped', 0, skip)
    const started = Date.now()
    const end = (result: 'passed' | 'failed', said = '') =>
      report.step(by.name, title, result, Date.now() - started, said)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 800)),
    )
  }
  const able = capabilitiesOf(cloud, libvirt)
  const bytes = new Uint8Array(await readFile(await guestImage()))
  const blobs = new MemoryBlobs()
  around.blobs = blobs
  const world: World = {
    cloud,
    adapter: libvirt,
    connection: linked,
    surroundings: around,
    blobs,
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 500))),
    fixtures: {
      zone: 'kvm1',
      size: { native: 'k.small', vcpus: 1, ramMiB: 160, diskGiB: 0 },
      otherSize: { native: 'k.large', vcpus: 2, ramMiB: 224, diskGiB: 0 },
      image: '',
      cidr: '10.40.0.0/24',
      disk: { format: 'qcow2/bare', bytes },
    },
  }
  world.disown = async (kind, id) => {
    assert.equal(kind, 'server')
    const uuid = id.split('/')[1]!
    const said = ['metadata', uuid, '--uri', NAMESPACE, '--config']
    const note = await host.virsh(...said)
    await host.virsh(...said, '--live', '--remove')
    return async () => void (await host.virsh(...said, '--live', '--key', PREFIX, '--set', note.trim()))
  }
  const image = new Workshop(world)
  await step('an image is uploaded for the cases', async () => {
    world.fixtures.image = (await image.make('image', await uploadOf(blobs, bytes))).id
  })
  for (const { id, title, needs, run } of CASES) {
    const lack = needs.map((each) => able[each]).find(({ available }) => !available)
    const shop = new Workshop(world)
    await step(`${title} [${id}]`, () => run(shop).finally(() => shop.close()), SKIPS[id] ?? lack?.reason)
  }
  await step('of all that nothing is left', async () => {
    await image.close()
    const names = [await host.virsh('list', '--all', '--name'), await host.virsh('vol-list', host.pool)].join('\n')
    assert.doesNotMatch(names, /plimsoll/)
  })
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
    const { credentials, host: told } = by.reached
    const [uri, socket = host.uri.split('?')[1]] = told.uri.split('?')
    const away = connected({ credentials, host: { ...told, uri: `${uri}?${socket}-of-nobody` } }).cloud
    for (const call of [() => away.server.list(), () => away.server.get('kvm1/x'), () => away.zones()])
      await assert.rejects(call, { code: 'ambiguous' })
    assert.equal((await away.check()).reachable, false)
  })
}
