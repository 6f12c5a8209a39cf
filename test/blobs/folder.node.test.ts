import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FolderBlobs } from '../../functions/blobs/folder.ts'

let folder: string
let store: FolderBlobs
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-blobs-'))
  store = new FolderBlobs(folder)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('a process that dies over a write leaves a file that is no blob, and is listed to be removed', async () => {
  await writeFile(join(folder, 'half.part'), 'the beginning')
  await expect(store.read('half')).rejects.toMatchObject({ code: 'definitive' })
  const { blobs } = await store.list()
  expect(blobs.map(({ key }) => key)).toEqual(['half.part'])
  await store.remove('half.part')
  expect(await readdir(folder)).toEqual([])
})

it('a blob has its name only when all of it is written', async () => {
  let seen: string[] = []
  const data = new ReadableStream<Uint8Array>({
    async pull(to) {
      if (seen.length) return to.close()
      to.enqueue(new TextEncoder().encode('all of it'))
      seen = await readdir(folder)
    },
  })
  await store.write('whole', data)
  expect(seen).toEqual(['whole.part'])
  expect(await readdir(folder)).toEqual(['whole'])
})

it('a hole in a disk takes no room, and reads as what it was', async () => {
  const MIB = 2 ** 20
  const chunks = Array.from({ length: 64 }, (_, i) => new Uint8Array(MIB).fill(i % 10 === 0 ? i + 1 : 0))
  await store.write('disk', new Blob([...chunks, new Uint8Array(100)]).stream())
  const path = join(folder, 'disk')
  expect(Buffer.compare(await readFile(path), Buffer.concat([...chunks, new Uint8Array(100)]))).toBe(0)
  const { blocks, size } = await stat(path)
  expect(size).toBe(64 * MIB + 100)
  expect(blocks * 512).toBeLessThan(10 * MIB)
})

it('no key leads out of the folder', async () => {
  for (const key of ['../secret.key', '/etc/passwd', '', '..', 'a/b'])
    await expect(store.read(key)).rejects.toThrow('not the key of a blob')
})

it('many files are listed in pages', async () => {
  await mkdir(folder, { recursive: true })
  const names = Array.from({ length: 1_201 }, (_, i) => `blob-${String(i).padStart(5, '0')}`)
  await Promise.all(names.map((name) => writeFile(join(folder, name), '')))
  const found: string[] = []
  let after: string | undefined
  do {
    const page = await store.list(after)
    found.push(...page.blobs.map(({ key }) => key))
    after = page.next
  } while (after !== undefined)
  expect(found).toEqual(names)
})
