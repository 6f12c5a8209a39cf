import { Buffer } from 'node:buffer'

/** Distinguished Encoding Rules (X.690), as far as certificates and key files need them. */
export const der = (tag: number, ...parts: Uint8Array[]): Uint8Array => {
  const body = Buffer.concat(parts)
  return Buffer.concat([Uint8Array.of(tag), length(body.length), body])
}

const length = (n: number): Uint8Array => {
  if (n < 0x80) return Uint8Array.of(n)
  const bytes: number[] = []
  for (let rest = n; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff)
  return Uint8Array.of(0x80 | bytes.length, ...bytes)
}

export const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
export const set = (...parts: Uint8Array[]) => der(0x31, ...parts)
export const octets = (bytes: Uint8Array) => der(0x04, bytes)
export const bits = (bytes: Uint8Array) => der(0x03, Uint8Array.of(0), bytes)
export const utf8 = (text: string) => der(0x0c, Buffer.from(text))
export const nothing = Uint8Array.of(0x05, 0x00)
/** `[n]` around something else. */
export const explicit = (n: number, ...parts: Uint8Array[]) => der(0xa0 + n, ...parts)

/** A non-negative integer, from a number or from big-endian bytes. */
export const integer = (value: number | Uint8Array): Uint8Array => {
  let bytes = typeof value === 'number' ? numberBytes(value) : value
  while (bytes.length > 1 && bytes[0] === 0 && bytes[1]! < 0x80) bytes = bytes.subarray(1)
  return der(0x02, bytes[0]! >= 0x80 ? Buffer.concat([Uint8Array.of(0), bytes]) : bytes)
}

const numberBytes = (value: number): Uint8Array => {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex')
}

/** An object identifier from its dotted form. */
export const oid = (dotted: string): Uint8Array => {
  const [first, second, ...rest] = dotted.split('.').map(Number)
  return der(0x06, Uint8Array.from([first! * 40 + second!, ...rest.flatMap(base128)]))
}

const base128 = (value: number): number[] => {
  const digits = [value & 0x7f]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest & 0x7f) | 0x80)
  return digits
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5). */
export const time = (ms: number): Uint8Array => {
  const text = `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  return Number(text.slice(0, 4)) < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text))
}
