/*
 * XDR as libvirt's messages are written (RFC 4506): big-endian, everything padded to four bytes. Whoever answers may be
 * anybody: every length and count is looked at before anything is made of it.
 */

/** What an answer holds that cannot be one. */
export class Malformed extends Error {}

/** Bytes of a message, as it grows. */
interface Sink {
  chunks: Uint8Array[]
}

/** Bytes of a message, and how far they are read. */
interface Source {
  bytes: Uint8Array
  at: number
}

/** How values of one type are written and read. Reading throws `Malformed`. */
export interface Codec<T> {
  write(sink: Sink, value: T): void
  read(source: Source): T
}

/** libvirt's own limit for a string (REMOTE_STRING_MAX). */
const LONGEST = 4_194_304

const take = (source: Source, length: number): Uint8Array => {
  const end = source.at + length
  if (end > source.bytes.length)
    throw new Malformed(`${length} bytes are told where ${source.bytes.length - source.at} are left`)
  const taken = source.bytes.subarray(source.at, end)
  source.at = end
  return taken
}
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const word = (put: (view: DataView, value: number) => void, get: (view: DataView) => number): Codec<number> => ({
  write(sink, value) {
    const bytes = new Uint8Array(4)
    put(viewOf(bytes), value)
    sink.chunks.push(bytes)
  },
  read: (source) => get(viewOf(take(source, 4))),
})

export const int = word(
  (view, value) => view.setInt32(0, value),
  (view) => view.getInt32(0),
)
export const uint = word(
  (view, value) => view.setUint32(0, value),
  (view) => view.getUint32(0),
)

/** 64 bits without a sign, as a number: no size of memory or disk is beyond 2^53. */
export const hyper: Codec<number> = {
  write(sink, value) {
    const bytes = new Uint8Array(8)
    viewOf(bytes).setBigUint64(0, BigInt(value))
    sink.chunks.push(bytes)
  },
  read: (source) => Number(viewOf(take(source, 8)).getBigUint64(0)),
}

/** 64 bits with a sign, as a number. */
const signed: Codec<number> = {
  write(sink, value) {
    const bytes = new Uint8Array(8)
    viewOf(bytes).setBigInt64(0, BigInt(value))
    sink.chunks.push(bytes)
  },
  read: (source) => Number(viewOf(take(source, 8)).getBigInt64(0)),
}

const double: Codec<number> = {
  write(sink, value) {
    const bytes = new Uint8Array(8)
    viewOf(bytes).setFloat64(0, value)
    sink.chunks.push(bytes)
  },
  read: (source) => viewOf(take(source, 8)).getFloat64(0),
}

const padding = (length: number): number => -length & 3

/** As many bytes as both sides know. */
export const fixed = (length: number): Codec<Uint8Array> => ({
  write: (sink, value) => void sink.chunks.push(value, new Uint8Array(padding(length))),
  read(source) {
    const bytes = take(source, length)
    take(source, padding(length))
    return bytes
  },
})

const ENCODER = new TextEncoder()
const DECODER = new TextDecoder()

export const text: Codec<string> = {
  write(sink, value) {
    const bytes = ENCODER.encode(value)
    uint.write(sink, bytes.length)
    sink.chunks.push(bytes, new Uint8Array(padding(bytes.length)))
  },
  read(source) {
    const length = uint.read(source)
    if (length > LONGEST) throw new Malformed(`a text of ${length} bytes`)
    const bytes = take(source, length)
    take(source, padding(length))
    return DECODER.decode(bytes)
  },
}

export const optional = <T>(codec: Codec<T>): Codec<T | null> => ({
  write(sink, value) {
    uint.write(sink, value === null ? 0 : 1)
    if (value !== null) codec.write(sink, value)
  },
  read(source) {
    const there = uint.read(source)
    if (there > 1) throw new Malformed(`${there} is neither yes nor no`)
    return there ? codec.read(source) : null
  },
})

/** @param most elements that the protocol allows */
export const list = <T>(codec: Codec<T>, most: number): Codec<T[]> => ({
  write(sink, values) {
    uint.write(sink, values.length)
    for (const value of values) codec.write(sink, value)
  },
  read(source) {
    const count = uint.read(source)
    // No element takes less than a word, so a count beyond what is left is a lie.
    if (count > most || count > (source.bytes.length - source.at) / 4) throw new Malformed(`a list of ${count}`)
    return Array.from({ length: count }, () => codec.read(source))
  },
})

/** libvirt's typed parameters (virTypedParameterType): the type goes before the value. */
const TYPED: Record<number, Codec<number> | Codec<string>> = {
  1: int,
  2: uint,
  3: signed,
  4: hyper,
  5: double,
  6: int,
  7: text,
}
/** A number or a text, of whatever type it is said to be. Numbers are written without a sign. */
export const typed: Codec<number | string> = {
  write(sink, value) {
    uint.write(sink, typeof value === 'number' ? 4 : 7)
    if (typeof value === 'number') hyper.write(sink, value)
    else text.write(sink, value)
  },
  read(source) {
    const type = uint.read(source)
    const codec = Object.hasOwn(TYPED, type) ? TYPED[type]! : null
    if (!codec) throw new Malformed(`a parameter of type ${type}`)
    return codec.read(source)
  },
}

/** Fields in the order in which they are named. */
export const struct = <T extends object>(fields: { [K in keyof T]: Codec<T[K]> }): Codec<T> => {
  const entries = Object.entries(fields) as [keyof T, Codec<unknown>][]
  return {
    write(sink, value) {
      for (const [name, codec] of entries) codec.write(sink, value[name])
    },
    read: (source) => Object.fromEntries(entries.map(([name, codec]) => [name, codec.read(source)])) as T,
  }
}

/** The value as bytes. */
export const encode = <T>(codec: Codec<T>, value: T): Uint8Array => {
  const sink: Sink = { chunks: [] }
  codec.write(sink, value)
  return joined(sink.chunks)
}

/** The value that the bytes are, all of them. @throws Malformed */
export const decode = <T>(codec: Codec<T>, bytes: Uint8Array): T => {
  const source: Source = { bytes, at: 0 }
  const value = codec.read(source)
  if (source.at !== bytes.length) throw new Malformed(`${bytes.length - source.at} bytes are left over`)
  return value
}

/** Pieces as one. */
export const joined = (pieces: Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
