import type { Line } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { NATIVE, type PixelFormat, page, SIZE, update } from './screen.ts'
import type { Terminal } from './terminal.ts'

/* The server's side of RFB 3.8 (RFC 6143), without a password: whoever holds the line was let in by the broker. */

const VERSION = 'RFB 003.008\n'
const NONE = 1

/** What a viewer sends, by the first byte: how long it is. Text that it cut is as long as it says. */
const LENGTHS: Record<number, number> = { 0: 20, 3: 10, 4: 8, 5: 6 }
const ENCODINGS = 2
const CUT_TEXT = 6

/** Keys of the X Window System that type something beside the printable ones. */
const KEYS: Record<number, string> = { 65288: '\u007f', 65293: '\r', 65421: '\r' }
const typedBy = (key: number): string => KEYS[key] ?? (key >= 0x20 && key < 0x7f ? String.fromCharCode(key) : '')

const broken = (why: string): CloudError =>
  new CloudError('definitive', `The viewer of the screen does not speak RFB 3.8: ${why}.`)

const formatIn = (view: DataView): PixelFormat => {
  const bits = view.getUint8(4)
  if (![8, 16, 32].includes(bits) || !view.getUint8(7)) throw broken('it asks for colours that are not there')
  const parts = [0, 1, 2].map((i) => ({ max: view.getUint16(8 + i * 2), shift: view.getUint8(14 + i) }))
  return { bits, bigEndian: view.getUint8(6) !== 0, parts }
}

/** What a viewer is told at the beginning: how large the screen is, how a pixel is, and what it is called. */
const greeting = (name: string): Uint8Array => {
  const title = new TextEncoder().encode(name)
  const bytes = new Uint8Array(24 + title.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, SIZE.width)
  view.setUint16(2, SIZE.height)
  const [bits, depth, trueColour] = [NATIVE.bits, 24, 1]
  bytes.set([bits, depth, 0, trueColour], 4)
  for (const [i, { max, shift }] of NATIVE.parts.entries()) {
    view.setUint16(8 + i * 2, max)
    view.setUint8(14 + i, shift)
  }
  view.setUint32(20, title.length)
  bytes.set(title, 24)
  return bytes
}

/** The screen of a console, to a viewer that speaks RFB. */
export const screenLine = (name: string, console: Terminal): Line => {
  const ready: Uint8Array[] = [new TextEncoder().encode(VERSION)]
  const shown = page()
  let stage: 'version' | 'security' | 'init' | 'open' = 'version'
  let heard = new Uint8Array(0)
  let skip = 0
  let fault: Error | null = null
  let format = NATIVE
  /** Whether the viewer waits for a picture, and the rows that it has. */
  let asked = false
  let had: string[] = []

  /** Takes one message, if it is whole; how long it was. */
  const take = (): number => {
    const view = new DataView(heard.buffer, heard.byteOffset, heard.byteLength)
    const need = (length: number): boolean => heard.length >= length
    if (stage === 'version') {
      if (!need(12)) return 0
      if (new TextDecoder().decode(heard.subarray(0, 12)) !== VERSION) throw broken('it says so')
      ready.push(Uint8Array.of(1, NONE))
      stage = 'security'
      return 12
    }
    if (stage === 'security') {
      if (view.getUint8(0) !== NONE) throw broken('it wants a password')
      ready.push(new Uint8Array(4))
      stage = 'init'
      return 1
    }
    if (stage === 'init') {
      ready.push(greeting(name))
      stage = 'open'
      return 1
    }
    const kind = view.getUint8(0)
    if (kind === ENCODINGS || kind === CUT_TEXT) {
      const head = kind === ENCODINGS ? 4 : 8
      if (!need(head)) return 0
      skip = kind === ENCODINGS ? 4 * view.getUint16(2) : view.getUint32(4)
      return head
    }
    const length = LENGTHS[kind]
    if (length === undefined) throw broken(`it says ${kind}`)
    if (!need(length)) return 0
    if (kind === 0) {
      format = formatIn(view)
      had = []
    } else if (kind === 3) {
      asked = true
      if (!view.getUint8(1)) had = []
    } else if (kind === 4 && view.getUint8(1)) console.type(typedBy(view.getUint32(4)))
    return length
  }

  const hear = (bytes: Uint8Array): void => {
    const all = new Uint8Array(heard.length + bytes.length)
    all.set(heard)
    all.set(bytes, heard.length)
    heard = all
    while (heard.length) {
      const skipped = Math.min(skip, heard.length)
      skip -= skipped
      heard = heard.subarray(skipped)
      if (skip || !heard.length) return
      const taken = take()
      if (!taken) return
      heard = heard.subarray(taken)
    }
  }

  const frame = (): Uint8Array | null => {
    if (!asked) return null
    const rows = shown.rows()
    const bytes = update(rows, had, format)
    if (!bytes) return null
    asked = false
    had = rows
    return bytes
  }

  return {
    send(bytes) {
      try {
        hear(bytes)
      } catch (error) {
        fault = error as Error
      }
      console.wake()
    },
    async receive() {
      for (;;) {
        if (fault) throw fault
        const said = ready.shift() ?? frame()
        if (said) return said
        const more = await console.more()
        if (more === null) return null
        shown.write(more)
      }
    },
    close: console.close,
  }
}
