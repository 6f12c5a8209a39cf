import type { Capability } from '../../../adapters/contract.ts'
import type { NetworkRow } from '../../../db/queries/network/network.ts'
import type { PortRow } from '../../../db/queries/network/ports.ts'
import type { Clouds } from '../clouds/adapter.ts'
import { whyLacking } from '../clouds/lacking.ts'
import { qosOf } from './qos/binding.ts'

/** What a cloud must be capable of to have a port, beside what its adapter's limits say. */
export const neededOfPort = (
  port: Pick<PortRow, 'qosPolicyId' | 'deviceOwner' | 'dhcpOptions'>,
  network: Pick<NetworkRow, 'qosPolicyId'>,
): Capability[] => [
  ...(qosOf(port, network) === null ? [] : (['port.bandwidth'] as const)),
  ...(port.dhcpOptions.length ? (['port.dhcp_options'] as const) : []),
]

/** Why a cloud cannot have ports of these networks as they are, in its adapter's sentence; null: it can, or there is no cloud yet. */
export const whyNoPort = async (
  among: Clouds,
  cloudId: string | null,
  ports: (Pick<PortRow, 'networkId'> & Parameters<typeof neededOfPort>[0])[],
  networks: NetworkRow[],
): Promise<string | null> => {
  for (const port of ports) {
    const network = networks.find(({ id }) => id === port.networkId)
    for (const needed of network ? neededOfPort(port, network) : []) {
      const why = await whyLacking(among, cloudId, needed)
      if (why !== null) return why
    }
  }
  return null
}
