import { type Mark, type NativeId, type Page, type Realm, reading, type Seen } from '../../contract.ts'
import { type Engine, healthOf } from '../engine.ts'
import { refusal } from '../errors.ts'
import { ours, refuseForeign, remarked } from '../marks.ts'
import { GRACE_MS } from './claims.ts'
import { type Entities, exists, type Hold, type Lookup } from './entities.ts'
import { referred, refuseUnsettled } from './realm.ts'

type Held = 'port' | 'volume'
type Holdable = Entities[Held]

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

/** What is particular to attachments and to interfaces. */
export interface Plug<Spec, S extends Seen> {
  kind: 'attachment' | 'interface'
  held: Held
  /** Servers are built with some: those are no objects of their own, and have no mark. */
  inborn: boolean
  target(spec: Spec): { held: NativeId; server: NativeId }
  spec(held: NativeId, hold: Hold): Spec
  /** Notes the target in the server before it is held; answers the device that the guest sees it as. */
  plugIn(spec: Spec): Promise<string | null>
  view(seen: Seen, hold: Hold): S
}

/** A realm of holds. Its ids name both ends, so there is never a second one between the same two. */
export const plugs = <Spec, S extends Seen>(engine: Engine, plug: Plug<Spec, S>): Realm<Spec, S> => {
  const { state, settings, connection } = engine
  const { kind, held } = plug

  const show = (entity: Holdable, hold: Hold): S => {
    const seen: Seen = {
      id: `${entity.id}@${hold.server}`,
      mark: ours(hold.mark, connection),
      health: healthOf({ readyAt: hold.readyAt, goneAt: hold.goneAt, fault: null }, engine.now()),
      zone: entity.zone ?? undefined,
    }
    return plug.view(seen, hold)
  }

  const make = async (spec: Spec, mark: Mark): Promise<S> => {
    const target = plug.target(spec)
    const entity = await referred<Held>(engine, held, target.held)
    refuseForeign(entity, connection)
    const current = await holdOf(engine, entity, state.lookup)
    if (current?.server === target.server && current.mark?.token === mark.token) return show(entity, current)
    const server = await referred(engine, 'server', target.server)
    refuseUnsettled(engine, server)
    if (entity.zone !== null && entity.zone !== server.zone) {
      throw refusal('WrongZone', `The ${held} is in zone ${entity.zone}, the server in ${server.zone}.`)
    }
    if (current && current.server !== target.server) throw refusal('InUse', `The ${held} is in use by a server.`)
    const device = await plug.plugIn(spec)
    const at = engine.now()
    const wanted: Hold = { server: target.server, at, readyAt: at + settings.attach_ms, goneAt: null, mark, device }
    return show(entity, await take(engine, held, target.held, wanted))
  }

  const remove = async (id: NativeId, mark: Mark): Promise<void> => {
    const [target = '', server = ''] = id.split('@')
    const entity = await state.lookup<Held>(held, target)
    const hold = entity && (await holdOf(engine, entity, state.lookup))
    if (!hold || hold.server !== server) return
    // One that somebody else made has no mark; then the mark of what it holds counts.
    if (hold.mark === null) refuseForeign(entity, connection)
    else refuseForeign({ kind, id, mark: hold.mark }, connection, mark)
    if (hold.goneAt === null) await letGo(engine, held, target, server, engine.now() + settings.attach_ms)
  }

  const list = async (cursor?: string): Promise<Page<S>> => {
    const lookup = state.whole()
    const { items, last } = await state.page<Held>(held, settings.page_size, cursor)
    const shown: S[] = []
    for (const entity of items) {
      const hold = await holdOf(engine, entity, lookup)
      if (hold && counts(hold) && engine.visible(hold.at)) shown.push(show(entity, hold))
    }
    return { items: shown, next: last, complete: true }
  }

  const counts = (hold: Hold): boolean => hold.mark !== null || !plug.inborn

  const read = async (id: NativeId) => {
    const [target = '', server = ''] = id.split('@')
    const entity = await state.lookup<Held>(held, target)
    const hold = entity && (await holdOf(engine, entity, state.lookup))
    return hold?.server === server ? reading(plug.spec(target, hold)) : null
  }

  /** Puts a mark on what somebody else plugged in, or takes ours off. */
  const remark = async (id: NativeId, mark: Mark | null): Promise<void> => {
    const [target = '', server = ''] = id.split('@')
    if (mark === null && !(await state.lookup<Held>(held, target))) return
    await state.change<Held>(held, target, async (entity) => {
      const hold = await holdOf(engine, entity, state.lookup)
      if (hold?.server !== server) return entity
      const next = remarked({ kind, id, mark: hold.mark }, connection, mark)
      return next === hold.mark ? entity : { ...entity, hold: { ...hold, mark: next } }
    })
  }

  /** The hold between two ends that somebody asked for; what a server was built with is no object of its own. */
  const between = async (target: NativeId, wanted: (hold: Hold) => boolean): Promise<S | null> => {
    const entity = await state.lookup<Held>(held, target)
    if (!entity) return null
    const hold = await holdOf(engine, entity, state.lookup)
    return hold && counts(hold) && wanted(hold) ? show(entity, hold) : null
  }

  return {
    once: settings.profile === 'token' ? 'token' : 'unique',
    settleMs: settings.visibility_delay_ms,
    create: (spec, mark) => engine.call(`${kind}.create`, { mark }, () => make(spec, mark)),
    find: (mark, spec) =>
      engine.call(`${kind}.find`, { mark }, () =>
        between(plug.target(spec).held, (hold) => {
          // Both ends name it, so one that nobody marked is the same thing.
          const same = hold.mark === null ? hold.server === plug.target(spec).server : hold.mark.token === mark.token
          return same && engine.visible(hold.at)
        }),
      ),
    get: (id) =>
      engine.call(`${kind}.get`, { id }, () => {
        const [target = '', server = ''] = id.split('@')
        return between(target, (hold) => hold.server === server)
      }),
    list: (cursor) => engine.call(`${kind}.list`, {}, () => list(cursor)),
    remove: (id, mark) => engine.call(`${kind}.remove`, { id, mark }, () => remove(id, mark)),
    ...(!plug.inborn && {
      read: (id: NativeId) => engine.call(`${kind}.read`, { id }, () => read(id)),
      mark: (id: NativeId, its: Mark | null) =>
        engine.call(`${kind}.mark`, { id, ...(its && { mark: its }) }, () => remark(id, its)),
    }),
  }
}
