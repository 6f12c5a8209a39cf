import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { connectVim, type Vim } from '../../../adapters/vsphere/wire/client.ts'
import { below, refAt, text } from '../../../adapters/vsphere/wire/properties.ts'
import type { Ref, Value } from '../../../adapters/vsphere/wire/soap.ts'
import { trusting } from '../../../functions/runtime/trusting.ts'
import { type Client, startClient } from '../openstackclient/client.ts'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { patience } from '../support/patiently.ts'
import { Report } from '../support/report.ts'
import { connection, OPTIONS, surroundings } from './cloud.ts'
import { launch } from './launch.ts'

const NAME = 'dc1-vsphere'
/** Far below the minute that lies between two sweeps. */
const SECONDS = 8

/** SHA-256 of the certificate that a server shows, as `openssl x509 -fingerprint -sha256` prints it. */
const fingerprintAt = async (url: string): Promise<string> => {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

interface Scene {
  broker: Broker
  admin: Api
  demo: Api
  client: Client
  /** Somebody with the client of vCenter. */
  other: Vim
  url: string
  fetch: typeof fetch
}

/**
 * What others do in vCenter shows within seconds on Node, as what it is: a broker, a vCenter whose certificate nobody
 * signed, and a second session in it.
 */
export const eventsOnVcsim = async (report: Report): Promise<void> => {
  const vcsim = await launch({ tls: true })
  const fingerprint = await fingerprintAt(vcsim.url)
  const send = trusting({ ca: null, fingerprint: fingerprint.replaceAll(':', '').toLowerCase() }, () => false)
  let broker: Broker | undefined
  let client: Client | undefined
  const step = async (title: string, run: () => Promise<void>): Promise<void> => {
    const started = Date.now()
    const end = (result: 'passed' | 'failed', detail = '') =>
      report.step('node × vsphere, events', title, result, Date.now() - started, detail)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error.stack)),
    )
  }
  try {
    broker = await startBroker('node')
    client = await startClient(broker)
    const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
    const other = connectVim(connection(vcsim.url), surroundings(send))
    const scene: Scene = { broker, admin, demo, client, other, url: vcsim.url, fetch: send }
    await certificates(scene, fingerprint, step)
    await changes(scene, step)
    await consoles(scene, step)
    await step('the broker ends at once, though it waits for vCenter', async () => {
      const started = Date.now()
      const isOver = patience(5_000)
      assert.equal(await broker!.stop(), 0)
      assert(!isOver(), `it took ${Date.now() - started} ms`)
    })
  } catch (error) {
    report.step('node × vsphere, events', 'the story is set up', 'failed', 0, String(error))
  } finally {
    client?.stop()
    await broker?.stop()
    await vcsim.stop()
  }
}

type Step = (title: string, run: () => Promise<void>) => Promise<void>

