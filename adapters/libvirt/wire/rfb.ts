import { createCipheriv } from 'node:crypto'
import type { Line } from '../../contract.ts'
import { joined, Malformed } from './xdr.ts'

/*
 * The beginning of VNC's protocol (RFC 6143), as far as a password goes: QEMU is told it here, so that nobody else has to know it.
 * What follows nobody here reads.
 */

const ENCODER = new TextEncoder()
const VERSION = ENCODER.encode('RFB 003.008\n')
const NO_LOGIN = 1
const PASSWORD = 2
const DONE = new Uint8Array(4)
/** A reason of the server's for refusing is not read any further. */
const LONGEST_REASON = 1_000

/** The server knows another password. */
export class WrongPassword extends Error {}

/** What answers a challenge: it, encrypted by DES with the password for a key, each of whose bytes is read from its other end. */
export const responseTo = (challenge: Uint8Array, password: string): Uint8Array => {
  const key = Uint8Array.from(ENCODER.encode(password.padEnd(8, '\0')).subarray(0, 8), (byte) =>
    Number.parseInt(byte.toString(2).padStart(8, '0').split('').reverse().join(''), 2),
  )
  // DES thrice with one key is DES once, which by itself OpenSSL does not have any more.
  const cipher = createCipheriv('des-ede3-ecb', joined([key, key, key]), null).setAutoPadding(false)
  return joined([cipher.update(challenge), cipher.final()])
}

/** Takes bytes off a line by their number. */
const taking = (line: Line) => {
  let held: Uint8Array = new Uint8Array()
  return async (count: number): Promise<Uint8Array> => {
    while (held.length < count) {
      const more = await line.receive()
      if (!more) throw new Malformed('the screen hung up')
      held = joined([held, more])
    }
    const taken = held.subarray(0, count)
    held = held.subarray(count)
    return taken
  }
}
const numberIn = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0)

/**
 * Logs in to a screen.
 * @returns the screen for somebody who logs in to it without a password
 * @throws WrongPassword
 */
export const loggedIn = async (line: Line, password: string): Promise<Line> => {
  const take = taking(line)
  const version = new TextDecoder().decode(await take(VERSION.length))
  if (version !== 'RFB 003.008\n') throw new Malformed(`a screen that says ${JSON.stringify(version)}`)
  line.send(VERSION)
  const [count = 0] = await take(1)
  const ways = await take(count)
  const way = [PASSWORD, NO_LOGIN].find((each) => ways.includes(each))
  if (way === undefined) {
    const length = count ? 0 : numberIn(await take(4))
    const reason = new TextDecoder().decode(await take(Math.min(length, LONGEST_REASON)))
    throw new Malformed(`a screen that lets nobody in: ${reason || `it knows the ways ${ways.join(', ')}`}`)
  }
  line.send(Uint8Array.of(way))
  if (way === PASSWORD) line.send(responseTo(await take(16), password))
  if (numberIn(await take(4)) !== 0) throw new WrongPassword('the screen has another password')
  // It says nothing more before it is spoken to.
  return welcoming(line)
}

/** A screen that was logged in to, for somebody who still has to: they are let in without a word. */
const welcoming = (line: Line): Line => {
  const ready: Uint8Array[] = [VERSION]
  let said: Uint8Array = new Uint8Array()
  let left = false
  let wake = () => {}
  const put = (bytes: Uint8Array) => {
    ready.push(bytes)
    wake()
  }
  const close = () => {
    left = true
    line.close()
    wake()
  }
  /** Theirs are a version, then the way in which they log in; the rest is the screen's. */
  const send = (bytes: Uint8Array): void => {
    const before = said.length
    const own = bytes.subarray(0, VERSION.length + 1 - before)
    said = joined([said, own])
    if (before < VERSION.length && said.length >= VERSION.length) {
      if (VERSION.some((byte, at) => byte !== said[at])) close()
      else put(Uint8Array.of(1, NO_LOGIN))
    }
    if (before <= VERSION.length && said.length > VERSION.length) {
      if (said[VERSION.length] !== NO_LOGIN) close()
      else put(DONE)
    }
    if (!left && bytes.length > own.length) line.send(bytes.subarray(own.length))
  }
  const receive = async (): Promise<Uint8Array | null> => {
    while (!left && !ready.length && said.length <= VERSION.length)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    return left ? null : (ready.shift() ?? line.receive())
  }
  return { ...line, send, close, receive }
}
