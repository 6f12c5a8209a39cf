import { refuse } from '../../shared/refusals.ts'
import { textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { look, refAt, text } from '../wire/properties.ts'
import { type Ref, ref, type Value } from '../wire/soap.ts'

/** A network as a card names it: a port group of a distributed or a standard switch, or a network that NSX manages. */
export interface PortGroup {
  ref: Ref
  name: string
  /** Of a distributed switch. */
  switchUuid: string | null
  /** Of a network that NSX manages. */
  opaque: { id: string; type: string } | null
}

/** Ids of networks begin with what they are. */
export const networkRef = (id: string) =>
  ref(
    id.startsWith('dvportgroup-')
      ? 'DistributedVirtualPortgroup'
      : /^network-o|^opaquenetwork/.test(id)
        ? 'OpaqueNetwork'
        : 'Network',
    id,
  )

/** A switch keeps its UUID for life. */
const REMEMBERED_MS = 3_600_000

const switchUuid = async ({ vim, connection, surroundings }: Context, home: Ref): Promise<string> => {
  const { cache, now } = surroundings
  const key = `vsphere/switch/${connection.cloudId}/${home.id}`
  const kept = cache.get(key)
  if (kept && kept.until > now()) return kept.value as string
  const [found] = await look(vim, [home], ['uuid'])
  const value = (found && text(found, 'uuid')) ?? ''
  if (value) cache.set(key, { value, until: now() + REMEMBERED_MS })
  return value
}

/** What a card on this network is plugged into. @throws `definitive` if the network is not there */
export const portGroupOf = async (context: Context, id: string): Promise<PortGroup> => {
  const { vim } = context
  const target = networkRef(id)
  const distributed = target.type === 'DistributedVirtualPortgroup'
  const [found] = await look(
    vim,
    [target],
    distributed ? ['name', 'config.distributedVirtualSwitch'] : ['name', 'summary'],
  )
  if (!found) return refuse('The network of the port is not there any more.')
  const name = text(found, 'name') ?? ''
  const home = refAt(found, 'config.distributedVirtualSwitch')
  if (distributed && home) return { ref: target, name, switchUuid: await switchUuid(context, home), opaque: null }
  const summary = found.props.get('summary')
  const opaqueId = textOf(summary, 'opaqueNetworkId')
  const opaque = opaqueId ? { id: opaqueId, type: textOf(summary, 'opaqueNetworkType') ?? '' } : null
  return { ref: target, name, switchUuid: null, opaque }
}

/** The backing of a card that is plugged into the network. */
export const backingOf = ({ ref, name, switchUuid, opaque }: PortGroup): Value => {
  if (switchUuid !== null) {
    const port = { switchUuid, portgroupKey: ref.id }
    return { _type: 'VirtualEthernetCardDistributedVirtualPortBackingInfo', port }
  }
  if (opaque) {
    const { id: opaqueNetworkId, type: opaqueNetworkType } = opaque
    return { _type: 'VirtualEthernetCardOpaqueNetworkBackingInfo', opaqueNetworkId, opaqueNetworkType }
  }
  return { _type: 'VirtualEthernetCardNetworkBackingInfo', deviceName: name, network: ref }
}
