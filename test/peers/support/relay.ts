import { connect, createServer, type Server } from 'node:net'

/** A port of the loopback, or the path of a socket. */
type End = number | string

const from = (end: End) => (typeof end === 'number' ? { port: end, host: '127.0.0.1' } : { path: end })

/** Passes what comes to one end on to another, connection by connection; a socket crosses networks that ports do not. */
export const relay = async (here: End, there: End): Promise<Server> => {
  const server = createServer((near) => {
    const far = connect(from(there))
    near.on('error', () => far.destroy()).pipe(far)
    far.on('error', () => near.destroy()).pipe(near)
  })
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(from(here), resolve))
  return server
}

if (import.meta.main) {
  const [here = '', there = ''] = process.argv.slice(2)
  await relay(Number(here), there)
  console.log('listening')
}
