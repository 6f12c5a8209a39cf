import { type Mark, type NativeId, type NetworkSeen, type NetworkSpec, type Realm, reading } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { readMark, writeMark } from '../../shared/mark-line.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { domainsOn, type Plug } from '../records/domain.ts'
import { everywhere, pageOf } from '../records/everywhere.ts'
import { atHostOf, idOn, partsOf } from '../records/ids.ts'
import { exceptOthers } from '../records/looking.ts'
import { networkId } from '../records/machine.ts'
import { type Network, networkOf, networksOn } from '../records/network.ts'
import { NETWORKS, networkOfOurs, PORTS } from '../records/tables.ts'
import { type Host, keepOf } from '../wire/host.ts'

/** One that is made here, or one that is there. */
interface Native {
  seen: NetworkSeen
  /** Null: it is somebody's network of libvirt's, or a bridge or a device. */
  made: { mark: Mark | undefined; spec: NetworkSpec } | null
}

const seenOf = (host: Host, { ref, vlan }: Network): NetworkSeen => ({
  id: idOn(host, 'network', ref.uuid),
  name: ref.name,
  health: 'ready',
  ...(vlan === null ? {} : { segmentationId: vlan }),
})

const seenOfPlug = (host: Host, plug: Plug): NetworkSeen => ({
  id: networkId(host, plug, [])!,
  name: plug.vlan === null ? plug.name : `${plug.name}.${plug.vlan}`,
  health: 'ready',
  ...(plug.vlan === null ? {} : { segmentationId: plug.vlan }),
})

/** Bridges and devices of a host that its domains are plugged into: nothing lists those that are for them. */
const plugsOn = async (host: Host): Promise<NetworkSeen[]> => {
  const plugs = (await domainsOn(host)).flatMap(({ cards }) => cards.flatMap(({ plug }) => plug ?? []))
  const seen = plugs.filter(({ kind }) => kind !== 'network').map((plug) => seenOfPlug(host, plug))
  return [...new Map(seen.map((each) => [each.id, each])).values()]
}

/** What others made: a network of libvirt's that was made here is a subnet. */
const others = async (host: Host): Promise<NetworkSeen[]> => [
  ...(await networksOn(host)).filter(({ note }) => !note).map((each) => seenOf(host, each)),
  ...(await plugsOn(host)),
]

const raw = async (context: Context, id: NativeId): Promise<Native | null> => {
  const kept = await NETWORKS.get(keepOf(context), id)
  if (kept) return nativeOf(context, kept.record)
  const seen = await atHostOf(context, id, async (host): Promise<NetworkSeen | null> => {
    const [kind, uuid = ''] = partsOf(id, 2)
    if (kind !== 'network') return (await plugsOn(host)).find((each) => each.id === id) ?? null
    const found = await networkOf(host, uuid)
    return found && !found.note ? seenOf(host, found) : null
  })
  return seen && { seen, made: null }
}

const nativeOf = (
  { connection }: Context,
  { id, mark: words, spec }: { id: NativeId; mark: string; spec: NetworkSpec },
): Native => {
  const mark = readMark(words)
  const own = mark?.deployment === connection.deployment ? { mark } : {}
  return { seen: { id, ...own, name: spec.name, health: 'ready' }, made: { mark, spec } }
}

/** @throws `conflict` while anything is on the network, `ambiguous` while a host does not answer that may have it */
const refuseInUse = async (context: Context, id: NativeId): Promise<void> => {
  if ((await PORTS.all(keepOf(context))).some(({ spec }) => spec.network === id))
    throw new CloudError('conflict', 'The network still has ports.')
  const { found, down } = await everywhere(context, networksOn)
  if (found.some(({ answer }) => answer.some(({ note }) => note?.spec.network === id)))
    throw new CloudError('conflict', 'The network still has subnets.')
  if (down.length)
    throw new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
      operatorMessage: `Host ${down[0]!.name} does not say whether it has a subnet of the network.`,
      part: down[0]!.name,
    })
}

/**
 * A network that is made here is a record of ours: on which hosts it is, its subnets say, each of which is a network of
 * libvirt's. What others made, a network of libvirt's or a bridge or a device of the host, is looked at and never changed.
 */
export const network = (context: Context): Realm<NetworkSpec, NetworkSeen> => {
  const keep = keepOf(context)
  const find = async ({ token }: Mark): Promise<NetworkSeen | null> =>
    (await raw(context, networkOfOurs(token)))?.seen ?? null
  const realm = markedRealm<NetworkSpec, NetworkSeen, Native>(
    context.connection,
    {
      raw: (id) => raw(context, id),
      markOf: ({ made }) => made?.mark,
      one: ({ seen }) => seen,
      find,
      async list() {
        const page = await pageOf(context, others)
        const made = (await NETWORKS.all(keep)).map((record) => nativeOf(context, record).seen)
        return { ...page, items: [...page.items, ...made] }
      },
    },
    {
      once: 'unique',
      settleMs: 0,
      async create(spec, mark) {
        const id = networkOfOurs(mark.token)
        await NETWORKS.put(keep, { id, mark: writeMark(mark), spec }, 0)
        return (await find(mark)) ?? Promise.reject(gone(id))
      },
      async update({ seen: { id } }, spec) {
        const changed = await NETWORKS.change(keep, id, (record) => ({ ...record, spec }))
        if (!changed) throw gone(id)
        return nativeOf(context, changed).seen
      },
      async remove({ seen: { id } }) {
        await refuseInUse(context, id)
        await NETWORKS.drop(keep, id)
      },
      read: ({ seen, made }) =>
        made
          ? reading(made.spec)
          : reading({ name: seen.name ?? '', cidrs: [] }, { lost: ['The network is looked at and never changed.'] }),
    },
  )
  return exceptOthers(realm, 'Networks', async (id) => {
    const native = await raw(context, id)
    return native && !native.made ? native.seen : null
  })
}
