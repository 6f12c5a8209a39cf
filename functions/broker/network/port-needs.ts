import type { Capability } from '../../../adapters/contract.ts'
import type { NetworkRow } from '../../../db/queries/network/network.ts'
import type { PortRow } from '../../../db/queries/network/ports.ts'
import { qosOf } from './qos/binding.ts'

/** What a cloud must be capable of to have a port, beside what its adapter's limits say. */
export const neededOfPort = (
  port: Pick<PortRow, 'qosPolicyId' | 'deviceOwner' | 'dhcpOptions'>,
  network: Pick<NetworkRow, 'qosPolicyId'>,
): Capability[] => [
  ...(qosOf(port, network) === null ? [] : (['port.bandwidth'] as const)),
  ...(port.dhcpOptions.length ? (['port.dhcp_options'] as const) : []),
]
