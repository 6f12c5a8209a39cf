import type { ServerSpec } from '../../contract.ts'
import { parseAddress, parseCidr } from '../../shared/cidr.ts'
import { anyString, type Value } from '../wire/soap.ts'

/** A port as the guest has to set it up; vSphere itself serves no addresses. */
export interface GuestPort {
  mac: string
  addresses: { address: string; cidr: string; gateway: string | null; dnsServers: string[] }[]
}

/** Text as UTF-8 in base64. */
export const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

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

/**
 * What cloud-init reads through VMware Tools, as settings of the machine. JSON is YAML enough.
 * https://cloudinit.readthedocs.io/en/latest/reference/datasources/vmware.html
 */
export const guestinfo = (spec: ServerSpec, instanceId: string, ports: GuestPort[]): Record<string, string> => {
  const metadata = {
    'instance-id': instanceId,
    'local-hostname': hostname(spec.name),
    network: networkConfig(ports),
    ...(spec.publicKey === null ? {} : { 'public-keys-data': spec.publicKey.trim() }),
    // As the metadata service of OpenStack names it.
    meta: spec.metadata,
  }
  return {
    'guestinfo.metadata': base64(JSON.stringify(metadata)),
    'guestinfo.metadata.encoding': 'base64',
    // Empty takes away what the template was given.
    'guestinfo.userdata': spec.userData?.replaceAll(/\s/g, '') ?? '',
    'guestinfo.userdata.encoding': spec.userData === null ? '' : 'base64',
  }
}

/** Settings as vim25 takes them; an empty value removes the key. */
export const extraConfig = (settings: Record<string, string>): Value =>
  Object.entries(settings).map(([key, value]) => ({ _type: 'OptionValue', key, value: anyString(value) }))
