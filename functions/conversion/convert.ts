import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CloudError } from '../../adapters/errors.ts'
import { inspectImage, mismatch } from '../broker/image/image-format.ts'
import { type Allowance, type Ended, runInCell } from './cell.ts'
import { convertTo, type Extent, infoOf, mapOf, mapReader, shareIn, sizeIn } from './qemu.ts'
import type { Shelf } from './shelf.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30
/** What a look at a disk may take; a disk that needs more is made to. */
const LOOK: Allowance = { cpuSeconds: 30, memory: 2 * GIB, file: MIB, time: 60_000 }
/** Seconds of a processor for a conversion, and for each GiB of the disk. */
const CPU = 120
const CPU_GIB = 60
/** It may wait for the disk, or for others, so many times as long. */
const PATIENCE = 5
/** How often the room that it takes is looked at, in milliseconds. */
const MEASURED = 500
/** Ranges of data are told in pieces of this: what EBS takes at once. */
const UNIT = 524_288
/** So much of the ends of a file tells what it is. */
const HEAD = 64 * 1024
const TAIL = 512

const refuse = (why: string, operatorMessage?: string): never => {
  throw new CloudError(
    'definitive',
    `The image could not be converted: ${why}.`,
    operatorMessage ? { operatorMessage } : {},
  )
}

/** @throws what its header says against it, in Glance's words */
const inspected = async (path: string, format: string): Promise<void> => {
  const file = await open(path, 'r').catch(() => null)
  if (!file) throw new CloudError('definitive', 'The data of the image is not there any more.')
  try {
    const { size } = await file.stat()
    const part = async (offset: number, length: number) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)))
      await file.read(bytes, 0, bytes.length, offset)
      return bytes
    }
    const found = inspectImage(await part(0, HEAD), await part(Math.max(0, size - TAIL), TAIL), size)
    const [diskFormat, containerFormat] = format.split('/') as [string, string]
    const reason = mismatch({ diskFormat, containerFormat }, found)
    if (reason) refuse(reason)
  } finally {
    await file.close()
  }
}

const assertDone = ({ code, signal, late, errors }: Ended, { cpuSeconds, time }: Allowance): void => {
  if (code === 0) return
  if (late) refuse(`it took longer than ${Math.round(time / 1000)} seconds`)
  if (signal === 'SIGXCPU' || code === 152 || (signal === 'SIGKILL' && !errors))
    refuse(`it took more than ${cpuSeconds} seconds of a processor, or was ended`)
  const last = errors.trim().split('\n').at(-1) ?? ''
  // What it says may name what strangers wrote: kept short, and without anything that is not a letter.
  refuse(
    last
      .replace(/^qemu-img: /, '')
      .replaceAll(/[^\x20-\x7e]/g, '?')
      .slice(0, 200) || `it ended with ${signal ?? code}`,
    errors,
  )
}

/** What is converted, from where, to what; and who hears how far it is. */
export interface Order {
  name: string
  path: string
  from: string
  to: string
  progressed(share: number): void
}

/**
 * Makes data of one format of a file in another, and puts it on the shelf. A process that dies over it leaves only a folder that the
 * next start throws away. Throws `CloudError` (`definitive`) with the reason.
 */
export const convert = async (shelf: Shelf, { name, path, from, to, progressed }: Order): Promise<void> => {
  await inspected(path, from)
  const work = await mkdtemp(join(shelf.folder, 'work-'))
  const cell = { work, input: path }
  const output = join(work, 'out/data')
  try {
    const size = await sizeOf(cell, from)
    const allowance: Allowance = {
      cpuSeconds: CPU + Math.ceil(size / GIB) * CPU_GIB,
      memory: 2 * GIB,
      file: to === 'raw/bare' ? Math.max(size, MIB) : Math.ceil(size * 1.1) + 64 * MIB,
      time: PATIENCE * (CPU + Math.ceil(size / GIB) * CPU_GIB) * 1000,
    }
    let full = false
    let end = () => {}
    const measure = async () => {
      const { blocks } = await stat(output).catch(() => ({ blocks: 0 }))
      if (await shelf.makeRoom(blocks * 512)) return
      full = true
      end()
    }
    await measure()
    if (full) refuse('there is no room for more converted data')
    const timer = setInterval(() => void measure().catch(() => {}), MEASURED)
    let said = ''
    const ended = await runInCell(cell, convertTo(from, to), allowance, {
      heard(text) {
        said = (said + text).slice(-200)
        const share = shareIn(said)
        if (share !== null) progressed(share)
      },
      running: (ending) => {
        end = ending
      },
    }).finally(() => clearInterval(timer))
    if (full) refuse('there is no room for more converted data')
    assertDone(ended, allowance)
    await inspected(output, to)
    const extents = to === 'raw/bare' ? await extentsOf(work, output, to) : null
    const { blocks } = await stat(output)
    if (!(await shelf.makeRoom(blocks * 512))) refuse('there is no room for more converted data')
    await shelf.put(name, output, extents)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const MOST_INFO = 100_000
const sizeOf = async (cell: Parameters<typeof runInCell>[0], format: string): Promise<number> => {
  let said = ''
  const ended = await runInCell(cell, infoOf(format), LOOK, {
    heard: (text) => {
      said = (said + text).slice(0, MOST_INFO)
    },
  })
  assertDone(ended, LOOK)
  try {
    return sizeIn(said)
  } catch (error) {
    return refuse((error as Error).message)
  }
}

/** Where the holes are is known to the file system: it is asked once. */
const extentsOf = async (work: string, input: string, format: string): Promise<Extent[] | null> => {
  const map = mapReader(UNIT)
  const { code } = await runInCell({ work: join(work, 'map'), input }, mapOf(format), LOOK, { heard: map.heard })
  return code === 0 ? map.end() : null
}
