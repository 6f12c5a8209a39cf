import { open, readdir, readFile, rename, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { CloudError } from '../../adapters/errors.ts'
import type { Extent } from './qemu.ts'

/** The databases live on the same disk. */
const RESERVE_BYTES = 1 << 30
/** What was used so lately may be on its way to a cloud, in milliseconds. */
const IN_USE = 3_600_000
const TOUCHED = 60_000
const MAP = '.map'
const WORK = 'work-'

interface Kept {
  name: string
  /** As the disk has it, without holes. */
  bytes: number
  usedAt: number
}

/** A folder of bounded size with what was made, each under a name of its own. What is under a name is whole. */
export const openShelf = (folder: string, mostBytes: number, now: () => number) => {
  const at = (name: string): string => {
    if (!/^[\w-][\w.~-]*$/.test(name) || name.startsWith(WORK))
      throw new Error(`not the name of converted data: ${name}`)
    return join(folder, name)
  }
  const kept = async (): Promise<Kept[]> => {
    const names = (await readdir(folder).catch(() => [])).filter(
      (name) => !name.startsWith(WORK) && !name.endsWith(MAP),
    )
    const found = await Promise.all(
      names.map(async (name) => {
        const [data, map] = await Promise.all(
          [name, name + MAP].map((each) => stat(join(folder, each)).catch(() => null)),
        )
        return data ? { name, bytes: (data.blocks + (map?.blocks ?? 0)) * 512, usedAt: data.mtimeMs } : null
      }),
    )
    return found.filter((each) => each !== null)
  }
  /** The last map that was read: one who uploads a disk asks for it at every turn. */
  let lastMap: { name: string; extents: Extent[] } | null = null
  const forgetMap = (name: string): void => {
    if (lastMap?.name === name) lastMap = null
  }
  const remove = async (name: string): Promise<void> => {
    forgetMap(name)
    await rm(at(name), { force: true })
    await rm(at(name) + MAP, { force: true })
  }
  const touch = (name: string) => utimes(at(name), new Date(now()), new Date(now())).catch(() => {})

  return {
    folder,
    /** Throws away what processes that died have left behind. For a start, when nobody works. */
    async clear(): Promise<void> {
      const names = new Set(await readdir(folder).catch(() => []))
      for (const name of names)
        if (name.startsWith(WORK) || (name.endsWith(MAP) && !names.has(name.slice(0, -MAP.length))))
          await rm(join(folder, name), { recursive: true, force: true })
    },
    /** Bytes of what is under a name, which counts as used now; null: nothing is. */
    async sizeOf(name: string): Promise<number | null> {
      const found = await stat(at(name)).catch(() => null)
      if (found) await touch(name)
      return found?.size ?? null
    },
    /** Puts a file there: all of it is on the disk before it has the name. */
    async put(name: string, file: string, extents: Extent[] | null): Promise<void> {
      forgetMap(name)
      const data = await open(file, 'r+')
      await data.sync()
      await data.close()
      if (extents) {
        await writeFile(`${file}${MAP}`, JSON.stringify(extents), { flush: true })
        await rename(`${file}${MAP}`, at(name) + MAP)
      }
      await rename(file, at(name))
      await touch(name)
      const folderItself = await open(folder, 'r')
      await folderItself.sync().catch(() => {})
      await folderItself.close()
    },
    async read(name: string, range?: { offset: number; length: number }): Promise<ReadableStream<Uint8Array>> {
      const file = await open(at(name), 'r').catch((error) => {
        throw error.code === 'ENOENT'
          ? new CloudError('definitive', 'The converted data of the image made room for other data; ask again.')
          : error
      })
      if (now() - (await file.stat()).mtimeMs > TOUCHED) await touch(name)
      if (range?.length === 0) {
        await file.close()
        return new Blob([]).stream()
      }
      const bounds = range ? { start: range.offset, end: range.offset + range.length - 1 } : {}
      return Readable.toWeb(file.createReadStream(bounds)) as ReadableStream<Uint8Array>
    },
    /** Ranges outside of which there are zeros; null: nobody knows. */
    async extents(name: string): Promise<Extent[] | null> {
      if (lastMap?.name === name) return lastMap.extents
      const text = await readFile(at(name) + MAP, 'utf8').catch(() => null)
      if (text === null) return null
      const extents = JSON.parse(text) as Extent[]
      lastMap = { name, extents }
      return extents
    },
    /** Makes room for so many bytes, of what was not used for longest. False: there is none. */
    async makeRoom(bytes: number): Promise<boolean> {
      const all = (await kept()).sort((one, other) => one.usedAt - other.usedAt)
      let total = all.reduce((sum, each) => sum + each.bytes, 0)
      for (const { name, bytes: its, usedAt } of all) {
        if (total + bytes <= mostBytes) break
        if (now() - usedAt < IN_USE) continue
        await remove(name)
        total -= its
      }
      const { bavail, bsize } = await statfs(folder)
      return total + bytes <= mostBytes && bavail * bsize > RESERVE_BYTES
    },
    /** Removes what does not pass. */
    async prune(passes: (names: string[]) => Promise<Set<string>>): Promise<void> {
      const names = (await kept()).map(({ name }) => name)
      if (!names.length) return
      const good = await passes(names)
      for (const name of names) if (!good.has(name)) await remove(name)
    },
    names: async () => (await kept()).map(({ name }) => name),
  }
}
export type Shelf = ReturnType<typeof openShelf>
