import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { CloudError } from '../../adapters/errors.ts'
import type { BlobStore, KeptBlob } from '../context.ts'

/** So many files are looked at for a page. */
const PAGE = 500
/** The databases live on the same disk: so much of it is theirs, and is looked after every so many bytes. */
const RESERVE_BYTES = 1 << 30
const CHECKED_BYTES = 64 << 20
/** What a file is called until all of it is there: a process that died over it left nothing that counts. */
const UNFINISHED = '.part'

/** Blobs as files of one folder, which is made with the first of them. */
export class FolderBlobs implements BlobStore {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The file of a blob. Keys are names of files, never ways to others. */
  pathOf(key: string): string {
    if (!/^[\w-][\w.-]*$/.test(key)) throw new Error(`not the key of a blob: ${key}`)
    return join(this.#folder, key)
  }

  async write(key: string, data: ReadableStream<Uint8Array>): Promise<void> {
    const path = this.pathOf(key)
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const unfinished = path + UNFINISHED
    try {
      const file = await open(unfinished, 'wx', 0o600)
      try {
        let unchecked = 0
        let size = 0
        for await (const chunk of data) {
          unchecked -= chunk.length
          if (unchecked < 0) {
            await keepReserve(this.#folder)
            unchecked = CHECKED_BYTES
          }
          // What is left out reads as zeros, and takes no room.
          if (!isNothing(chunk)) await writeAll(file, chunk, size)
          size += chunk.length
        }
        await file.truncate(size)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(unfinished, path)
      await syncFolder(this.#folder)
    } catch (error) {
      await rm(unfinished, { force: true })
      throw error
    }
  }

  async read(key: string, range?: { offset: number; length: number }): Promise<ReadableStream<Uint8Array>> {
    const file = await open(this.pathOf(key), 'r').catch((error) => {
      throw error.code === 'ENOENT' ? gone(key) : error
    })
    if (range?.length === 0) {
      await file.close()
      return new Blob([]).stream()
    }
    const bounds = range ? { start: range.offset, end: range.offset + range.length - 1 } : {}
    return Readable.toWeb(file.createReadStream(bounds)) as ReadableStream<Uint8Array>
  }

  async remove(key: string): Promise<void> {
    await rm(this.pathOf(key), { force: true })
  }

  async list(after = ''): Promise<{ blobs: KeptBlob[]; next?: string }> {
    const names = (await readdir(this.#folder).catch(() => [])).filter((name) => name > after).sort()
    const page = names.slice(0, PAGE)
    const found = await Promise.all(
      page.map((key) => stat(join(this.#folder, key)).then(({ mtimeMs }) => ({ key, writtenAt: mtimeMs }), noFile)),
    )
    const blobs = found.filter((blob) => blob !== null)
    return names.length > PAGE ? { blobs, next: page.at(-1)! } : { blobs }
  }
}

/** It was removed while the folder was read. */
const noFile = () => null

type File = Awaited<ReturnType<typeof open>>
const writeAll = async (file: File, chunk: Uint8Array, at: number): Promise<void> => {
  for (let done = 0; done < chunk.length; )
    done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten
}

/** Shorter runs of zeros are written: each hole costs the file system something. */
const HOLE = 4096
const NOTHING = new Uint8Array(1 << 16)
const isNothing = (chunk: Uint8Array): boolean => {
  if (chunk.length < HOLE || chunk[0] !== 0) return false
  for (let at = 0; at < chunk.length; at += NOTHING.length) {
    const part = chunk.subarray(at, at + NOTHING.length)
    if (Buffer.compare(part, NOTHING.subarray(0, part.length)) !== 0) return false
  }
  return true
}

const keepReserve = async (folder: string): Promise<void> => {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize < RESERVE_BYTES + CHECKED_BYTES)
    throw Object.assign(new Error('the disk is nearly full'), { code: 'ENOSPC' })
}

/** A new name is safe when its folder is written down too. Not every system lets a folder be opened. */
const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r').catch(() => null)
  await folder?.sync().catch(() => {})
  await folder?.close()
}

const gone = (key: string): CloudError =>
  new CloudError('definitive', 'The data of the image is not there any more.', { operatorMessage: `no blob ${key}` })
