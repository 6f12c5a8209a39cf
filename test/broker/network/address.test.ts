import { describe, expect, test } from 'vitest'
import {
  cidrHolds,
  eui64,
  overlap,
  readCidr,
  readIp,
  writeCidr,
  writeIp,
} from '../../../functions/broker/network/address.ts'

const again = (text: string) => {
  const ip = readIp(text)
  return ip && writeIp(ip)
}

describe('addresses', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8::0:1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1::', '1::'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['fe80:0:0:0:0:0:0:0', 'fe80::'],
  ])('%s is written %s', (text, canonical) => expect(again(text)).toBe(canonical))

  test.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4.5',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::g',
    '12345::',
    '1::2::3',
    '1:2:3:4:5:6:7::8',
    'x',
  ])('%j is none', (text) => expect(readIp(text)).toBeNull())
})

test('a block is written in one way, and knows what it holds and overlaps', () => {
  expect(writeCidr(readCidr('10.0.0.77/24')!)).toBe('10.0.0.0/24')
  expect(writeCidr(readCidr('2001:db8::7/64')!)).toBe('2001:db8::/64')
  expect(readCidr('10.0.0.0/32')).toMatchObject({ first: 0x0a000000n, last: 0x0a000000n })
  for (const bad of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/1/2', '::/129', '/8', '10.0.0.0/-1'])
    expect(readCidr(bad), bad).toBeNull()
  expect(cidrHolds('10.0.0.0/24', '10.0.0.255')).toBe(true)
  expect(cidrHolds('10.0.0.0/24', '10.0.1.0')).toBe(false)
  expect(cidrHolds('0.0.0.0/0', '::1')).toBe(false)
  expect(overlap(readCidr('10.0.0.0/8')!, readCidr('10.9.0.0/16')!)).toBe(true)
  expect(overlap(readCidr('10.0.0.0/24')!, readCidr('10.0.1.0/24')!)).toBe(false)
  expect(overlap(readCidr('::/0')!, readCidr('0.0.0.0/0')!)).toBe(false)
})

test('a host names itself after its card', () => {
  expect(eui64(readCidr('2001:db8::/64')!, 'fa:16:3e:01:02:03')).toBe('2001:db8::f816:3eff:fe01:203')
})
