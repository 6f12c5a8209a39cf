import { expect, it } from 'vitest'
import type { Json } from '../../../adapters/contract.ts'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { readHostKey } from '../../../adapters/libvirt/wire/host-key.ts'
import { readUri } from '../../../adapters/libvirt/wire/uri.ts'
import { connection, OPTIONS } from './scripted.ts'

const faults = (
  options: Record<string, Json>,
  change: { endpoint?: string; credentials?: Record<string, string> } = {},
  runtime: 'node' | 'workers' = 'node',
) => libvirt.validate(connection({ options: { ...OPTIONS, ...options }, ...change }), runtime)
const host = (uri: string, more: Record<string, Json> = {}) => ({ hosts: [{ name: 'kvm1', uri, ...more }] })

it.each([
  ['qemu:///system', { kind: 'unix', path: '/var/run/libvirt/libvirt-sock' }],
  [
    'qemu+unix:///session?socket=/run/user/1000/libvirt/libvirt-sock',
    { kind: 'unix', path: '/run/user/1000/libvirt/libvirt-sock' },
  ],
  ['qemu+tls://kvm1.example/system', { kind: 'tls', host: 'kvm1.example', port: 16_514 }],
  ['qemu+tls://[2001:db8::1]:7777/system', { kind: 'tls', host: '2001:db8::1', port: 7_777 }],
  ['qemu+tcp://127.0.0.1/system', { kind: 'tcp', host: '127.0.0.1', port: 16_509 }],
])('reads %s as libvirt does', (uri, to) => {
  expect(readUri(uri)).toMatchObject({ to })
})

it.each([
  ['kvm1', 'is not a URI'],
  ['xen:///system', 'driver'],
  ['qemu://kvm1.example/system', 'needs a transport'],
  ['qemu+libssh2://kvm1.example/system', 'transport libssh2'],
  ['qemu+tls://root@kvm1.example/system', 'credentials'],
  ['qemu+tls:///system', 'names no host'],
  ['qemu+tls://kvm1.example/', 'neither /system'],
  ['qemu+tls://kvm1.example/system?no_verify=1', 'no_verify'],
])('refuses %s in words', (uri, words) => {
  expect(faults(host(uri))).toEqual([expect.stringContaining(words)])
})

it('speaks in the clear to the loopback alone, and only where an operator said so', () => {
  expect(faults(host('qemu+tcp://127.0.0.1/system'))).toEqual([expect.stringContaining('plain_tcp')])
  expect(faults({ ...host('qemu+tcp://kvm1.example/system'), plain_tcp: true })).toEqual([
    expect.stringContaining('loopback'),
  ])
  expect(faults({ ...host('qemu+tcp://127.0.0.1/system'), plain_tcp: true })).toEqual([])
})

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'
const FINGERPRINT = '+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU'

it('reaches a host by SSH: its socket, or what runs there where sockets are not let through', () => {
  expect(readUri('qemu+ssh://plimsoll@[2001:db8::1]:2222/system')).toMatchObject({
    to: { kind: 'ssh', host: '2001:db8::1', port: 2_222, user: 'plimsoll' },
  })
  const behind = (uri: string) => {
    const way = readUri(uri)
    return typeof way !== 'string' && way.to.kind === 'ssh' ? way.to.behind : way
  }
  expect(behind('qemu+ssh://root@kvm1.example/system')).toEqual([
    { kind: 'unix', path: '/var/run/libvirt/libvirt-sock' },
    { kind: 'unix', path: '/var/run/libvirt/virtqemud-sock' },
    { kind: 'command', command: expect.stringContaining('virt-ssh-helper qemu:///system; exec nc -U /var/run') },
  ])
  expect(behind('qemu+ssh://root@kvm1.example/system?socket=/run/a.sock')).toEqual([
    { kind: 'unix', path: '/run/a.sock' },
    { kind: 'command', command: `sh -c 'exec nc -U /run/a.sock'` },
  ])
  expect(behind('qemu+ssh://me@kvm1.example/session')).toEqual([
    { kind: 'command', command: expect.stringContaining('virt-ssh-helper qemu:///session') },
  ])
  for (const uri of ["/run/a'; reboot", '/run/$(reboot)', '/run/a b', 'run/a'])
    expect(faults(host(`qemu+ssh://root@kvm1.example/system?socket=${encodeURIComponent(uri)}`))).toEqual([
      expect.stringContaining('plain path'),
    ])
})

