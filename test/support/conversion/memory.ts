import { CloudError } from '../../../adapters/errors.ts'
import type { BlobStore, Conversion, ConversionJob } from '../../../functions/context.ts'
import { noise } from '../disks.ts'

/** So many looks a conversion takes: work goes on behind the first, and is found done by the last. */
const LOOKS = 3

/** Bytes of everything that is made, whatever disk it is said to hold. */
export const MADE = 700_000

/**
 * Stands for the program: what it makes has nothing to do with what it was given, and takes as many looks. `kept` outlives
 * a process, what is under way does not (`another` is that of the next one). `told.sizeBytes`: what it claims to have made.
 */
export const memoryConversion = (blobs: () => BlobStore, kept = new Map<string, Uint8Array<ArrayBuffer>>()) => {
  const under = new Map<string, number>()
  const told = { begun: 0, fault: null as string | null, sizeBytes: null as number | null }
  const nameOf = ({ blob, to }: ConversionJob) => `converted/${blob}~${to.replace('/', '~')}`
  const conversion: Conversion = {
    tool: 'a test',
    reads: ['qcow2/bare', 'vmdk/bare', 'vhdx/bare'],
    writes: ['raw/bare', 'qcow2/bare'],
    has: (key) => key.startsWith('converted/'),
    async make(job) {
      const name = nameOf(job)
      const there = kept.get(name)
      if (there) return { key: name, sizeBytes: told.sizeBytes ?? there.length }
      const looks = (under.get(name) ?? 0) + 1
      if (looks === 1) told.begun++
      under.set(name, looks)
      if (told.fault) throw new CloudError('definitive', told.fault)
      if (looks < LOOKS) return null
      // Its input has to be there.
      await (await blobs().read(job.blob)).cancel()
      kept.set(name, noise(MADE))
      under.delete(name)
      return null
    },
    share: (job) => (under.get(nameOf(job)) ?? 0) / LOOKS || null,
    async read(key, range) {
      const data = kept.get(key)
      if (!data) throw new CloudError('definitive', 'There is no such data.')
      return new Blob([range ? data.slice(range.offset, range.offset + range.length) : data]).stream()
    },
    async keep(used) {
      const blobOf = (name: string) => name.slice('converted/'.length, name.indexOf('~'))
      const blobs = await used([...kept.keys()].map(blobOf))
      for (const name of kept.keys()) if (!blobs.has(blobOf(name))) kept.delete(name)
    },
  }
  return { ...conversion, kept, told, another: () => memoryConversion(blobs, kept) }
}
