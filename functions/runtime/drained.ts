import type { Duplex } from 'node:stream'

/** `Line.drained` over a stream: comes once what was written is on its way, or there is no way any more. */
export const drained = (stream: Duplex): Promise<void> =>
  new Promise((resolve) => {
    if (!stream.writableNeedDrain || stream.destroyed) return resolve()
    stream.once('drain', resolve)
    stream.once('close', resolve)
  })
