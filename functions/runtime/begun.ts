import type { Socket } from 'node:net'

/** How long a host may take to answer at all, in milliseconds. */
export const CONNECT_MS = 10_000

/** Resolves as a socket says that it is ready. @throws why it will not be */
export const begun = (socket: Socket, ready: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const late = setTimeout(() => socket.destroy(new Error('it did not answer in time')), CONNECT_MS)
    socket.once('error', reject)
    socket.once('close', () => clearTimeout(late))
    socket.once(ready, () => {
      clearTimeout(late)
      socket.off('error', reject)
      resolve()
    })
  })
