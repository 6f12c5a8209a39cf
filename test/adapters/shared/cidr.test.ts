import { describe, expect, it } from 'vitest'
import {
  contains,
  cover,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
  widened,
} from '../../../adapters/shared/cidr.ts'

describe('addresses', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['fe80::', 'fe80::'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ])('%s is written %s', (text, written) => {
    expect(formatAddress(parseAddress(text)!)).toBe(written)
  })

  it.each([
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '1:2:3',
    '1::2::3',
    '12345::',
    ':::',
    '1:2:3:4:5:6:7:8:9',
    '::1.2.3',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeNull()
  })
})

describe('blocks', () => {
  it('lose their host bits', () => {
    expect(formatCidr(parseCidr('10.1.2.3/16')!)).toBe('10.1.0.0/16')
    expect(formatCidr(parseCidr('2001:db8::1/32')!)).toBe('2001:db8::/32')
    expect(formatCidr(parseCidr('10.1.2.3/0')!)).toBe('0.0.0.0/0')
  })

  it.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '::/129', '10.0.0.0/8/8', '10.0.0.0/-1'])('%j is none', (text) => {
    expect(parseCidr(text)).toBeNull()
  })

  it('contain, cover and widen', () => {
    const block = (text: string) => parseCidr(text)!
    expect(contains(block('10.0.0.0/8'), block('10.2.0.0/16'))).toBe(true)
    expect(contains(block('10.2.0.0/16'), block('10.0.0.0/8'))).toBe(false)
    expect(contains(block('0.0.0.0/0'), block('::/0'))).toBe(false)
    expect(formatCidr(cover([block('10.0.0.0/24'), block('10.0.2.0/24')]))).toBe('10.0.0.0/22')
    expect(formatCidr(cover([block('10.0.0.0/24'), block('192.168.0.0/24')]))).toBe('0.0.0.0/0')
    expect(formatCidr(widened(block('10.0.5.0/24'), 16))).toBe('10.0.0.0/16')
    expect(formatCidr(widened(block('10.0.0.0/8'), 16))).toBe('10.0.0.0/8')
  })
})
