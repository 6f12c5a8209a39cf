import type { Adapter, Limits } from '../../../../adapters/contract.ts'
import type { Found } from '../../../../db/queries/compute/places.ts'
import { cidrHolds } from '../../network/address.ts'
import { beyondPort, beyondSubnets, type PortAsked } from '../../network/limits.ts'
import { subnetsAt } from '../../network/segments/sites.ts'
import { wiredOn } from '../../network/segments/wire.ts'
import type { ServerWish, Understood } from '../server-wish.ts'

/** Why a server with its networks and ports is beyond the limits of a cloud, as the rest of a sentence; null: it is not. */
export const whyBeyond = (
  adapter: Adapter,
  cloudId: string,
  wish: ServerWish,
  understood: Understood,
  found: Found,
): string | null => {
  const { nics } = understood
  const own = beyondServer(adapter, {
    userData: wish.userData,
    ports: nics.length,
    metadata: wish.metadata,
    publicKey: wish.keyName === null ? null : (found.keypair?.publicKey ?? null),
  })
  if (own !== null) return own
  for (const nic of nics) {
    const there = subnetsAt(found, nic.network.id, { cloudId, zone: null })
    const subnets = found.subnets.filter(
      ({ id, networkId }) => networkId === nic.network.id && (there?.includes(id) ?? true),
    )
    const why = beyondSubnets(adapter, subnets, wiredOn(found, cloudId)) ?? beyondPort(adapter, portOf(nic, subnets))
    if (why !== null) return why
  }
  return null
}

type Subnets = Found['subnets']

/** A port that is there, or the one that will be made. */
const portOf = ({ fixedIp, port }: Understood['nics'][number], subnets: Subnets): PortAsked => {
  const addresses = port ? port.fixedIps.map((ip) => ip.ip_address) : fixedIp === null ? [] : [fixedIp]
  const named = addresses.flatMap((address) =>
    subnets.filter(({ cidr }) => cidrHolds(cidr, address)).map(({ cidr }) => ({ address, cidr })),
  )
  return {
    subnetIds: port?.fixedIps.map((ip) => ip.subnet_id) ?? [],
    named,
    pairs: port?.addressPairs ?? [],
  }
}

interface ServerAsked {
  /** Base64. */
  userData: string | null
  ports: number
  metadata: Record<string, string>
  /** OpenSSH. */
  publicKey: string | null
}

/** The server itself, without its networks and ports. */
const beyondServer = ({ limits: { server: limits } }: Pick<Adapter, 'limits'>, asked: ServerAsked): string | null => {
  const bytes = asked.userData === null ? 0 : decodedLength(asked.userData)
  if (limits.userData !== undefined && bytes > limits.userData)
    return `takes ${limits.userData} bytes of user data at most, and these are ${bytes}`
  if (asked.ports < limits.ports) return `takes no server with fewer than ${limits.ports} ports`
  if (asked.ports > mostPorts(limits)) return `takes ${limits.mostPorts} ports of a server at most`
  const keyType = asked.publicKey?.split(' ')[0]
  if (limits.keys && keyType !== undefined && !limits.keys.includes(keyType))
    return `takes keys of ${limits.keys.join(' and ')}, and not of ${keyType}`
  return limits.metadata ? beyondMetadata(limits.metadata, asked.metadata) : null
}

/** How many ports a server may have. */
export const mostPorts = (limits: Limits['server']): number => limits.mostPorts ?? Number.POSITIVE_INFINITY

const beyondMetadata = (
  limits: NonNullable<Limits['server']['metadata']>,
  metadata: Record<string, string>,
): string | null => {
  const items = Object.entries(metadata)
  if (items.length > limits.items) return `takes ${limits.items} metadata items at most, and these are ${items.length}`
  const long = items.find(([key, value]) => key.length > limits.key || value.length > limits.value)
  return long
    ? `takes metadata of ${limits.key} characters a key and ${limits.value} a value at most, and ${long[0]} has more`
    : null
}

const decodedLength = (base64: string): number => Math.floor((base64.replaceAll(/[=\s]/g, '').length * 3) / 4)
