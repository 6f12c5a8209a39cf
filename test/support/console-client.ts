import { WebSocket } from 'ws'

/** The other end of a console: what a browser has of it. */
export interface ConsoleClient {
  /** So many bytes of what came, once they are there. */
  take(count: number): Promise<Buffer>
  /** All that came, as text, once a pattern is in it. */
  says(pattern: RegExp): Promise<string>
  send(bytes: Uint8Array | string): void
  /** Bytes of what was sent that the other side did not take yet. */
  waiting(): number
  /** Comes with the code of the end. */
  ended: Promise<number>
  close(): void
  protocol: string
}

/** Opens a console. @returns the refusal in place of one: its status, and what it says */
export const openConsole = (
  url: string,
  { origin, protocols = ['binary'], reads = true }: { origin?: string; protocols?: string[]; reads?: boolean } = {},
): Promise<ConsoleClient | { status: number; message: string }> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, origin === undefined ? {} : { origin })
    let held = Buffer.alloc(0)
    let wake = () => {}
    const over = new Promise<number>((end) =>
      socket.on('close', (code) => {
        end(code)
        wake()
      }),
    )
    socket.on('message', (data: Buffer) => {
      held = Buffer.concat([held, data])
      wake()
    })
    const once = async (ready: () => boolean) => {
      while (!ready()) {
        if (socket.readyState >= WebSocket.CLOSING)
          throw new Error(`the console is over, after ${held.toString().slice(-300)}`)
        await new Promise<void>((next) => {
          wake = next
        })
      }
    }
    socket.on('error', reject)
    socket.on('unexpected-response', async (_, response) => {
      let text = ''
      for await (const piece of response) text += piece
      resolve({ status: response.statusCode ?? 0, message: JSON.parse(text).error.message })
    })
    socket.on('open', () => {
      if (!reads) socket.pause()
      resolve({
        async take(count) {
          await once(() => held.length >= count)
          const taken = held.subarray(0, count)
          held = held.subarray(count)
          return taken
        },
        async says(pattern) {
          await once(() => pattern.test(held.toString()))
          return held.toString()
        },
        send: (bytes) => socket.send(typeof bytes === 'string' ? Buffer.from(bytes) : bytes),
        waiting: () => socket.bufferedAmount,
        ended: over,
        close: () => (reads ? socket.close() : socket.terminate()),
        protocol: socket.protocol,
      })
    })
  })

/** The same, where a refusal fails. */
export const mustOpenConsole = async (...asked: Parameters<typeof openConsole>): Promise<ConsoleClient> => {
  const found = await openConsole(...asked)
  if ('status' in found) throw new Error(`the console is refused: ${found.status} ${found.message}`)
  return found
}
