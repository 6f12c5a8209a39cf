import { mkdir } from 'node:fs/promises'
import { asCloudError, type CloudError } from '../../adapters/errors.ts'
import type { Conversion, ConversionJob, Log } from '../context.ts'
import { convert } from './convert.ts'
import { findProgram } from './find.ts'
import { READS, WRITES } from './qemu.ts'
import { openShelf } from './shelf.ts'

const PREFIX = 'converted/'
/** For so long everybody who asks hears why it failed, in milliseconds. */
const REMEMBERED = 30_000

/** What is made of data is told by the data and the format: once, however many ask. */
const nameOf = ({ blob, to }: ConversionJob): string => `${blob}~${to.replace('/', '~')}`
const blobOf = (name: string): string => name.slice(0, name.indexOf('~'))

interface Parts {
  /** Where converted data is kept. */
  folder: string
  mostBytes: number
  /** The file of an uploaded blob. */
  pathOf(blob: string): string
  now(): number
  log: Log
}

/**
 * Conversion of images by qemu-img, if this machine has it and keeps it apart; otherwise why nothing is converted. One at a
 * time: it is work for a processor that requests are served with.
 */
export const openConversion = async (parts: Parts): Promise<Conversion | { lacking: string }> => {
  const { folder, mostBytes, pathOf, now, log } = parts
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
  const under = new Map<string, { share: number }>()
  const failed = new Map<string, { error: CloudError; at: number }>()
  let queue: Promise<void> = Promise.resolve()

  const begin = (job: ConversionJob, name: string): void => {
    const progress = { share: 0 }
    under.set(name, progress)
    const { from, to } = job
    const progressed = (share: number) => {
      progress.share = share
    }
    queue = queue
      .then(() => convert(shelf, { name, path: pathOf(job.blob), from, to, progressed }))
      .catch((thrown: unknown) => {
        const error = asCloudError(thrown)
        log('warn', 'an image was not converted', { name, reason: error.detail.operatorMessage ?? error.message })
        failed.set(name, { error, at: now() })
      })
      .finally(() => under.delete(name))
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
    keep: (used) =>
      shelf.prune(async (names) => {
        const blobs = await used([...new Set(names.map(blobOf))])
        return new Set(names.filter((name) => blobs.has(blobOf(name))))
      }),
  }
}
