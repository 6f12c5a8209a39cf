import { describe, expect, it } from 'vitest'
import { CAPABILITIES, KINDS } from '../../../adapters/contract.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { readMapping, readOptions } from '../../../adapters/vsphere/options.ts'
import { connection, fake } from './fake.ts'

const size = { name: 's', vcpus: 1, ram_mib: 512 }

describe('options', () => {
  it('have defaults for all but the sizes', () => {
    expect(readOptions({ sizes: [size] }).faults).toEqual([])
    expect(readOptions({}).faults).toEqual([expect.stringContaining('sizes')])
  })

  it.each([
    [{ sizes: [{ ...size, ram_mib: 511 }] }, /multiple of 4/],
    [{ sizes: [size, size] }, /must differ/],
    [{ sizes: [{ ...size, arch: 'vax' }] }, /arch/],
    [{ sizes: [{ ...size, price: -1 }] }, /price/],
    [{ sizes: [{ vcpus: 1 }] }, /name/],
    [{ sizes: [size], switch: { name: 'd', vlans: '0-10' } }, /switch/],
    [{ sizes: [size], switch: { name: 'd', vlans: '200-100' } }, /switch/],
    [{ sizes: [size], switch: { name: 'd', vlans: '1-2' }, network: 'n' }, /only one/],
    [{ sizes: [size], datacentre: 'x' }, /There is no option datacentre/],
    [{ sizes: [size], volume_types: { gold: 1 } }, /volume_types/],
    [{ sizes: [size], ranges: { 'VM Network': ['10.0.0.0'] } }, /lists of CIDRs/],
    [{ sizes: [size], ranges: { 'VM Network': '10.0.0.0/8' } }, /lists of CIDRs/],
    [{ sizes: [size], volume_types: { default: 'aa6d5a82' } }, /other than default/],
  ])('%j are faulty', (options, sentence) => {
    const { faults } = readOptions(options)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(sentence)
  })

  it('say what port groups hold, which vSphere does not know', async () => {
    const options = { sizes: [size], ranges: { 'VM Network': ['10.0.0.0/24', 'fd00::/64'], storage: ['10.9.0.0/16'] } }
    expect(await vsphere.connect(connection({ options }), fake(() => '').surroundings).heldRanges!()).toEqual([
      { cidr: '10.0.0.0/24', network: 'VM Network', whole: true },
      { cidr: 'fd00::/64', network: 'VM Network', whole: true },
      { cidr: '10.9.0.0/16', network: 'storage', whole: true },
    ])
  })

  it('of a mapping fail closed', () => {
    expect(readMapping({ folder: 'a', resource_pool: 'b' })).toMatchObject({
      folder: 'a',
      resourcePool: 'b',
      network: null,
    })
    expect(readMapping({ pool: 'b' })).toHaveProperty('fault')
    expect(readMapping({ folder: '' })).toHaveProperty('fault')
    expect(() => vsphere.connect(connection({ mapping: { folder: 7 } }), fake(() => '').surroundings)).toThrow(
      'no usable place',
    )
  })
})

describe('the adapter', () => {
  it('names what is missing at registration, without a call', () => {
    expect(vsphere.validate(connection(), 'node')).toEqual([])
    expect(vsphere.validate(connection({ endpoint: null, credentials: { user: 'x' } }), 'node')).toEqual([
      expect.stringContaining('endpoint'),
      expect.stringContaining('username'),
      expect.stringContaining('password'),
      expect.stringContaining('no field user'),
    ])
  })

  it('knows an account by vCenter, user and datacenter', () => {
    const key = vsphere.account(connection())
    expect(vsphere.account(connection({ mapping: { folder: 'x' }, endpoint: 'https://vc.example/sdk' }))).toBe(key)
    expect(vsphere.account(connection({ credentials: { username: 'v', password: 'p' } }))).not.toBe(key)
    expect(key).not.toContain('p<&>')
  })

  it('has a member or a sentence for every kind', () => {
    const cloud = vsphere.connect(connection(), fake(() => '').surroundings)
    for (const kind of KINDS)
      expect(cloud[kind] === undefined, kind).toBe(kind !== 'server' && vsphere.lacks[kind] !== undefined)
    for (const name of Object.keys(vsphere.lacks)) expect(CAPABILITIES).toContain(name)
  })
})
