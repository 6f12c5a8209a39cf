import type { Adapter } from '../../../adapters/contract.ts'
import type { Found } from '../../../db/queries/compute/places.ts'
import { cidrHolds } from '../network/address.ts'
import { beyondPort, beyondSubnets, type PortAsked } from '../network/limits.ts'
import { beyondServer } from './limits.ts'
import type { ServerWish, Understood } from './server-wish.ts'

/** Why a server with its networks and ports is beyond the limits of a cloud, as the rest of a sentence; null: it is not. */
export const whyBeyond = (adapter: Adapter, wish: ServerWish, understood: Understood, found: Found): string | null => {
  const { nics } = understood
  const own = beyondServer(adapter, {
    userData: wish.userData,
    ports: nics.length,
    metadata: wish.metadata,
    publicKey: wish.keyName === null ? null : (found.keypair?.publicKey ?? null),
  })
  if (own !== null) return own
  for (const nic of nics) {
    const subnets = found.subnets.filter(({ networkId }) => networkId === nic.network.id)
    const why = beyondSubnets(adapter, subnets) ?? beyondPort(adapter, portOf(nic, subnets))
    if (why !== null) return why
  }
  return null
}

type Subnets = Found['subnets']

/** A port that is there, or the one that will be made. */
const portOf = ({ network, fixedIp, port }: Understood['nics'][number], subnets: Subnets): PortAsked => {
  const addresses = port ? port.fixedIps.map((ip) => ip.ip_address) : fixedIp === null ? [] : [fixedIp]
  const named = addresses.flatMap((address) =>
    subnets.filter(({ cidr }) => cidrHolds(cidr, address)).map(({ cidr }) => ({ address, cidr })),
  )
  return {
    subnetIds: port?.fixedIps.map((ip) => ip.subnet_id) ?? [],
    named,
    portSecurity: port?.portSecurity ?? network.portSecurity,
  }
}
