import { mkdir } from 'node:fs/promises'
import { asCloudError, type CloudError } from '../../adapters/errors.ts'
import type { Conversion, ConversionJob, Log } from '../context.ts'
import { convert } from './convert.ts'
import { findProgram } from './find.ts'
import { READS, WRITES } from './qemu.ts'
import { openShelf } from './shelf.ts'
import { openTurns } from './turns.ts'

const PREFIX = 'converted/'
/** For so long everybody who asks hears why it failed, in milliseconds. */
const REMEMBERED = 30_000

/** What is made of data is told by the data and the format: once, however many ask. */
const nameOf = ({ blob, to }: ConversionJob): string => `${blob}~${to.replace('/', '~')}`
const blobOf = (name: string): string => name.slice(0, name.indexOf('~'))

/** One that waits for its turn, or is at work. */
interface Under {
  job: ConversionJob
  name: string
  share: number
  /** Nobody wants it any more. */
  over: AbortController
}

interface Parts {
  /** Where converted data is kept. */
  folder: string
  mostBytes: number
  /** Of the largest disk that is converted. */
  mostDisk: number
  /** The file of an uploaded blob. */
  pathOf(blob: string): string
  now(): number
  log: Log
}

/**
 * Conversion of images by qemu-img, if this machine has it and keeps it apart; otherwise why nothing is converted. One at a
 * time, and projects take turns: it is work for a processor that requests are served with.
 */
export const openConversion = async (parts: Parts): Promise<Conversion | { lacking: string }> => {
  const { folder, mostBytes, mostDisk, pathOf, now, log } = parts
  const shelf = openShelf(folder, mostBytes, now)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await shelf.clear()
  } catch (error) {
    return {
      lacking: `Nothing is converted here: its folder cannot be used (${(error as NodeJS.ErrnoException).code}).`,
    }
  }
  const found = await findProgram(folder)
  if ('lacking' in found) return found
  const under = new Map<string, Under>()
  const failed = new Map<string, { error: CloudError; at: number }>()
  const turns = openTurns<Under>()
  let working = false

  const run = async (one: Under): Promise<void> => {
    const { job, name, over } = one
    const { from, to } = job
    const progressed = (share: number) => {
      one.share = share
    }
    try {
      await convert(shelf, { name, path: pathOf(job.blob), from, to, mostDisk, over: over.signal, progressed })
    } catch (thrown) {
      const error = asCloudError(thrown)
      log('warn', 'an image was not converted', { name, reason: error.detail.operatorMessage ?? error.message })
      failed.set(name, { error, at: now() })
    } finally {
      under.delete(name)
    }
  }
  const work = async (): Promise<void> => {
    working = true
    for (let one = turns.next(); one; one = turns.next()) await run(one)
    working = false
  }
  const begin = (job: ConversionJob, name: string): void => {
    const one = { job, name, share: 0, over: new AbortController() }
    under.set(name, one)
    turns.add(job.project, one)
    if (!working) void work()
  }

  return {
    tool: found.tool,
    reads: READS,
    writes: WRITES,
    has: (key) => key.startsWith(PREFIX),
    async make(job) {
      const name = nameOf(job)
      if (under.has(name)) return null
      const sizeBytes = await shelf.sizeOf(name)
      if (sizeBytes !== null) return { key: PREFIX + name, sizeBytes }
      const before = failed.get(name)
      if (before && now() - before.at < REMEMBERED && now() >= before.at) throw before.error
      failed.delete(name)
      if (!under.has(name)) begin(job, name)
      return null
    },
    share: (job) => under.get(nameOf(job))?.share ?? null,
    read: (key, range) => shelf.read(key.slice(PREFIX.length), range),
    extents: (key) => shelf.extents(key.slice(PREFIX.length)),
    async keep(used) {
      for (const [name, { at }] of failed) if (now() - at >= REMEMBERED) failed.delete(name)
      const going = [...under.values()]
      const wanted = going.length ? await used(going.map(({ job }) => job.blob)) : new Set()
      for (const { job, over } of going) if (!wanted.has(job.blob)) over.abort()
      await shelf.prune(async (names) => {
        const blobs = await used([...new Set(names.map(blobOf))])
        return new Set(names.filter((name) => blobs.has(blobOf(name))))
      })
    },
  }
}
