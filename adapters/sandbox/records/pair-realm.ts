import { type Mark, type NativeId, type Page, type Realm, reading, type Seen } from '../../contract.ts'
import { pairIds } from '../../shared/pair-realm.ts'
import { type Engine, healthOf } from '../engine.ts'
import { refusal } from '../errors.ts'
import { ours, refuseForeign, remarked } from '../marks.ts'
import { asCalls } from './calls.ts'
import type { Hold } from './entities.ts'
import { type Held, type Holdable, holdOf, letGo, take } from './hold.ts'
import { referred, refuseUnsettled } from './realm.ts'

/** What is particular to attachments and to interfaces. */
export interface PairWays<Spec, S extends Seen> {
  kind: 'attachment' | 'interface'
  held: Held
  /** Servers are built with some: those are no objects of their own, and have no mark. */
  inborn: boolean
  /** The server was made with it, so that it is never plugged in. */
  awaited?(spec: Spec): boolean
  /** Throws while the server cannot do without it. */
  refuseRemoval?(held: NativeId, hold: Hold): Promise<void>
  target(spec: Spec): { held: NativeId; server: NativeId }
  spec(held: NativeId, hold: Hold): Spec
  /** Notes the target in the server before it is held; answers the device that the guest sees it as. */
  plugIn(spec: Spec): Promise<string | null>
  view(seen: Seen, hold: Hold): S
}

/** What is held comes first. */
const { idOf, endsOf } = pairIds('@')
const partsOf = (id: NativeId): { target: NativeId; server: NativeId } => {
  const { server: target, other: server } = endsOf(id)
  return { target, server }
}

const show = <Spec, S extends Seen>(engine: Engine, ways: PairWays<Spec, S>, entity: Holdable, hold: Hold): S => {
  const seen: Seen = {
    id: idOf(entity.id, hold.server),
    mark: ours(hold.mark, engine.connection),
    health: healthOf({ readyAt: hold.readyAt, goneAt: hold.goneAt, fault: null }, engine.now()),
    zone: entity.zone ?? undefined,
  }
  return ways.view(seen, hold)
}

const counts = ({ inborn }: { inborn: boolean }, hold: Hold): boolean => hold.mark !== null || !inborn

/** What is held and by whom, if that server is the holder. */
const heldBy = async (engine: Engine, held: Held, id: NativeId): Promise<{ entity: Holdable; hold: Hold } | null> => {
  const { target, server } = partsOf(id)
  const entity = await engine.state.lookup<Held>(held, target)
  const hold = entity && (await holdOf(engine, entity, engine.state.lookup))
  return entity && hold?.server === server ? { entity, hold } : null
}

const make = async <Spec, S extends Seen>(
  engine: Engine,
  ways: PairWays<Spec, S>,
  spec: Spec,
  mark: Mark,
): Promise<S> => {
  const { held } = ways
  const target = ways.target(spec)
  const entity = await referred<Held>(engine, held, target.held)
  refuseForeign(entity, engine.connection)
  const current = await holdOf(engine, entity, engine.state.lookup)
  if (current?.server === target.server && current.mark?.token === mark.token) {
    return show(engine, ways, entity, current)
  }
  const server = await referred(engine, 'server', target.server)
  refuseUnsettled(engine, server)
  if (current?.server === target.server && current.goneAt === null && (current.mark === null || ways.awaited?.(spec)))
    return show(engine, ways, entity, await take(engine, held, target.held, { ...current, mark }))
  if (ways.awaited?.(spec)) throw refusal('WrongState', `The server does not have the ${held} yet.`)
  if (entity.zone !== null && entity.zone !== server.zone) {
    throw refusal('WrongZone', `The ${held} is in zone ${entity.zone}, the server in ${server.zone}.`)
  }
  if (current && current.server !== target.server) throw refusal('InUse', `The ${held} is in use by a server.`)
  const device = await ways.plugIn(spec)
  const at = engine.now()
  const readyAt = at + engine.settings.attach_ms
  const wanted: Hold = { server: target.server, at, readyAt, goneAt: null, mark, device }
  return show(engine, ways, entity, await take(engine, held, target.held, wanted))
}

