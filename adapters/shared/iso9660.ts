/**
 * A small writer of ISO 9660 (ECMA-119) with the names of Joliet beside its own, so that a guest finds files by the names
 * that they were given: a few files in a few directories, each directory in one sector.
 */

const SECTOR = 2048
const FIRST = 16

export interface IsoFile {
  /** Parts of the path; names in ASCII, of at most 30 characters. */
  path: string[]
  data: Uint8Array
}

interface Directory {
  name: string
  parent: Directory | null
  directories: Directory[]
  files: { name: string; file: IsoFile }[]
}

const treeOf = (files: IsoFile[]): Directory[] => {
  const root: Directory = { name: '', parent: null, directories: [], files: [] }
  const all = [root]
  for (const file of files) {
    let at = root
    for (const name of file.path.slice(0, -1)) {
      let next = at.directories.find((each) => each.name === name)
      if (!next) {
        next = { name, parent: at, directories: [], files: [] }
        at.directories.push(next)
        all.push(next)
      }
      at = next
    }
    at.files.push({ name: file.path.at(-1)!, file })
  }
  return all
}

/** How a volume descriptor writes names. */
interface Naming {
  directory(name: string): Uint8Array
  file(name: string): Uint8Array
  text(value: string, length: number): Uint8Array
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const ucs2 = (text: string): Uint8Array =>
  Uint8Array.from([...text].flatMap((char) => [char.charCodeAt(0) >> 8, char.charCodeAt(0) & 0xff]))
const padded = (bytes: Uint8Array, length: number, filler: number[]): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => bytes[i] ?? filler[i % filler.length]!)

const PLAIN: Naming = {
  directory: (name) => ascii(name.toUpperCase()),
  file: (name) => ascii(`${name.toUpperCase()}${name.includes('.') ? '' : '.'};1`),
  text: (value, length) => padded(ascii(value), length, [0x20]),
}
const JOLIET: Naming = {
  directory: ucs2,
  file: ucs2,
  text: (value, length) => padded(ucs2(value), length, [0, 0x20]),
}

/** A number in both orders of bytes, as ECMA-119 has most of them. */
const both = (view: DataView, at: number, value: number, bytes: 2 | 4): void => {
  if (bytes === 2) {
    view.setUint16(at, value, true)
    view.setUint16(at + 2, value, false)
  } else {
    view.setUint32(at, value, true)
    view.setUint32(at + 4, value, false)
  }
}

const record = (name: Uint8Array, sector: number, size: number, directory: boolean): Uint8Array => {
  const bytes = new Uint8Array(33 + name.length + ((name.length + 1) % 2))
  const view = new DataView(bytes.buffer)
  bytes[0] = bytes.length
  both(view, 2, sector, 4)
  both(view, 10, size, 4)
  // 1 January 2000: the same content is the same image.
  bytes.set([100, 1, 1], 18)
  bytes[25] = directory ? 2 : 0
  both(view, 28, 1, 2)
  bytes[32] = name.length
  bytes.set(name, 33)
  return bytes
}

const byName = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

/** Where everything is. */
interface Layout {
  directories: Map<Directory, number>
  files: Map<IsoFile, number>
  total: number
}

const directorySector = (directory: Directory, naming: Naming, { directories, files }: Layout): Uint8Array => {
  const at = (each: Directory) => directories.get(each)!
  const entries = [
    ...directory.directories.map((each) => ({
      name: naming.directory(each.name),
      sector: at(each),
      size: SECTOR,
      dir: true,
    })),
    ...directory.files.map(({ name, file }) => ({
      name: naming.file(name),
      sector: files.get(file)!,
      size: file.data.length,
      dir: false,
    })),
  ].sort((a, b) => byName(a.name, b.name))
  const records = [
    record(Uint8Array.of(0), at(directory), SECTOR, true),
    record(Uint8Array.of(1), at(directory.parent ?? directory), SECTOR, true),
    ...entries.map(({ name, sector, size, dir }) => record(name, sector, size, dir)),
  ]
  const sector = new Uint8Array(SECTOR)
  let end = 0
  for (const each of records) {
    if (end + each.length > SECTOR) throw new Error('a directory has more files than a sector holds')
    sector.set(each, end)
    end += each.length
  }
  return sector
}

