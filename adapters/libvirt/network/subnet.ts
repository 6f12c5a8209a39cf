import {
  ANY_SUBNET,
  type Mark,
  type NativeId,
  type Realm,
  reading,
  type Seen,
  type SubnetLimits,
  type SubnetSpec,
} from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { formatCidr, overlaps, parseCidr } from '../../shared/cidr.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone, refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import type { HostOption } from '../options.ts'
import { domainsOn } from '../records/domain.ts'
import { pageOf } from '../records/everywhere.ts'
import { hostsFor } from '../records/hosts.ts'
import { atHostOf, idOn, partsOf } from '../records/ids.ts'
import { exceptOthers } from '../records/looking.ts'
import { subnetId } from '../records/machine.ts'
import { type Network, networkOf, networksOn, type ServedBlock } from '../records/network.ts'
import { NETWORKS, portsOn } from '../records/tables.ts'
import { type Host, keepOf, onHost } from '../wire/host.ts'
import {
  DEFINE_NETWORK,
  type NetworkRef,
  START_NETWORK,
  START_NETWORK_AT_BOOT,
  STOP_NETWORK,
  UNDEFINE_NETWORK,
} from '../wire/procedures.ts'
import { entriesOf, serve } from './dhcp.ts'
import { hostAddress, networkXml, uuidFor } from './libvirt-network.ts'
import { pluggedInto } from './wire.ts'

/** What hosts can be asked for. libvirt knows a guest by its MAC address in IPv4 alone. */
export const LIMITS: SubnetLimits = {
  ...ANY_SUBNET,
  prefixes: { 4: { widest: 8, narrowest: 30 } },
  gateway: 'first',
}

/** A block of a network of libvirt's. Of one that was made here it is the only one. */
interface Native {
  host: Pick<HostOption, 'name' | 'zone'>
  network: Network
  block: ServedBlock
}

const idOf = ({ host, network: { ref }, block }: Native): NativeId =>
  subnetId(idOn(host, 'network', ref.uuid), block.cidr)

const blocksOf = ({ name, zone }: Host, network: Network): Native[] =>
  network.blocks.map((block) => ({ host: { name, zone }, network, block }))

/** @throws `definitive` for what hosts cannot be asked for */
const check = ({ cidr, gateway, wire }: SubnetSpec): void => {
  const block = parseCidr(cidr)
  const prefixes = block && LIMITS.prefixes[block.family]
  if (!block || !prefixes) {
    refuse('Subnets of this cloud are of IPv4.')
    return
  }
  if (block.prefix < prefixes.widest || block.prefix > prefixes.narrowest)
    refuse(`Subnets of this cloud are from /${prefixes.widest} to /${prefixes.narrowest}.`)
  if (!wire && gateway !== null && gateway !== hostAddress({ cidr }))
    refuse('The gateway of a subnet of this cloud is its first address, or there is none.')
}

/** A host has an address in every subnet but those on bridges, so no two may have one address. @throws `conflict`, `definitive` */
const refuseOverlap = async (host: Host, spec: SubnetSpec, uuid: string): Promise<void> => {
  const wanted = parseCidr(spec.cidr)!
  for (const { ref, note, blocks } of await networksOn(host)) {
    if (ref.uuid === uuid) continue
    if (note?.spec.network === spec.network) refuse('A network of this cloud has one subnet in each zone.')
    if (spec.wire || note?.spec.wire) continue
    if (blocks.some(({ cidr }) => overlaps(parseCidr(cidr)!, wanted)))
      throw new CloudError('conflict', `Another network on the host has addresses of ${spec.cidr}.`)
  }
}

/** Sees to it that it runs, and will when its host starts. What is wrong with it, libvirt says by an error of the inside. */
const start = async (host: Host, network: NetworkRef): Promise<void> => {
  await host.call(START_NETWORK_AT_BOOT, { network, autostart: 1 })
  const now = await networkOf(host, network.uuid)
  if (!now) throw gone(network.name)
  if (!now.running) await host.call(START_NETWORK, { network })
}

const VIA_ROUTES = 'VIR_ERR_INTERNAL_ERROR'

/** Where a network of a host's own has the range already, libvirt finds out as it starts: then nothing is left of it. */
const startFresh = async (host: Host, network: NetworkRef): Promise<void> => {
  try {
    await start(host, network)
  } catch (error) {
    if (!(error instanceof CloudError && error.detail.cloudCode === VIA_ROUTES)) throw error
    if ((await networkOf(host, network.uuid))?.running) return
    await unlessGone(() => host.call(UNDEFINE_NETWORK, { network }))
    throw new CloudError('conflict', 'The host cannot start the network: its range may be in use there.', error.detail)
  }
}

const isPlugged = async (host: Host, { ref }: Network): Promise<boolean> =>
  (await domainsOn(host)).some(({ cards }) =>
    cards.some(({ plug }) => plug?.kind === 'network' && plug.name === ref.name),
  )

/** What only a start of the network brings about, as text. */
const formOf = ({ cidr, gateway, dhcp, dnsServers }: SubnetSpec): string =>
  JSON.stringify([cidr, gateway, dhcp, dnsServers])

/**
 * A subnet that is made here is a network of libvirt's on one host of its zone, with its mark in the definition. What others
 * made is looked at: each block of addresses of a network of theirs.
 */
