import { textOf } from '../shared/xml.ts'
import type { Context } from './context.ts'
import type { Socket } from './devices.ts'
import { refuse } from './errors.ts'
import { look, refAt, text } from './properties.ts'
import { ref } from './soap.ts'

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

/** What a card on this network is plugged into. @throws `definitive` if the network is not there */
export const socketOf = async ({ vim }: Context, id: string): Promise<Socket> => {
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
  if (distributed && home) {
    const [dvs] = await look(vim, [home], ['uuid'])
    return { ref: target, name, switchUuid: (dvs && text(dvs, 'uuid')) ?? '', opaque: null }
  }
  const summary = found.props.get('summary')
  const opaqueId = textOf(summary, 'opaqueNetworkId')
  const opaque = opaqueId ? { id: opaqueId, type: textOf(summary, 'opaqueNetworkType') ?? '' } : null
  return { ref: target, name, switchUuid: null, opaque }
}
