import { describe, expect, test } from 'vitest'
import { listed, sourceOf } from '../../functions/auth/source.ts'

const from = (peer: string | undefined, headers: Record<string, string>, proxies: string[] = []) =>
  sourceOf(new Headers(headers), peer, listed(proxies))

describe('the source of a request', () => {
  test('is the other end of its connection, whatever its headers say', () => {
    const headers = { 'X-Forwarded-For': '203.0.113.9', Forwarded: 'for=203.0.113.9', 'X-Real-IP': '203.0.113.9' }
    expect(from('198.51.100.1', headers)).toBe('198.51.100.1')
    expect(from('::ffff:198.51.100.1', headers)).toBe('198.51.100.1')
    expect(from(undefined, headers)).toBe('unknown')
  })

  test('is what a listed proxy says, and of several the last one that is not listed', () => {
    const proxies = ['10.0.0.0/8', '2001:db8::1']
    expect(from('10.1.2.3', { 'X-Forwarded-For': '203.0.113.9' }, proxies)).toBe('203.0.113.9')
    expect(from('2001:db8::1', { 'X-Forwarded-For': '1.1.1.1, 203.0.113.9, 10.9.9.9' }, proxies)).toBe('203.0.113.9')
    expect(from('10.1.2.3', { Forwarded: 'for="[2001:db8:5::7]:99";proto=https' }, proxies)).toBe('2001:db8:5:0::/64')
    expect(from('10.1.2.3', { 'X-Forwarded-For': 'garbage' }, proxies)).toBe('10.1.2.3')
    expect(from('10.1.2.3', {}, proxies)).toBe('10.1.2.3')
    expect(from('192.0.2.8', { 'X-Forwarded-For': '203.0.113.9' }, proxies)).toBe('192.0.2.8')
  })

  test('is one for all that an IPv6 site has', () => {
    const sources = ['2001:db8:0:1::1', '2001:DB8::1:ffff:0:0:1', '2001:db8:0:1:1:2:3:4'].map((peer) => from(peer, {}))
    expect(new Set(sources)).toEqual(new Set(['2001:db8:0:1::/64']))
    expect(from('2001:db8:0:2::1', {})).not.toBe(sources[0])
    expect(from('::1', {})).toBe('0:0:0:0::/64')
  })

  test.each(['10.0.0.0/33', '10.0.0', 'proxy.example', '10.0.0.0/8/8', '10.0.0.0/x', '10.0.0.0/'])(
    'is not taken from a list with %s',
    (entry) => {
      expect(() => listed([entry])).toThrow(entry)
    },
  )
})
