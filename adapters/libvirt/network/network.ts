import { type NetworkSeen, type NetworkSpec, type Realm, reading } from '../../contract.ts'
import type { Context } from '../context.ts'
import { domainsOn, type Plug } from '../records/domain.ts'
import { pageOf } from '../records/everywhere.ts'
import { atHostOf, idOn, partsOf } from '../records/ids.ts'
import { looking } from '../records/looking.ts'
import { networkId } from '../records/machine.ts'
import { type Network, networkOf, networksOn } from '../records/network.ts'
import type { Host } from '../wire/host.ts'

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

const on = async (host: Host): Promise<NetworkSeen[]> => [
  ...(await networksOn(host)).map((each) => seenOf(host, each)),
  ...(await plugsOn(host)),
]

/** A network is one of libvirt's, or a bridge or a device of the host that domains are plugged into. */
export const network = (context: Context): Realm<NetworkSpec, NetworkSeen> => {
  const get = (id: string) =>
    atHostOf(context, id, async (host): Promise<NetworkSeen | null> => {
      const [kind, name = ''] = partsOf(id, 2)
      if (kind !== 'network') return (await plugsOn(host)).find((each) => each.id === id) ?? null
      const found = await networkOf(host, name)
      return found && seenOf(host, found)
    })
  return {
    ...looking<NetworkSpec, NetworkSeen>('Networks'),
    get,
    list: () => pageOf(context, on),
    async read(id) {
      const seen = await get(id)
      if (!seen) return null
      return reading({ name: seen.name ?? '', cidrs: [] }, { lost: ['The network is looked at and never changed.'] })
    },
  }
}
