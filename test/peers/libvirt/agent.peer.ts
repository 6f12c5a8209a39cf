import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { type Api, logIn } from '../support/api.ts'
import { startBroker } from '../support/broker.ts'
import { finish } from '../support/child.ts'
import { addCloud, dropSandbox } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { agentImage } from './agent-guest.ts'
import type { Libvirtd } from './launch.ts'

const [NOVA, GLANCE, CINDER] = ['/compute/v2.1', '/image/v2', '/volume/v3']
const CLOUD = 'rack8'
const OPTIONS = {
  sizes: [{ name: 'k.agent', vcpus: 1, ram_mib: 192, disk_gib: 1 }],
  shutdown_seconds: 0,
  allow_private: true,
}
const BOOTS_WITHIN_MS = 180_000
const WITHIN_MS = 90_000

/** QEMU's own agent in a guest: it holds files still for copies, sets passwords, and hangs. */
export const agentOnLibvirt = async (report: Report, host: Libvirtd): Promise<void> => {
  const broker = await startBroker('node')
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const end = (result: 'passed' | 'failed', detail = '') =>
      report.step('node × libvirt, an agent in a guest', title, result, Date.now() - from, detail)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 1_500)),
    )
  }
  try {
    const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
    await dropSandbox({ admin, demo })
    const options = { ...OPTIONS, hosts: [{ name: 'kvm1', uri: host.uri }] }
    await addCloud({ broker, admin, demo }, { name: CLOUD, type: 'libvirt', endpoint: null, credentials: {}, options })
    const upload = async (path: string, file: string) => {
      const headers = { 'X-Auth-Token': demo.token, 'Content-Type': 'application/octet-stream' }
      const body = await openAsBlob(file)
      assert.equal((await fetch(broker.url + path, { method: 'PUT', headers, body })).status, 204)
    }
    await story({ admin, demo, upload }, step)
  } finally {
    await broker.stop()
  }
}

interface Scene {
  admin: Api
  demo: Api
  upload: (path: string, file: string) => Promise<void>
}

