import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { mustOpenConsole, openConsole } from '../../support/console-client.ts'
import { startClient } from '../openstackclient/client.ts'
import { logIn, logInAs } from '../support/api.ts'
import { startBroker } from '../support/broker.ts'
import { addCloud, dropSandbox } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import { guestImage } from './guest.ts'

/*
 * A story that is told where the host's own network is, as on the loopback of one machine: it prints each step as a line of
 * JSON. The address of libvirtd is its only argument.
 */

const [uri = ''] = process.argv.slice(2)
const CLOUD = 'rack9'
/** An emulated guest on a busy machine. */
const BOOTS_WITHIN_MS = 180_000
const LISTENS = `#!/bin/sh
echo "guest: listens"
while read line; do echo "guest: heard $(printf '%s' "$line" | sha256sum | cut -d' ' -f1)"; done
`

const broker = await startBroker('node')
const client = await startClient(broker)

const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
  const from = Date.now()
  const end = (result: 'passed' | 'failed', said = '') =>
    console.log(JSON.stringify({ title, result, ms: Date.now() - from, said }))
  await run().then(
    () => end('passed'),
    (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 1_500)),
  )
}
const openstack = async (...argv: string[]) => {
  const { rc, stdout, stderr } = await client.say(['--os-cloud', 'plimsoll', ...argv])
  assert.equal(rc, 0, `openstack ${argv.join(' ')}: ${stderr}`)
  return stdout
}
const json = async (...argv: string[]) => JSON.parse(await openstack(...argv, '-f', 'json'))

/** The WebSocket that the page of a screen opens. */
const socketOf = (page: string): string => {
  const url = new URL(new URL(page).searchParams.get('path') ?? '', broker.url)
  return url.href.replace(/^http/, 'ws')
}
const screenOf = async (): Promise<string> => (await json('console', 'url', 'show', '--novnc', 'vm1')).url
const origin = broker.url

const shakeHands = async (url: string) => {
  const screen = await mustOpenConsole(url, { origin })
  assert.equal((await screen.take(12)).toString(), 'RFB 003.008\n')
  screen.send('RFB 003.008\n')
  assert.deepEqual([...(await screen.take(2))], [1, 1])
  screen.send(Uint8Array.of(1))
  assert.equal((await screen.take(4)).readUInt32BE(), 0)
  // Others may look on.
  screen.send(Uint8Array.of(1))
  const head = await screen.take(24)
  const name = (await screen.take(head.readUInt32BE(20))).toString()
  return { screen, width: head.readUInt16BE(0), height: head.readUInt16BE(2), bits: head[4]!, name }
}