export const subnet = (context: Context): Realm<SubnetSpec> => {
  const { connection, options } = context
  const markOf = ({ network: { note } }: Native): Mark | undefined => note?.mark
  const seenOf = (native: Native): Seen => {
    const mark = markOf(native)
    return {
      id: idOf(native),
      ...(mark?.deployment === connection.deployment ? { mark } : {}),
      name: native.network.note?.spec.name ?? native.block.cidr,
      health: 'ready',
      zone: native.host.zone,
    }
  }
  const blockOn = async (host: Host, uuid: string, cidr?: string): Promise<Native | null> => {
    const found = await networkOf(host, uuid)
    return (found && blocksOf(host, found).find(({ block }) => cidr === undefined || block.cidr === cidr)) ?? null
  }
  const raw = (id: NativeId) => {
    const [kind, uuid = '', cidr = ''] = partsOf(id, 3)
    return atHostOf(context, id, async (host) => (kind === 'network' ? blockOn(host, uuid, cidr) : null))
  }
  const define = async (host: Host, mark: Mark, spec: SubnetSpec): Promise<NetworkRef> => {
    const entries = entriesOf(await portsOn(host, uuidFor(mark.token)))
    const plugged = spec.wire ? pluggedInto(options.bridges, spec.wire) : null
    const xml = networkXml({ mark, host: host.name, spec }, options.forward, entries, plugged)
    return (await host.call(DEFINE_NETWORK, { xml })).network
  }
  const change = async (native: Native, work: (host: Host) => Promise<unknown>): Promise<void> => {
    await atHostOf(context, idOf(native), work)
  }
  const realm = markedRealm<SubnetSpec, Seen, Native>(
    connection,
    {
      raw,
      markOf,
      one: seenOf,
      async find(mark, { zone }) {
        const looks = hostsFor(context, zone, mark.token).map((option) =>
          onHost(context, option, (host) => blockOn(host, uuidFor(mark.token))),
        )
        for (const found of await Promise.all(looks))
          if (found && markOf(found)?.token === mark.token) return seenOf(found)
        return null
      },
      list: () =>
        pageOf(context, async (host) => (await networksOn(host)).flatMap((each) => blocksOf(host, each)).map(seenOf)),
    },
    {
      once: 'unique',
      settleMs: options.settleMs,
      check,
      async create(given, mark) {
        const spec = { ...given, cidr: formatCidr(parseCidr(given.cidr)!) }
        if (!(await NETWORKS.get(keepOf(context), spec.network)))
          refuse('Only networks that were made here get subnets: those of others have the ones that are there.')
        const [option] = hostsFor(context, spec.zone, mark.token)
        return onHost(context, option, async (host) => {
          const uuid = uuidFor(mark.token)
          if (!(await networkOf(host, uuid))) {
            await refuseOverlap(host, spec, uuid)
            await startFresh(host, await define(host, mark, spec))
          } else await start(host, { name: `plimsoll-${mark.token}`, uuid })
          return seenOf((await blockOn(host, uuid)) ?? (await Promise.reject(gone(uuid))))
        })
      },
      async update(native, given) {
        const { network } = native
        const { mark, spec: old } = network.note!
        const spec = { ...given, cidr: formatCidr(parseCidr(given.cidr)!) }
        const fixed = ({ network: of, cidr, zone, wire }: SubnetSpec) => JSON.stringify([of, cidr, zone, wire])
        if (fixed(spec) !== fixed(old)) refuse('Network, zone, bridge and range of a subnet do not change.')
        await change(native, async (host) => {
          const other = formOf(spec) !== formOf(old)
          if (other && (await isPlugged(host, network)))
            throw new CloudError('conflict', 'What a subnet tells its servers changes while it has none.')
          if (other || spec.name !== old.name) await define(host, mark, spec)
          if (other && network.running) await host.call(STOP_NETWORK, { network: network.ref })
          await start(host, network.ref)
          await serve(host, (await networkOf(host, network.ref.uuid)) ?? network)
        })
        return seenOf((await raw(idOf(native))) ?? (await Promise.reject(gone(idOf(native)))))
      },
      async remove(native) {
        const { network } = native
        await change(native, async (host) => {
          if ((await portsOn(host, network.ref.uuid)).length)
            throw new CloudError('conflict', 'The subnet still has ports.')
          if (await isPlugged(host, network)) throw new CloudError('conflict', 'The subnet still has servers.')
          if (network.running) await unlessGone(() => host.call(STOP_NETWORK, { network: network.ref }))
          await unlessGone(() => host.call(UNDEFINE_NETWORK, { network: network.ref }))
        })
      },
      read({ host, network: { ref, note }, block: { cidr, gateway, dhcp } }) {
        if (note) return reading(note.spec)
        const network = idOn(host, 'network', ref.uuid)
        const spec = { name: cidr, network, cidr, gateway, zone: host.zone, dhcp, dnsServers: [] }
        return reading(spec, { lost: ['The subnet is looked at and never changed.'] })
      },
    },
  )
  return exceptOthers(realm, 'Subnets', async (id) => {
    const native = await raw(id)
    return native && !native.network.note ? seenOf(native) : null
  })
}
