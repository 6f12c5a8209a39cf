import { once } from 'node:events'
import { createWebSocketStream, type WebSocket } from 'ws'
import type { Line } from '../../adapters/contract.ts'
import { drained } from '../runtime/drained.ts'

/** How often it is asked whether a console may go on, and whether anybody is there. */
const LOOK_MS = 15_000

/** Codes of RFC 6455: it came to its end, it may not go on, something broke. */
const OVER = 1000
const ENDED = 1008
const BROKEN = 1011

/**
 * Brings a console to a browser and back, each side no faster than the other takes it, until either leaves.
 * @param stands whether it may go on
 */
export const carry = async (
  socket: WebSocket,
  line: Line,
  stands: () => Promise<boolean>,
  lookMs = LOOK_MS,
): Promise<void> => {
  const there = createWebSocketStream(socket)
  // It ends the loops below, which say so.
  there.on('error', () => {})
  const gone = once(socket, 'close')
  const up = async () => {
    for await (const bytes of there) {
      line.send(bytes)
      await line.drained?.()
    }
    return OVER
  }
  const down = async () => {
    for (let piece = await line.receive(); piece; piece = await line.receive())
      if (!there.write(piece)) {
        if (socket.readyState === socket.CLOSED) return OVER
        await drained(there, socket)
      }
    return OVER
  }
  let heard = true
  socket.on('pong', () => {
    heard = true
  })
  let stop = (_: number) => {}
  const stopped = new Promise<number>((resolve) => {
    stop = resolve
  })
  const looking = setInterval(() => {
    // Of whom nothing is read now no answer is read either.
    if (!heard && !socket.isPaused) return stop(OVER)
    heard = false
    socket.ping()
    stands().then(
      (still) => still || stop(ENDED),
      () => {},
    )
  }, lookMs)
  const code = await Promise.race([up(), down(), stopped, gone.then(() => OVER)]).catch(() => BROKEN)
  clearInterval(looking)
  line.close()
  socket.close(code)
  // Who does not take leave is not waited for.
  setTimeout(() => socket.terminate(), lookMs).unref()
}
