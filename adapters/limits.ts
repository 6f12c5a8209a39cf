/*
 * What a cloud can take of the things that it makes, as data. Placement heeds it before anything is asked of a cloud, and an
 * adapter refuses by the same numbers: what is not said here, only the cloud itself knows.
 */

type Family = 4 | 6

/** Prefix lengths of a block, both included: from the widest block to the narrowest. */
interface Prefixes {
  widest: number
  narrowest: number
}

export interface SubnetLimits {
  /** Blocks that a subnet may have, by family of addresses. An absent family: no network with such a subnet. */
  prefixes: Partial<Record<Family, Prefixes>>
  /** Prefix length of the widest block that all subnets of a network may need together. Absent: any. */
  together?: number
  /** `first`: a gateway is the first address of the block, or there is none. */
  gateway: 'any' | 'first'
  /** Whether a subnet may be without DHCP. */
  withoutDhcp: boolean
  /** Most name servers of a subnet. Absent: any number. */
  nameservers?: number
  /** The subnets of one network have the same name servers. */
  sameNameservers?: true
}

interface PortLimits {
  /** Most subnets in which one port has addresses. Absent: any number. */
  subnets?: number
  /** Whether a port may be without port security; `permitted`: of projects whose mapping says that it may. */
  unfiltered: boolean | 'permitted'
  /** What allowed address pairs may name; absent: anything, where there are any (`port.address_pairs` of what a cloud lacks). */
  pairs?: { families: readonly Family[]; macs: 'any' | 'own' }
}

interface ServerLimits {
  /** Bytes of user data as the guest reads it. Absent: whatever Nova takes. */
  userData?: number
  /** Fewest network ports. */
  ports: number
  /** Most network ports. Absent: it depends on the size of the server, and the cloud says. */
  mostPorts?: number
  /** Most metadata items, and most characters of a key and of a value. Absent: whatever Nova takes. */
  metadata?: { items: number; key: number; value: number }
  /** Types of public keys, as they begin an OpenSSH key. Absent: every type. */
  keys?: readonly string[]
  /** Most servers of a group that are kept apart in one zone, each on a host of its own. Absent: the cloud says. */
  apart?: number
}

export interface Limits {
  subnet: SubnetLimits
  port: PortLimits
  server: ServerLimits
}

/** A host part of two bits leaves nothing between the ends of a block: no subnet is narrower. */
export const ANY_SUBNET: SubnetLimits = {
  prefixes: { 4: { widest: 1, narrowest: 30 }, 6: { widest: 1, narrowest: 126 } },
  gateway: 'any',
  withoutDhcp: true,
}
