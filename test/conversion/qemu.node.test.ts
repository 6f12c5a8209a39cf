import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readVmdk } from '../../adapters/vsphere/package/vmdk.ts'
import { inspectImage } from '../../functions/broker/image/image-format.ts'
import type { Conversion, ConversionJob } from '../../functions/context.ts'
import { runInCell } from '../../functions/conversion/cell.ts'
import { openConversion } from '../../functions/conversion/conversion.ts'
import { findProgram } from '../../functions/conversion/find.ts'
import { mapReader, WRITES } from '../../functions/conversion/qemu.ts'
import { ova } from '../adapters/vsphere/disk-image.ts'
import { qcow2Disk } from '../support/disks.ts'

/** The real program, where this machine has it and can keep it apart; elsewhere the reason is what is told. */
const ground = mkdtempSync(join(tmpdir(), 'plimsoll-conversion-'))
const found = await findProgram(ground)
const lacking = 'lacking' in found ? found.lacking : null
const here = describe.skipIf(lacking !== null)
const title = (text: string) => (lacking ? `${text} (skipped: ${lacking})` : text)
afterAll(() => rmSync(ground, { recursive: true, force: true }))

const MIB = 2 ** 20
let folder: string
let images: string
const logged: unknown[] = []
const open = async (mostBytes = 2 ** 40, mostDisk = 2 ** 40) => {
  const opened = await openConversion({
    folder: join(folder, 'converted'),
    mostBytes,
    mostDisk,
    pathOf: (blob) => join(images, blob),
    now: Date.now,
    log: (...said) => logged.push(said),
  })
  if ('lacking' in opened) throw new Error(opened.lacking)
  return opened
}
beforeEach(() => {
  folder = mkdtempSync(join(ground, 'case-'))
  images = join(folder, 'images')
  mkdirSync(images)
  logged.length = 0
})