const pathTable = (all: Directory[], naming: Naming, { directories }: Layout, little: boolean): Uint8Array => {
  const bytes: number[] = []
  for (const each of all) {
    const name = each.parent ? naming.directory(each.name) : Uint8Array.of(0)
    const entry = new Uint8Array(8 + name.length + (name.length % 2))
    const view = new DataView(entry.buffer)
    entry[0] = name.length
    view.setUint32(2, directories.get(each)!, little)
    view.setUint16(6, all.indexOf(each.parent ?? each) + 1, little)
    entry.set(name, 8)
    bytes.push(...entry)
  }
  return Uint8Array.from(bytes)
}

const descriptor = (
  label: string,
  naming: Naming,
  root: number,
  layout: Layout,
  tables: { size: number; little: number; big: number },
): Uint8Array => {
  const bytes = new Uint8Array(SECTOR)
  const view = new DataView(bytes.buffer)
  bytes.set([naming === PLAIN ? 1 : 2, ...ascii('CD001'), 1])
  bytes.set(naming.text('LINUX', 32), 8)
  bytes.set(naming.text(label, 32), 40)
  both(view, 80, layout.total, 4)
  if (naming === JOLIET) bytes.set(ascii('%/E'), 88)
  both(view, 120, 1, 2)
  both(view, 124, 1, 2)
  both(view, 128, SECTOR, 2)
  both(view, 132, tables.size, 4)
  view.setUint32(140, tables.little, true)
  view.setUint32(148, tables.big, false)
  bytes.set(record(Uint8Array.of(0), root, SECTOR, true), 156)
  for (const [at, length] of [
    [190, 128],
    [318, 128],
    [446, 128],
    [574, 128],
    [702, 37],
    [739, 37],
    [776, 37],
  ] as const)
    bytes.set(naming.text('', length), at)
  for (const at of [813, 830, 847, 864]) bytes.set([...ascii('2000010100000000'), 0], at)
  bytes[881] = 1
  return bytes
}

/** The image of a disk with that label and these files; always the same bytes for the same ones. */
export const isoOf = (label: string, files: IsoFile[]): Uint8Array => {
  const all = treeOf(files)
  const layout = (start: number): Layout => ({
    directories: new Map(all.map((each, i) => [each, start + i])),
    files: new Map(),
    total: 0,
  })
  // Two descriptors and their end, four path tables, then both trees of directories.
  const tables = FIRST + 3
  const plain = layout(tables + 4)
  const joliet = layout(tables + 4 + all.length)
  let next = tables + 4 + 2 * all.length
  const places = new Map<IsoFile, number>()
  for (const file of files) {
    places.set(file, next)
    next += Math.max(1, Math.ceil(file.data.length / SECTOR))
  }
  const image = new Uint8Array(next * SECTOR)
  const put = (sector: number, bytes: Uint8Array): void => image.set(bytes, sector * SECTOR)
  for (const [i, [naming, tree]] of (
    [
      [PLAIN, plain],
      [JOLIET, joliet],
    ] as const
  ).entries()) {
    tree.files = places
    tree.total = next
    const little = tables + 2 * i
    const table = pathTable(all, naming, tree, true)
    put(
      FIRST + i,
      descriptor(label, naming, tree.directories.get(all[0]!)!, tree, { size: table.length, little, big: little + 1 }),
    )
    put(little, table)
    put(little + 1, pathTable(all, naming, tree, false))
    for (const each of all) put(tree.directories.get(each)!, directorySector(each, naming, tree))
  }
  put(FIRST + 2, Uint8Array.from([255, ...ascii('CD001'), 1]))
  for (const [file, sector] of places) put(sector, file.data)
  return image
}