const within = async <T>(what: string, look: () => Promise<T>, fits: (seen: T) => boolean, seconds = SECONDS) => {
  for (const isOver = patience(seconds * 1000); ; ) {
    const seen = await look()
    if (fits(seen)) return seen
    if (isOver()) throw new Error(`${what}: after ${seconds} s it is ${JSON.stringify(seen)}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}

const certificates = async ({ admin, demo, url }: Scene, fingerprint: string, step: Step): Promise<void> => {
  const options = { ...OPTIONS, allow_private: true, serial_log: true }
  const check = async () => (await admin.must('POST', `/broker/v1/clouds/${NAME}/check`)).check
  await step('a certificate that nobody signed is refused, in words that say what to do', async () => {
    const { credentials } = connection(url)
    await admin.must('POST', '/broker/v1/clouds', {
      cloud: { name: NAME, type: 'vsphere', endpoint: url, options, credentials },
    })
    const { reachable, warnings } = await check()
    assert.equal(reachable, false)
    assert.match(warnings.join(), /is not believed.*options\.tls/)
  })
  await step('another fingerprint is refused, and the right one is named', async () => {
    const wrong = fingerprint.replace(/^../, fingerprint.startsWith('00') ? '01' : '00')
    await admin.must('PATCH', `/broker/v1/clouds/${NAME}`, {
      cloud: { options: { ...options, tls: { fingerprint: wrong } } },
    })
    assert.match((await check()).warnings.join(), new RegExp(fingerprint))
  })
  await step('with its fingerprint the vCenter is spoken to', async () => {
    await admin.must('PATCH', `/broker/v1/clouds/${NAME}`, { cloud: { options: { ...options, tls: { fingerprint } } } })
    assert.equal((await check()).reachable, true)
    await admin.must('PUT', `/broker/v1/projects/${demo.projectId}/clouds/${NAME}`, { mapping: {} })
    await within(
      'the inventory',
      async () => (await admin.must('GET', `/broker/v1/clouds/${NAME}`)).cloud.inventory_at,
      (at) => at !== null,
      40,
    )
  })
}

const changes = async ({ admin, demo, other }: Scene, step: Step): Promise<void> => {
  const { root } = await other.content()
  const machines = await below(other, root, {
    VirtualMachine: ['name', 'runtime.host'],
    HostSystem: ['name', 'parent'],
  })
  const found = machines.find((each) => text(each, 'name') === 'DC0_C1_RP1_VM0')!
  const home = refAt(found, 'runtime.host')!
  const cluster = refAt(machines.find(({ ref: { id } }) => id === home.id)!, 'parent')!
  const [spare] = machines.filter((each) => refAt(each, 'parent')?.id === cluster.id && each.ref.id !== home.id)
  const run = (method: string, parameters: Record<string, Value> = {}) => other.call(found.ref, method, parameters)
  const moveTo = (host: Ref) => run('RelocateVM_Task', { spec: { host } })
  let id = ''
  const show = async () => (await demo.must('GET', `/compute/v2.1/servers/${id}`)).server
  const history = async (): Promise<string[]> =>
    (await demo.must('GET', `/compute/v2.1/servers/${id}/os-instance-actions`)).instanceActions.map(
      ({ action }: { action: string }) => action,
    )
  const status = (wanted: string) =>
    within(
      'the status',
      async () => (await show()).status,
      (seen) => seen === wanted,
    )

  await step('a machine that runs already is adopted', async () => {
    const adopted = await admin.must('POST', '/broker/v1/adopt', {
      cloud: NAME,
      native_ids: [found.ref.id],
      project_id: demo.projectId,
    })
    id = adopted.adopted.find(({ kind }: { kind: string }) => kind === 'server').resource_id
    await status('ACTIVE')
    // The watch began with the cloud's registration or begins with the next look at the list of clouds.
    await new Promise((done) => setTimeout(done, 35_000))
    assert.deepEqual(await history(), ['adopt'])
  })
  await step('powered off by a second session, it is SHUTOFF within seconds', async () => {
    await run('PowerOffVM_Task')
    await status('SHUTOFF')
    assert.deepEqual(await history(), ['stop', 'adopt'])
  })
  await step('powered on by a second session, it is ACTIVE within seconds', async () => {
    await run('PowerOnVM_Task')
    await status('ACTIVE')
    assert.deepEqual(await history(), ['start', 'stop', 'adopt'])
  })
  await step(
    'moved to another host it is the same server with the same ports, and nothing happened to it',
    async () => {
      const before = await show()
      await moveTo(spare!.ref)
      const after = await within('the host', show, ({ hostId }) => hostId !== before.hostId)
      assert.deepEqual([after.id, after.addresses, after.status], [id, before.addresses, 'ACTIVE'])
      assert.deepEqual(await history(), ['start', 'stop', 'adopt'])
    },
  )
  await step('started again on another host, as high availability does, it was evacuated', async () => {
    await Promise.all([moveTo(home), run('ResetVM_Task')])
    await within('the history', history, ([last]) => last === 'evacuate')
    await status('ACTIVE')
  })
  await step('reset where it is, it was rebooted', async () => {
    await run('ResetVM_Task')
    await within('the history', history, ([last]) => last === 'reboot')
    assert.deepEqual(await history(), ['reboot', 'evacuate', 'start', 'stop', 'adopt'])
  })
}

const consoles = async ({ broker, demo, client, url, fetch: send, other }: Scene, step: Step): Promise<void> => {
  const say = async (...argv: string[]) => {
    const said = await client.say(['--os-cloud', 'plimsoll', ...argv])
    assert.equal(said.rc, 0, said.stderr)
    return said.stdout
  }
  const wish = [
    '--flavor',
    'vs.small',
    '--image',
    'debian-12',
    '--nic',
    'none',
    '--availability-zone',
    `${NAME}.DC0_C0`,
  ]
  let vm = ''
  await step('a server is made with a serial port that writes to a file', async () => {
    vm = JSON.parse(await say('server', 'create', ...wish, '--wait', 'talker', '-f', 'json')).id
    const { status } = (await demo.must('GET', `/compute/v2.1/servers/${vm}`)).server
    assert.equal(status, 'ACTIVE', broker.tail())
  })
  await step('what its guest writes there is its console log', async () => {
    assert.equal(await say('console', 'log', 'show', vm), '')
    const made = await below(other, (await other.content()).root, {
      VirtualMachine: ['name', 'config.hardware.device'],
    })
    const device = made.find((each) => text(each, 'name')?.startsWith('talker'))!.props.get('config.hardware.device')!
    const file = JSON.stringify(device).match(/\[LocalDS_0\] ([^"]+serial\.log)/)![1]!
    const where = `/folder/${file.split('/').map(encodeURIComponent).join('/')}?dcPath=DC0&dsName=LocalDS_0`
    const put = await send(new URL(where, url), { method: 'PUT', body: 'booting\nlogin: \n' })
    assert(put.ok, `HTTP ${put.status}`)
    assert.equal(await say('console', 'log', 'show', vm), 'booting\nlogin: \n')
    // As Nova counts, what follows the last line end is a line too.
    assert.equal(await say('console', 'log', 'show', '--lines', '2', vm), 'login: \n')
  })
  await step('a screen is opened by a URL, as WebMKS alone', async () => {
    const { protocol, type, url: opened } = JSON.parse(await say('console', 'url', 'show', '--mks', vm, '-f', 'json'))
    assert.deepEqual([protocol, type], ['mks', 'webmks'])
    assert.match(opened, /^wss:\/\/DC0_C0_H\d:443\/ticket\/\w{16,}$/)
    const vnc = await client.say(['--os-cloud', 'plimsoll', 'console', 'url', 'show', '--novnc', vm])
    assert.match(vnc.stderr, /Unavailable console type novnc/)
  })
  await step('it goes', async () => {
    await say('server', 'delete', '--wait', vm)
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = new Report()
  await eventsOnVcsim(report)
  report.print()
  process.exit(report.count('failed') ? 1 : 0)
}
