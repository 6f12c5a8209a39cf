import type { Line } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { unclear } from '../../shared/refusals.ts'
import { type Fault, fromFault } from '../errors.ts'
import { AUTH_LIST, AUTH_POLKIT, FAULT, OPEN, type Procedure } from './procedures.ts'
import { decode, encode, joined, Malformed, struct, uint } from './xdr.ts'

/** Calls to one host. They may be made side by side: answers are told apart by their serial. */
export interface Session {
  call<A, R>(procedure: Procedure<A, R>, args: A): Promise<R>
  /** Comes when nothing will be heard any more, with why. */
  ended: Promise<CloudError>
}

/** Takes what a host tells without being asked: the number of the event, and what it says. */
export type Hear = (event: number, body: Uint8Array) => void

const PROGRAM = 0x2000_8086
const VERSION = 1
const CALL = 0
const REPLY = 1
const EVENT = 2
const OK = 0
const ERROR = 1

const HEADER = struct({ program: uint, version: uint, procedure: uint, type: uint, serial: uint, status: uint })
/** The length in front counts itself and the header. */
const LEAST = 28
/** libvirt's own limit for a message (VIR_NET_MESSAGE_MAX). */
const MOST = 33_554_432
/** What a host may say on one line, in bytes: more than all that is asked of one with thousands of domains. */
const MOST_IN_ALL = 268_435_456
/** Messages that are no answers, on a line on which nothing else is heard. */
const MOST_UNASKED = 1_000

interface Waiting {
  name: string
  answered(status: number, body: Uint8Array): void
  failed(error: CloudError): void
}

/**
 * Speaks libvirt's remote protocol over a line, logs in, and opens the driver.
 * @param path the driver's own part of the URI, e.g. `qemu:///system`
 * @throws `denied` where the host wants another way to log in, `ambiguous` for what is no answer
 */
export const openSession = async (line: Line, path: string, hear?: Hear): Promise<Session> => {
  const session = speak(line, hear)
  const { types } = await session.call(AUTH_LIST, null)
  await logIn(session, types)
  await session.call(OPEN, { name: path, flags: 0 })
  return session
}

const NONE = 0
const POLKIT = 2

const logIn = async (session: Session, types: number[]): Promise<void> => {
  if (types.length === 0 || types.includes(NONE)) return
  if (types.includes(POLKIT)) {
    await session.call(AUTH_POLKIT, null)
    return
  }
  throw new CloudError('denied', 'The cloud did not accept our credentials.', {
    operatorMessage: 'The host wants a login by SASL, which is not spoken yet.',
  })
}

const speak = (line: Line, hear: Hear | undefined): Session => {
  const waiting = new Map<number, Waiting>()
  let serial = 0
  let unasked = 0
  let broken: unknown
  let end = (_: CloudError) => {}
  const ended = new Promise<CloudError>((resolve) => {
    end = resolve
  })
  const fail = (why: unknown) => {
    broken ??= why
    end(unclear('listening', broken))
    line.close()
    for (const { name, failed } of waiting.values()) failed(unclear(name, broken))
    waiting.clear()
  }
  const take = (message: Uint8Array) => {
    const { program, procedure, type, serial: answered, status } = decode(HEADER, message.subarray(4, LEAST))
    if (program === PROGRAM && type === EVENT && hear) return hear(procedure, message.subarray(LEAST))
    if (program !== PROGRAM || type !== REPLY) {
      if (++unasked > MOST_UNASKED) throw new Malformed('too much that was not asked')
      return
    }
    const who = waiting.get(answered)
    if (!who) throw new Malformed(`an answer to ${answered}, which was not asked`)
    waiting.delete(answered)
    who.answered(status, message.subarray(LEAST))
  }
  listen(line, take).then(() => fail(new Error('the host hung up')), fail)
  return {
    ended,
    call: ({ number, name, args, result }, value) =>
      new Promise((resolve, reject) => {
        if (broken !== undefined) return reject(unclear(name, broken))
        const own = ++serial
        waiting.set(own, {
          name,
          failed: reject,
          answered(status, body) {
            try {
              if (status === OK) resolve(decode(result, body))
              else if (status === ERROR) reject(fromFault(decode(FAULT, body) as Fault, name))
              else throw new Malformed(`a status of ${status}`)
            } catch (error) {
              reject(unclear(name, error))
            }
          },
        })
        const header = { program: PROGRAM, version: VERSION, procedure: number, type: CALL, serial: own, status: OK }
        const said = [encode(HEADER, header), encode(args, value)]
        const length = 4 + said.reduce((sum, part) => sum + part.length, 0)
        try {
          line.send(joined([encode(uint, length), ...said]))
        } catch (error) {
          fail(error)
        }
      }),
  }
}

/** The length of the message that begins at a place, once it is all there; null: not yet. */
const wholeAt = (bytes: Uint8Array, at: number): number | null => {
  if (bytes.length - at < 4) return null
  const length = decode(uint, bytes.subarray(at, at + 4))
  if (length < LEAST || length > MOST) throw new Malformed(`a message of ${length} bytes`)
  return bytes.length - at < length ? null : length
}

/** Cuts what comes into messages, until nothing comes any more. In whatever pieces it comes, each byte is moved a few times. */
const listen = async (line: Line, take: (message: Uint8Array) => void): Promise<void> => {
  let room = new Uint8Array(65_536)
  let held = 0
  let inAll = 0
  for (let piece = await line.receive(); piece; piece = await line.receive()) {
    inAll += piece.length
    if (inAll > MOST_IN_ALL) throw new Malformed(`more than ${MOST_IN_ALL} bytes on one line`)
    if (held + piece.length > room.length) {
      const wider = new Uint8Array(2 * (held + piece.length))
      wider.set(room.subarray(0, held))
      room = wider
    }
    room.set(piece, held)
    held += piece.length
    const bytes = room.subarray(0, held)
    let at = 0
    for (let length = wholeAt(bytes, at); length !== null; length = wholeAt(bytes, at)) {
      // A copy: the room is used again.
      take(bytes.slice(at, at + length))
      at += length
    }
    if (at > 0) room.copyWithin(0, at, held)
    held -= at
  }
}
