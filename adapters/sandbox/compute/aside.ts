import type { NativeId, Progress } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import { findImage } from '../records/catalog.ts'
import type { Entities } from '../records/entities.ts'
import { refuseUnsettled } from '../records/realm.ts'
import { boot, off } from './power.ts'
import { findSize, refuseMisfit } from './reshape.ts'

/* Servers that stand aside for a while: run from another disk, or take no room. */

type Server = Entities['server']
type Step = (server: Server, now: number) => Promise<Server | 'done'> | Server | 'done'

/** One step; what is under way is waited for. */
const stepped = async (engine: Engine, id: NativeId, step: Step): Promise<Progress> => {
  let progress: Progress = 'going'
  await engine.state.change('server', id, async (server): Promise<Server> => {
    refuseUnsettled(engine, server)
    const now = engine.now()
    progress = 'going'
    if (now < server.powerAt) return server
    const next = await step(server, now)
    if (next === 'done') progress = 'done'
    return next === 'done' ? server : next
  })
  return progress
}

/** One step towards running from a fresh disk of an image, its own beside it. */
export const rescueStep = async (engine: Engine, id: NativeId, image: NativeId, token: string): Promise<Progress> => {
  const found = await findImage(engine, image)
  const { boot_ms: bootMs, stop_ms: stopMs } = engine.settings
  return stepped(engine, id, (server, now) => {
    if (server.rescued?.token === token) return server.power === 'running' ? 'done' : boot(server, now, bootMs)
    refuseMisfit({ ...findSize(engine, server.size, server.spec.zone), disk_gib: 0 }, found)
    if (server.power !== 'stopped') return off(server, now, stopMs)
    return boot({ ...server, rescued: { token, image } }, now, bootMs)
  })
}

/** One step towards running from its own disk again. */
export const unrescueStep = (engine: Engine, id: NativeId): Promise<Progress> => {
  const { boot_ms: bootMs, stop_ms: stopMs } = engine.settings
  return stepped(engine, id, (server, now) => {
    const { rescued, ...own } = server
    if (!rescued) return server.power === 'running' ? 'done' : boot(server, now, bootMs)
    return server.power === 'stopped' ? boot(own, now, bootMs) : off(server, now, stopMs)
  })
}

/** One step towards off, with its room left to others. */
export const shelveStep = (engine: Engine, id: NativeId): Promise<Progress> =>
  stepped(engine, id, async (server, now) => {
    if (server.power !== 'stopped') return off(server, now, engine.settings.stop_ms)
    if (server.shelved) return 'done'
    await takeRoom(engine, server, 'disk')
    return { ...server, shelved: true }
  })

/** One step towards running, in room that is taken anew. */
export const unshelveStep = (engine: Engine, id: NativeId): Promise<Progress> =>
  stepped(engine, id, async (server, now) => {
    const back = await offShelf(engine, server)
    return back.power === 'running' ? 'done' : boot(back, now, engine.settings.boot_ms)
  })

/** A server that has its room again. @throws `capacity` */
export const offShelf = async (engine: Engine, server: Server): Promise<Server> => {
  const { shelved, ...back } = server
  if (shelved) await takeRoom(engine, server, 'all')
  return back
}

/** Room for all of a server, or for its disk alone. @throws `capacity` */
const takeRoom = (engine: Engine, { id, size: name, spec }: Server, what: 'all' | 'disk'): Promise<void> => {
  const { vcpus, ram_mib: ramMiB, disk_gib: diskGiB } = findSize(engine, name, spec.zone)
  const [cpus, memory] = what === 'all' ? [vcpus, ramMiB] : [0, 0]
  return engine.room.take(spec.zone, engine.state.key('server', id), [cpus, memory, spec.boot ? 0 : diskGiB])
}
