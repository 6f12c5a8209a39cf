import type { Adapter, Limits } from '../../../adapters/contract.ts'

export interface ServerAsked {
  /** Base64. */
  userData: string | null
  ports: number
  metadata: Record<string, string>
  /** OpenSSH. */
  publicKey: string | null
}

/** Why a cloud cannot take a server, by the limits of its adapter: the rest of a sentence that begins with its name. */
export const beyondServer = (
  { limits: { server: limits } }: Pick<Adapter, 'limits'>,
  asked: ServerAsked,
): string | null => {
  const bytes = asked.userData === null ? 0 : decodedLength(asked.userData)
  if (limits.userData !== undefined && bytes > limits.userData)
    return `takes ${limits.userData} bytes of user data at most, and these are ${bytes}`
  if (asked.ports < limits.ports) return `takes no server with fewer than ${limits.ports} ports`
  const keyType = asked.publicKey?.split(' ')[0]
  if (limits.keys && keyType !== undefined && !limits.keys.includes(keyType))
    return `takes keys of ${limits.keys.join(' and ')}, and not of ${keyType}`
  return limits.metadata ? beyondMetadata(limits.metadata, asked.metadata) : null
}

const beyondMetadata = (
  limits: NonNullable<Limits['server']['metadata']>,
  metadata: Record<string, string>,
): string | null => {
  const items = Object.entries(metadata)
  if (items.length > limits.items) return `takes ${limits.items} metadata items at most, and these are ${items.length}`
  const long = items.find(([key, value]) => key.length > limits.key || value.length > limits.value)
  return long
    ? `takes metadata of ${limits.key} characters a key and ${limits.value} a value at most, and ${long[0]} has more`
    : null
}

const decodedLength = (base64: string): number => Math.floor((base64.replaceAll(/[=\s]/g, '').length * 3) / 4)
