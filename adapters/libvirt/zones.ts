import type { Zone } from '../contract.ts'
import { CloudError } from '../errors.ts'
import type { Context } from './context.ts'
import { domainsOn } from './records/domain.ts'
import { everywhere } from './records/everywhere.ts'
import { poolsOn } from './records/volume.ts'
import type { Host } from './wire/host.ts'
import { GET_MEMORY_STATS, GET_NODE_INFO, POOL_INFO } from './wire/procedures.ts'

const KIB = 1024
const GIB = 1024 ** 3

interface Room {
  vcpus: [number, number]
  ramMiB: [number, number]
  diskBytes: [number, number]
  promised: { vcpus: number; ramMiB: number }
}

/** VIR_NODE_MEMORY_STATS_ALL_CELLS, and how many fields there are at most. */
const ALL_CELLS = -1
const FIELDS = 8

/** All that the machine has. What it says of itself besides may be of its first cell alone. */
export const memoryOf = async (host: Host, ofNode: number): Promise<number> => {
  const asked = { count: FIELDS, cell: ALL_CELLS, flags: 0 }
  const told = await host.call(GET_MEMORY_STATS, asked).catch((error) => {
    if (error instanceof CloudError && error.code === 'definitive') return { stats: [] }
    throw error
  })
  return told.stats.find(({ field }) => field === 'total')?.value ?? ofNode
}

const roomOn = async (host: Host): Promise<Room> => {
  const [node, domains, pools] = await Promise.all([host.call(GET_NODE_INFO, null), domainsOn(host), poolsOn(host)])
  const memory = await memoryOf(host, node.memoryKiB)
  const infos = await Promise.all(pools.map((pool) => host.call(POOL_INFO, { pool })))
  const sum = (of: typeof domains) =>
    of.reduce((all, { cpus, ramMiB }) => ({ vcpus: all.vcpus + cpus, ramMiB: all.ramMiB + ramMiB }), NONE)
  const used = sum(domains.filter(({ power }) => power !== 'stopped' && power !== 'suspended'))
  const ramMiB = Math.floor(memory / KIB)
  return {
    vcpus: [Math.min(used.vcpus, node.cpus), node.cpus],
    ramMiB: [Math.min(used.ramMiB, ramMiB), ramMiB],
    diskBytes: [
      infos.reduce((all, { capacity, available }) => all + Math.max(0, capacity - available), 0),
      infos.reduce((all, { capacity }) => all + capacity, 0),
    ],
    promised: sum(domains.filter(({ note }) => !note?.shelved)),
  }
}
const NONE = { vcpus: 0, ramMiB: 0 }

/**
 * A zone is a host, or those that the operator gave the same name. What runs has its processors and memory; how much all
 * machines were promised, running or not, is told beside. A zone of which no host answers takes nothing.
 */
export const zones = async (context: Context): Promise<Zone[]> => {
  const { found, down } = await everywhere(context, roomOn)
  const names = [...new Set(context.options.hosts.map(({ zone }) => zone))]
  return names.map((name) => {
    const rooms = found.filter(({ host }) => host.zone === name).map(({ answer }) => answer)
    const taking = context.options.hosts.some((host) => host.zone === name && !host.maintenance)
    const hosts = context.options.hosts
      .filter(({ zone }) => zone === name)
      .map((host) => ({ name: host.name, answers: !down.includes(host) }))
    if (!rooms.length || !taking) return { name, available: false, hosts }
    const both = (part: (room: Room) => [number, number]): [number, number] => [
      rooms.reduce((sum, room) => sum + part(room)[0], 0),
      rooms.reduce((sum, room) => sum + part(room)[1], 0),
    ]
    const [usedBytes, bytes] = both(({ diskBytes }) => diskBytes)
    return {
      name,
      available: true,
      hosts,
      room: {
        vcpus: both(({ vcpus }) => vcpus),
        ramMiB: both(({ ramMiB }) => ramMiB),
        diskGiB: [Math.ceil(usedBytes / GIB), Math.ceil(bytes / GIB)],
      },
      promised: rooms.reduce(
        (sum, { promised }) => ({ vcpus: sum.vcpus + promised.vcpus, ramMiB: sum.ramMiB + promised.ramMiB }),
        NONE,
      ),
    }
  })
}
