import { expect, it } from 'vitest'
import type { Json } from '../../../adapters/contract.ts'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { readUri } from '../../../adapters/libvirt/wire/uri.ts'
import { connection, OPTIONS } from './scripted.ts'

const faults = (
  options: Record<string, Json>,
  change: { endpoint?: string; credentials?: Record<string, string> } = {},
) => libvirt.validate(connection({ options: { ...OPTIONS, ...options }, ...change }))
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
  ['qemu+ssh://root@kvm1.example/system', 'credentials'],
  ['qemu+ssh://kvm1.example/system', 'transport ssh'],
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

it('names every fault of a registration', () => {
  expect(faults({})).toEqual([])
  expect(faults({}, { endpoint: 'https://kvm1.example' })).toEqual([expect.stringContaining('no endpoint')])
  expect(faults({}, { credentials: { client_key: 'k' } })).toEqual(['The credentials need client_certificate.'])
  expect(faults({}, { credentials: { password: 'p' } })).toEqual(['The credentials have no field password.'])
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
