import { createHash, timingSafeEqual } from 'node:crypto'
import type { Settings } from '../context.ts'

/** Headers by which a program in front says that a request came from elsewhere. */
const FORWARDED = [
  'Forwarded',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Real-IP',
  'X-Client-IP',
  'CF-Connecting-IP',
  'Via',
]
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/i

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Whether somebody may read: `absent` is whoever is to think that there is nothing. */
export const accessTo = (
  metrics: Settings['metrics'],
  headers: Headers,
  peer: string | undefined,
): 'granted' | 'refused' | 'absent' => {
  if (metrics === 'off') return 'absent'
  if (metrics === 'loopback')
    return peer !== undefined && LOOPBACK.test(peer) && !FORWARDED.some((name) => headers.has(name))
      ? 'granted'
      : 'absent'
  const [, given = ''] = /^Bearer +(\S{1,1024})$/i.exec(headers.get('Authorization') ?? '') ?? []
  // Digests are of one length, whatever was sent.
  return timingSafeEqual(digest(given), digest(metrics.token)) ? 'granted' : 'refused'
}
