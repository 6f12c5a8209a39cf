import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BlobStore } from '../../functions/context.ts'
import { noise } from '../support/disks.ts'
import { freshBlobs } from '../support/fresh-blobs.ts'

let store: BlobStore
let close: () => Promise<void>
beforeEach(async () => {
  ;({ store, close } = await freshBlobs())
})
afterEach(() => close())

const MIB = 2 ** 20
/** In pieces of odd sizes, as a network gives them; then the stream breaks, or ends. */
const streamOf = (bytes: Uint8Array, breaks?: Error): ReadableStream<Uint8Array> => {
  let at = 0
  return new ReadableStream({
    pull(to) {
      if (at < bytes.length) {
        to.enqueue(bytes.slice(at, at + 65_537))
        at += 65_537
      } else if (breaks) to.error(breaks)
      else to.close()
    },
  })
}
const contents = async (...read: Parameters<BlobStore['read']>) =>
  new Uint8Array(await new Response(await store.read(...read)).arrayBuffer())
const digest = async (bytes: Uint8Array) =>
  Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex')
const keys = async () => (await store.list()).blobs.map(({ key }) => key)

describe('what is kept', () => {
  it('comes back as it was, whole and in ranges', async () => {
    const bytes = noise(3 * MIB + 17)
    await store.write('small', streamOf(bytes))
    expect(await digest(await contents('small'))).toBe(await digest(bytes))
    const middle = await contents('small', { offset: 2 * MIB - 5, length: 10 })
    expect([...middle]).toEqual([...bytes.slice(2 * MIB - 5, 2 * MIB + 5)])
    expect((await contents('small', { offset: 3 * MIB, length: 17 })).length).toBe(17)
    expect((await contents('small', { offset: 5, length: 0 })).length).toBe(0)
  })

  it('may be larger than one part of it', async () => {
    const bytes = noise(19 * MIB + 3)
    await store.write('large', streamOf(bytes))
    expect(await digest(await contents('large'))).toBe(await digest(bytes))
  })

  it('may be as large as parts are, and may be nothing at all', async () => {
    await store.write('exact', streamOf(noise(16 * MIB)))
    await store.write('empty', streamOf(new Uint8Array()))
    expect((await contents('exact')).length).toBe(16 * MIB)
    expect((await contents('empty')).length).toBe(0)
  })

  it('is listed with its time, in the order of keys', async () => {
    const before = Date.now()
    for (const key of ['b', 'a', 'c']) await store.write(key, streamOf(noise(10)))
    const { blobs, next } = await store.list()
    expect(blobs.map(({ key }) => key)).toEqual(['a', 'b', 'c'])
    expect(next).toBeUndefined()
    for (const { writtenAt } of blobs) expect(Math.abs(writtenAt - before)).toBeLessThan(60_000)
    expect((await store.list('a')).blobs.map(({ key }) => key)).toEqual(['b', 'c'])
  })

  it('goes when it is removed, and then it is said that it is not there', async () => {
    await store.write('gone', streamOf(noise(10)))
    await store.remove('gone')
    await store.remove('gone')
    expect(await keys()).toEqual([])
    await expect(store.read('gone')).rejects.toMatchObject({ code: 'definitive' })
  })
})

describe('a write that breaks off', () => {
  it.each([MIB, 9 * MIB])('after %i bytes leaves nothing', async (size) => {
    const broken = store.write('half', streamOf(noise(size), new Error('the client left')))
    await expect(broken).rejects.toThrow('the client left')
    expect(await keys()).toEqual([])
    await expect(store.read('half')).rejects.toMatchObject({ code: 'definitive' })
  })
})
