import { parseAddress, parseCidr } from './cidr.ts'

/* What cloud-init is told of a server's name and network. */

/** A port as the guest has to set it up. */
export interface GuestPort {
  mac: string
  addresses: { address: string; cidr: string; gateway: string | null; dnsServers: string[] }[]
}

/** A host name out of whatever the server is called. */
export const hostname = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .replaceAll(/^[.-]+|(?<![.-])[.-]+$/g, '')
    .slice(0, 63)
    .replace(/(?<![.-])[.-]+$/, '') || 'server'

/** Netplan's version 2, each card by its MAC address; a port without addresses asks for them by DHCP. */
export const networkConfig = (ports: GuestPort[]): Record<string, unknown> => ({
  version: 2,
  ethernets: Object.fromEntries(
    ports.map(({ mac, addresses }, index) => {
      const routes = addresses.flatMap(({ gateway }) =>
        // One default route of each family, through the first port that has one.
        gateway !== null && isFirst(ports, index, gateway)
          ? [{ to: gateway.includes(':') ? '::/0' : '0.0.0.0/0', via: gateway }]
          : [],
      )
      const dns = [...new Set(addresses.flatMap(({ dnsServers }) => dnsServers))]
      const fixed = {
        dhcp4: false,
        addresses: addresses.map(({ address, cidr }) => `${address}/${parseCidr(cidr)?.prefix ?? 32}`),
        ...(routes.length > 0 ? { routes } : {}),
        ...(dns.length > 0 ? { nameservers: { addresses: dns } } : {}),
      }
      return [
        `id${index}`,
        { match: { macaddress: mac }, wakeonlan: true, ...(addresses.length > 0 ? fixed : { dhcp4: true }) },
      ]
    }),
  ),
})

const isFirst = (ports: GuestPort[], index: number, gateway: string): boolean => {
  const family = parseAddress(gateway)?.family
  const has = ({ addresses }: GuestPort) =>
    addresses.some((each) => each.gateway !== null && parseAddress(each.gateway)?.family === family)
  return ports.findIndex(has) === index
}
