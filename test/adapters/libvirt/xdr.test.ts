import { describe, expect, it } from 'vitest'
import {
  DOMAIN_XML,
  FAULT,
  GET_NODE_INFO,
  LIST_DOMAINS,
  SET_METADATA,
} from '../../../adapters/libvirt/wire/procedures.ts'
import {
  decode,
  encode,
  hyper,
  int,
  list,
  Malformed,
  optional,
  text,
  typed,
  uint,
} from '../../../adapters/libvirt/wire/xdr.ts'

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
const UUID = 'ab9a9070-9fe1-49da-9cbd-2243b39ef98e'

describe('XDR', () => {
  it('is big-endian, and everything fills words (RFC 4506)', () => {
    expect(hex(encode(int, -2))).toBe('fffffffe')
    expect(hex(encode(hyper, 2 ** 40 + 1))).toBe('0000010000000001')
    expect(hex(encode(text, 'hällo'))).toBe('0000000668c3a46c6c6f0000')
    expect(hex(encode(optional(text), null))).toBe('00000000')
    expect(hex(encode(list(uint, 9), [1, 2]))).toBe('000000020000000100000002')
  })

  it('gives back what was written, of every layout', () => {
    const domain = { name: 'web', uuid: UUID, id: -1 }
    const asked = { domain, type: 2, metadata: '<server/>', key: 'plimsoll', uri: 'urn:x', flags: 3 }
    expect(decode(SET_METADATA.args, encode(SET_METADATA.args, asked))).toEqual(asked)
    const all = { items: [domain, { ...domain, name: 'db' }], count: 2 }
    expect(decode(LIST_DOMAINS.result, encode(LIST_DOMAINS.result, all))).toEqual(all)
    expect(hex(encode(DOMAIN_XML.args, { domain, flags: 0 }))).toContain(UUID.replaceAll('-', ''))
  })

  it.each([
    ['a text longer than what is left', text, '000000ff61626364'],
    ['a text longer than any may be', text, 'ffffffff61626364'],
    ['more elements than there can be', list(text, 16_384), '00003fff00000000'],
    ['more elements than the protocol allows', list(int, 1), '000000020000000100000002'],
    ['what is neither there nor not', optional(int), '0000000700000001'],
    ['half a word', uint, '0000'],
    ['more than was told', uint, '0000000000000000'],
  ])('refuses %s', (_, codec, bytes) => {
    const raw = Uint8Array.from(bytes.match(/../g)!, (byte) => Number.parseInt(byte, 16))
    expect(() => decode<unknown>(codec, raw)).toThrow(Malformed)
  })

  it('refuses a text that is longer than libvirt takes, though it is there', () => {
    const long = 5 * 2 ** 20
    const bytes = new Uint8Array(4 + long)
    new DataView(bytes.buffer).setUint32(0, long)
    expect(() => decode(text, bytes)).toThrow(Malformed)
  })

  it('reads noise as something or refuses it, and holds no more than came', () => {
    let state = 7
    const next = () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return state
    }
    const others: unknown[] = []
    for (let i = 0; i < 5_000; i++) {
      const noise = Uint8Array.from({ length: next() % 200 }, () => (next() % 5 ? 0 : next() >> 8))
      for (const codec of [LIST_DOMAINS.result, FAULT, GET_NODE_INFO.result, SET_METADATA.args])
        try {
          decode<unknown>(codec, noise)
        } catch (error) {
          if (!(error instanceof Malformed)) others.push(error)
        }
    }
    expect(others).toEqual([])
  })
})

it('reads typed parameters of each type, and none that is not one', () => {
  const words = (...numbers: number[]) =>
    Uint8Array.from(numbers.flatMap((word) => [0, 0, 0, 0].map((_, i) => (word >>> (24 - 8 * i)) & 255)))
  expect(decode(typed, words(1, 0xffffffff))).toBe(-1)
  expect(decode(typed, words(2, 0xffffffff))).toBe(2 ** 32 - 1)
  expect(decode(typed, words(3, 0xffffffff, 0xfffffffe))).toBe(-2)
  expect(decode(typed, words(4, 1, 0))).toBe(2 ** 32)
  expect(decode(typed, words(5, 0x3ff80000, 0))).toBe(1.5)
  expect(decode(typed, words(6, 1))).toBe(1)
  for (const value of [7, 'vnet7']) expect(decode(typed, encode(typed, value))).toBe(value)
  for (const type of [0, 8, 0xffffffff]) expect(() => decode(typed, words(type, 0))).toThrow('a parameter of type')
})
