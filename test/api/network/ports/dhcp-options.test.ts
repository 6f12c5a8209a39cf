import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { remembered } from '../../../../adapters/sandbox/backdoor.ts'
import type { Client, Plimsoll } from '../../../support/harness.ts'
import { openCloudType, WHY_UNTOLD } from '../../../support/open-cloud.ts'
import { askedWhile } from '../../block-storage/asked-while.ts'
import { newWorld, type World } from '../../compute/servers/world.ts'

/* What a guest is told by DHCP beside the usual. */

const V2 = '/network/v2.0'
let world: World
let plimsoll: Plimsoll
let demo: Client
beforeAll(() => openCloudType())
const begin = async (clouds?: Parameters<typeof newWorld>[0]) => {
  world = await newWorld(clouds)
  plimsoll = world.plimsoll
  demo = world.demo
}
const create = (extra_dhcp_opts: unknown) =>
  demo.post(`${V2}/ports`, { port: { network_id: world.network, extra_dhcp_opts } })
const update = (id: string, extra_dhcp_opts: unknown) => demo.put(`${V2}/ports/${id}`, { port: { extra_dhcp_opts } })
const BOOT = { opt_name: 'bootfile-name', opt_value: 'pxelinux.0' }
const BLANK = { opt_name: 'router', opt_value: '' }
const V6 = { opt_name: 'dns-server', opt_value: '[2001:db8::1]', ip_version: 6 }

describe('options of DHCP', () => {
  beforeEach(() => begin())

  test('are named one by one, changed, and gone when they have no value', async () => {
    const made = await create([BOOT, BLANK, { ...V6, ip_version: '6' }, { opt_name: 'ntp', opt_value: null }])
    const [boot, blank] = [BOOT, BLANK].map((each) => ({ ...each, ip_version: 4 }))
    expect([made.status, made.body.port.extra_dhcp_opts]).toEqual([201, [boot, blank, V6]])
    const { id } = made.body.port
    const changed = await update(id, [
      { ...BOOT, opt_value: 'grub' },
      { ...BOOT, ip_version: 6 },
      { ...BLANK, opt_value: null },
    ])
    expect(changed.body.port.extra_dhcp_opts).toEqual([{ ...boot, opt_value: 'grub' }, V6, { ...BOOT, ip_version: 6 }])
    expect((await update(id, [])).body.port.extra_dhcp_opts).toHaveLength(3)
    expect((await update(id, null)).body.port.extra_dhcp_opts).toHaveLength(3)
    expect((await create([])).body.port.extra_dhcp_opts).toEqual([])
  })

  test('that two change at once are both changed', async () => {
    const { id } = (await create([BOOT])).body.port
    const ntp = { opt_name: 'ntp-server', opt_value: '10.0.0.9' }
    await askedWhile(
      plimsoll,
      () => update(id, [ntp]),
      () => update(id, [{ ...BOOT, opt_value: 'grub' }]),
    )
    const { port } = (await demo.get(`${V2}/ports/${id}`)).body
    expect(port.extra_dhcp_opts).toEqual(
      [BOOT, ntp].map((each, i) => ({ ...each, ip_version: 4, ...(i ? {} : { opt_value: 'grub' }) })),
    )
  })

  test('reach the cloud with a server', async () => {
    const { port } = (await create([BOOT])).body
    await world.running({ networks: [{ port: port.id }] })
    const onCloud = async () => {
      await plimsoll.settle()
      const ports = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'port')
      return ports.find(({ spec }) => spec.mac === port.mac_address)?.spec.dhcpOptions
    }
    expect(await onCloud()).toEqual([{ name: 'bootfile-name', value: 'pxelinux.0', family: 4 }])
    await update(port.id, [{ ...BOOT, opt_value: null }])
    expect(await onCloud()).toBeUndefined()
  })

  test.each([
    ['x', "'x' is not a list"],
    [['x'], "'x' is not a dictionary"],
    [[{ opt_name: 'a' }], 'Expected keys not found: opt_value'],
    [[{ opt_value: 'a' }], 'Expected keys not found: opt_name'],
    [[{ ...BOOT, more: 1 }], 'Unexpected keys supplied: more'],
    [[{ ...BOOT, ip_version: 5 }], "'5' is not in [4, 6]"],
    [[{ opt_name: ' ', opt_value: 'a' }], "' ' Blank strings are not permitted"],
    [[{ opt_name: 'a', opt_value: '' }], "'' Blank strings are not permitted"],
    [[{ opt_name: 'a\nb', opt_value: 'a' }], 'Multi-line string is not allowed'],
    [[{ opt_name: 'a'.repeat(65), opt_value: 'a' }], `'${'a'.repeat(65)}' exceeds maximum length of 64`],
    [Array.from({ length: 33 }, () => BOOT), 'there are 32 options of a port at most'],
  ])('that are none are refused: %j', async (options, reason) => {
    const { status, body } = await create(options)
    expect([status, body.NeutronError.message]).toEqual([400, `Invalid input for extra_dhcp_opts. Reason: ${reason}.`])
  })

  test('are not more than a port may have, however they come', async () => {
    const many = (from: number) => Array.from({ length: 20 }, (_, i) => ({ ...BOOT, opt_name: `o${from + i}` }))
    const { port } = (await create(many(0))).body
    expect((await update(port.id, many(20))).status).toBe(400)
  })
})

test('a cloud that tells guests of none has no port with some, and no server with one', async () => {
  await begin({ clouds: [{ name: 'dc1', type: 'open' }] })
  expect((await demo.get(`${V2}/extensions/extra_dhcp_opt`)).status).toBe(404)
  const { port } = (await create([BOOT])).body
  const answer = await world.boot({ networks: [{ port: port.id }] })
  expect([answer.status, answer.body.conflictingRequest?.message]).toEqual([409, WHY_UNTOLD])
  const running = await world.running({})
  const plugged = await demo.post(`/compute/v2.1/servers/${running}/os-interface`, {
    interfaceAttachment: { port_id: port.id },
  })
  expect([plugged.status, plugged.body.conflictingRequest?.message]).toEqual([409, WHY_UNTOLD])
  const late = await create([BOOT])
  expect([late.status, late.body.NeutronError.type, late.body.NeutronError.message]).toEqual([
    ...[409, 'ExtraDhcpOptsNotSupported', WHY_UNTOLD],
  ])
})
