import { beforeEach, expect, test } from 'vitest'
import { counted, speakingCloudType } from '../../support/speaking-cloud.ts'
import { at, NOVA, newWorld, type World } from './servers/world.ts'

speakingCloudType()

let w: World
let id: string
beforeEach(async () => {
  counted.off = false
  w = await newWorld({ clouds: [{ name: 'lab', type: 'speaking' }] })
  id = await w.running()
})
const shown = (version?: string) =>
  w.admin.get(`${NOVA}/servers/${id}/diagnostics`, version === undefined ? undefined : at(version))

test('what a machine has used is told as its hypervisor names it', async () => {
  const { status, body } = await shown()
  expect([status, body]).toEqual([
    200,
    {
      cpu0_time: 17_300_000_000,
      ...{ vda_read_req: 112, vda_read: 262_144, vda_write_req: 48, vda_write: 12_288, vda_errors: -1 },
      ...{ memory: 524_288, 'memory-current': 262_144, 'memory-rss': 300_000 },
      ...{ vnet1_rx: 2_070, vnet1_rx_packets: 26, vnet1_rx_errors: 0, vnet1_rx_drop: 0 },
      ...{ vnet1_tx: 0, vnet1_tx_packets: 0, vnet1_tx_errors: 0, vnet1_tx_drop: 0 },
    },
  ])
  expect((await shown('2.47')).body).toEqual(body)
})

test('and from 2.48 on in one form for all hypervisors', async () => {
  w.plimsoll.clock.advance(61_000)
  expect((await shown('2.48')).body).toEqual({
    config_drive: false,
    cpu_details: [{ id: 0, time: 17_300_000_000, utilisation: null }],
    disk_details: [
      { read_bytes: 262_144, read_requests: 112, write_bytes: 12_288, write_requests: 48, errors_count: null },
    ],
    driver: 'libvirt',
    hypervisor: 'kvm',
    hypervisor_os: 'linux',
    memory_details: { maximum: 512, used: 256 },
    nic_details: [
      {
        mac_address: 'fa:16:3e:00:00:01',
        ...{ rx_octets: 2_070, rx_packets: 26, rx_errors: 0, rx_drop: 0, rx_rate: null },
        ...{ tx_octets: 0, tx_packets: 0, tx_errors: 0, tx_drop: 0, tx_rate: null },
      },
    ],
    ...{ num_cpus: 1, num_disks: 1, num_nics: 1, state: 'running' },
    uptime: expect.any(Number),
  })
  expect((await shown('2.48')).body.uptime).toBeGreaterThanOrEqual(61)
})

test('a machine that is off has none, be it known or not', async () => {
  counted.off = true
  const late = await shown()
  const words = `Cannot 'get_diagnostics' instance ${id} while it is in power state shutdown`
  expect([late.status, late.body.conflictingRequest.message]).toEqual([409, words])
  await w.act(id, { 'os-stop': null })
  await w.plimsoll.settle()
  counted.off = false
  const known = await shown('2.48')
  expect([known.status, known.body.conflictingRequest.message]).toEqual([409, words])
})

test('they are for administrators, of servers that are there, on clouds that count', async () => {
  const path = `${NOVA}/servers/${id}/diagnostics`
  expect((await w.demo.get(path)).status).toBe(403)
  expect((await w.admin.get(path.replace(id, crypto.randomUUID()))).status).toBe(404)
  w = await newWorld()
  id = await w.running()
  const { status, body } = await shown()
  expect([status, body.notImplemented?.message ?? body]).toEqual([501, expect.stringContaining('not supported')])
})