const remove = async <Spec, S extends Seen>(
  engine: Engine,
  { kind, held, refuseRemoval }: PairWays<Spec, S>,
  id: NativeId,
  mark: Mark,
): Promise<void> => {
  const found = await heldBy(engine, held, id)
  if (!found) return
  const { entity, hold } = found
  // One that somebody else made has no mark; then the mark of what it holds counts.
  if (hold.mark === null) refuseForeign(entity, engine.connection)
  else refuseForeign({ kind, id, mark: hold.mark }, engine.connection, mark)
  if (hold.goneAt !== null) return
  await refuseRemoval?.(entity.id, hold)
  await letGo(engine, held, entity.id, hold.server, engine.now() + engine.settings.attach_ms)
}

const list = async <Spec, S extends Seen>(
  engine: Engine,
  ways: PairWays<Spec, S>,
  cursor?: string,
): Promise<Page<S>> => {
  const { state, settings } = engine
  const lookup = state.whole()
  const { items, last } = await state.page<Held>(ways.held, settings.page_size, cursor)
  const shown: S[] = []
  for (const entity of items) {
    const hold = await holdOf(engine, entity, lookup)
    if (hold && counts(ways, hold) && engine.visible(hold.at)) shown.push(show(engine, ways, entity, hold))
  }
  return { items: shown, next: last, complete: true }
}

/** Puts a mark on what somebody else plugged in, or takes ours off. */
const remark = async (engine: Engine, kind: string, held: Held, id: NativeId, mark: Mark | null): Promise<void> => {
  const { state, connection } = engine
  const { target, server } = partsOf(id)
  if (mark === null && !(await state.lookup<Held>(held, target))) return
  await state.change<Held>(held, target, async (entity) => {
    const hold = await holdOf(engine, entity, state.lookup)
    if (hold?.server !== server) return entity
    const next = remarked({ kind, id, mark: hold.mark }, connection, mark)
    return next === hold.mark ? entity : { ...entity, hold: { ...hold, mark: next } }
  })
}

/** A realm of holds. Its ids name both ends, so there is never a second one between the same two. */
export const pairRealm = <Spec, S extends Seen>(engine: Engine, ways: PairWays<Spec, S>): Realm<Spec, S> => {
  const { kind, held, inborn } = ways
  const { state } = engine

  /** The hold between two ends that somebody asked for; what a server was built with is no object of its own. */
  const between = async (target: NativeId, wanted: (hold: Hold) => boolean): Promise<S | null> => {
    const entity = await state.lookup<Held>(held, target)
    const hold = entity && (await holdOf(engine, entity, state.lookup))
    return hold && counts(ways, hold) && wanted(hold) ? show(engine, ways, entity, hold) : null
  }

  return asCalls<Spec, S>(engine, kind, engine.settings.profile === 'token' ? 'token' : 'unique', {
    create: (spec, mark) => make(engine, ways, spec, mark),
    find: (mark, spec) =>
      between(ways.target(spec).held, (hold) => {
        // Both ends name it, so one that nobody marked is the same thing.
        const same = hold.mark === null ? hold.server === ways.target(spec).server : hold.mark.token === mark.token
        return same && engine.visible(hold.at)
      }),
    get(id) {
      const { target, server } = partsOf(id)
      return between(target, (hold) => hold.server === server)
    },
    list: (cursor) => list(engine, ways, cursor),
    remove: (id, mark) => remove(engine, ways, id, mark),
    ...(!inborn && {
      async read(id: NativeId) {
        const found = await heldBy(engine, held, id)
        return found && reading(ways.spec(found.entity.id, found.hold))
      },
      mark: (id: NativeId, mark: Mark | null) => remark(engine, kind, held, id, mark),
    }),
  })
}
