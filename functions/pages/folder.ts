import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pages } from './answer.ts'

/** Endings of what is compressed beside a file, and how browsers call that; the first that they take. */
const PACKED = [
  ['br', 'br'],
  ['gz', 'gzip'],
] as const

/**
 * `Host.pages` for Node: what a build left in a folder. What is there is known from the beginning, so no word of a stranger
 * becomes part of a path.
 */
export const pagesOf = (folder: string): Pages => {
  const known = new Map(readdirSync(folder).map((name) => [name, join(folder, name)]))
  return async (name, accepts) => {
    const packed = PACKED.find(([ending, word]) => known.has(`${name}.${ending}`) && takes(accepts, word))
    const path = known.get(packed ? `${name}.${packed[0]}` : name)
    return path ? { bytes: new Uint8Array(await readFile(path)), encoding: packed?.[1] ?? null } : null
  }
}

/** Whether a compression is among those of `Accept-Encoding`, and is not refused there (RFC 9110, section 12.5.3). */
const takes = (accepts: string, word: string): boolean =>
  accepts
    .slice(0, 1_000)
    .toLowerCase()
    .split(',')
    .some((each) => {
      const [name = '', ...rest] = each.split(';').map((part) => part.trim())
      return name === word && !rest.some((part) => /^q=0(\.0*)?$/.test(part))
    })
