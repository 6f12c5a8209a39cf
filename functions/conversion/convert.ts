import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CloudError } from '../../adapters/errors.ts'
import { membersOf } from '../../adapters/shared/tar.ts'
import { HEAD, inspectImage, mismatch } from '../broker/image/image-format.ts'
import { type Allowance, type Ended, runInCell } from './cell.ts'
import { convertTo, type Disk, type Extent, infoOf, mapOf, mapReader, shareIn, sizeIn } from './qemu.ts'
import type { Shelf } from './shelf.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30
/** What a look at a disk may take; a disk that needs more is made to. */
const LOOK: Allowance = { cpuSeconds: 30, memory: 2 * GIB, file: MIB, time: 60_000 }
/** Seconds of a processor for a conversion, and for each GiB of the disk. */
const CPU = 120
const CPU_GIB = 60
/** However large the disk is: others wait. */
const MOST_CPU = 2 * 3_600
/** It may wait for the disk, or for others, so many times as long. */
const PATIENCE = 5
const MOST_TIME = 4 * 3_600_000
/** How often the room that it takes is looked at, in milliseconds. */
const MEASURED = 500
/** Ranges of data are told in pieces of this: what EBS takes at once. */
const UNIT = 524_288
/** So much of the end of a file tells what it is. */
const TAIL = 512

const refuse = (why: string, operatorMessage?: string): never => {
  throw new CloudError(
    'definitive',
    `The image could not be converted: ${why}.`,
    operatorMessage ? { operatorMessage } : {},
  )
}

type Read = (offset: number, length: number) => Promise<Uint8Array>

/** Reads of a file, which has so many bytes. */
const reading = async <T>(path: string, use: (read: Read, size: number) => Promise<T>): Promise<T> => {
  const file = await open(path, 'r').catch(() => null)
  if (!file) throw new CloudError('definitive', 'The data of the image is not there any more.')
  try {
    const { size } = await file.stat()
    return await use(async (offset, length) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)))
      await file.read(bytes, 0, bytes.length, offset)
      return bytes
    }, size)
  } finally {
    await file.close()
  }
}

/** @throws what the header of a disk says against it, in Glance's words */
const inspected = (path: string, { format, range }: Disk): Promise<void> =>
  reading(path, async (read, all) => {
    const { offset, length: size } = range ?? { offset: 0, length: all }
    const tail = await read(offset + Math.max(0, size - TAIL), Math.min(TAIL, size))
    const found = inspectImage(await read(offset, Math.min(HEAD, size)), tail, size)
    const [diskFormat, containerFormat] = format.split('/') as [string, string]
    const reason = mismatch({ diskFormat, containerFormat }, found)
    if (reason) refuse(reason)
  })

/** The disk that data of a format is; of a package the only one that is in it. */
const diskIn = async (path: string, format: string): Promise<Disk> => {
  if (format !== 'vmdk/ova') return { format }
  const members = await reading(path, membersOf)
  const disks = members.filter(({ name }) => !/\.(ovf|mf|cert)$/i.test(name))
  const [disk] = disks
  if (!disk || disks.length > 1)
    return refuse(`the OVA has ${disks.length} files beside its descriptor, and an image is one disk`)
  return { format: 'vmdk/bare', range: { offset: disk.offset, length: disk.size } }
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
  /** Bytes of the largest disk that is converted. */
  mostDisk: number
  /** Nobody wants it any more. */
  over: AbortSignal
  progressed(share: number): void
}

/**
 * Makes data of one format of a file in another, and puts it on the shelf. A process that dies over it leaves only a folder that the
 * next start throws away. Throws `CloudError` (`definitive`) with the reason.
 */
export const convert = async (shelf: Shelf, order: Order): Promise<void> => {
  const { name, path, from, to, mostDisk, over, progressed } = order
  const refuseOver = () => over.aborted && refuse('its image was deleted')
  refuseOver()
  const disk = await diskIn(path, from)
  await inspected(path, disk)
  const work = await mkdtemp(join(shelf.folder, 'work-'))
  const cell = { work, input: path }
  const output = join(work, 'out/data')
  try {
    const size = await sizeOf(cell, disk)
    if (size > mostDisk)
      refuse(`its disk has ${Math.ceil(size / GIB)} GiB, and ${Math.floor(mostDisk / GIB)} GiB are the most here`)
    const cpuSeconds = Math.min(MOST_CPU, CPU + Math.ceil(size / GIB) * CPU_GIB)
    const allowance: Allowance = {
      cpuSeconds,
      memory: 2 * GIB,
      file: to === 'raw/bare' ? Math.max(size, MIB) : Math.ceil(size * 1.1) + 64 * MIB,
      time: Math.min(MOST_TIME, PATIENCE * cpuSeconds * 1000),
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
    const ended = await runInCell(cell, convertTo(disk, to), allowance, {
      heard(text) {
        said = (said + text).slice(-200)
        const share = shareIn(said)
        if (share !== null) progressed(share)
      },
      running: (ending) => {
        end = ending
        if (over.aborted) ending()
        over.addEventListener('abort', ending)
      },
    }).finally(() => clearInterval(timer))
    refuseOver()
    if (full) refuse('there is no room for more converted data')
    assertDone(ended, allowance)
    await inspected(output, { format: to })
    const extents = to === 'raw/bare' ? await extentsOf(work, output, { format: to }) : null
    const { blocks } = await stat(output)
    if (!(await shelf.makeRoom(blocks * 512))) refuse('there is no room for more converted data')
    await shelf.put(name, output, extents)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const MOST_INFO = 100_000
const sizeOf = async (cell: Parameters<typeof runInCell>[0], disk: Disk): Promise<number> => {
  let said = ''
  const ended = await runInCell(cell, infoOf(disk), LOOK, {
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
const extentsOf = async (work: string, input: string, disk: Disk): Promise<Extent[] | null> => {
  const map = mapReader(UNIT)
  const { code } = await runInCell({ work: join(work, 'map'), input }, mapOf(disk), LOOK, { heard: map.heard })
  return code === 0 ? map.end() : null
}