/** A disk of so many MiB, of which every tenth holds something. */
const diskOf = (name: string, mib: number): string => {
  const path = join(images, name)
  const file = openSync(path, 'w')
  ftruncateSync(file, mib * MIB)
  for (let at = 0; at < mib; at += 10) writeSync(file, randomBytes(MIB), 0, MIB, at * MIB)
  closeSync(file)
  return path
}
const jobOf = (blob: string, from: string, to: string, project = 'one'): ConversionJob => ({
  project,
  blob,
  from,
  to,
  sizeBytes: statSync(join(images, blob)).size,
})
const made = async (conversion: Conversion, job: ConversionJob) => {
  for (let patience = 600; patience > 0; patience--) {
    const done = await conversion.make(job)
    if (done) return done
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('it never ends')
}
const bytesOf = async (conversion: Conversion, key: string) =>
  new Uint8Array(await new Response(await conversion.read(key)).arrayBuffer())
const inFolder = () => readdirSync(join(folder, 'converted')).sort()

here(title('qemu-img'), () => {
  it('makes every format of every other, and the disk inside stays what it is', { timeout: 120_000 }, async () => {
    const disk = readFileSync(diskOf('disk', 20))
    const conversion = await open()
    for (const format of WRITES.filter((each) => each !== 'raw/bare')) {
      const there = await made(conversion, jobOf('disk', 'raw/bare', format))
      const bytes = await bytesOf(conversion, there.key)
      const told = inspectImage(bytes.subarray(0, 65_536), bytes.subarray(-512), bytes.length)
      expect(told).toMatchObject({ format: format.split('/')[0] })
      expect(told.unsafe).toBeUndefined()
      expect(bytes.length).toBe(there.sizeBytes)
      const blob = `made-${format.split('/')[0]}`
      writeFileSync(join(images, blob), bytes)
      const back = await made(conversion, jobOf(blob, format, 'raw/bare'))
      expect(Buffer.compare(await bytesOf(conversion, back.key), disk), format).toBe(0)
    }
  })

  it('reads what no cloud takes, and writes none of it', { timeout: 60_000 }, async () => {
    const disk = readFileSync(diskOf('disk', 20))
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'vdi', join(images, 'disk'), join(images, 'vdi')])
    const bytes = readFileSync(join(images, 'vdi'))
    expect(inspectImage(bytes.subarray(0, 65_536), bytes.subarray(-512), bytes.length)).toEqual({
      format: 'vdi',
      virtualSize: 20 * MIB,
    })
    const conversion = await open()
    expect([conversion.reads.includes('vdi/bare'), conversion.writes.includes('vdi/bare')]).toEqual([true, false])
    const back = await made(conversion, jobOf('vdi', 'vdi/bare', 'raw/bare'))
    expect(Buffer.compare(await bytesOf(conversion, back.key), disk)).toBe(0)
    // What another disk differs in is no disk alone.
    bytes.writeUInt32LE(4, 76)
    writeFileSync(join(images, 'differs'), bytes)
    await expect(made(conversion, jobOf('differs', 'vdi/bare', 'raw/bare'))).rejects.toThrow(/its VDI type is 4/)
  })

  it('costs what is in a disk, not its size', { timeout: 120_000 }, async () => {
    diskOf('large', 2048)
    const conversion = await open()
    const small = await made(conversion, jobOf('large', 'raw/bare', 'qcow2/bare'))
    expect(small.sizeBytes).toBeLessThan(230 * MIB)
    writeFileSync(join(images, 'small'), await bytesOf(conversion, small.key))
    const back = await made(conversion, jobOf('small', 'qcow2/bare', 'raw/bare'))
    expect(back.sizeBytes).toBe(2048 * MIB)
    expect(statSync(join(folder, 'converted', 'small~raw~bare')).blocks * 512).toBeLessThan(230 * MIB)
    const extents = (await conversion.extents!(back.key))!
    expect(extents).toHaveLength(205)
    expect(extents.reduce((sum, { length }) => sum + length, 0)).toBe(205 * MIB)
    expect(extents[1]).toEqual({ offset: 10 * MIB, length: MIB })
  })

  it('takes the disk out of a package', { timeout: 60_000 }, async () => {
    const disk = readFileSync(diskOf('disk', 20))
    const conversion = await open()
    const there = await made(conversion, jobOf('disk', 'raw/bare', 'vmdk/bare'))
    const vmdk = await bytesOf(conversion, there.key)
    writeFileSync(join(images, 'ova'), await ova(vmdk as Uint8Array<ArrayBuffer>, 20))
    const back = await made(conversion, jobOf('ova', 'vmdk/ova', 'raw/bare'))
    expect(Buffer.compare(await bytesOf(conversion, back.key), disk)).toBe(0)
    writeFileSync(join(images, 'flat'), await ova(new TextEncoder().encode('# Disk DescriptorFile\n'), 20))
    await expect(made(conversion, jobOf('flat', 'vmdk/ova', 'raw/bare'))).rejects.toThrow(/its extents are other files/)
  })

  it('makes what it is one file of for vSphere of any VMDK that is one', { timeout: 60_000 }, async () => {
    execFileSync('qemu-img', ['create', '-q', '-f', 'vmdk', join(images, 'sparse'), '20M'])
    const conversion = await open()
    const { key } = await made(conversion, jobOf('sparse', 'vmdk/bare', 'vmdk/bare'))
    const bytes = await bytesOf(conversion, key)
    expect(inspectImage(bytes.subarray(0, 65_536), bytes.subarray(-512), bytes.length)).toEqual({
      format: 'vmdk',
      kind: 'streamOptimized',
      virtualSize: 20 * MIB,
    })
    expect(readVmdk(bytes.subarray(0, 512))).toEqual({ capacityKiB: 20 * 1024 })
  })

  it('is run once for however many ask, and says how far it is', { timeout: 60_000 }, async () => {
    diskOf('disk', 100)
    const conversion = await open()
    const job = jobOf('disk', 'raw/bare', 'vmdk/bare')
    expect(await Promise.all([1, 2, 3].map(() => conversion.make(job)))).toEqual([null, null, null])
    expect(conversion.share(job)).toBeGreaterThanOrEqual(0)
    await made(conversion, job)
    expect(conversion.share(job)).toBeNull()
    expect(inFolder()).toEqual(['disk~vmdk~bare'])
  })

  it.each([
    ['a backing file', qcow2Disk({ backing: 8 }), /backing file/],
    ['data in another file', qcow2Disk({ incompatible: 4 }), /another file/],
    ['another format', new Uint8Array(MIB), /does not match stream data raw/],
    ['a broken inside', qcow2Disk(), /could not be converted/],
  ])('refuses %s, with the reason, and leaves nothing', async (_, bytes, reason) => {
    writeFileSync(join(images, 'bad'), bytes)
    const conversion = await open()
    await expect(made(conversion, jobOf('bad', 'qcow2/bare', 'raw/bare'))).rejects.toThrow(reason)
    expect(inFolder()).toEqual([])
  })

  it('is done in turns, so that nobody waits for all that another has', { timeout: 60_000 }, async () => {
    for (const name of ['a1', 'a2', 'a3', 'b1']) diskOf(name, 100)
    const conversion = await open()
    const jobs = ['a1', 'a2', 'a3', 'b1'].map((name) => jobOf(name, 'raw/bare', 'qcow2/bare', name[0]))
    for (const job of jobs) await conversion.make(job)
    await made(conversion, jobs[3]!)
    expect(conversion.share(jobs[2]!)).not.toBeNull()
    for (const job of jobs) await made(conversion, job)
  })

  it('ends for what nobody wants any more, waiting or at work', { timeout: 60_000 }, async () => {
    for (const name of ['gone', 'waits', 'wanted']) diskOf(name, 1000)
    const conversion = await open()
    const jobs = ['gone', 'waits', 'wanted'].map((name) => jobOf(name, 'raw/bare', 'vmdk/bare'))
    for (const job of jobs) await conversion.make(job)
    await conversion.keep(async () => new Set(['wanted']))
    await made(conversion, jobs[2]!)
    expect(inFolder()).toEqual(['wanted~vmdk~bare'])
    await expect(conversion.make(jobs[0]!)).rejects.toThrow(/its image was deleted/)
    await expect(conversion.make(jobs[1]!)).rejects.toThrow(/its image was deleted/)
  })

  it('makes nothing of a disk that is larger than is allowed here', async () => {
    diskOf('large', 3 * 1024)
    const conversion = await open(2 ** 40, 2 * 1024 * MIB)
    const job = jobOf('large', 'raw/bare', 'qcow2/bare')
    await expect(made(conversion, job)).rejects.toThrow(/its disk has 3 GiB, and 2 GiB are the most here/)
  })

  it('throws maps away at its start whose data is not there', async () => {
    mkdirSync(join(folder, 'converted'))
    for (const name of ['kept~raw~bare', 'kept~raw~bare.map', 'lost~raw~bare.map'])
      writeFileSync(join(folder, 'converted', name), '[]')
    await open()
    expect(inFolder()).toEqual(['kept~raw~bare', 'kept~raw~bare.map'])
  })

  it('leaves nothing half done where its process dies', { timeout: 60_000 }, async () => {
    diskOf('disk', 100)
    const left = join(folder, 'converted', 'work-dead')
    mkdirSync(join(left, 'out'), { recursive: true })
    writeFileSync(join(left, 'out', 'data'), 'half')
    const conversion = await open()
    expect(inFolder()).toEqual([])
    await made(conversion, jobOf('disk', 'raw/bare', 'qcow2/bare'))
  })

  it('keeps so much, of what was used last, and nothing of what is gone', { timeout: 60_000 }, async () => {
    for (const name of ['one', 'two', 'three']) diskOf(name, 100)
    const conversion = await open(25 * MIB)
    for (const name of ['one', 'two']) await made(conversion, jobOf(name, 'raw/bare', 'qcow2/bare'))
    // All of it may be on its way to a cloud.
    await expect(made(conversion, jobOf('three', 'raw/bare', 'qcow2/bare'))).rejects.toThrow(/no room/)
    const { utimesSync } = await import('node:fs')
    utimesSync(join(folder, 'converted', 'one~qcow2~bare'), 1, 1)
    const later = await open(25 * MIB)
    await made(later, jobOf('three', 'raw/bare', 'qcow2/bare'))
    expect(inFolder()).toEqual(['three~qcow2~bare', 'two~qcow2~bare'])
    await later.keep(async (blobs) => new Set(blobs.filter((blob) => blob === 'two')))
    expect(inFolder()).toEqual(['two~qcow2~bare'])
  })
})

