import type { NativeId, NetworkSpec, PortSpec, SecurityGroupSpec } from '../../contract.ts'
import type { HostOption } from '../options.ts'
import type { Host } from '../wire/host.ts'
import { idOn } from './ids.ts'
import { table } from './kept.ts'

/* Of what libvirt has no object for there is a record of ours. `mark` is as `writeMark` writes it, whosever it is. */

/** A network by itself is on no host: each of its subnets is a network of libvirt's there. */
interface NetworkRecord {
  id: NativeId
  mark: string
  spec: NetworkSpec
}
export const NETWORKS = table<NetworkRecord>('network')
/** No host has a name that begins so: it is the cloud's. */
export const networkOfOurs = (token: string): NativeId => `*/network/${token}`

/** A group by itself is on no host: what it lets through is in the filters of ports. */
export interface GroupRecord {
  id: NativeId
  mark: string
  spec: SecurityGroupSpec
}
export const GROUPS = table<GroupRecord>('group')
export const groupOfOurs = (token: string): NativeId => `*/group/${token}`

/** A port before, while and after a machine has it as a card. */
export interface PortRecord {
  id: NativeId
  mark: string
  /** With the MAC address in lower case. */
  spec: PortSpec
  /** What it had before, until nothing on the host follows from that any more. */
  left?: { groups: NativeId[]; addresses: PortSpec['addresses'] }
  /** It is being removed: nothing counts on it any more. */
  leaving?: true
}
export const PORTS = table<PortRecord>('port')

/** A port is named by what makes it unique: the network of libvirt's that it is on, and its MAC address. */
export const portId = (host: Pick<HostOption, 'name'>, network: string, mac: string): NativeId =>
  idOn(host, 'port', network, mac)

/** The ports that are reserved on a host, or on one network of libvirt's there. */
export const portsOn = (host: Pick<Host, 'name' | 'keep'>, network?: string): Promise<PortRecord[]> =>
  PORTS.all(host.keep, idOn(host, 'port', ...(network === undefined ? [''] : [network, ''])))

/** The network of libvirt's, by its UUID, and the MAC address of a port; null where the id is that of a card. */
export const portParts = (id: NativeId): { host: string; network: string; mac: string } | null => {
  const [host = '', kind, network = '', mac = ''] = id.split('/')
  return kind === 'port' ? { host, network, mac } : null
}
