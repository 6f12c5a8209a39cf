import type { Diagnostics } from '../../../adapters/contract.ts'
import { POWER_STATES } from '../../broker/compute/lifecycle.ts'
import { diagnosticsOf } from '../../broker/compute/stream.ts'
import type { Context } from '../../context.ts'
import { conflict, Fault } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { serverOf } from './server.ts'

/* What a machine has used: nova/api/openstack/compute/server_diagnostics.py, nova/virt/libvirt/driver.py */

type Server = Awaited<ReturnType<typeof serverOf>>

const KIB = 1024

/** As libvirt's driver names them; it has no count of errors of disks, which it says by -1. */
const oldView = ({ memory, cpus, disks, cards }: Diagnostics): Record<string, number> => ({
  ...Object.fromEntries(cpus.map(({ id, time }) => [`cpu${id}_time`, time])),
  ...Object.fromEntries(
    disks.flatMap(({ name, reads, readBytes, writes, writtenBytes }) => [
      [`${name}_read_req`, reads],
      [`${name}_read`, readBytes],
      [`${name}_write_req`, writes],
      [`${name}_write`, writtenBytes],
      [`${name}_errors`, -1],
    ]),
  ),
  memory: memory.maximumKiB,
  ...Object.fromEntries(Object.entries(memory.told).map(([name, kib]) => [`memory-${name}`, kib])),
  ...Object.fromEntries(
    cards.flatMap(({ name, received, sent }) =>
      Object.entries({ rx: received, tx: sent }).flatMap(([way, { octets, packets, errors, dropped }]) => [
        [`${name}_${way}`, octets],
        [`${name}_${way}_packets`, packets],
        [`${name}_${way}_errors`, errors],
        [`${name}_${way}_drop`, dropped],
      ]),
    ),
  ),
})

const view = ({ driver, hypervisor, memory, cpus, disks, cards }: Diagnostics, server: Server, { now }: Context) => ({
  config_drive: server.configDrive,
  cpu_details: cpus.map(({ id, time }) => ({ id, time, utilisation: null })),
  disk_details: disks.map(({ reads, readBytes, writes, writtenBytes }) => ({
    errors_count: null,
    read_bytes: readBytes,
    read_requests: reads,
    write_bytes: writtenBytes,
    write_requests: writes,
  })),
  driver,
  hypervisor,
  hypervisor_os: 'linux',
  memory_details: {
    maximum: Math.floor(memory.maximumKiB / KIB),
    used: Math.floor((memory.told.current ?? memory.maximumKiB) / KIB),
  },
  nic_details: cards.map(({ mac, received, sent }) => ({
    mac_address: mac,
    rx_drop: received.dropped,
    rx_errors: received.errors,
    rx_octets: received.octets,
    rx_packets: received.packets,
    rx_rate: null,
    tx_drop: sent.dropped,
    tx_errors: sent.errors,
    tx_octets: sent.octets,
    tx_packets: sent.packets,
    tx_rate: null,
  })),
  num_cpus: cpus.length,
  num_disks: disks.length,
  num_nics: cards.length,
  state: 'running',
  uptime: server.launchedAt === null ? null : Math.floor((now() - server.launchedAt) / 1000),
})

/** nova/compute/power_state.py, STATE_MAP */
const WORDS: Record<number, string> = {
  [POWER_STATES.none]: 'pending',
  [POWER_STATES.paused]: 'paused',
  [POWER_STATES.shutdown]: 'shutdown',
  [POWER_STATES.crashed]: 'crashed',
  [POWER_STATES.suspended]: 'suspended',
}

const off = ({ id }: Server, state: number): Fault =>
  conflict(`Cannot 'get_diagnostics' instance ${id} while it is in power state ${WORDS[state] ?? WORDS[0]}`)

export const diagnosticsOperations: Operation[] = [
  operation({
    name: 'server-diagnostics.show',
    method: 'GET',
    path: '/servers/:id/diagnostics',
    who: 'admin',
    summary: 'What the machine has used, on clouds that tell; 501 on others.',
    status: 200,
    handle: async (input) => {
      const { context, version } = input
      const server = await serverOf(input)
      if (server.powerState !== POWER_STATES.running) throw off(server, server.powerState)
      const told = await diagnosticsOf(context, server)
      if ('lacking' in told) throw new Fault(501, `The requested functionality is not supported. ${told.lacking}`)
      if ('off' in told) throw off(server, POWER_STATES.shutdown)
      return { body: version < 48 ? oldView(told) : view(told, server, context) }
    },
  }),
]
