import type { Line } from '../../../adapters/contract.ts'
import type { Host } from '../../../functions/context.ts'
import { dial } from '../../../functions/runtime/dial.ts'

/** What some work said to a host, and what it took to say it. */
export interface Traffic {
  /** Lines that were opened, calls that were made on them, and bytes of what came. */
  lines: number
  calls: number
  received: number
  ms: number
  /** While at least one call, or a line, was waited for. */
  cloudMs: number
  /** Of this process alone. */
  cpuMs: number
}

const CALL = 0
const REPLY = 1
/** Where a message has its type, behind its length, program, version and procedure. */
const TYPE_AT = 16

const typeOf = (message: Uint8Array): number => new DataView(message.buffer, message.byteOffset).getUint32(TYPE_AT)

/** The lengths of messages come first. */
const messagesIn = () => {
  let held = new Uint8Array()
  return (piece: Uint8Array): Uint8Array[] => {
    const [messages, all] = [[] as Uint8Array[], Buffer.concat([held, piece])]
    let at = 0
    while (all.length - at >= 4 && all.length - at >= all.readUInt32BE(at)) {
      const length = all.readUInt32BE(at)
      messages.push(all.subarray(at, at + length))
      at += length
    }
    held = new Uint8Array(all.subarray(at))
    return messages
  }
}

/** A way to hosts that counts what goes over it. */
export class Wire {
  #traffic = nothing()
  #waitedFor = 0
  #since = 0

  readonly dial: NonNullable<Host['dial']> = async (...to) => {
    this.#traffic.lines++
    this.#begin()
    const line = await dial(...to).finally(() => this.#end())
    return this.#counted(line)
  }

  #counted(line: Line): Line {
    const cut = messagesIn()
    let open = 0
    return {
      ...line,
      send: (bytes) => {
        if (typeOf(bytes) === CALL) {
          this.#traffic.calls++
          open++
          this.#begin()
        }
        line.send(bytes)
      },
      receive: async () => {
        const piece = await line.receive()
        this.#traffic.received += piece?.length ?? 0
        for (const message of piece ? cut(piece) : [])
          if (typeOf(message) === REPLY && open > 0) {
            open--
            this.#end()
          }
        return piece
      },
      close: () => {
        for (; open > 0; open--) this.#end()
        line.close()
      },
    }
  }

  #begin(): void {
    if (this.#waitedFor++ === 0) this.#since = performance.now()
  }
  #end(): void {
    if (--this.#waitedFor === 0) this.#traffic.cloudMs += performance.now() - this.#since
  }

  /** Counts what `work` does. One work at a time. */
  async of(work: () => Promise<unknown>): Promise<Traffic> {
    const traffic = nothing()
    this.#traffic = traffic
    const from = process.cpuUsage()
    const started = performance.now()
    await work()
    traffic.ms = performance.now() - started
    const { user, system } = process.cpuUsage(from)
    traffic.cpuMs = (user + system) / 1000
    this.#traffic = nothing()
    return traffic
  }
}

const nothing = (): Traffic => ({ lines: 0, calls: 0, received: 0, ms: 0, cloudMs: 0, cpuMs: 0 })
