import { isDeepStrictEqual } from 'node:util'
import {
  type Mark,
  type NativeId,
  reading,
  type ServerRealm,
  type ServerSeen,
  type ServerSpec,
} from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { ofAgent } from '../errors.ts'
import { sizeOf } from '../offers.ts'
import { type Domain, isRescued } from '../records/domain.ts'
import { everywhere, pageOf } from '../records/everywhere.ts'
import { atHostOf, partsOf } from '../records/ids.ts'
import { type Machine, machineOf, machinesOn } from '../records/machine.ts'
import { keepFormats } from '../storage/format.ts'
import { type Host, onHost } from '../wire/host.ts'
import { SET_PASSWORD } from '../wire/procedures.ts'
import { bootFrom } from './boot-from.ts'
import { consoleLog } from './console.ts'
import { diagnose } from './diagnose.ts'
import { complete, define, unmake } from './make.ts'
import { writeInto } from './note.ts'
import { removeParts } from './parts.ts'
import { forgetHost, forgetSeat, hostFor, hostsOf } from './place.ts'
import { forgetPower, powerActions, withOurs } from './power.ts'
import { remoteConsole } from './remote-console.ts'
import { rescue, unrescue } from './rescue.ts'
import { rebuild, resize } from './reshape.ts'
import { leaveSeat } from './seats.ts'
import { shelve, unshelve } from './shelve.ts'

const seenOf = (context: Context, { id, host, domain, disks, ports }: Machine): ServerSeen => {
  const { note, ref, power } = domain
  const ours = note?.mark.deployment === context.connection.deployment ? note : undefined
  return {
    id,
    ...(ours ? { mark: ours.mark } : {}),
    name: ours?.name ?? ref.name,
    health: 'ready',
    zone: host.zone,
    power: ours?.making ? 'changing' : power,
    ...(ours?.making ? { unfinished: true } : {}),
    ...(ours && isRescued(domain) ? { rescued: true } : {}),
    size: sizeOf(context, domain),
    ...(ours?.made?.image ? { image: ours.made.image } : {}),
    volumes: disks.flatMap((disk) =>
      disk.id === null ? [] : [{ id: disk.id, device: `/dev/${disk.target}`, root: disk.root }],
    ),
    ports: ports.map(({ id: port, mac, addresses }) => ({ id: port, mac, addresses })),
    host: host.name,
  }
}