const story = async (
  { admin, demo, upload }: Scene,
  step: (title: string, run: () => Promise<unknown>) => Promise<void>,
): Promise<void> => {
  const becomes = (path: string, key: string, status: string) =>
    patiently(async () => {
      const body = await demo.must('GET', path)
      const thing = key ? body[key] : body
      assert.equal(thing.status, status, JSON.stringify(thing.fault ?? thing.status))
    }, WITHIN_MS)
  const said = async (id: string): Promise<string> =>
    (await demo.must('POST', `${NOVA}/servers/${id}/action`, { 'os-getConsoleOutput': {} })).output
  const says = (id: string, words: string | RegExp, withinMs = WITHIN_MS) =>
    patiently(async () => {
      const text = await said(id)
      assert.ok(typeof words === 'string' ? text.includes(words) : words.test(text), text.slice(-500))
    }, withinMs)
  const times = async (id: string, words: string) => (await said(id)).split(words).length - 1
  const action = (id: string, body: object) => demo.must('POST', `${NOVA}/servers/${id}/action`, body)
  const word = randomUUID()
  let imageRef = ''
  const server = async (name: string, script: string): Promise<string> => {
    const { flavors } = await demo.must('GET', `${NOVA}/flavors`)
    const flavorRef = flavors.find((flavor: { name: string }) => flavor.name === 'k.agent').id
    const wish = { name, imageRef, flavorRef, availability_zone: `${CLOUD}.kvm1` }
    const told = { user_data: Buffer.from(script).toString('base64') }
    const { id } = (await demo.must('POST', `${NOVA}/servers`, { server: { ...wish, ...told } })).server
    await becomes(`${NOVA}/servers/${id}`, 'server', 'ACTIVE')
    return id
  }
  const volume = async (more: object): Promise<string> => {
    const wish = { size: 1, availability_zone: `${CLOUD}.kvm1`, ...more }
    const { id } = (await demo.must('POST', `${CINDER}/${demo.projectId}/volumes`, { volume: wish })).volume
    await becomes(`${CINDER}/${demo.projectId}/volumes/${id}`, 'volume', 'available')
    return id
  }
  const attach = (id: string, volumeId: string) =>
    demo.must('POST', `${NOVA}/servers/${id}/os-volume_attachments`, { volumeAttachment: { volumeId } })
  const image = async (id: string, name: string): Promise<string> => {
    await action(id, { createImage: { name } })
    return (await demo.must('GET', `${GLANCE}/images?name=${name}`)).images[0].id
  }

  let [first, second, data, copy] = ['', '', '', '']
  await step('a guest with QEMU’s agent is made of an image that asks for quiet copies', async () => {
    const agent = { hw_disk_bus: 'virtio', hw_qemu_guest_agent: 'yes', os_require_quiesce: 'yes' }
    const wish = { name: 'agent', disk_format: 'qcow2', container_format: 'bare', ...agent }
    imageRef = (await demo.must('POST', `${GLANCE}/images`, wish)).id
    await upload(`${GLANCE}/images/${imageRef}/file`, await agentImage())
    await becomes(`${GLANCE}/images/${imageRef}`, '', 'active')
    first = await server('first', `#!/bin/sh\necho ${word} > /word\n`)
    second = await server('second', '#!/bin/sh\necho nothing > /word\n')
    data = await volume({})
    await says(first, 'its agent listens', BOOTS_WITHIN_MS)
    await attach(first, data)
    await says(first, 'its volume has <>')
  })
  await step('it writes down what it has in memory alone for a snapshot of its volume, and goes on', async () => {
    const wish = { volume_id: data, name: 'quiet', force: true }
    const { snapshot } = await demo.must('POST', `${CINDER}/${demo.projectId}/snapshots`, { snapshot: wish })
    await becomes(`${CINDER}/${demo.projectId}/snapshots/${snapshot.id}`, 'snapshot', 'available')
    assert.deepEqual([await times(first, 'told to freeze'), await times(first, 'told to thaw')], [1, 1])
    copy = await volume({ snapshot_id: snapshot.id })
    await says(second, 'its agent listens', BOOTS_WITHIN_MS)
    await attach(second, copy)
    await says(second, `its volume has <${word}>`)
  })
  await step('so it does for an image of it', async () => {
    const id = await image(first, 'quiet')
    await becomes(`${GLANCE}/images/${id}`, '', 'active')
    assert.deepEqual([await times(first, 'told to freeze'), await times(first, 'told to thaw')], [2, 2])
    await demo.must('DELETE', `${GLANCE}/images/${id}`)
  })
  await step('a password that is changed is the one that root has there', async () => {
    await action(first, { changePassword: { adminPass: 'tea & biscuits' } })
    await says(first, /root has \$6\$/)
    const [, hash = '', salt = ''] = /root has (\$6\$([^$]+)\$\S+)/.exec(await said(first)) ?? []
    const args = ['passwd', '-6', '-salt', salt, 'tea & biscuits']
    assert.equal((await finish({ command: 'openssl', args })).trim(), hash)
  })
  await step('an agent that hangs is waited for, and holds up nothing else', async () => {
    const id = await image(first, 'loud')
    await patiently(async () => assert.ok((await times(first, 'told to freeze')) >= 3), WITHIN_MS)
    await action(second, { reboot: { type: 'HARD' } })
    await becomes(`${NOVA}/servers/${second}`, 'server', 'ACTIVE')
    await patiently(async () => assert.equal(await times(second, 'its agent listens'), 2), BOOTS_WITHIN_MS)
    assert.notEqual((await demo.must('GET', `${GLANCE}/images/${id}`)).status, 'active')
    const { cloud } = await admin.must('GET', `/broker/v1/clouds/${CLOUD}`)
    assert.deepEqual([cloud.status, cloud.failures], ['available', 0])
    await demo.must('DELETE', `${GLANCE}/images/${id}`)
  })
  await step('all of it goes', async () => {
    for (const id of [first, second]) await demo.must('DELETE', `${NOVA}/servers/${id}`)
    for (const id of [first, second])
      await patiently(
        async () => assert.equal((await demo.call('GET', `${NOVA}/servers/${id}`)).status, 404),
        WITHIN_MS,
      )
  })
}
