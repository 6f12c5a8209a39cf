import type { NativeId } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { GRACE_MS } from './claims.ts'
import { type Entities, exists, type Hold, type Lookup } from './entities.ts'
import { refuseUnsettled } from './realm.ts'

/** Kinds that servers hold. */
export type Held = 'port' | 'volume'
export type Holdable = Entities[Held]

/** The hold as of now. A server that is gone holds nothing; one that never came to be, nothing after a grace. */
export const holdOf = async (engine: Engine, held: Holdable, lookup: Lookup): Promise<Hold | null> => {
  const { hold } = held
  const now = engine.now()
  if (!hold || (hold.goneAt !== null && hold.goneAt <= now)) return null
  const server = await lookup('server', hold.server)
  return (server ? exists(server, now) : now - hold.at < GRACE_MS) ? hold : null
}

/** Gives a free port or volume to a server; the one who writes first has it. Safe to repeat. */
export const take = async (engine: Engine, kind: Held, id: NativeId, hold: Hold): Promise<Hold> => {
  const held = await engine.state.change<Held>(kind, id, async (entity) => {
    const current = await holdOf(engine, entity, engine.state.lookup)
    if (!current) {
      refuseUnsettled(engine, entity)
      return { ...entity, hold }
    }
    const same = current.server === hold.server && current.goneAt === null
    if (same && current.mark?.token === hold.mark?.token) return entity
    if (same && current.mark === null) return { ...entity, hold: { ...current, mark: hold.mark } }
    throw refusal('InUse', `The ${kind} is in use by a server.`)
  })
  return held.hold as Hold
}

/** Lets go as of `goneAt`, if that server still holds it. Safe to repeat. */
export const letGo = async (
  engine: Engine,
  kind: Held,
  id: NativeId,
  server: NativeId,
  goneAt: number,
): Promise<void> => {
  if (!(await engine.state.lookup(kind, id))) return
  await engine.state.change<Held>(kind, id, (entity) => {
    const { hold } = entity
    if (hold?.server !== server || hold.at > goneAt || (hold.goneAt !== null && hold.goneAt <= goneAt)) return entity
    return { ...entity, hold: { ...hold, goneAt } }
  })
}
