import { CELL, inkOf } from './glyphs.ts'

/* A console as a screen of characters, in the pixels that a viewer asks for. */

const COLUMNS = 80
const ROWS = 25
export const SIZE = { width: COLUMNS * CELL.width, height: ROWS * CELL.height }

/** How a viewer wants a pixel (RFC 6143, 7.4). */
export interface PixelFormat {
  bits: number
  bigEndian: boolean
  /** Red, green, blue: the largest value of each, and where it is. */
  parts: { max: number; shift: number }[]
}
/** What it is told that the screen has by itself. */
export const NATIVE: PixelFormat = {
  bits: 32,
  bigEndian: false,
  parts: [16, 8, 0].map((shift) => ({ max: 255, shift })),
}

/** Grey on black, of 255. */
const INK = 0xaa

/** What is kept of a console, in characters: more than a screen holds. */
const KEPT = 16_384

/** Text as it comes, and the rows that a screen of it shows. */
export const page = () => {
  let text = ''
  return {
    write(more: string): void {
      for (const char of more) {
        if (char === '\b') text = text.slice(0, -1)
        else if (char !== '\r') text += char
      }
      text = text.slice(-KEPT)
    },
    rows(): string[] {
      const lines = text.split('\n').flatMap((line) => line.match(new RegExp(`.{1,${COLUMNS}}`, 'gs')) ?? [''])
      const shown = lines.slice(-ROWS)
      return [...shown, ...Array<string>(ROWS - shown.length).fill('')]
    },
  }
}

/** A row of characters in pixels. */
const drawn = (row: string, { bits, bigEndian, parts }: PixelFormat): Uint8Array => {
  const width = bits / 8
  const bytes = new Uint8Array(SIZE.width * CELL.height * width)
  const view = new DataView(bytes.buffer)
  const value = parts.reduce((sum, { max, shift }) => sum + Math.round((max * INK) / 255) * 2 ** shift, 0)
  const put = (at: number) => {
    if (bits === 32) view.setUint32(at, value, !bigEndian)
    else if (bits === 16) view.setUint16(at, value, !bigEndian)
    else view.setUint8(at, value)
  }
  for (const [column, char] of [...row].entries())
    for (const [x, y] of inkOf(char)) put((y * SIZE.width + column * CELL.width + x) * width)
  return bytes
}

/** Rectangles of the rows that differ from those that a viewer has, uncompressed (RFC 6143, 7.6.1 and 7.7.1); null: none does. */
export const update = (rows: string[], had: string[], format: PixelFormat): Uint8Array | null => {
  const changed = rows.flatMap((row, i) => (row === had[i] ? [] : [i]))
  if (!changed.length) return null
  const pieces = changed.map((i) => {
    const head = new DataView(new ArrayBuffer(12))
    head.setUint16(2, i * CELL.height)
    head.setUint16(4, SIZE.width)
    head.setUint16(6, CELL.height)
    return [new Uint8Array(head.buffer), drawn(rows[i]!, format)]
  })
  const all = [Uint8Array.of(0, 0, 0, changed.length), ...pieces.flat()]
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of all) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
