import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'

/**
 * `Line.drained` over a stream: comes once what was written is on its way, or there is no way any more.
 * @param way what says `close` then
 */
export const drained = (stream: Duplex, way: EventEmitter = stream): Promise<void> =>
  new Promise((resolve) => {
    if (!stream.writableNeedDrain || stream.destroyed) return resolve()
    const done = () => {
      stream.off('drain', done)
      way.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    way.on('close', done)
  })