describe('the ranges of a disk that hold data', () => {
  const line = (start: number, length: number, data: boolean) =>
    `{ "start": ${start}, "length": ${length}, "depth": 0, "present": true, "zero": ${!data}, "data": ${data}},\n`
  const striped = (pieces: number, most: number) => {
    const map = mapReader(10, most)
    for (let i = 0; i < pieces; i++) map.heard(line(i * 20, 10, true) + line(i * 20 + 10, 10, false))
    return map.end()
  }

  it('are told one by one', () => {
    expect(striped(3, 10)).toEqual([0, 20, 40].map((offset) => ({ offset, length: 10 })))
  })

  it('are told in coarser ones where they are many, none behind the end of the disk', () => {
    expect(striped(11, 10)).toEqual([{ offset: 0, length: 220 }])
    const map = mapReader(10, 2)
    for (const start of [0, 1000, 1030]) map.heard(line(start, 10, true))
    expect(map.end()).toEqual([
      { offset: 0, length: 20 },
      { offset: 1000, length: 40 },
    ])
  })
})

here(title('what is kept apart'), () => {
  let work: string
  const LIMITS = { cpuSeconds: 5, memory: 2 ** 30, file: MIB, time: 10_000 }
  beforeAll(() => {
    work = mkdtempSync(join(ground, 'cell-'))
    writeFileSync(join(work, 'secret'), 'of the host')
    writeFileSync(join(work, 'input'), 'of a stranger')
  })
  const run = async (script: string, limits = LIMITS) => {
    let said = ''
    const ended = await runInCell({ work, input: join(work, 'input') }, ['sh', '-c', script], limits, {
      heard: (text) => {
        said += text
      },
    })
    return { ...ended, said: said.trim() }
  }

  it('reads its input and nothing else of the machine', async () => {
    expect((await run('cat /in')).said).toBe('of a stranger')
    expect((await run('ls /')).said.split('\n').filter((name) => !/^(usr|s?bin|lib\w*)$/.test(name))).toEqual([
      'dev',
      'in',
      'out',
    ])
    for (const path of ['/etc/passwd', '/proc/1/environ', join(work, 'secret'), `/old${work}/secret`])
      expect((await run(`cat ${path}`)).code).not.toBe(0)
  })

  it('writes to one folder', async () => {
    for (const path of ['/in', '/usr/x', '/x', '/dev/x']) expect((await run(`echo x > ${path}`)).code).not.toBe(0)
    expect((await run('echo x > /out/x')).code).toBe(0)
    expect(readFileSync(join(work, 'out/x'), 'utf8')).toBe('x\n')
    expect(readFileSync(join(work, 'input'), 'utf8')).toBe('of a stranger')
  })

  it('has no network, no capability and no other process', async () => {
    const looks = 'exec 3<>/dev/tcp/127.0.0.1/1'
    expect((await run(`bash -c '${looks}'`)).errors).toMatch(/unreachable|refused/)
    expect((await run('mount -t tmpfs x /out')).code).not.toBe(0)
    expect((await run('echo $$')).said).toBe('1')
  })

  it('ends when it takes too long, too much of a processor, of memory or of the disk', {
    timeout: 30_000,
  }, async () => {
    expect(await run('sleep 60', { ...LIMITS, time: 1_000 })).toMatchObject({ late: true })
    expect((await run('while :; do :; done', { ...LIMITS, cpuSeconds: 1 })).code).not.toBe(0)
    expect((await run('head -c 2000000 /in /usr/bin/* > /out/x')).code).not.toBe(0)
    expect(statSync(join(work, 'out/x')).size).toBe(MIB)
    expect((await run('perl -e \'$x = "x" x 500000000\'', { ...LIMITS, memory: 2 ** 28 })).code).not.toBe(0)
  })
})

