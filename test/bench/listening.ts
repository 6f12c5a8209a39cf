import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'

export const HOST = '127.0.0.1'

/** Lets a server listen on a port that is free, and gives that. */
export const listening = async (server: Pick<Server, 'listen' | 'address' | 'on'>): Promise<number> => {
  server.listen(0, HOST)
  await once(server as Server, 'listening')
  return (server.address() as AddressInfo).port
}
