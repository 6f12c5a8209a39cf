import assert from 'node:assert/strict'
import { CloudError } from '../../../adapters/errors.ts'
import { readOptions } from '../../../adapters/libvirt/options.ts'
import { onHost } from '../../../adapters/libvirt/wire/host.ts'
import { finish } from '../support/child.ts'
import type { Report } from '../support/report.ts'
import { adapterOnLibvirt, connected, type Reached } from './adapter.peer.ts'
import type { Libvirtd } from './launch.ts'
import { type Login, type Sshd, serveSsh } from './sshd.ts'

const NAME = 'libvirt by SSH'
const PASSPHRASE = 'open it'

/** Debian's sshd in front of libvirtd: whom it lets in, whom the broker believes, and how libvirt is reached behind it. */
export const reachedBySsh = async (report: Report, host: Libvirtd, cases: boolean): Promise<void> => {
  const sshd = await serveSsh(host)
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const end = (result: 'passed' | 'failed', said = '') => report.step(NAME, title, result, Date.now() - from, said)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.stack : error).slice(0, 1_500)),
    )
  }
  const uri = `qemu+ssh://root@127.0.0.1:${sshd.port}/system`
  const by = (login: Login, told: Partial<Reached['host']> = {}): Reached => ({
    host: { uri, host_key: sshd.hostKey, ...told },
    credentials: { private_key: sshd.logins[login], ...(login === 'rsa' ? { passphrase: PASSPHRASE } : {}) },
  })
  try {
    await story(step, host, sshd, by)
    if (cases) await adapterOnLibvirt(report, host, { name: `adapter on ${NAME}`, reached: by('ed25519') })
  } finally {
    await sshd.stop()
  }
}

const count = (text: string, words: string): number => text.split(words).length - 1

const story = async (
  step: (title: string, run: () => Promise<unknown>) => Promise<void>,
  host: Libvirtd,
  sshd: Sshd,
  by: (login: Login, told?: Partial<Reached['host']>) => Reached,
): Promise<void> => {
  const logins = () => count(sshd.log(), 'Accepted publickey')
  const fingerprint = async () => {
    const told = await finish({ command: 'sh', args: ['-c', `echo '${sshd.hostKey}' | ssh-keygen -lf -`] })
    return told.split(' ')[1] ?? ''
  }
  await step(
    'a host is not believed at its first word: the key that it shows is told, and nothing is run',
    async () => {
      const { host: known, ...rest } = by('ed25519')
      const other = `SHA256:${'A'.repeat(43)}`
      for (const [hostKey, why] of [
        [undefined, 'no host_key says'],
        [other, 'not what host_key says'],
      ] as const) {
        const { cloud } = connected({ ...rest, host: { uri: known.uri, ...(hostKey ? { host_key: hostKey } : {}) } })
        const { reachable, warnings } = await cloud.check()
        assert.equal(reachable, false)
        assert.ok(warnings.join(' ').includes(`ssh-ed25519 ${await fingerprint()}`), warnings.join(' '))
        assert.ok(warnings.join(' ').includes(why), warnings.join(' '))
        await assert.rejects(cloud.server.list(), { code: 'ambiguous' })
      }
      assert.deepEqual([logins(), count(sshd.log(), 'Starting session')], [0, 0])
    },
  )
  await step('whoever has another private key is not let in, and is told so', async () => {
    const stranger = await serveSsh(host)
    try {
      const { cloud } = connected({ ...by('ed25519'), credentials: { private_key: stranger.logins.ed25519 } })
      assert.equal((await cloud.check()).reachable, false)
      await assert.rejects(cloud.server.list(), { code: 'denied' })
    } finally {
      await stranger.stop()
    }
    assert.equal(logins(), 0)
  })
  await step('what is there is listed as by its socket, over one connection and its channels', async () => {
    const { cloud } = connected(by('ed25519', { host_key: await fingerprint() }))
    assert.deepEqual((await cloud.check()).warnings, [])
    const here = connected({ host: { uri: host.uri }, credentials: {} }).cloud
    const [there, ...rest] = await Promise.all([1, 2, 3, 4].map(() => cloud.server.list()))
    assert.deepEqual(there, await here.server.list())
    assert.equal(rest.length, 3)
    assert.deepEqual(await cloud.volume!.list(), await here.volume!.list())
    assert.equal(logins(), 1)
    assert.ok(count(sshd.log(), 'direct-streamlocal@openssh.com') >= 6, 'it did not go by the socket')
    assert.equal(count(sshd.log(), 'Starting session'), 0)
  })
  await step('keys of ECDSA and of RSA with a passphrase let in as well', async () => {
    for (const login of ['ecdsa', 'rsa'] as const)
      assert.equal((await connected(by(login)).cloud.check()).reachable, true)
    assert.equal(logins(), 3)
  })
  await step('a port of the loopback of the host is reached beside it', async () => {
    const { linked, around } = connected(by('ed25519', { host_key: await fingerprint() }))
    const { options } = readOptions(linked.options)
    const context = { connection: linked, options, surroundings: around }
    const said = host.inside('sh', '-c', 'echo from the loopback | nc -l -N 127.0.0.1 7999')
    const line = await onHost(context, options.hosts[0]!, async ({ beside }) => {
      for (let tries = 0; ; tries++) {
        const line = await beside!({ port: 7_999 }).catch((error) => {
          if (!(error instanceof CloudError) || tries > 50) throw error
          return null
        })
        if (!line) await new Promise((resolve) => setTimeout(resolve, 100))
        else return line
      }
    })
    // It outlives the work that opened it.
    assert.equal(new TextDecoder().decode((await line.receive()) ?? new Uint8Array()).trim(), 'from the loopback')
    line.close()
    await said
  })
  await step('a key that may run nothing on the host does as well', async () => {
    const strict = await serveSsh(host)
    try {
      await strict.configure('ForceCommand /bin/false')
      const told = { uri: `qemu+ssh://root@127.0.0.1:${strict.port}/system`, host_key: strict.hostKey }
      const { cloud } = connected({ host: told, credentials: { private_key: strict.logins.ed25519 } })
      assert.equal((await cloud.server.list()).complete, true)
      assert.equal(count(strict.log(), 'Starting session'), 0)
    } finally {
      await strict.stop()
    }
  })
  await step('where sshd hands on no sockets, libvirt is reached by what its own clients run there', async () => {
    await sshd.configure('DisableForwarding yes')
    const before = logins()
    // By another name it is another connection.
    const { cloud } = connected(by('ecdsa', { uri: `qemu+ssh://root@localhost:${sshd.port}/system` }))
    const lists = await Promise.all(Array.from({ length: 12 }, () => cloud.server.list()))
    for (const list of lists) assert.deepEqual(list, lists[0])
    assert.ok(lists[0]!.items.some(({ name }) => name === 'web'))
    assert.ok(count(sshd.log(), 'Starting session: command') >= 12, 'no command was run')
    assert.equal(logins(), before + 1)
  })
}
