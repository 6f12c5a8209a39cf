import type { Connection, Line, Surroundings } from '../../../adapters/contract.ts'
import { FAULT, type Procedure } from '../../../adapters/libvirt/wire/procedures.ts'
import { decode, encode, joined, struct, uint } from '../../../adapters/libvirt/wire/xdr.ts'
import { MemoryBlobs } from '../../support/memory-blobs.ts'
import { MemoryStore } from '../../support/memory-store.ts'

const HEADER = struct({ program: uint, version: uint, procedure: uint, type: uint, serial: uint, status: uint })
type Header = ReturnType<typeof HEADER.read>
const PROGRAM = 0x2000_8086

/** A message as it is on the line, its length in front. */
export const message = (header: Partial<Header>, body: Uint8Array): Uint8Array => {
  const head = encode(HEADER, { program: PROGRAM, version: 1, procedure: 0, type: 1, serial: 1, status: 0, ...header })
  return joined([encode(uint, 4 + head.length + body.length), head, body])
}

/** A host that answers each message, once it is whole, with whatever it likes; null: it hangs up. */
export const lineTo = (answer: (header: Header, body: Uint8Array) => Uint8Array[] | null): Line => {
  const ready: (Uint8Array | null)[] = []
  let wake = () => {}
  const put = (piece: Uint8Array | null) => {
    ready.push(piece)
    wake()
  }
  return {
    send(bytes) {
      const header = decode(HEADER, bytes.subarray(4, 28))
      const answers = answer(header, bytes.subarray(28))
      if (answers) for (const piece of answers) put(piece)
      else put(null)
    },
    async receive() {
      while (!ready.length) await new Promise<void>((resolve) => (wake = resolve))
      return ready.shift() ?? null
    },
    close: () => put(null),
  }
}

/** A line over TLS, whose certificates both sides have accepted. */
export const accepting = (line: Line): Line => {
  let greeted = false
  return {
    ...line,
    async receive() {
      if (greeted) return line.receive()
      greeted = true
      return Uint8Array.of(1)
    },
  }
}

/** What a scripted host says to one call. */
export interface Play {
  number: number
  answer(args: Uint8Array): Uint8Array
}
export const plays = <A, R>({ number, args, result }: Procedure<A, R>, say: (asked: A) => R): Play => ({
  number,
  answer: (bytes) => encode(result, say(decode(args, bytes))),
})

/** An error, as a play throws it. */
export class Said extends Error {
  readonly code: number
  constructor(code: number, text: string) {
    super(text)
    this.code = code
  }
}

/** Nothing is said at all, as a play throws it. */
export class Mute extends Error {}

const faultOf = (error: unknown): Uint8Array => {
  const { code, message: text } = error instanceof Said ? error : new Said(1, String(error))
  const none = { dom: null, str1: null, str2: null, str3: null, net: null }
  return encode(FAULT, { code, domain: 10, message: text, level: 2, int1: 0, int2: 0, ...none })
}

/** A host that speaks by a script; what is not in it is answered as libvirt answers an unknown procedure. */
export const scripted = (script: Play[], heard: number[] = []): Line =>
  lineTo(({ procedure, serial }, body) => {
    heard.push(procedure)
    try {
      const play = script.find(({ number }) => number === procedure)
      if (!play) throw new Said(39, `unknown procedure: ${procedure}`)
      return [message({ procedure, serial }, play.answer(body))]
    } catch (error) {
      if (error instanceof Mute) return []
      return [message({ procedure, serial, status: 1 }, faultOf(error))]
    }
  })

/** The world around an adapter, in which a host is whatever `dial` makes of it. */
export const surroundings = (dial: Surroundings['dial']): Surroundings => ({
  ...(dial && { dial }),
  blobs: new MemoryBlobs(),
  fetch: () => Promise.reject(new Error('libvirt speaks no HTTP')),
  now: () => 1_800_000_000_000,
  sleep: async () => {},
  store: new MemoryStore(),
  cache: new Map(),
  log() {},
  timeoutMs: 5_000,
  runtime: 'node',
})

export const OPTIONS = {
  hosts: [{ name: 'kvm1', uri: 'qemu+tls://kvm1.example/system' }],
  sizes: [{ name: 'k.tiny', vcpus: 1, ram_mib: 64, price: 0.01 }],
}

export const connection = (change: Partial<Connection> = {}): Connection => ({
  cloudId: 'c1',
  name: 'rack7',
  endpoint: null,
  region: null,
  options: OPTIONS,
  credentials: {},
  mapping: {},
  deployment: 'd1',
  ...change,
})
