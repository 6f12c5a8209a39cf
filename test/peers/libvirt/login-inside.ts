import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { logIn } from '../support/api.ts'
import { type Runtime, startBroker } from '../support/broker.ts'
import { addCloud, dropSandbox } from '../support/cloud.ts'
import { WHO } from './login.peer.ts'

/*
 * A story that is told where the host's own network is: it prints each step as a line of JSON. Its arguments are what the host
 * takes logins by, the file with the authority that certified it, and where the broker runs.
 */

const [mechanism = '', authority = '', runtime = ''] = process.argv.slice(2)
const ca = await readFile(authority, 'utf8')
const broker = await startBroker(runtime as Runtime)
const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
await dropSandbox({ admin, demo })

const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
  const from = Date.now()
  const end = (result: 'passed' | 'failed', detail = '') =>
    console.log(JSON.stringify({ title: `${runtime}, ${mechanism}: ${title}`, result, ms: Date.now() - from, detail }))
  await run().then(
    () => end('passed'),
    (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 1_500)),
  )
}
const cloudBy = (name: string, credentials: Record<string, string>) => ({
  name,
  type: 'libvirt',
  endpoint: null,
  credentials,
  options: {
    hosts: [{ name: 'kvm1', uri: 'qemu+tls://127.0.0.1/system' }],
    sizes: [{ name: 'k.tiny', vcpus: 1, ram_mib: 64 }],
    // Workers believe public authorities alone.
    ...(runtime === 'node' ? { tls: { ca } } : {}),
    allow_private: true,
  },
})
/** What an operator is told of a cloud with these credentials. */
const checked = async (name: string, credentials: Record<string, string>) => {
  await admin.must('POST', '/broker/v1/clouds', { cloud: cloudBy(name, credentials) })
  const { check } = await admin.must('POST', `/broker/v1/clouds/${name}/check`)
  await admin.must('DELETE', `/broker/v1/clouds/${name}`)
  return check
}

if (mechanism === 'anonymous')
  await step('what is not spoken is refused in words', async () => {
    const check = await checked('strange', WHO)
    assert.deepEqual([check.reachable, check.denied], [false, ['host kvm1']])
  })
else {
  await step('with the right password a host is looked at', async () => {
    await addCloud({ broker, admin, demo }, cloudBy('right', WHO))
    const { check } = await admin.must('POST', '/broker/v1/clouds/right/check')
    assert.deepEqual([check.reachable, check.denied], [true, []])
    assert.match(check.version, /^libvirt \d+/)
    const { services } = await admin.must('GET', '/compute/v2.1/os-services?host=right.kvm1')
    assert.equal(services[0].state, 'up')
  })
  await step('with another one, or with none, it is not', async () => {
    for (const credentials of [
      { ...WHO, password: 'coffee' },
      { ...WHO, username: 'nobody' },
    ]) {
      const check = await checked('wrong', credentials)
      assert.deepEqual([check.version, check.denied], [null, ['host kvm1']])
    }
    if (runtime === 'node') assert.deepEqual((await checked('without', {})).denied, ['host kvm1'])
    else {
      const { status, body } = await admin.call('POST', '/broker/v1/clouds', { cloud: cloudBy('without', {}) })
      assert.equal(status, 400)
      assert.match(body.error.message, /need username and password/)
    }
  })
}
await broker.stop()
