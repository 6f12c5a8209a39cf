import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import type { Client, Plimsoll } from '../../support/harness.ts'
import { narrowCloudType } from '../../support/narrow-cloud.ts'
import { openCloudType, WHY_UNPAIRED } from '../../support/open-cloud.ts'
import { newWorld, type World } from '../compute/servers/world.ts'

const V2 = '/network/v2.0'
let world: World
let plimsoll: Plimsoll
let demo: Client
beforeAll(() => {
  openCloudType()
  narrowCloudType()
})
const begin = async (clouds?: Parameters<typeof newWorld>[0]) => {
  world = await newWorld(clouds)
  plimsoll = world.plimsoll
  demo = world.demo
}

const create = (pairs: unknown, more: object = {}, who = demo) =>
  who.post(`${V2}/ports`, { port: { network_id: world.network, allowed_address_pairs: pairs, ...more } })
const made = async (pairs: unknown, more: object = {}) => (await create(pairs, more)).body.port
const update = (id: string, port: object, who = demo) => who.put(`${V2}/ports/${id}`, { port })
const fault = ({ status, body }: { status: number; body: { NeutronError?: { type: string; message: string } } }) => [
  status,
  body.NeutronError?.type,
  body.NeutronError?.message,
]
const OTHER = 'fa:16:3e:aa:bb:cc'

describe('allowed address pairs', () => {
  beforeEach(() => begin())

  test('are an address or a block, from the MAC address of the port unless another is named', async () => {
    const port = await made([
      { ip_address: '10.0.0.200' },
      { ip_address: '10.0.128.0/24', mac_address: OTHER.toUpperCase() },
      { ip_address: '2001:DB8:0:0::1' },
    ])
    const pairs = [
      { ip_address: '10.0.0.200', mac_address: port.mac_address },
      { ip_address: '10.0.128.0/24', mac_address: OTHER },
      { ip_address: '2001:db8::1', mac_address: port.mac_address },
    ]
    expect(port.allowed_address_pairs).toEqual(pairs)
    expect((await demo.get(`${V2}/ports/${port.id}`)).body.port.allowed_address_pairs).toEqual(pairs)
    const changed = await update(port.id, { allowed_address_pairs: [{ ip_address: '10.0.0.201' }] })
    expect(changed.body.port.allowed_address_pairs).toEqual([
      { ip_address: '10.0.0.201', mac_address: port.mac_address },
    ])
    expect(changed.body.port.revision_number).toBeGreaterThan(port.revision_number)
    expect((await update(port.id, { name: 'x' })).body.port.allowed_address_pairs).toHaveLength(1)
    expect((await update(port.id, { allowed_address_pairs: null })).body.port.allowed_address_pairs).toEqual([])
    expect((await demo.post(`${V2}/ports`, { port: { network_id: world.network } })).body.port).toMatchObject({
      allowed_address_pairs: [],
    })
  })

  test('are found by address', async () => {
    const { id } = await made([{ ip_address: '10.0.0.200' }, { ip_address: '10.0.128.0/24' }])
    await made([{ ip_address: '10.0.0.201' }])
    const found = async (query: string) => (await demo.get(`${V2}/ports?fields=id&${query}`)).body.ports
    expect(await found('allowed_address_pairs=ip_address%3D10.0.0.200')).toEqual([{ id }])
    expect(await found('allowed_address_pairs=ip_address%3D10.0.128.0/24')).toEqual([{ id }])
    expect(await found('allowed_address_pairs=ip_address%3D10.0.0.202')).toEqual([])
  })

  test.each([
    ['no list', { ip_address: '10.0.0.2' }, 'HTTPBadRequest', 'Allowed address pairs must be a list.'],
    [
      'without an address',
      [{ mac_address: OTHER }],
      'AddressPairMissingIP',
      'AllowedAddressPair must contain ip_address',
    ],
    ['with a bad address', [{ ip_address: '10.0.0.300' }], 'HTTPBadRequest', "'10.0.0.300' is not a valid IP address"],
    ['with a number as address', [{ ip_address: 7 }], 'HTTPBadRequest', "'7' is not a valid IP address"],
    ['with a bad block', [{ ip_address: '10.0.0.0/33' }], 'HTTPBadRequest', "'10.0.0.0/33' is not a valid IP subnet"],
    [
      'with bits beyond the prefix',
      [{ ip_address: '10.0.0.1/24' }],
      'HTTPBadRequest',
      "'10.0.0.1/24' isn't a recognized IP subnet cidr, '10.0.0.0/24' is recommended",
    ],
    [
      'with a bad MAC address',
      [{ ip_address: '10.0.0.2', mac_address: 'nonsense' }],
      'HTTPBadRequest',
      "'nonsense' is not a valid MAC address",
    ],
    [
      'with more than a pair has',
      [{ ip_address: '10.0.0.2', port: 1 }],
      'HTTPBadRequest',
      "Unrecognized attribute(s) 'port'",
    ],
    [
      'twice the same',
      [{ ip_address: '10.0.0.2' }, { ip_address: '10.0.0.2' }],
      'DuplicateAddressPairInRequest',
      'Request contains duplicate address pair: mac_address None ip_address 10.0.0.2.',
    ],
    [
      'more than ten',
      Array.from({ length: 11 }, (_, i) => ({ ip_address: `10.0.0.${i + 20}` })),
      'AllowedAddressPairExhausted',
      'The number of allowed address pair exceeds the maximum 10.',
    ],
    [
      'that are no dictionaries',
      ['10.0.0.2'],
      'HTTPBadRequest',
      "Invalid input for allowed_address_pairs. Reason: '10.0.0.2' is not a dictionary.",
    ],
  ])('%s are refused', async (_, pairs, type, message) => {
    expect(fault(await create(pairs))).toEqual([400, type, message])
    const { id } = await made([])
    expect(fault(await update(id, { allowed_address_pairs: pairs }))).toEqual([400, type, message])
  })

  test('that name the own MAC address twice, once by itself, are refused', async () => {
    const { id, mac_address } = await made([])
    const pairs = [{ ip_address: '10.0.0.2' }, { ip_address: '10.0.0.2', mac_address }]
    expect(fault(await update(id, { allowed_address_pairs: pairs }))).toEqual([
      400,
      'DuplicateAddressPairInRequest',
      `Request contains duplicate address pair: mac_address ${mac_address} ip_address 10.0.0.2.`,
    ])
  })

  test('need port security, and keep it', async () => {
    const required = [
      409,
      'AddressPairAndPortSecurityRequired',
      'Port Security must be enabled in order to have allowed address pairs on a port.',
    ]
    const pairs = [{ ip_address: '10.0.0.200' }]
    expect(fault(await create(pairs, { port_security_enabled: false }))).toEqual(required)
    const port = await made(pairs, { security_groups: [] })
    expect(fault(await update(port.id, { port_security_enabled: false }))).toEqual(required)
    const gone = { port_security_enabled: false, allowed_address_pairs: [] }
    expect((await update(port.id, gone)).body.port).toMatchObject(gone)
    expect(fault(await update(port.id, { allowed_address_pairs: pairs }))).toEqual(required)
  })

  test('are for the owner of a network, and for administrators', async () => {
    const admin = plimsoll.as('admin')
    await admin.put(`${V2}/networks/${world.network}`, { network: { shared: true } })
    await plimsoll.newProject('other')
    const other = plimsoll.as('other')
    const pairs = [{ ip_address: '10.0.0.200' }]
    expect(fault(await create(pairs, {}, other))).toEqual([
      403,
      'PolicyNotAuthorized',
      'rule:create_port:allowed_address_pairs is disallowed by policy',
    ])
    const { id } = (await other.post(`${V2}/ports`, { port: { network_id: world.network } })).body.port
    expect(fault(await update(id, { allowed_address_pairs: pairs }, other))).toEqual([
      403,
      'PolicyNotAuthorized',
      'rule:update_port:allowed_address_pairs is disallowed by policy',
    ])
    expect((await update(id, { allowed_address_pairs: pairs }, admin)).status).toBe(200)
  })

  test('reach the cloud with a server, and go from it again', async () => {
    const port = await made([{ ip_address: '10.0.0.200' }, { ip_address: '10.0.0.201', mac_address: OTHER }])
    await world.running({ networks: [{ port: port.id }] })
    const onCloud = async () => {
      await plimsoll.settle()
      const ports = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'port')
      return ports.find(({ spec }) => spec.mac === port.mac_address)?.spec.addressPairs
    }
    expect(await onCloud()).toEqual([
      { address: '10.0.0.200', mac: null },
      { address: '10.0.0.201', mac: OTHER },
    ])
    await update(port.id, { allowed_address_pairs: [] })
    expect(await onCloud()).toBeUndefined()
  })
})

