import assert from 'node:assert/strict'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { addCloud } from '../support/cloud.ts'
import { patience } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { stretch, type Wire } from '../support/wire.ts'
import { VCENTER } from './client.peer.ts'
import { type Inventory, launch, type Vcsim } from './launch.ts'
import { marked } from './seen.ts'

interface Scene {
  broker: Broker
  admin: Api
  demo: Api
  vcsim: Vcsim
  wire: Wire
}

const NOVA = '/compute/v2.1/servers'
/** The calls that change something, by a part of their names. */
const CHANGES = [
  '_Task ',
  '<PowerOn',
  '<ShutdownGuest',
  '<RebootGuest',
  '<MarkAs',
  '<ImportVApp',
  '<UpdateVStorageObject',
]
const changes = ({ wire }: Scene): number => CHANGES.reduce((sum, call) => sum + wire.said(call), 0)

/** Somebody's vCenter: looked at as a whole, then one machine of it taken over in place and handed back. */
export const adoptedOnVcsim = async (report: Report): Promise<void> => {
  const vcsim = await launch()
  const wire = await stretch(vcsim.url)
  const broker = await startBroker('node')
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const end = (result: 'passed' | 'failed', detail = '') =>
      report.step('node × vsphere, adopted', title, result, Date.now() - from, detail)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 800)),
    )
  }
  try {
    const scene = { broker, vcsim, wire, admin: await logIn(broker, 'admin'), demo: await logIn(broker, 'demo') }
    await lookedAt(scene, step)
    await takenOver(scene, step)
  } finally {
    await broker.stop()
    await wire.stop()
    await vcsim.stop()
  }
}

type Step = (title: string, run: () => Promise<unknown>) => Promise<void>

const machineIn = ({ machines }: Inventory) => machines.find(({ template }) => !template)!

const adoptAll = async ({ admin, demo }: Scene, cloud: string) => {
  const found = []
  for (let more: { marker?: string } | null = {}; more; ) {
    const wish = { cloud, project_id: demo.projectId, all: true, tag: false, ...more }
    const { adopted, refused, next } = await admin.must('POST', '/broker/v1/adopt', wish)
    // Port groups of standard switches are lent, not adopted.
    for (const { reason } of refused) assert.match(reason, /standard switch/)
    found.push(...adopted)
    more = next ? { marker: next } : null
  }
  return found
}

const lookedAt = async (scene: Scene, step: Step): Promise<void> => {
  const { admin, demo, vcsim, wire } = scene
  const name = 'dc1-look'
  await step('a vCenter is connected read-only in one call, and listed as a whole', async () => {
    await addCloud(scene, {
      ...VCENTER,
      name,
      endpoint: wire.url,
      options: { ...VCENTER.options, read_only: true },
    })
    await adoptAll(scene, name)
    const machine = machineIn(await vcsim.inventory())
    const { servers } = await demo.must('GET', `${NOVA}/detail`)
    assert.deepEqual(
      servers.map((each: Record<string, string>) => [each.name, each.status]),
      [[machine.name, 'ACTIVE']],
    )
    const { ports } = await demo.must('GET', `/network/v2.0/ports?device_id=${servers[0].id}`)
    assert.deepEqual(
      ports.map((each: { mac_address: string }) => each.mac_address),
      machine.cards.map(({ mac }) => mac),
    )
  })
  await step('nothing there is changed, whatever is asked', async () => {
    const [server] = (await demo.must('GET', NOVA)).servers
    const stop = await demo.call('POST', `${NOVA}/${server.id}/action`, { 'os-stop': null })
    const remove = await demo.call('DELETE', `${NOVA}/${server.id}`)
    assert.deepEqual([stop.status, remove.status], [403, 403])
    assert.equal(changes(scene), 0)
    assert.deepEqual(marked(await vcsim.inventory()), [])
  })
  await step('it is let go of again', async () => {
    await admin.must('POST', '/broker/v1/release', { cloud: name, project_id: demo.projectId })
    await admin.must('DELETE', `/broker/v1/projects/${demo.projectId}/clouds/${name}`)
    await admin.must('DELETE', `/broker/v1/clouds/${name}`)
    assert.equal(changes(scene), 0)
  })
}

const takenOver = async ({ admin, demo, vcsim, wire, broker }: Scene, step: Step): Promise<void> => {
  const before = machineIn(await vcsim.inventory())
  const still = async () => machineIn(await vcsim.inventory())
  let server = ''
  await step('a machine that runs becomes a server in place', async () => {
    await addCloud({ admin, demo, broker }, { ...VCENTER, endpoint: wire.url })
    const wish = { cloud: VCENTER.name, native_ids: [before.id], project_id: demo.projectId }
    const { adopted, refused } = await admin.must('POST', '/broker/v1/adopt', wish)
    assert.deepEqual(refused, [])
    server = adopted.find(({ kind }: { kind: string }) => kind === 'server').resource_id
    const now = await still()
    assert.deepEqual({ ...now, settings: {} }, { ...before, settings: {} })
    assert.equal(now.settings['plimsoll.mark']?.split(' ')[4], server)
  })
  await step('it is stopped and started through Nova', async () => {
    for (const [action, status, power] of [
      ['os-stop', 'SHUTOFF', 'poweredOff'],
      ['os-start', 'ACTIVE', 'poweredOn'],
    ]) {
      await demo.must('POST', `${NOVA}/${server}/action`, { [action!]: null })
      for (const isOver = patience(30_000); ; await new Promise((resolve) => setTimeout(resolve, 300))) {
        const seen = (await demo.must('GET', `${NOVA}/${server}`)).server.status
        if (seen === status) break
        assert.ok(!isOver(), `still ${seen}`)
      }
      assert.equal((await still()).power, power)
    }
  })
  await step('handed back it runs on, with no mark of ours', async () => {
    const { waiting, refused } = await admin.must('POST', '/broker/v1/release', { resource_ids: [server] })
    assert.deepEqual([waiting, refused], [[], []])
    assert.deepEqual(marked(await vcsim.inventory()), [])
    assert.equal((await still()).power, 'poweredOn')
    assert.equal((await demo.call('GET', `${NOVA}/${server}`)).status, 404)
  })
}
