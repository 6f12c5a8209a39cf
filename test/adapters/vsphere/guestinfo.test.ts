import { describe, expect, it } from 'vitest'
import type { ServerSpec } from '../../../adapters/contract.ts'
import { hostname, networkConfig } from '../../../adapters/shared/guest-network.ts'
import { extraConfig, guestinfo } from '../../../adapters/vsphere/records/guestinfo.ts'

const spec: ServerSpec = {
  name: 'Web Süd',
  size: { native: 's', vcpus: 1, ramMiB: 512, diskGiB: 0 },
  image: 'vm-1',
  zone: 'z',
  ports: [],
  keypair: null,
  publicKey: 'ssh-ed25519 AAAA a@b\n',
  userData: 'I2Ns\nb3Vk',
  metadata: { role: 'wüb' },
  configDrive: false,
  fork: null,
}
const decoded = (text: string) =>
  JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text), (each) => each.charCodeAt(0))))
const at = (address: string, gateway: string | null, cidr = '10.0.0.0/24') => ({
  address,
  cidr,
  gateway,
  dnsServers: ['9.9.9.9'],
})

describe('what a guest is told', () => {
  const told = guestinfo(spec, 'i-1', [{ mac: 'fa:16:3e:00:00:01', addresses: [at('10.0.0.5', '10.0.0.1')] }])

  it('has name, key, metadata and network', () => {
    expect(decoded(told['guestinfo.metadata']!)).toEqual({
      'instance-id': 'i-1',
      'local-hostname': 'web-s-d',
      'public-keys-data': 'ssh-ed25519 AAAA a@b',
      meta: { role: 'wüb' },
      network: {
        version: 2,
        ethernets: {
          id0: {
            match: { macaddress: 'fa:16:3e:00:00:01' },
            wakeonlan: true,
            dhcp4: false,
            addresses: ['10.0.0.5/24'],
            routes: [{ to: '0.0.0.0/0', via: '10.0.0.1' }],
            nameservers: { addresses: ['9.9.9.9'] },
          },
        },
      },
    })
    expect(told['guestinfo.metadata.encoding']).toBe('base64')
  })

  it('has the user data as they were sent, or takes away the template’s', () => {
    expect([told['guestinfo.userdata'], told['guestinfo.userdata.encoding']]).toEqual(['I2Nsb3Vk', 'base64'])
    const none = guestinfo({ ...spec, userData: null, publicKey: null }, 'i', [])
    expect([none['guestinfo.userdata'], none['guestinfo.userdata.encoding']]).toEqual(['', ''])
    expect(decoded(none['guestinfo.metadata']!)).not.toHaveProperty('public-keys-data')
  })

  it('has one default route of each family, through the first port that has one', () => {
    const six = at('fd00::5', 'fd00::1', 'fd00::/64')
    const { ethernets } = networkConfig([
      { mac: 'a', addresses: [at('10.0.0.5', null)] },
      { mac: 'b', addresses: [at('10.0.1.5', '10.0.1.1', '10.0.1.0/24')] },
      { mac: 'c', addresses: [at('10.0.2.5', '10.0.2.1', '10.0.2.0/24'), six] },
      { mac: 'd', addresses: [] },
    ]) as { ethernets: Record<string, { routes?: unknown; dhcp4: boolean }> }
    expect(Object.values(ethernets).map(({ routes }) => routes)).toEqual([
      undefined,
      [{ to: '0.0.0.0/0', via: '10.0.1.1' }],
      [{ to: '::/0', via: 'fd00::1' }],
      undefined,
    ])
    expect(ethernets.id3?.dhcp4).toBe(true)
  })

  it.each([
    ['web.example', 'web.example'],
    ['-A b_c-', 'a-b-c'],
    ['日本', 'server'],
    ['x'.repeat(80), 'x'.repeat(63)],
  ])('calls %s %s', (name, host) => {
    expect(hostname(name)).toBe(host)
  })

  it('is written as settings that say what they are', () => {
    expect(extraConfig({ a: '1' })).toEqual([
      { _type: 'OptionValue', key: 'a', value: { _type: 'xsd:string', _text: '1' } },
    ])
  })
})