describe('where a cloud cannot keep to them', () => {
  test('a port there has none, and no server with such a port goes there', async () => {
    await begin({ clouds: [{ name: 'dc1', type: 'open' }] })
    const brought = await made([{ ip_address: '10.0.0.200' }])
    const answer = await world.boot({ networks: [{ port: brought.id }] })
    expect([answer.status, answer.body.conflictingRequest?.message]).toEqual([409, WHY_UNPAIRED])
    const id = await world.running({})
    const [port] = (await demo.get(`${V2}/ports?device_id=${id}`)).body.ports
    const late = await update(port.id, { allowed_address_pairs: [{ ip_address: '10.0.0.200' }] })
    expect(fault(late)).toEqual([
      409,
      'AddressPairAndPortSecurityRequired',
      `Port Security must be enabled in order to have allowed address pairs on a port. ${WHY_UNPAIRED}`,
    ])
  })

  test('another MAC address than the own is refused in words', async () => {
    await begin({ clouds: [{ name: 'ec2', type: 'narrow' }] })
    const pairs = [{ ip_address: '10.0.0.200', mac_address: OTHER }]
    const brought = await made(pairs)
    const why = `Cloud ec2 sends from the own MAC address of a port alone, and a pair names ${OTHER}.`
    const answer = await world.boot({ networks: [{ port: brought.id }] })
    expect([answer.status, answer.body.conflictingRequest?.message]).toEqual([409, why])
    const id = await world.running({})
    const plugged = await demo.post(`/compute/v2.1/servers/${id}/os-interface`, {
      interfaceAttachment: { port_id: brought.id },
    })
    expect([plugged.status, plugged.body.conflictingRequest?.message]).toEqual([409, why])
    expect(fault(await create(pairs))).toEqual([409, 'AddressPairsNotSupported', why])
    expect(fault(await create([{ ip_address: 'fd00::9' }]))).toEqual([
      409,
      'AddressPairsNotSupported',
      'Cloud ec2 lets no IPv6 pass a port.',
    ])
    expect((await create([{ ip_address: '10.0.0.200' }])).status).toBe(201)
  })
})
