import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openLiveLines, tellLive } from '../../functions/instruments/live-lines.ts'
import { createServer } from '../support/builders.ts'
import { startPlimsoll } from '../support/harness.ts'

/** What is to be read on a terminal to which all this was written: it knows `\r`, lines that end, and two sequences. */
const readOn = (written: string): string[] => {
  const rows = ['']
  let [row, column] = [0, 0]
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is told what to do by them
  for (const [part] of written.matchAll(/\x1b\[2K|\x1b\[1A|[\s\S]/g)) {
    if (part === '\x1b[2K') rows[row] = ''
    else if (part === '\x1b[1A') row--
    else if (part === '\r') column = 0
    else if (part === '\n') {
      row++
      column = 0
      rows[row] ??= ''
    } else {
      rows[row] = `${rows[row]!.padEnd(column).slice(0, column)}${part}${rows[row]!.slice(column + 1)}`
      column++
    }
  }
  return rows.filter(Boolean)
}

let written = ''
const screen = {
  columns: 60,
  write: (text: string) => {
    written += text
  },
}
beforeEach(() => {
  written = ''
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => vi.useRealTimers())
const second = () => vi.advanceTimersByTimeAsync(1_000)

test('lines are written in place, only when they say something else, and are gone at the end', async () => {
  let lines = ['one', 'two']
  const live = openLiveLines(screen, async () => lines)
  await vi.advanceTimersByTimeAsync(1)
  expect(readOn(written)).toEqual(['one', 'two'])
  const before = written
  await second()
  expect(written).toBe(before)
  lines = ['three']
  await second()
  expect(readOn(written)).toEqual(['three'])
  live.above(() => screen.write('a line of the log\n'))
  expect(readOn(written)).toEqual(['a line of the log', 'three'])
  lines = ['four', 'five']
  await second()
  expect(readOn(written)).toEqual(['a line of the log', 'four', 'five'])
  live.end()
  await second()
  expect(readOn(written)).toEqual(['a line of the log'])
})

test('what is wider than the terminal ends before its edge, and nothing in a name moves the cursor', async () => {
  const live = openLiveLines(screen, async () => [`${'x'.repeat(100)}`, 'a\x1b[2J\nb'])
  await vi.advanceTimersByTimeAsync(1)
  expect(readOn(written)).toEqual([`${'x'.repeat(58)}…`, 'a[2Jb'])
  live.end()
})

test('a terminal that goes away ends the lines and nothing else', async () => {
  let [count, gone] = [0, false]
  const throwing = () => {
    count++
    if (gone) throw new Error('write EIO')
  }
  const live = openLiveLines({ write: throwing }, async () => [`round ${count}`])
  await vi.advanceTimersByTimeAsync(1)
  expect(count).toBe(1)
  gone = true
  await second()
  await second()
  expect(count).toBe(2)
  live.above(() => {})
  live.end()
  expect(count).toBe(2)

  const emitting = new EventEmitter()
  let said = 0
  const screen = Object.assign(emitting, { write: () => ++said })
  const other = openLiveLines(screen, async () => [`round ${said}`])
  await vi.advanceTimersByTimeAsync(1)
  // Without anybody who hears it, this throws.
  emitting.emit('error', new Error('write EIO'))
  await second()
  let logged = 0
  other.above(() => logged++)
  other.end()
  expect([said, logged]).toEqual([1, 1])
})

test('a look that fails shows nothing, and the next one shows what there is', async () => {
  let fails = true
  const live = openLiveLines(screen, async () => {
    if (fails) throw new Error('the database is held')
    return ['well']
  })
  await vi.advanceTimersByTimeAsync(1)
  expect(written).toBe('')
  fails = false
  await second()
  expect(readOn(written)).toEqual(['well'])
  live.end()
})

test('a broker tells what it is asked, what is under way, and how full each cloud is', async () => {
  const plimsoll = await startPlimsoll()
  const admin = plimsoll.as('admin')
  await admin.patch('/broker/v1/clouds/sandbox', {
    cloud: { options: { room: { vcpus: 8, ram_mib: 65_536 }, mark: 0.2 } },
  })
  await plimsoll.settle()
  let requests = 0
  const live = tellLive(screen, plimsoll.host, () => requests)
  await vi.advanceTimersByTimeAsync(1)
  expect(readOn(written)).toEqual(['0 requests/s · 0 under way', 'sandbox 0 % of 20 %'])
  await createServer(plimsoll, plimsoll.as('demo'))
  requests = 1
  await second()
  expect(readOn(written)[0]).toMatch(/^1 request\/s · \d+ under way/)
  live.end()
})
