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
 * becomes part of a path. Each file is read once, however many ask for it.
 */
export const pagesOf = (folder: string): Pages => {
  const known = new Map(readdirSync(folder).map((name) => [name, join(folder, name)]))
  const kept = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()
  const bytesOf = (path: string): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = kept.get(path) ?? readFile(path).then((read) => new Uint8Array(read))
    kept.set(path, bytes)
    // What could not be read is tried again.
    bytes.catch(() => kept.delete(path))
    return bytes
  }
  return async (name, accepts) => {
    const packed = PACKED.find(([ending, word]) => known.has(`${name}.${ending}`) && takes(accepts, word))
    const path = known.get(packed ? `${name}.${packed[0]}` : name)
    return path ? { bytes: await bytesOf(path), encoding: packed?.[1] ?? null } : null
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