describe('a machine that cannot', () => {
  /** One with these programs, and with others in the place of some. */
  const machine = (programs: string[], instead: Record<string, string> = {}): string[] => {
    const bin = mkdtempSync(join(ground, 'bin-'))
    for (const program of programs) {
      const path = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'].map((each) => join(each, program)).find(existsSync)
      if (path) symlinkSync(path, join(bin, program))
    }
    for (const [program, script] of Object.entries(instead))
      writeFileSync(join(bin, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return [bin]
  }
  const APART = [
    'prlimit',
    'setpriv',
    'findmnt',
    'mount',
    'umount',
    'pivot_root',
    'nice',
    'sed',
    'mkdir',
    'cp',
    'ln',
    'rm',
    'rmdir',
  ]
  const QEMU = { 'qemu-img': 'echo qemu-img version 1.0' }
  const told = async (paths: string[]) => {
    const answer = await findProgram(ground, paths)
    return 'lacking' in answer ? answer.lacking : `by ${answer.tool}`
  }

  it('because it has no qemu-img, says so', async () => {
    expect(await told(machine([...APART, 'unshare']))).toBe(
      'Nothing is converted here: qemu-img is not on this machine (Debian has it in qemu-utils).',
    )
  })

  it('because it lacks what keeps it apart, runs nothing', async () => {
    const mark = join(ground, 'was-run')
    expect(await told(machine(APART, { 'qemu-img': `echo qemu-img version 1.0; : > ${mark}` }))).toBe(
      'Nothing is converted here: unshare is missing, and without it qemu-img is not kept apart.',
    )
    expect(existsSync(mark)).toBe(false)
  })

  it('because its data is in a folder that is seen from inside, runs nothing', async () => {
    const paths = machine([...APART, 'unshare'], QEMU)
    expect(await findProgram('/usr/share', paths)).toEqual({
      lacking: 'Nothing is converted here: the folder of data is in /usr, which qemu-img reads for its own.',
    })
  })

  it('because its kernel keeps nothing apart, runs nothing', async () => {
    const mark = join(ground, 'was-run-too')
    const instead = {
      'qemu-img': `echo qemu-img version 1.0; : > ${mark}`,
      unshare: 'echo "unshare: unshare failed: Operation not permitted" >&2; exit 1',
    }
    expect(await told(machine(APART, instead))).toBe(
      'Nothing is converted here: qemu-img cannot be kept apart from the rest of this machine (unshare: unshare failed: Operation not permitted).',
    )
    expect(existsSync(mark)).toBe(false)
  })

  it('does not take whatever is called so for it', async () => {
    expect(await told(machine([...APART, 'unshare'], { ...QEMU, 'qemu-img': 'echo something else' }))).toMatch(
      /^Nothing is converted here: /,
    )
  })
})
