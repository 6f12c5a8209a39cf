import {
  type Mark,
  type NativeId,
  reading,
  type ServerRealm,
  type ServerSeen,
  type ServerSpec,
} from '../../contract.ts'
import { markedRealm } from '../../shared/realm.ts'
import { refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { NAMESPACE, type Note, PREFIX, writeNote } from '../marks.ts'
import { sizeOf } from '../offers.ts'
import type { Domain } from '../records/domain.ts'
import { everywhere, pageOf } from '../records/everywhere.ts'
import { atHostOf, partsOf } from '../records/ids.ts'
import { type Machine, machineOf, machinesOn } from '../records/machine.ts'
import { keepFormats } from '../storage/format.ts'
import type { Host } from '../wire/host.ts'
import { CUT_POWER, impactOn, SET_METADATA, UNDEFINE } from '../wire/procedures.ts'
import { powerActions, withOurs } from './power.ts'

const seenOf = (context: Context, { id, host, domain, disks, ports }: Machine): ServerSeen => {
  const { note, ref, power } = domain
  const ours = note?.mark.deployment === context.connection.deployment ? note : undefined
  return {
    id,
    ...(ours ? { mark: ours.mark } : {}),
    name: ours?.name ?? ref.name,
    health: 'ready',
    zone: host.zone,
    power,
    size: sizeOf(context, domain),
    volumes: disks.flatMap((disk) =>
      disk.id === null ? [] : [{ id: disk.id, device: `/dev/${disk.target}`, root: disk.root }],
    ),
    ports: ports.map(({ id: port, mac, addresses }) => ({ id: port, mac, addresses })),
    host: host.name,
  }
}

/** virDomainMetadataType */
const ELEMENT = 2

/** Writes our element into a domain, or (null) takes it out; everything else there stays as it is. */
const writeInto = (host: Host, { ref }: Domain, note: Note | null): Promise<unknown> =>
  host.call(SET_METADATA, {
    domain: ref,
    type: ELEMENT,
    metadata: note && writeNote(note),
    key: note && PREFIX,
    uri: NAMESPACE,
    flags: impactOn(ref),
  })

/** Saved memory, what is known of snapshots and checkpoints, and variables of the firmware go with a domain. */
const WITH_ALL = 1 | 2 | 4 | 16

/** A server as it would have been asked for, whoever made it. */
const readServer = (context: Context, { domain, host, disks, ports, id }: Machine) => {
  const root = disks.find((disk) => disk.root)
  const spec: ServerSpec = {
    name: domain.ref.name,
    size: { native: sizeOf(context, domain), vcpus: domain.cpus, ramMiB: domain.ramMiB, diskGiB: 0 },
    image: '',
    boot: root?.id ? { volume: root.id, arch: domain.arch } : null,
    zone: host.zone,
    ports: ports.map((port) => port.id),
    keypair: null,
    publicKey: null,
    userData: null,
    metadata: {},
    configDrive: false,
    drive: null,
    fork: null,
    group: null,
  }
  const loose = disks.filter((disk) => disk.id === null).length
  const cut = domain.cards.length - ports.length
  return reading(spec, {
    owns: spec.ports,
    lost: domain.persistent ? [] : [`${id} is transient: it is gone once it stops.`],
    left: [
      ...(loose ? [`It has disks in no pool, ${loose} in number, which are no volumes.`] : []),
      ...(cut ? [`It has cards on no network, ${cut} in number, which are no ports.`] : []),
    ],
  })
}

/**
 * A server is a domain, and carries its mark in the `<metadata>` of its definition. Those of others are adopted where they
 * run; none is made yet. A domain that is removed leaves its disks: they are volumes.
 */
export const server = (context: Context): ServerRealm => {
  const { connection, options } = context
  const at = <T>(id: NativeId, find: (host: Host, machine: Machine) => Promise<T | null>): Promise<T | null> =>
    atHostOf(context, id, async (host) => {
      const [uuid = ''] = partsOf(id, 1)
      const machine = await machineOf(host, uuid)
      return machine && find(host, machine)
    })
  const change = async ({ id }: Machine, work: (host: Host, domain: Domain) => Promise<unknown>): Promise<void> => {
    await at(id, async (host, { domain }) => work(host, domain))
  }
  const realm = markedRealm<ServerSpec, ServerSeen, Machine>(
    connection,
    {
      raw: (id) => at(id, async (_, machine) => machine),
      markOf: ({ domain }) => domain.note?.mark,
      one: (machine) => seenOf(context, machine),
      async find(mark: Mark) {
        const { found } = await everywhere(context, machinesOn)
        const own = found.flatMap(({ answer }) => answer).find(({ domain }) => domain.note?.mark.token === mark.token)
        return own ? seenOf(context, own) : null
      },
      list: () => pageOf(context, async (host) => (await machinesOn(host)).map((machine) => seenOf(context, machine))),
      remark: (machine, mark) =>
        change(machine, (host, domain) => writeInto(host, domain, mark && { mark, host: host.name })),
    },
    {
      once: 'unique',
      settleMs: options.settleMs,
      create: async () => refuse('Servers of this cloud are those that are there: none is made yet.'),
      remove: (machine) =>
        change(machine, async (host, { ref, power, persistent }) => {
          await keepFormats(context, machine.disks)
          if (power !== 'stopped' && power !== 'suspended')
            await unlessGone(() => host.call(CUT_POWER, { domain: ref, flags: 0 }))
          if (persistent) await unlessGone(() => host.call(UNDEFINE, { domain: ref, flags: WITH_ALL }))
        }),
      read: (machine) => readServer(context, machine),
    },
  )
  return {
    ...realm,
    ...powerActions(context),
    describe: (id, { name, metadata }) =>
      withOurs(context, id, async (host, domain) => {
        const { mark } = domain.note!
        const note = { mark, host: host.name, name, ...(Object.keys(metadata).length ? { metadata } : {}) }
        if (JSON.stringify(note) !== JSON.stringify(domain.note)) await writeInto(host, domain, note)
      }),
  }
}
