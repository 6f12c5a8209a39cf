import { openSync, write } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Arrival, Instruments } from './told.ts'

/** How long the first line waits for others, in milliseconds. */
const PAUSE = 100
/** So many characters wait at most where whoever reads is slow; more lines are lost, and counted. */
const MOST = 1_000_000

interface AccessLog {
  instruments: Required<Pick<Instruments, 'request'>>
  /** A request came by a connection. Its line is written when its answer is out, or its client is gone. */
  watch(request: Request, incoming: IncomingMessage, outgoing: ServerResponse): void
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
  let waiting: string[] = []
  let size = 0
  let lost = 0
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
        if (gone) lines.push(`${JSON.stringify({ at: new Date().toISOString(), lost: gone })}\n`)
        const error = await new Promise<Error | null>((done) => into(lines.join(''), done))
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
    watch: (request, { method, socket }, outgoing) => {
      const began = performance.now()
      const before = socket.bytesWritten
      outgoing.once('close', () => {
        const { to, requestId, globalRequestId, caller } = arrivals.get(request) ?? {}
        put({
          at: new Date().toISOString(),
          request_id: requestId ?? null,
          ...(globalRequestId ? { global_request_id: globalRequestId } : {}),
          method,
          service: to?.service.split('/')[1] ?? null,
          operation: to?.operation ?? null,
          project: caller?.projectId || null,
          user: caller?.userId ?? null,
          status: outgoing.headersSent ? outgoing.statusCode : null,
          ms: Math.round((performance.now() - began) * 10) / 10,
          bytes: socket.bytesWritten - before,
          ...(outgoing.writableFinished ? {} : { left: true }),
        })
      })
    },
    flush,
  }
}

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
