import assert from 'node:assert/strict'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { addCloud } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import type { Libvirtd } from './launch.ts'

interface Scene {
  broker: Broker
  admin: Api
  demo: Api
  host: Libvirtd
}
type Step = (title: string, run: () => Promise<unknown>) => Promise<void>

const NOVA = '/compute/v2.1/servers'
const CLOUD = 'rack7'

/** Everything on the host as its own tools tell it. */
const told = async ({ host: { virsh } }: Scene) => ({
  web: await virsh('dumpxml', 'web'),
  kept: await virsh('dumpxml', '--inactive', 'web'),
  other: await virsh('dumpxml', 'other'),
  network: await virsh('net-dumpxml', 'default'),
  volumes: await virsh('vol-list', 'disks'),
})
type Told = Awaited<ReturnType<typeof told>>

/** A domain's XML without what is ours in it. */
const withoutOurs = (xml: string): string => xml.replace(/\s*<plimsoll:server.*?<\/plimsoll:server>/s, '')

/** Somebody's host: looked at as a whole, then one machine of it taken over where it runs, and handed back. */
export const adoptedOnLibvirt = async (report: Report, host: Libvirtd): Promise<void> => {
  const broker = await startBroker('node')
  const step: Step = async (title, run) => {
    const from = Date.now()
    const end = (result: 'passed' | 'failed', detail = '') =>
      report.step('node × libvirt, adopted', title, result, Date.now() - from, detail)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 1_500)),
    )
  }
  try {
    const scene = { broker, host, admin: await logIn(broker, 'admin'), demo: await logIn(broker, 'demo') }
    const before = await told(scene)
    await lookedAt(scene, before, step)
    await takenOver(scene, before, step)
  } finally {
    await broker.stop()
  }
}

const connect = (scene: Scene, options: Record<string, unknown> = {}) =>
  addCloud(scene, {
    name: CLOUD,
    type: 'libvirt',
    endpoint: null,
    credentials: {},
    options: {
      hosts: [{ name: 'kvm1', uri: scene.host.uri }],
      sizes: [{ name: 'k.tiny', vcpus: 1, ram_mib: 64 }],
      shutdown_seconds: 1,
      allow_private: true,
      ...options,
    },
  })

const letGo = async ({ admin, demo }: Scene): Promise<void> => {
  await admin.must('POST', '/broker/v1/release', { cloud: CLOUD, project_id: demo.projectId })
  await admin.must('DELETE', `/broker/v1/projects/${demo.projectId}/clouds/${CLOUD}`)
  await admin.must('DELETE', `/broker/v1/clouds/${CLOUD}`)
}

const lookedAt = async (scene: Scene, before: Told, step: Step): Promise<void> => {
  const { admin, demo } = scene
  await step('a host is connected read-only, and listed as a whole', async () => {
    await connect(scene, { read_only: true })
    const wish = { cloud: CLOUD, project_id: demo.projectId, all: true, tag: false }
    for (let more: { marker?: string } | null = {}; more; ) {
      const { refused, next } = await admin.must('POST', '/broker/v1/adopt', { ...wish, ...more })
      assert.deepEqual(refused, [])
      more = next ? { marker: next } : null
    }
    const { servers } = await demo.must('GET', `${NOVA}/detail`)
    const shown = servers.map((each: Record<string, string>) => [each.name, each.status]).sort()
    assert.deepEqual(shown, [
      ['other', 'ACTIVE'],
      ['web', 'ACTIVE'],
    ])
    const web = servers.find(({ name }: { name: string }) => name === 'web')
    const { ports } = await demo.must('GET', `/network/v2.0/ports?device_id=${web.id}`)
    const macs = ports.map((each: { mac_address: string }) => each.mac_address).sort()
    assert.deepEqual(macs, ['52:54:00:00:00:01', '52:54:00:00:00:02'])
    const { volumes } = await demo.must('GET', `/volume/v3/${demo.projectId}/volumes/detail`)
    const disks = volumes.map((each: Record<string, string>) => [each.name, each.status]).sort()
    assert.deepEqual(disks, [
      ['other.qcow2', 'in-use'],
      ['web-data.raw', 'in-use'],
      ['web.qcow2', 'in-use'],
    ])
    const { networks } = await demo.must('GET', '/network/v2.0/networks')
    const names = networks.map(({ name }: { name: string }) => name)
    for (const name of ['default', 'br9']) assert.ok(names.includes(name), `${names} have ${name}`)
  })
  await step('nothing there is changed, whatever is asked', async () => {
    const [server] = (await demo.must('GET', NOVA)).servers
    const stop = await demo.call('POST', `${NOVA}/${server.id}/action`, { 'os-stop': null })
    const remove = await demo.call('DELETE', `${NOVA}/${server.id}`)
    assert.deepEqual([stop.status, remove.status], [403, 403])
    assert.deepEqual(await told(scene), before)
  })
  await step('it is let go of again', async () => {
    await letGo(scene)
    assert.deepEqual(await told(scene), before)
  })
}