it('knows a host by the key that an operator gives, in each way in which it is written down', () => {
  const all = [
    KEY,
    `kvm1.example,192.0.2.1 ${KEY} root@kvm1`,
    `|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ${KEY}`,
    `[kvm1.example]:2222 ${KEY}\n`,
  ]
  expect(all.map(readHostKey)).toEqual(all.map(() => ({ fingerprint: FINGERPRINT, type: 'ssh-ed25519' })))
  expect(readHostKey(`SHA256:${FINGERPRINT}`)).toEqual({ fingerprint: FINGERPRINT, type: null })
})

it('names what is wrong with a login by SSH', () => {
  const ssh = (more: Record<string, Json> = {}, credentials: Record<string, string> = { private_key: PEM }) =>
    faults(host('qemu+ssh://root@kvm1.example/system', more), { credentials })
  const PEM = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----'
  expect(ssh({ host_key: [KEY, `SHA256:${FINGERPRINT}`] })).toEqual([])
  expect(ssh()).toEqual([])
  expect(ssh({}, {})).toEqual(['The credentials need private_key.'])
  expect(ssh({}, { private_key: '-----BEGIN PRIVATE KEY-----' })).toEqual([expect.stringContaining('ssh-keygen')])
  expect(faults(host('qemu+ssh://kvm1.example/system'))).toEqual([expect.stringContaining('names no user')])
  for (const [key, words] of [
    ['MD5:00:11', 'neither SHA256'],
    [`@cert-authority *.example ${KEY}`, 'authority'],
    ['ssh-ed25519 AAAA', 'not whole'],
    [KEY.replace('ssh-ed25519', 'ssh-rsa'), 'not whole'],
    ['ssh-dss AAAAB3NzaC1kc3M=', 'neither SHA256'],
    [7, 'not a text'],
    [Array.from({ length: 9 }, () => KEY), 'more than 8'],
  ] as const)
    expect(ssh({ host_key: key as Json })).toEqual([expect.stringContaining(words)])
  expect(faults(host('qemu+tls://kvm1.example/system', { host_key: KEY }))).toEqual([
    expect.stringContaining('not reached by SSH'),
  ])
})

it('names every fault of a registration', () => {
  expect(faults({})).toEqual([])
  expect(faults({}, { endpoint: 'https://kvm1.example' })).toEqual([expect.stringContaining('no endpoint')])
  expect(faults({}, { credentials: { client_key: 'k' } })).toEqual(['The credentials need client_certificate.'])
  expect(faults({}, { credentials: { password: 'p' } })).toEqual(['The credentials need username.'])
  expect(faults({}, { credentials: { token: 't' } })).toEqual(['The credentials have no field token.'])
  expect(faults({ hosts: [] })).toHaveLength(1)
  expect(faults({ hosts: [{ name: 'a/b', uri: 'qemu:///system' }] })).toEqual([expect.stringContaining('letters')])
  expect(faults(host('qemu:///system', { zone: '' }))).toEqual(['The zone of host kvm1 must be a name.'])
  expect(faults(host('qemu:///system', { colour: 'red' }))).toEqual(['Host kvm1 has no field colour.'])
  expect(faults({ hosts: [...OPTIONS.hosts, ...OPTIONS.hosts] })).toEqual(['The names of the hosts must differ.'])
  expect(faults({ sizes: [{ name: 'k', vcpus: 1.5, ram_mib: 64 }] })).toEqual([
    expect.stringContaining('whole numbers'),
  ])
  expect(faults({ sizes: [] })).toEqual([expect.stringContaining('no sizes of its own')])
  expect(faults({ sise: 1 })).toEqual(['There is no option sise.'])
})

it('fails closed where a mapping says what nobody reads', () => {
  const linked = connection({ mapping: { pool: 'x' } })
  expect(() => libvirt.connect(linked, {} as never)).toThrow('no usable place')
})

it('is reached from Workers by TLS of a public authority and a login, and refuses all else there', () => {
  const named = { credentials: { username: 'plimsoll', password: 'tea' } }
  expect(faults({}, named, 'workers')).toEqual([])
  expect(faults({}, {}, 'workers')).toEqual(['On Workers the credentials need username and password.'])
  expect(faults(host('qemu:///system'), named, 'workers')).toEqual([
    'Host kvm1 cannot be reached from Workers, which speak TLS alone: qemu+tls.',
  ])
  const shown = { credentials: { ...named.credentials, client_certificate: 'c', client_key: 'k' } }
  expect(faults({}, shown, 'workers')).toEqual([
    'Workers show no certificate of a client: the hosts need to ask for a login by SASL instead.',
  ])
})
