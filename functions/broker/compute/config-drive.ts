import type { Json, ServerSpec } from '../../../adapters/contract.ts'
import { type Cards, cardsOfServer, cloudName } from '../../../db/queries/compute/config-drive.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { maskOf } from '../network/address.ts'
import type { Place } from './server-facts.ts'

/** What the config drive of a server says (nova/api/metadata/base.py, nova/virt/netutils.py); null: it is to have none. */
export const configDriveOf = async (
  { db }: Context,
  server: ServerRow,
  { cloudId, zone }: Pick<Place, 'cloudId' | 'zone'>,
): Promise<ServerSpec['drive']> => {
  if (!server.configDrive) return null
  const cards = await cardsOfServer(db, server.id)
  const cloud = await cloudName(db, cloudId)
  return {
    metaData: metaDataOf(server, server.pinnedZone ?? `${cloud}.${zone}`),
    networkData: networkDataOf(cards),
    vendorData: {},
  }
}

const metaDataOf = (server: ServerRow, zone: string): Record<string, Json> => {
  const { id, name, hostname, launchIndex, projectId, metadata, keypair, keyName } = server
  const key = keypair?.publicKey
  return {
    uuid: id,
    name,
    hostname,
    launch_index: launchIndex,
    availability_zone: zone,
    project_id: projectId,
    devices: [],
    dedicated_cpus: [],
    ...(Object.keys(metadata).length ? { meta: metadata } : {}),
    ...(key && keyName ? { public_keys: { [keyName]: key }, keys: [{ name: keyName, type: 'ssh', data: key }] } : {}),
  }
}

/** Addresses are said, whether the cloud would serve them too or not. */
const networkDataOf = ({ cards, subnets }: Cards): Record<string, Json> => {
  const links = cards.map(({ id, mac, mtu }) => ({
    id: linkOf(id),
    vif_id: id,
    type: 'phy',
    ethernet_mac_address: mac,
    mtu,
  }))
  const networks: Record<string, Json>[] = []
  const servers = new Set<string>()
  for (const card of cards)
    for (const { ip_address, subnet_id } of card.fixedIps) {
      const subnet = subnets.find(({ id }) => id === subnet_id)
      if (!subnet) continue
      const any = subnet.ipVersion === 6 ? '::' : '0.0.0.0'
      const routes = [
        ...(subnet.gatewayIp ? [{ network: any, netmask: any, gateway: subnet.gatewayIp }] : []),
        ...subnet.hostRoutes.map(({ destination, nexthop }) => ({
          network: destination.split('/')[0]!,
          netmask: maskOf(destination),
          gateway: nexthop,
        })),
      ]
      const services = subnet.dnsNameservers.map((address) => ({ type: 'dns', address }))
      for (const { address } of services) servers.add(address)
      networks.push({
        id: `network${networks.length}`,
        type: `ipv${subnet.ipVersion}`,
        link: linkOf(card.id),
        ip_address,
        netmask: maskOf(subnet.cidr),
        network_id: card.networkId,
        routes,
        services,
      })
    }
  return { links, networks, services: [...servers].map((address) => ({ type: 'dns', address })) }
}

const linkOf = (portId: string): string => `tap${portId.slice(0, 11)}`
