import type { Line } from '../../contract.ts'
import type { CloudError } from '../../errors.ts'
import { unclear } from '../../shared/refusals.ts'
import { type Fault, fromFault } from '../errors.ts'
import { type Login, logIn } from './login.ts'
import { AUTH_LIST, FAULT, OPEN, type Procedure } from './procedures.ts'
import { decode, encode, joined, Malformed, struct, uint } from './xdr.ts'

/** Calls to one host. They may be made side by side: answers are told apart by their serial. */
export interface Session {
  call<A, R>(procedure: Procedure<A, R>, args: A): Promise<R>
  /**
   * Makes a call that is followed by data in either direction. `paced`: while what came is not taken nothing more is read from
   * the line, neither of this nor of anything else.
   */
  open<A>(procedure: Procedure<A, null>, args: A, pace?: 'paced'): Promise<Flow>
  /** Comes when nothing will be heard any more, with why. */
  ended: Promise<CloudError>
}

/** Data behind a call: what is sent to the host, and what comes from it. */
interface Flow {
  send(bytes: Uint8Array): void
  /** What came since; null: there is no more. */
  receive(): Promise<Uint8Array | null>
  /** Says that nothing more is sent or wanted. @throws what the host has to say against what was sent */
  finish(): Promise<void>
}

/** Takes what a host tells without being asked: the number of the event, and what it says. */
export type Hear = (event: number, body: Uint8Array) => void

/** How a line is listened to. */
export interface Listening {
  hear?: Hear
  /** It is there for what has no end: nothing is counted in all. */
  endless?: boolean
}

const PROGRAM = 0x2000_8086
const VERSION = 1
const CALL = 0
const REPLY = 1
const EVENT = 2
const STREAM = 3
const OK = 0
const ERROR = 1
const MORE = 2

const HEADER = struct({ program: uint, version: uint, procedure: uint, type: uint, serial: uint, status: uint })
type Said = ReturnType<typeof HEADER.read>
/** The length in front counts itself and the header. */
const LEAST = 28
/** libvirt's own limit for a message (VIR_NET_MESSAGE_MAX). */
const MOST = 33_554_432
/** What a host may say on one line, in bytes: more than all that is asked of one with thousands of domains. */
const MOST_IN_ALL = 268_435_456
/** Messages that are no answers, on a line on which nothing else is heard. */
const MOST_UNASKED = 1_000
/** Of a flow that is paced so much is held that nobody took yet, in bytes. */
const MOST_HELD = 131_072

/** Takes the answer to one call, or what follows one. */
interface Waiting {
  name: string
  /** What it gives is waited for before anything else is read. */
  answered(status: number, body: Uint8Array): Promise<void> | undefined
  failed(error: CloudError): void
}

/**
 * Speaks libvirt's remote protocol over a line, logs in, and opens the driver.
 * @param login as whom, where the host asks for that
 * @param path the driver's own part of the URI, e.g. `qemu:///system`
 * @throws `denied` where the host wants another way to log in, `ambiguous` for what is no answer
 */
export const openSession = async (
  line: Line,
  path: string,
  listening: Listening = {},
  login: Login | null = null,
): Promise<Session> => {
  const session = speak(line, listening)
  const { types } = await session.call(AUTH_LIST, null)
  await logIn(session, types, login)
  await session.call(OPEN, { name: path, flags: 0 })
  return session
}

