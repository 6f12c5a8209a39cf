import { connect } from 'node:net'

/** Requests that one round sends: the same bytes again and again over connections that stay open. */
export interface Load {
  url: string
  headers?: Record<string, string>
  /** What every answer has to be; absent: 200. */
  status?: number
  connections: number
  ms: number
  /** Goes on until there were so many answers, but not longer than `longest`, in milliseconds; absent: ten times as long. */
  answers?: number
  longest?: number
}

/** Answers per second. Throws unless every answer has the status. Cheap enough not to measure itself. */
export const rate = async ({
  url,
  headers = {},
  status = 200,
  connections,
  ms,
  answers = 0,
  longest = ms * 10,
}: Load): Promise<number> => {
  const { hostname, port, pathname, search } = new URL(url)
  const lines = Object.entries({ Host: `${hostname}:${port}`, ...headers }).map(([name, value]) => `${name}: ${value}`)
  const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  const started = performance.now()
  let heard = 0
  const more = (): boolean => {
    const spent = performance.now() - started
    return spent < ms || (heard < answers && spent < longest)
  }
  // A client that sleeps has to be woken by every answer, at the expense of the server that is being measured.
  const stayAwake = () => more() && setImmediate(stayAwake)
  stayAwake()
  const counts = await Promise.all(
    Array.from({ length: connections }, () =>
      keepAsking(hostname, Number(port), request, status, () => {
        heard++
        return more()
      }),
    ),
  )
  return counts.reduce((sum, n) => sum + n, 0) / ((performance.now() - started) / 1000)
}

/** One connection: a request, its answer, `again` or not. Gives the number of answers. */
const keepAsking = (
  host: string,
  port: number,
  request: Buffer,
  status: number,
  again: () => boolean,
): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => socket.write(request))
    let answers = 0
    /** Bytes of the answer that have yet to come; -1: its head has not been read. */
    let left = -1
    let head = ''
    socket.on('error', reject)
    socket.on('data', (data: Buffer) => {
      let body = data.length
      if (left < 0) {
        head += data.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        if (!head.startsWith(`HTTP/1.1 ${status} `)) {
          socket.destroy()
          reject(new Error(`not a ${status}: ${head.slice(0, 300)}`))
          return
        }
        left = status === 204 ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? Number.NaN)
        if (Number.isNaN(left)) {
          socket.destroy()
          reject(new Error(`an answer without a length: ${head.slice(0, end)}`))
          return
        }
        body = head.length - end - 4
        head = ''
      }
      left -= body
      if (left > 0) return
      left = -1
      answers++
      if (again()) socket.write(request)
      else socket.end(() => resolve(answers))
    })
  })

export const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

/** Milliseconds of one piece of work: the median of several, after a first that warms up. */
export const timed = async (rounds: number, work: () => unknown): Promise<number> => {
  await work()
  const times: number[] = []
  for (let i = 0; i < rounds; i++) {
    const started = performance.now()
    await work()
    times.push(performance.now() - started)
  }
  return median(times)
}
