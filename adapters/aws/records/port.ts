import { DescribeNetworkInterfacesCommand, type NetworkInterface } from '@aws-sdk/client-ec2'
import type { PortSeen } from '../../contract.ts'
import type { Context } from '../context.ts'
import { tagValue } from '../marks.ts'
import { markOf, type Reader, reader } from './reader.ts'

/** In the order that EC2 keeps: the primary address first. */
export const addressesOf = (eni: Pick<NetworkInterface, 'PrivateIpAddresses' | 'PrivateIpAddress'>): string[] => {
  const all = eni.PrivateIpAddresses?.toSorted((a, b) => Number(b.Primary ?? false) - Number(a.Primary ?? false))
  const addresses = (all ?? []).flatMap((item) => item.PrivateIpAddress ?? [])
  return addresses.length > 0 ? addresses : eni.PrivateIpAddress ? [eni.PrivateIpAddress] : []
}

const healthOf = (eni: NetworkInterface): PortSeen['health'] =>
  eni.Status === 'available' || eni.Status === 'in-use' ? 'ready' : 'pending'

/** Elastic network interfaces. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html */
export const ports = (context: Context): Reader<NetworkInterface, PortSeen> =>
  reader<NetworkInterface, PortSeen>(context, {
    idFilter: 'network-interface-id',
    idOf: (eni) => eni.NetworkInterfaceId,
    tags: (eni) => eni.TagSet,
    describe: (Filters) => async (paging) => {
      const answer = await context.ec2.send(new DescribeNetworkInterfacesCommand({ Filters, ...paging }))
      return { items: answer.NetworkInterfaces ?? [], NextToken: answer.NextToken }
    },
    seen: (found) =>
      found.map((eni) => ({
        id: eni.NetworkInterfaceId ?? '',
        mark: markOf(context, eni.TagSet),
        name: tagValue(eni.TagSet, 'Name'),
        health: healthOf(eni),
        zone: eni.AvailabilityZone,
        mac: eni.MacAddress ?? '',
        addresses: addressesOf(eni),
        placed: addressesOf(eni).map((address) => ({ subnet: eni.SubnetId ?? '', address })),
        server: eni.Attachment?.InstanceId ?? null,
      })),
  })