const story = async (): Promise<void> => {
  let screen = ''
  await step('a server runs, whose guest hears what is typed on its serial port', async () => {
    const file = await guestImage()
    await json('image', 'create', '--disk-format', 'qcow2', '--file', file, '--property', 'hw_disk_bus=virtio', 'guest')
    await patiently(async () => assert.equal((await json('image', 'show', 'guest')).status, 'active'), 30_000)
    await openstack('network', 'create', 'n1', '--availability-zone-hint', `${CLOUD}.kvm1`)
    await openstack('subnet', 'create', '--network', 'n1', '--subnet-range', '10.62.0.0/24', 's1')
    const script = join(broker.folder, 'user-data')
    await writeFile(script, LISTENS)
    const named = ['--flavor', 'k.small', '--image', 'guest', '--availability-zone', `${CLOUD}.kvm1`]
    await openstack('server', 'create', ...named, '--network', 'n1', '--user-data', script, '--wait', 'vm1')
    await patiently(
      async () => assert.match(await openstack('console', 'log', 'show', 'vm1'), /guest: listens/),
      BOOTS_WITHIN_MS,
    )
  })
  await step('`console url show` gives a page that a browser opens, with all that it loads', async () => {
    screen = await screenOf()
    const read = async (url: URL) => {
      const answer = await fetch(url)
      assert.equal(answer.status, 200, url.href)
      return answer.text()
    }
    assert.match(await read(new URL(screen)), /<script type="module" src="screen\.js">/)
    const seen = new Set<string>()
    const load = async (url: URL): Promise<void> => {
      if (seen.has(url.href)) return
      seen.add(url.href)
      const text = await read(url)
      for (const [, name = ''] of text.matchAll(/^\s*(?:import|export)\b[^'"]*?from ["'](\.[^'"]+)["']/gm))
        await load(new URL(name, url))
    }
    await load(new URL('screen.js', screen))
    assert.ok(seen.size > 20, `${seen.size} files`)
  })
  await step('a page of another origin is refused, and takes nothing away', async () => {
    assert.deepEqual(await openConsole(socketOf(screen), { origin: 'https://elsewhere.example' }), {
      status: 403,
      message: 'The page is of another origin than the console.',
    })
  })
  await step('the screen shakes hands as VNC does, and shows what is on it', async () => {
    const { screen: seen, width, height, bits, name } = await shakeHands(socketOf(screen))
    assert.match(name, /^QEMU \(plimsoll-/)
    assert.ok(width >= 320 && height >= 200 && bits === 32, `${width}×${height}, ${bits} bits`)
    // Raw, all of it, whether it changed or not.
    seen.send(Uint8Array.of(2, 0, 0, 1, 0, 0, 0, 0))
    const ask = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    ask.writeUInt16BE(width, 6)
    ask.writeUInt16BE(height, 8)
    seen.send(ask)
    const [kind, , ...count] = await seen.take(4)
    assert.equal(kind, 0)
    let [pixels, lit] = [0, 0]
    for (let left = count[0]! * 256 + count[1]!; left > 0; left--) {
      const rectangle = await seen.take(12)
      assert.equal(rectangle.readInt32BE(8), 0)
      const bytes = rectangle.readUInt16BE(4) * rectangle.readUInt16BE(6) * 4
      const shown = await seen.take(bytes)
      pixels += bytes / 4
      for (let at = 0; at < bytes; at += 4) if (shown.readUInt32LE(at) & 0xffffff) lit++
    }
    assert.equal(pixels, width * height)
    assert.ok(lit > 100, `${lit} of ${pixels} are lit`)
    seen.close()
  })
  await step('a token that was used opens nothing, and no more does one that was made up', async () => {
    for (const url of [socketOf(screen), socketOf(screen).replace(/token=.*/, `token=${'x'.repeat(43)}`)]) {
      const refused = await openConsole(url, { origin })
      assert.ok('status' in refused && refused.status === 403, JSON.stringify(refused))
    }
  })
  await step('who is on the host and knocks at the screen itself is not let in, with no password', async () => {
    const socket = connect(5900, '127.0.0.1')
    const pieces = socket[Symbol.asyncIterator]()
    let held = Buffer.alloc(0)
    const take = async (count: number) => {
      while (held.length < count) {
        const { value, done } = await pieces.next()
        if (done) throw new Error('it hung up')
        held = Buffer.concat([held, value])
      }
      const taken = held.subarray(0, count)
      held = held.subarray(count)
      return taken
    }
    await take(12)
    socket.write('RFB 003.008\n')
    const [ways = 0] = await take(1)
    assert.deepEqual([...(await take(ways))], [2])
    socket.write(Uint8Array.of(2))
    await take(16)
    socket.write(new Uint8Array(16))
    assert.equal((await take(4)).readUInt32BE(), 1)
    socket.destroy()
  })
  await step('a guest hears what is typed on its serial console, and its answer is in its log too', async () => {
    const { url, protocol } = await json('console', 'url', 'show', '--serial', 'vm1')
    assert.equal(protocol, 'serial')
    const serial = await mustOpenConsole(url)
    const nonce = randomUUID()
    serial.send(`${nonce}\n`)
    const heard = new RegExp(`guest: heard ${createHash('sha256').update(nonce).digest('hex')}`)
    // The terminal echoes, and the guest answers.
    assert.match(await serial.says(heard), new RegExp(nonce))
    await patiently(async () => assert.match(await openstack('console', 'log', 'show', 'vm1'), heard), 10_000)
    serial.close()
  })
  await step('somebody of another project sees no server, so no console of one', async () => {
    const admin = ['--os-cloud', 'plimsoll-admin']
    const asAdmin = async (...argv: string[]) => {
      const { rc, stderr } = await client.say([...admin, ...argv])
      assert.equal(rc, 0, stderr)
    }
    await asAdmin('project', 'create', 'other')
    await asAdmin('user', 'create', '--password', 'other-password', 'other')
    await asAdmin('role', 'add', '--user', 'other', '--project', 'other', 'member')
    const other = await logInAs(broker, { name: 'other', password: 'other-password', project: 'other' })
    const { id } = await json('server', 'show', 'vm1')
    const action = { 'os-getVNCConsole': { type: 'novnc' } }
    assert.equal((await other.call('POST', `/compute/v2.1/servers/${id}/action`, action)).status, 404)
  })
  await step('deleted, the server closes the consoles that are open', async () => {
    const { screen: seen } = await shakeHands(socketOf(await screenOf()))
    const serial = await mustOpenConsole((await json('console', 'url', 'show', '--serial', 'vm1')).url)
    await openstack('server', 'delete', '--wait', 'vm1')
    assert.deepEqual(await Promise.all([seen.ended, serial.ended]), [1000, 1000])
    await openstack('network', 'delete', 'n1')
    await openstack('image', 'delete', 'guest')
  })
}

try {
  const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
  await dropSandbox({ admin, demo })
  const options = {
    sizes: [{ name: 'k.small', vcpus: 1, ram_mib: 192, disk_gib: 1 }],
    shutdown_seconds: 0,
    allow_private: true,
    hosts: [{ name: 'kvm1', uri }],
  }
  await addCloud({ broker, admin, demo }, { name: CLOUD, type: 'libvirt', endpoint: null, credentials: {}, options })
  await story()
} finally {
  client.stop()
  await broker.stop()
}
process.exit(0)
