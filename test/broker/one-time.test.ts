import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { withFiles, withoutFiles } from '../../functions/broker/compute/personality.ts'
import { withReport } from '../../functions/broker/compute/report/report.ts'
import { newOneTime, oneTimeKept, oneTimeUrl } from '../../functions/broker/line/one-time.ts'
import { startPlimsoll } from '../support/harness.ts'

const KEYS = [1, 2].map((byte) => new Uint8Array(32).fill(byte))

describe('a word that is handed to a guest', async () => {
  const { host } = await startPlimsoll()
  const keyed = (keys: Uint8Array[], deployment = host.deployment.id) => ({
    settings: { ...host.settings, secretKeys: keys },
    deployment: { id: deployment },
  })

  test('is another each time, and is known again by what is kept, under an older key too', () => {
    const word = newOneTime()
    expect(newOneTime()).not.toBe(word)
    const [kept] = oneTimeKept(keyed([KEYS[0]!]), 'arrival', word)
    expect(kept).toMatch(/^hmac\$[0-9a-f]{8}\$[\w-]{43}$/)
    expect(kept).not.toContain(word)
    expect(oneTimeKept(keyed([KEYS[1]!, KEYS[0]!]), 'arrival', word)).toContain(kept)
    expect(oneTimeKept(keyed([KEYS[1]!]), 'arrival', word)).not.toContain(kept)
  })

  test('is another word in another deployment, and none if it was not made here', () => {
    const word = newOneTime()
    expect(oneTimeKept(keyed(KEYS, 'other'), 'arrival', word)).not.toEqual(oneTimeKept(keyed(KEYS), 'arrival', word))
    for (const odd of ['', 'a', `${word}a`, `${word.slice(1)}!`, '%00'.repeat(20)])
      expect(oneTimeKept(keyed(KEYS), 'arrival', odd)).toEqual([])
  })

  test('is part of a URL where operators say under which origin guests find the broker', () => {
    const at = (publicUrl: string | null) => oneTimeUrl({ settings: { ...host.settings, publicUrl } }, 'arrivals', 'w')
    expect(at('https://broker.example')).toBe('https://broker.example/broker/v1/arrivals/w')
    expect(at(null)).toBeNull()
  })
})

test.each([
  ['nothing', null],
  ['a script', Buffer.from('#!/bin/sh\ntrue\n').toString('base64')],
  ['files', withFiles(null, [{ path: '/a', contents: 'Yg==' }])],
])('user data with %s have a script that reports, after those of the user', (_, userData) => {
  const told = withReport(userData, 'https://broker.example/broker/v1/arrivals/w')
  const text = Buffer.from(told, 'base64').toString('latin1')
  const part = text.slice(text.indexOf('Content-Type: text/x-shellscript'))
  expect(part).toContain('filename="zz-plimsoll-ready"')
  const script = Buffer.from(part.split('\r\n\r\n')[1]!.split('\r\n--')[0]!, 'base64').toString('utf8')
  expect(script).toMatch(/^#!\/bin\/sh\n/)
  expect(script).toContain("\nurl='https://broker.example/broker/v1/arrivals/w'\n")
  expect(withoutFiles(told)).toBe(userData)
})
