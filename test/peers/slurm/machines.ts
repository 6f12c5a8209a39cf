import { NOVA } from '../mixed/place.ts'
import type { Api } from '../support/api.ts'
import type { Child } from '../support/child.ts'
import type { Cluster } from './cluster.ts'

interface Seen {
  id: string
  name: string
  status: string
}

/** What runs on the servers: none of these clouds has guests, so a daemon of this machine stands for each. */
export interface Machines {
  /** Servers of these names come up without their daemon. */
  mute: Set<string>
  /** Ids of all servers that were ever ACTIVE, by the names of their nodes. */
  came: Map<string, string[]>
  stop(): Promise<void>
}

const LOOK_MS = 1_000

/** Starts the daemon of a node when its server is ACTIVE, and ends it, as a machine that goes does, when that is gone. */
export const watchMachines = (demo: Api, cluster: Cluster): Machines => {
  const running = new Map<string, Child>()
  const machines: Machines = { mute: new Set(), came: new Map(), stop: async () => {} }
  const look = async (): Promise<void> => {
    const { servers }: { servers: Seen[] } = await demo.must('GET', `${NOVA}/detail`)
    const active = servers.filter(({ status }) => status === 'ACTIVE')
    for (const [id, child] of running)
      if (!servers.some((server) => server.id === id)) {
        running.delete(id)
        await child.kill()
      }
    for (const { id, name } of active) {
      const earlier = machines.came.get(name) ?? []
      if (!earlier.includes(id)) machines.came.set(name, [...earlier, id])
      if (!running.has(id) && !machines.mute.has(name)) running.set(id, cluster.startNode(name))
    }
  }
  let over = false
  const watching = (async () => {
    let told = ''
    while (!over) {
      // A broker that does not answer now does so later: this looks again.
      const fault = await look().then(
        () => '',
        (error) => `no look at the servers: ${error}`,
      )
      if (fault && fault !== told) console.log(fault)
      told = fault
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  })()
  machines.stop = async () => {
    over = true
    await watching
    for (const child of running.values()) await child.kill()
  }
  return machines
}
