import { textOf } from '../../shared/xml.ts'
import type { Socket } from '../compute/devices.ts'
import type { Context } from '../context.ts'
import { refuse } from '../errors.ts'
import { look, refAt, text } from '../wire/properties.ts'
import { type Ref, ref } from '../wire/soap.ts'

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
export const socketOf = async (context: Context, id: string): Promise<Socket> => {
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
