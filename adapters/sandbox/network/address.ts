import { parseAddress, parseCidr } from '../../shared/cidr.ts'

/** The first and last address of a network, or null if the text is none. */
export const range = (cidr: string): { family: 4 | 6; first: bigint; last: bigint } | null => {
  const block = parseCidr(cidr)
  if (!block) return null
  const { family, first, prefix } = block
  return { family, first, last: first + (1n << BigInt((family === 4 ? 32 : 128) - prefix)) - 1n }
}

/** Whether an address lies in a network; false if either is malformed. */
export const inside = (cidr: string, address: string): boolean => {
  const block = range(cidr)
  const one = parseAddress(address)
  return !!block && !!one && block.family === one.family && block.first <= one.value && one.value <= block.last
}