/** A server as it would have been asked for, whoever made it. */
const readServer = (context: Context, { domain, host, disks, ports, id }: Machine) => {
  const root = disks.find((disk) => disk.root)
  const { note } = domain
  const made = note?.made
  const spec: ServerSpec = {
    name: made ? (note?.name ?? domain.ref.name) : domain.ref.name,
    size: { native: sizeOf(context, domain), vcpus: domain.cpus, ramMiB: domain.ramMiB, diskGiB: 0 },
    image: made?.image ?? '',
    boot: root?.id ? { volume: root.id, arch: domain.arch } : null,
    zone: host.zone,
    ports: ports.map((port) => port.id),
    keypair: null,
    publicKey: null,
    userData: null,
    metadata: (made && note?.metadata) ?? {},
    configDrive: made?.configDrive ?? false,
    drive: null,
    fork: null,
    group: null,
  }
  const loose = disks.filter((disk) => disk.id === null && !disk.own).length
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

/** @throws `definitive` for what no server on these hosts is */
const refuseUnoffered = ({ options }: Context, spec: ServerSpec): void => {
  const { size, fork, option, keypair, publicKey } = spec
  if (!options.sizes.some(({ name }) => name === size.native)) refuse('The cloud does not know this size.')
  if (fork !== null) refuse('This cloud makes no server out of the memory of another.')
  if (option === 'spot') refuse('This cloud takes nothing back, and sells nothing that it might.')
  if (keypair !== null && publicKey === null) refuse('This cloud has no keypairs; the public key itself is needed.')
}

/** Makes a server, as far as one call gets; what is left `finish` does. What can never be leaves nothing. */
const make = async (context: Context, spec: ServerSpec, mark: Mark): Promise<ServerSeen> => {
  const option = await hostFor(context, spec, mark)
  return onHost(context, option, async (host) => {
    let domain: Domain | null = null
    try {
      domain = await define(context, host, spec, mark)
      await complete(context, host, domain)
    } catch (error) {
      if (error instanceof CloudError && ['definitive', 'capacity'].includes(error.code)) {
        if (domain) await unmake(context, host, domain)
        // Its discs are there before it is; what stays of them goes with the server itself.
        else await removeParts(context, host, mark.resource).catch(() => {})
        await leaveSeat(context, spec.zone, mark.resource)
      }
      throw error
    }
    const machine = await machineOf(host, domain.ref.uuid)
    if (!machine) throw gone(domain.ref.uuid)
    return seenOf(context, machine)
  })
}

/**
 * A server is a domain, and carries its mark in the `<metadata>` of its definition. Those of others are adopted where they
 * run. A domain that is removed leaves its disks that are volumes, and takes along what was made for it alone.
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
      async find(mark: Mark, { zone }) {
        const { found, down } = await everywhere(context, machinesOn)
        const own = found.flatMap(({ answer }) => answer).find(({ domain }) => domain.note?.mark.token === mark.token)
        if (own) return seenOf(context, own)
        const possible = down.length ? await hostsOf(context, zone, mark) : []
        const first = down.find(({ name }) => possible.includes(name))
        if (!first) return null
        throw new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
          operatorMessage: `Host ${first.name} does not answer, and may have the server.`,
          part: first.name,
        })
      },
      list: () => pageOf(context, async (host) => (await machinesOn(host)).map((machine) => seenOf(context, machine))),
      remark: (machine, mark) =>
        change(machine, async (host, domain) => {
          if (!mark && isRescued(domain))
            throw new CloudError('conflict', 'The server runs from another disk than its own.')
          await writeInto(host, domain, mark && { mark, host: host.name })
        }),
    },
    {
      once: 'unique',
      settleMs: options.settleMs,
      check: (spec) => refuseUnoffered(context, spec),
      create: (spec, mark) => make(context, spec, mark),
      remove: (machine, mark) =>
        change(machine, async (host, domain) => {
          await keepFormats(context, machine.disks)
          await unmake(context, host, domain)
          await forgetSeat(context, host.zone, mark)
          await forgetPower(context, machine.id)
        }),
      async removeRest(mark) {
        await everywhere(context, (host) => removeParts(context, host, mark.resource))
        await forgetHost(context, mark)
      },
      read: (machine) => readServer(context, machine),
    },
  )
  return {
    ...realm,
    groups: true,
    ...powerActions(context),
    consoleLog: consoleLog(context),
    diagnose: (id) => diagnose(context, id),
    remoteConsole: remoteConsole(context),
    resize: (id, size, power) => resize(context, id, size, power),
    changePassword: (id, password) =>
      withOurs(context, id, (host, { ref: domain, note }) => {
        const user = note?.made?.agent?.admin ?? 'root'
        const answer = host.call(SET_PASSWORD, { domain, user, password, flags: 0 })
        return ofAgent(answer, `The guest did not set the password of ${user}.`)
      }),
    rescue: (id, image, token) => rescue(context, id, image, token),
    unrescue: (id) => unrescue(context, id),
    shelve: (id) => shelve(context, id),
    unshelve: (id) => unshelve(context, id),
    bootFrom: (id, volume, power) => bootFrom(context, id, volume, power),
    rebuild: (id, fresh, token) => rebuild(context, id, fresh, token),
    finish: (id) => withOurs(context, id, (host, domain) => complete(context, host, domain)),
    describe: (id, { name, metadata }) =>
      withOurs(context, id, async (host, domain) => {
        const { metadata: _, ...before } = domain.note!
        const note = { ...before, name, ...(Object.keys(metadata).length ? { metadata } : {}) }
        if (!isDeepStrictEqual(note, domain.note)) await writeInto(host, domain, note)
      }),
  }
}