const takenOver = async (scene: Scene, before: Told, step: Step): Promise<void> => {
  const { admin, demo, host } = scene
  const native = `kvm1/${(await host.virsh('domuuid', 'web')).trim()}`
  let server = ''
  const take = async () => {
    const wish = { cloud: CLOUD, native_ids: [native], project_id: demo.projectId, tag: true }
    const { adopted, refused } = await admin.must('POST', '/broker/v1/adopt', wish)
    assert.deepEqual(refused, [])
    server = adopted.find(({ kind }: { kind: string }) => kind === 'server').resource_id
  }
  const becomes = (status: string, state: string) =>
    patiently(async () => {
      assert.equal((await demo.must('GET', `${NOVA}/${server}`)).server.status, status)
      assert.equal((await host.virsh('domstate', 'web')).trim(), state)
    }, 60_000)
  const act = (action: string) => demo.must('POST', `${NOVA}/${server}/action`, { [action]: null })

  await step('a machine that runs becomes a server in place', async () => {
    await connect(scene)
    await take()
    const now = await told(scene)
    assert.ok(now.web.includes(server), 'the definition bears its id')
    assert.deepEqual({ ...now, web: withoutOurs(now.web), kept: withoutOurs(now.kept) }, before)
  })
  await step('it is renamed above the line, and keeps its name on the host', async () => {
    await demo.must('PUT', `${NOVA}/${server}`, { server: { name: 'shop front' } })
    await patiently(async () => {
      const now = await told(scene)
      assert.match(now.kept, /<plimsoll:name>shop front</)
      assert.deepEqual({ ...now, web: withoutOurs(now.web), kept: withoutOurs(now.kept) }, before)
    }, 30_000)
  })
  await step('handed back it is what it was, to the letter', async () => {
    const { waiting, refused } = await admin.must('POST', '/broker/v1/release', { resource_ids: [server] })
    assert.deepEqual([waiting, refused], [[], []])
    assert.deepEqual(await told(scene), before)
    assert.equal((await demo.call('GET', `${NOVA}/${server}`)).status, 404)
  })
  await step('taken over once more it is paused, suspended, stopped and started through Nova', async () => {
    await take()
    for (const [action, status, state] of [
      ['pause', 'PAUSED', 'paused'],
      ['unpause', 'ACTIVE', 'running'],
      ['suspend', 'SUSPENDED', 'shut off'],
      ['resume', 'ACTIVE', 'running'],
      ['os-stop', 'SHUTOFF', 'shut off'],
      ['os-start', 'ACTIVE', 'running'],
    ] as const) {
      await act(action)
      await becomes(status, state)
    }
  })
  await step('stopped by somebody on the host it is shown so at once, without anybody asking', async () => {
    await host.virsh('destroy', 'web')
    await becomes('SHUTOFF', 'shut off')
    await act('os-start')
    await becomes('ACTIVE', 'running')
  })
  await step('what cannot be done there is refused in words', async () => {
    const { status, body } = await demo.call('POST', `${NOVA}/${server}/action`, { rebuild: { imageRef: server } })
    assert.ok([400, 404, 409].includes(status), JSON.stringify(body))
    const { clouds } = await demo.must('GET', '/broker/v1/capabilities')
    const { capabilities: able, maturity } = clouds.find(({ cloud }: { cloud: string }) => cloud === CLOUD)
    assert.deepEqual([maturity, able['server.pause'].available, able.router.available], ['real', true, false])
    assert.match(able.router.reason, /on KVM hosts/)
  })
  await step(
    'a volume is made, goes into it while it runs and out when it does not, grows, and is deleted',
    async () => {
      const cinder = `/volume/v3/${demo.projectId}/volumes`
      const asked = { size: 1, name: 'more', availability_zone: `${CLOUD}.kvm1` }
      const { volume } = await demo.must('POST', cinder, { volume: asked })
      const is = (status: string) =>
        patiently(
          async () => assert.equal((await demo.must('GET', `${cinder}/${volume.id}`)).volume.status, status),
          60_000,
        )
      await is('available')
      const { volumeAttachment } = await demo.must('POST', `${NOVA}/${server}/os-volume_attachments`, {
        volumeAttachment: { volumeId: volume.id },
      })
      assert.equal(volumeAttachment.volumeId, volume.id)
      await is('in-use')
      for (const which of [[], ['--inactive']])
        assert.match(await host.virsh('domblklist', 'web', ...which), /^ ?vdc +plimsoll\.volume\./m)
      await act('os-stop')
      await becomes('SHUTOFF', 'shut off')
      await demo.must('DELETE', `${NOVA}/${server}/os-volume_attachments/${volume.id}`)
      await is('available')
      await demo.must('POST', `${cinder}/${volume.id}/action`, { 'os-extend': { new_size: 2 } })
      await patiently(
        async () => assert.match(await host.virsh('vol-list', 'disks', '--details'), /plimsoll.*2\.00 GiB/),
        30_000,
      )
      await is('available')
      await demo.must('DELETE', `${cinder}/${volume.id}`)
      await patiently(async () => assert.equal(await host.virsh('vol-list', 'disks'), before.volumes), 60_000)
      await act('os-start')
      await becomes('ACTIVE', 'running')
    },
  )
  await step('deleted it is gone from the host, and its disks are not', async () => {
    await demo.must('DELETE', `${NOVA}/${server}`)
    await patiently(async () => assert.equal((await host.virsh('list', '--all', '--name')).trim(), 'other'), 60_000)
    const { other, volumes } = {
      other: await host.virsh('dumpxml', 'other'),
      volumes: await host.virsh('vol-list', 'disks'),
    }
    assert.deepEqual([other, volumes], [before.other, before.volumes])
  })
}
