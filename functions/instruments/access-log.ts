import { openSync, write } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Arrival, Instruments } from './told.ts'

/** How long the first line waits for others, in milliseconds. */
const PAUSE = 100
/** So many characters wait at most where whoever reads is slow; more lines are lost, and counted. */
const MOST = 1_000_000

export interface AccessLog {
  instruments: Required<Pick<Instruments, 'request'>>
  /** A request came by a connection. Its line is written when its answer is out, or its client is gone. */
  watch(incoming: IncomingMessage, outgoing: ServerResponse): void
  /** The same as the app knows it, if it comes to that. */
  came(request: Request, outgoing: ServerResponse): void
  /** It is broken off from here: its body did not come. */
  cut(outgoing: ServerResponse): void
  /** A request that became a WebSocket, or was to. Its line is written when the connection is over. */
  watchSocket(incoming: IncomingMessage, socket: Socket, status: Promise<number | null>): void
  /** Gives when all that waits is written. */
  flush(): Promise<void>
}

/** Where lines go: they are handed over some at a time, and the next when `done` was called. */
export type Write = (text: string, done: (error: Error | null) => void) => void

/**
 * One JSON object a line for each request. It has words of this program and ids alone: no path, no query, no name and no header, so
 * that nothing that a client sends is in it.
 */
export const openAccessLog = (into: Write): AccessLog => {
  const arrivals = new WeakMap<Request, Arrival>()
  const requests = new WeakMap<ServerResponse, Request>()
  const cut = new WeakSet<ServerResponse>()
  let waiting: string[] = []
  let size = 0
  let lost = 0
  let torn = false
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | null = null
  const flush = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing ??= (async () => {
      while (waiting.length) {
        const lines = waiting
        const gone = lost
        waiting = []
        size = lost = 0
        const said = gone ? `${JSON.stringify({ at: new Date().toISOString(), lost: gone })}\n` : ''
        // What is left of a line where there was no room for all of it must not spoil the next.
        const error = await new Promise<Error | null>((done) => into((torn ? '\n' : '') + lines.join('') + said, done))
        torn = error !== null
        if (error) lost += gone + lines.length
      }
    })().finally(() => {
      writing = null
    })
    await writing
  }
  const put = (line: object): void => {
    if (size > MOST) {
      lost++
      return
    }
    const text = `${JSON.stringify(line)}\n`
    size += text.length
    waiting.push(text)
    timer ??= setTimeout(flush, PAUSE).unref()
  }
  return {
    instruments: {
      request: (arrival, answer) => {
        arrivals.set(arrival.request, arrival)
        return answer()
      },
    },
    watch: ({ method, socket }, outgoing) => {
      const began = performance.now()
      // Requests that come one behind the other on a connection are answered in their turn.
      let before = outgoing.socket ? socket.bytesWritten : null
      let after: number | null = null
      if (before === null)
        outgoing.once('socket', () => {
          before = socket.bytesWritten
        })
      outgoing.prependOnceListener('finish', () => {
        after = socket.bytesWritten
      })
      outgoing.once('close', () => {
        const request = requests.get(outgoing)
        const { to, requestId, globalRequestId, caller } = (request && arrivals.get(request)) ?? {}
        const isCut = cut.has(outgoing)
        put({
          at: new Date().toISOString(),
          request_id: requestId ?? null,
          ...(globalRequestId ? { global_request_id: globalRequestId } : {}),
          method,
          service: to?.service.split('/')[1] ?? null,
          operation: to?.operation ?? null,
          project: caller?.projectId || null,
          user: caller?.userId ?? null,
          status: outgoing.headersSent ? outgoing.statusCode : isCut ? 408 : null,
          ms: since(began),
          bytes: before === null ? 0 : (after ?? socket.bytesWritten) - before,
          ...(isCut ? { cut: true } : outgoing.writableFinished ? {} : { left: true }),
        })
      })
    },
    came: (request, outgoing) => {
      requests.set(outgoing, request)
    },
    cut: (outgoing) => {
      cut.add(outgoing)
    },
    watchSocket: ({ method }, socket, status) => {
      const began = performance.now()
      const before = socket.bytesWritten
      const of = {
        request_id: null,
        method,
        service: 'console',
        operation: 'console.socket',
        project: null,
        user: null,
      }
      socket.once('close', async () => {
        const at = new Date().toISOString()
        const [ms, bytes] = [since(began), socket.bytesWritten - before]
        put({ at, ...of, status: await status, ms, bytes })
      })
    },
    flush,
  }
}

/** Milliseconds, to a tenth. */
const since = (began: number): number => Math.round((performance.now() - began) * 10) / 10

/** Again so many milliseconds later, where a pipe has no room. */
const FULL = 50

/**
 * Appends to a file, which is made if there is none, or with `on` writes to the standard output. Never waits in the way of requests,
 * as `console.log` does where a pipe is full.
 */
export const writerTo = (where: string): Write => {
  const file = where === 'on' ? 1 : openSync(where, 'a', 0o600)
  return (text, done) => {
    const bytes = Buffer.from(text)
    const from = (at: number): void =>
      write(file, bytes, at, (error, written) => {
        if (error?.code === 'EAGAIN') setTimeout(from, FULL, at)
        else if (error) done(error)
        else if (at + written < bytes.length) from(at + written)
        else done(null)
      })
    from(0)
  }
}
