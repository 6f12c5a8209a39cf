import type { ServerSpec } from '../../contract.ts'
import { type GuestPort, hostname, networkConfig } from '../../shared/guest-network.ts'
import { anyString, type Value } from '../wire/soap.ts'

/** Text as UTF-8 in base64. */
export const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

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
