import { createHash } from 'node:crypto'
import type { Seen } from '../../../adapters/contract.ts'
import { table } from '../../../adapters/table.ts'

/** Two sightings with the same digest say the same: nothing has to be written for the second. */
export const digest = (seen: Seen): string =>
  createHash('sha1')
    .update(JSON.stringify(seen, Object.keys(flatten(seen)).sort()))
    .digest('base64url')

/** Every key at every level: `JSON.stringify` takes the list as the order in which to write them. */
const flatten = (value: unknown, keys = table<true>()): Record<string, true> => {
  if (value && typeof value === 'object')
    for (const [key, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) keys[key] = true
      flatten(inner, keys)
    }
  return keys
}