const speak = (line: Line, { hear, endless = false }: Listening): Session => {
  const waiting = new Map<number, Waiting>()
  /** What follows a call may come before its answer. */
  const following = new Map<number, Waiting>()
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
    for (const { name, failed } of [...waiting.values(), ...following.values()]) failed(unclear(name, broken))
    waiting.clear()
    following.clear()
  }
  const take = (message: Uint8Array): Promise<void> | undefined => {
    const { program, procedure, type, serial: answered, status } = decode(HEADER, message.subarray(4, LEAST))
    if (program === PROGRAM && type === EVENT && hear) {
      hear(procedure, message.subarray(LEAST))
      return
    }
    const told = type === REPLY ? waiting : type === STREAM ? following : null
    const who = told?.get(answered)
    // A stream that was given up on may still say something.
    if (program !== PROGRAM || (type !== REPLY && !who)) {
      if (++unasked > MOST_UNASKED) throw new Malformed('too much that was not asked')
      return
    }
    if (!who) throw new Malformed(`an answer to ${answered}, which was not asked`)
    if (type === REPLY || status !== MORE) told!.delete(answered)
    return who.answered(status, message.subarray(LEAST))
  }
  const say = (header: Omit<Said, 'program' | 'version'>, body: Uint8Array) => {
    const said = [encode(HEADER, { program: PROGRAM, version: VERSION, ...header }), body]
    const length = 4 + said.reduce((sum, part) => sum + part.length, 0)
    try {
      line.send(joined([encode(uint, length), ...said]))
    } catch (error) {
      fail(error)
    }
  }
  const ask = <A, R>({ number, name, args, result }: Procedure<A, R>, value: A, own: number): Promise<R> =>
    new Promise((resolve, reject) => {
      if (broken !== undefined) return reject(unclear(name, broken))
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
          return undefined
        },
      })
      say({ procedure: number, type: CALL, serial: own, status: OK }, encode(args, value))
    })
  listen(line, take, endless ? Number.POSITIVE_INFINITY : MOST_IN_ALL).then(
    () => fail(new Error('the host hung up')),
    fail,
  )
  return {
    ended,
    call: (procedure, value) => ask(procedure, value, ++serial),
    async open(procedure, value, pace) {
      const own = ++serial
      const header = { procedure: procedure.number, type: STREAM, serial: own }
      const { flow, who } = flowOf(procedure, pace, (status, body) => say({ ...header, status }, body))
      following.set(own, who)
      try {
        await ask(procedure, value, own)
      } catch (error) {
        following.delete(own)
        throw error
      }
      return flow
    },
  }
}

/** What follows a call: either side ends it by a message without data, which the other one answers. */
const flowOf = (
  { name }: Pick<Procedure<never, null>, 'name'>,
  pace: 'paced' | undefined,
  say: (status: number, body: Uint8Array) => void,
): { flow: Flow; who: Waiting } => {
  const pieces: Uint8Array[] = []
  let held = 0
  let taken = () => {}
  let error: unknown
  let closed = false
  let over = false
  let wake = () => {}
  const changed = () =>
    new Promise<void>((resolve) => {
      wake = resolve
    })
  const failed = (why: unknown) => {
    error ??= why
    closed = over = true
    wake()
    taken()
  }
  const who: Waiting = {
    name,
    failed,
    answered(status, body) {
      if (status === ERROR) {
        try {
          failed(fromFault(decode(FAULT, body) as Fault, name))
        } catch (malformed) {
          failed(unclear(name, malformed))
        }
      } else if (status === MORE && body.length) {
        pieces.push(body)
        held += body.length
      } else if (status === MORE) over = true
      else closed = over = true
      wake()
      if (!pace || held < MOST_HELD || over) return undefined
      return new Promise((resolve) => {
        taken = resolve
      })
    },
  }
  const flow: Flow = {
    send(bytes) {
      if (error !== undefined) throw error
      say(MORE, bytes)
    },
    async receive() {
      while (!pieces.length && !over) await changed()
      if (error !== undefined) throw error
      const piece = pieces.shift() ?? null
      held -= piece?.length ?? 0
      if (held < MOST_HELD) taken()
      return piece
    },
    async finish() {
      if (!closed) say(OK, new Uint8Array())
      while (!closed) {
        await changed()
        pieces.length = held = 0
      }
      if (error !== undefined) throw error
    },
  }
  return { flow, who }
}

/** The length of the message that begins at a place, once it is all there; null: not yet. */
const wholeAt = (bytes: Uint8Array, at: number): number | null => {
  if (bytes.length - at < 4) return null
  const length = decode(uint, bytes.subarray(at, at + 4))
  if (length < LEAST || length > MOST) throw new Malformed(`a message of ${length} bytes`)
  return bytes.length - at < length ? null : length
}

/** Cuts what comes into messages, until nothing comes any more. In whatever pieces it comes, each byte is moved a few times. */
const listen = async (
  line: Line,
  take: (message: Uint8Array) => Promise<void> | undefined,
  mostInAll: number,
): Promise<void> => {
  let room = new Uint8Array(65_536)
  let held = 0
  let inAll = 0
  for (let piece = await line.receive(); piece; piece = await line.receive()) {
    inAll += piece.length
    if (inAll > mostInAll) throw new Malformed(`more than ${mostInAll} bytes on one line`)
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
      const waited = take(bytes.slice(at, at + length))
      if (waited) await waited
      at += length
    }
    if (at > 0) room.copyWithin(0, at, held)
    held -= at
  }
}
