import type { WindowProps } from '../../parts/window.tsx'

/** A server as Nova 2.96 shows it, as far as the console does. */
export interface Server {
  id: string
  name: string
  status: string
  created: string
  updated: string
  tenant_id: string
  metadata: Record<string, string>
  tags: string[]
  description: string | null
  locked: boolean
  locked_reason: string | null
  key_name: string | null
  image: { id: string } | ''
  flavor: { original_name: string; vcpus: number; ram: number; disk: number }
  addresses: Record<string, { addr: string; 'OS-EXT-IPS:type': string }[]>
  security_groups?: { name: string }[]
  fault?: { message: string }
  'OS-EXT-AZ:availability_zone': string
  'OS-EXT-STS:task_state': string | null
  'OS-SRV-USG:launched_at': string | null
  'plimsoll:zone'?: string
}

/** What a window that changes a server is given. */
export type OfServer = WindowProps & { server: Server }

/** What each part of the page of a server is given. */
export interface PartProps {
  server: Server
  again: () => void
}

/** Where a server is: `<cloud>.<zone>`; empty: nowhere yet. */
export const zoneOf = (server: Server): string => server['plimsoll:zone'] ?? server['OS-EXT-AZ:availability_zone']

const isFloating = ({ 'OS-EXT-IPS:type': type }: { 'OS-EXT-IPS:type': string }): boolean => type === 'floating'

/** All addresses of a server, fixed ones first. */
export const addressesOf = (server: Server): string[] =>
  Object.values(server.addresses)
    .flat()
    .sort((one, other) => Number(isFloating(one)) - Number(isFloating(other)))
    .map(({ addr }) => addr)

export const serversIn = (body: unknown): Server[] => (body as { servers: Server[] }).servers
