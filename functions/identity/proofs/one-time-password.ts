import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'

/* Time-based one-time passwords (https://www.rfc-editor.org/rfc/rfc6238) as Keystone has them: SHA-1, six digits, half a minute. */

const STEP = 30_000
const DIGITS = 6
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** The bytes of a seed in base 32, with or without its padding; null: it is none. */
export const seedOf = (text: string): Buffer | null => {
  if (text.length > 1024) return null
  const padded = text.trim().toUpperCase()
  let end = padded.length
  while (padded[end - 1] === '=') end--
  const letters = padded.slice(0, end)
  if (!letters) return null
  const bytes: number[] = []
  let [held, bits] = [0, 0]
  for (const letter of letters) {
    const value = ALPHABET.indexOf(letter)
    if (value < 0) return null
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((held >> bits) & 255)
      held &= (1 << bits) - 1
    }
  }
  return Buffer.from(bytes)
}

/** The password of a step. */
const codeAt = (seed: Buffer, step: number): string => {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', seed).update(counter).digest()
  const at = mac[mac.length - 1]! & 15
  const value = mac.readUInt32BE(at) & 0x7fffffff
  return String(value % 10 ** DIGITS).padStart(DIGITS, '0')
}

/** The step whose password it is, of this one and the one before; null: of neither. */
export const stepOf = (seed: Buffer, code: string, now: number): number | null => {
  const step = Math.floor(now / STEP)
  return [step, step - 1].find((each) => codeAt(seed, each) === code) ?? null
}

/** When nobody takes the password of a step any more; milliseconds since 1970. */
export const endOfStep = (step: number): number => (step + 2) * STEP
