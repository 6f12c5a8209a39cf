import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { membersOf } from '../../adapters/shared/tar.ts'
import { parseXml } from '../../adapters/shared/xml.ts'
import { inspectImage } from '../../functions/broker/image/image-format.ts'
import { ovaArchive, qcow2Disk, vmdkDisk } from '../support/disks.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'

/** For so long may nothing hold the event loop, by what this thread computed: a busy machine takes no part of it. */
const MOST_MS = 200
const RUNS = { numRuns: 60, seed: 42, interruptAfterTimeLimit: 20_000 }

let plimsoll: Plimsoll
beforeAll(async () => {
  plimsoll = await startPlimsoll()
})

/** What this thread has computed so far, in milliseconds. */
const computed = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** The most that was computed between two turns of a timer while the work went on, in milliseconds. */
const heldBy = async (work: () => unknown): Promise<number> => {
  let longest = 0
  let last = computed()
  const tick = () => {
    const now = computed()
    longest = Math.max(longest, now - last)
    last = now
  }
  const timer = setInterval(tick, 1)
  try {
    await work()
    await new Promise((resolve) => setTimeout(resolve, 2))
  } finally {
    clearInterval(timer)
  }
  tick()
  return longest
}
const holdsNothing = async (work: () => unknown): Promise<void> => {
  if ((await heldBy(work)) > MOST_MS) expect(await heldBy(work)).toBeLessThan(MOST_MS)
}

const PIECES = [
  '(',
  ')',
  '*',
  '+',
  '?',
  '{9}',
  '{1,99}',
  '{999}',
  '|',
  '.',
  '[^a]',
  '\\pL',
  '\\w',
  '\\b',
  '^',
  '$',
  'a',
  '(?i)',
  '(?=',
  '\\1',
]
const pattern = fc.array(fc.constantFrom(...PIECES), { maxLength: 80 }).map((parts) => parts.join(''))
/** A piece again and again between others. */
const pumped = (pieces: string[], size: number) =>
  fc
    .tuple(fc.constantFrom(...pieces), fc.constantFrom(...pieces), fc.constantFrom(...pieces))
    .map(([before, again, after]) => before + again.repeat(Math.floor(size / again.length)) + after)

describe('no stranger holds the event loop', () => {
  test('by a pattern', async () => {
    const demo = plimsoll.as('demo')
    await demo.get('/compute/v2.1/servers?name=a.b')
    await fc.assert(
      fc.asyncProperty(pattern, fc.constantFrom('name', 'ip', 'ip6'), async (text, key) => {
        await holdsNothing(async () => {
          const { status } = await demo.get(`/compute/v2.1/servers?${key}=${encodeURIComponent(text)}`)
          expect([200, 400]).toContain(status)
        })
      }),
      RUNS,
    )
  })

  test('by a body', async () => {
    const pieces = [
      '{"a":',
      '[',
      '{',
      '"',
      '\\',
      ',',
      '{},',
      '"a":1,',
      '1',
      '-',
      'e',
      '\u00e9',
      '{"network":{"name":"',
      '"}}',
    ]
    await fc.assert(
      fc.asyncProperty(pumped(pieces, 1_000_000), async (text) => {
        const bytes = new TextEncoder().encode(text)
        await holdsNothing(async () => {
          const { status } = await plimsoll.nobody.send('POST', '/identity/v3/auth/tokens', bytes, {
            'Content-Type': 'application/json',
          })
          expect([400, 401, 413]).toContain(status)
        })
      }),
      { ...RUNS, numRuns: 30 },
    )
  })

  test('by a header', async () => {
    const names = [
      'Content-Type',
      'X-Auth-Token',
      'OpenStack-API-Version',
      'X-OpenStack-Request-ID',
      'Idempotency-Key',
      'Range',
      'If-Match',
      'Accept',
    ]
    const pieces = [
      'application/',
      '+',
      'json',
      '-',
      ' ',
      ',',
      'compute ',
      '2.',
      '9',
      'v1.',
      'a',
      'bytes=',
      '"',
      '.',
      'req-',
      'gAAAAA',
    ]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), pumped(pieces, 15_000), async (name, text) => {
        await holdsNothing(async () => {
          const headers = { 'Content-Type': 'application/json', [name]: text.trim() }
          const answers = [
            await plimsoll.nobody.post('/identity/v3/auth/tokens', {}, headers),
            await plimsoll
              .as('demo')
              .post(
                '/network/v2.0/networks',
                { network: {} },
                { ...headers, 'X-Auth-Token': await plimsoll.as('demo').token() },
              ),
          ]
          for (const { status } of answers) expect(status).toBeLessThan(500)
        })
      }),
      RUNS,
    )
  })

  test('by an archive, its descriptor, or an image', async () => {
    const pieces = [
      '<a>',
      '</a>',
      '<a ',
      'b="c" ',
      'xmlns:a="b" ',
      '&#1;',
      '&',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<',
      '>',
      ' ',
      '<Disk',
      '"',
      '1',
      '\n',
      '=',
      '9 a=b\n',
      'createType="a"',
    ]
    const files = [ovaArchive(), qcow2Disk(), vmdkDisk()]
    await fc.assert(
      fc.asyncProperty(pumped(pieces, 60_000), fc.constantFrom(...files), fc.nat(), async (text, file, at) => {
        const bytes = Uint8Array.from(file)
        bytes.set(
          new TextEncoder().encode(text).subarray(0, 60_000),
          Math.min(at % 2_048, Math.max(bytes.length - 60_000, 0)),
        )
        const read = async (from: number, length: number) => bytes.slice(from, from + length)
        await holdsNothing(async () => {
          const works: (() => unknown)[] = [
            () => parseXml(text),
            () => membersOf(read, bytes.length),
            () => inspectImage(bytes.subarray(0, 65_536), bytes.subarray(-512), bytes.length),
          ]
          for (const work of works)
            await Promise.resolve()
              .then(work)
              .catch(() => undefined)
        })
      }),
      RUNS,
    )
  })
})
