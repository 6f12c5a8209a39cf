import { table } from '../../adapters/table.ts'

/** What qemu-img is asked. https://www.qemu.org/docs/master/tools/qemu-img.html */

/** Formats as adapters name them, with what the program calls them and how it writes them. The first choice first. */
const DRIVERS = table<{ driver: string; options: string[] }>({
  'raw/bare': { driver: 'raw', options: [] },
  'qcow2/bare': { driver: 'qcow2', options: ['compat=1.1'] },
  // The only kind that vSphere imports, and as one file the only one that anybody should.
  'vmdk/bare': { driver: 'vmdk', options: ['subformat=streamOptimized'] },
  // Its size as it is, not as cylinders have it.
  'vhd/bare': { driver: 'vpc', options: ['subformat=dynamic', 'force_size=on'] },
  'vhdx/bare': { driver: 'vhdx', options: ['subformat=dynamic'] },
})
const READ_ALONE = table<{ driver: string }>({
  // No cloud takes it.
  'vdi/bare': { driver: 'vdi' },
})
export const WRITES = Object.keys(DRIVERS)
/** And the disk of a package. */
export const READS = [...WRITES, ...Object.keys(READ_ALONE), 'vmdk/ova']

/** A disk as the program is to read it. */
export interface Disk {
  format: string
  /** Where it is in the file; absent: it is all of it. */
  range?: Extent
}

/** The format is named, so nothing is guessed from bytes. */
const opened = ({ format, range }: Disk): string => {
  const driver = `driver=${(DRIVERS[format] ?? READ_ALONE[format])!.driver}`
  const file = (name: string) => `${name}.driver=file,${name}.filename=/in,${name}.locking=off`
  if (!range) return `${driver},${file('file')}`
  return `${driver},file.driver=raw,file.offset=${range.offset},file.size=${range.length},${file('file.file')}`
}

export const infoOf = (disk: Disk): string[] => ['qemu-img', 'info', '--output=json', '--image-opts', opened(disk)]

export const mapOf = (disk: Disk): string[] => ['qemu-img', 'map', '--output=json', '--image-opts', opened(disk)]

export const convertTo = (from: Disk, to: string): string[] => {
  const { driver, options } = DRIVERS[to]!
  const asked = options.length ? ['-o', options.join()] : []
  return ['qemu-img', 'convert', '-p', '-m', '2', '--image-opts', opened(from), '-O', driver, ...asked, '/out/data']
}

/** How much is done, 0 to 1, by what the program says of its progress; null: it says nothing of it. */
export const shareIn = (said: string): number | null => {
  const last = [...said.matchAll(/\((\d+(?:\.\d+)?)\/100%\)/g)].at(-1)?.[1]
  return last === undefined ? null : Math.min(1, Number(last) / 100)
}

/** Bytes of the disk inside. @throws for a disk that leads to other files, whatever its header said */
export const sizeIn = (info: string): number => {
  const told = JSON.parse(info) as Record<string, unknown>
  const data = (told['format-specific'] as { data?: Record<string, unknown> } | undefined)?.data ?? {}
  const extents = (data.extents as { filename?: string }[] | undefined) ?? []
  const others = told['backing-filename'] ?? data['data-file'] ?? extents.find((each) => !isInput(each.filename))
  if (others !== undefined) throw new Error('it leads to another file')
  const size = told['virtual-size']
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size <= 0) throw new Error('its size is not told')
  return size
}

/** Of a range the program says what it was told. */
const isInput = (filename = ''): boolean => filename === '/in' || /^json:.*"filename": "\/in"/.test(filename)

export interface Extent {
  offset: number
  length: number
}

/** So many ranges are told apart; a disk of more is told in coarser ones. */
const MOST_EXTENTS = 10_000

/** Reads a map as it comes, line by line, into ranges that hold data, in whole `unit`s of bytes. */
export const mapReader = (unit: number, most = MOST_EXTENTS) => {
  let extents: Extent[] = []
  let coarse = unit
  let size = 0
  let rest = ''
  const add = (start: number, end: number) => {
    const from = Math.floor(start / coarse) * coarse
    const to = Math.ceil(end / coarse) * coarse
    const last = extents.at(-1)
    if (last && from <= last.offset + last.length) last.length = Math.max(last.length, to - last.offset)
    else extents.push({ offset: from, length: to - from })
  }
  const coarser = () => {
    coarse *= 2
    const finer = extents
    extents = []
    for (const { offset, length } of finer) add(offset, offset + length)
  }
  const line = (text: string) => {
    const [, start, length, data] = /"start": (\d+), "length": (\d+),.* "data": (true|false)/.exec(text) ?? []
    if (start === undefined) return
    const end = Number(start) + Number(length)
    size = Math.max(size, Math.ceil(end / unit) * unit)
    if (data === 'true') add(Number(start), end)
    while (extents.length > most) coarser()
  }
  return {
    heard(text: string) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const each of lines) line(each)
    },
    end(): Extent[] {
      line(rest)
      // The last of the coarser ones may be said to go on behind the disk.
      return extents.map(({ offset, length }) => ({ offset, length: Math.min(length, size - offset) }))
    },
  }
}
