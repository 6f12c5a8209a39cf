import { connect, createServer, type Socket } from 'node:net'

/** A wire between the broker and a cloud: what passes is remembered, and it can be cut. */
export interface Wire {
  url: string
  /** How often these words were sent to the cloud. */
  said(words: string): number
  /** The next so many calls with these words are heard, and their answers lost. */
  lose(words: string, times: number): void
  /** How many answers were. */
  lost(): number
  /** Nothing passes any more, and nobody answers. */
  cut(): void
  mend(): void
  stop(): Promise<void>
}

/** @param target URL of the cloud, plain http */
export const stretch = async (target: string): Promise<Wire> => {
  const { hostname, port } = new URL(target)
  const ends = new Set<Socket>()
  let whole = true
  let spoken = ''
  let lost = 0
  const losses = new Map<string, number>()
  const server = createServer((near) => {
    if (!whole) return near.destroy()
    const far = connect(Number(port), hostname)
    for (const end of [near, far]) {
      ends.add(end)
      end.on('close', () => ends.delete(end))
    }
    near.on('data', (chunk) => {
      const said = chunk.toString('latin1')
      spoken += said
      for (const [words, left] of losses)
        if (left > 0 && said.includes(words)) {
          losses.set(words, left - 1)
          far.unpipe(near)
          lost++
          far.once('data', () => near.destroy())
        }
    })
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
    near.pipe(far).pipe(near)
    near.on('close', () => far.destroy())
    return undefined
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    lose: (words, times) => void losses.set(words, times),
    lost: () => lost,
    said: (words) => spoken.split(words).length - 1,
    cut() {
      whole = false
      for (const end of ends) end.destroy()
    },
    mend() {
      whole = true
    },
    stop: () =>
      new Promise((done) => {
        for (const end of ends) end.destroy()
        server.close(() => done())
      }),
  }
}
