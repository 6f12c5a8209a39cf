import { type Mark, type NativeId, type Realm, reading, type Seen } from '../../contract.ts'
import { type Engine, healthOf } from '../engine.ts'
import { noSuch, refusal } from '../errors.ts'
import { ours, refuseForeign, remarked } from '../marks.ts'
import { asCalls } from './calls.ts'
import { type Base, type Entities, exists, type Lookup, type Stored } from './entities.ts'
import { canonical, digest } from './hash.ts'

const SHORT: Record<Stored, string> = {
  network: 'net',
  subnet: 'sub',
  router: 'rtr',
  security_group: 'sg',
  port: 'nic',
  keypair: 'key',
  floating_ip: 'eip',
  volume: 'vol',
  snapshot: 'snap',
  image: 'img',
  server_group: 'grp',
  server: 'srv',
}

/** What a kind adds to the base when it is made. */
type Own<K extends Stored> = Omit<Entities[K], Exclude<keyof Base, 'name'>> & { zone?: string | null }

/** What is particular to one kind. */
export interface Ways<K extends Stored, Spec, S extends Seen> {
  kind: K
  /** How long it takes to make and to remove one. */
  readyMs: number
  removeMs?: number
  /** Checks a specification and claims what is finite under `key`. Its claims must be safe to repeat. */
  draft(spec: Spec, id: NativeId, key: string): Promise<Own<K>>
  view(entity: Entities[K], seen: Seen, lookup: Lookup): Promise<S> | S
  /** Throws `conflict` while something uses the object. */
  inUse?(entity: Entities[K]): Promise<void>
  /** Gives back what the object holds, as of `goneAt`. Safe to repeat. */
  release?(entity: Entities[K], goneAt: number): Promise<void>
  revise?(entity: Entities[K], spec: Spec): Promise<Entities[K]>
  /** The specification as of now, where it is not the one that is remembered. */
  read?(entity: Entities[K], lookup: Lookup): Promise<Spec>
}

/** What the cloud says of any object. */
export const seenOf = (engine: Engine, entity: Base): Seen => {
  const health = healthOf(entity, engine.now())
  return {
    id: entity.id,
    mark: ours(entity.mark, engine.connection),
    name: entity.name,
    health,
    fault: health === 'failed' ? (entity.fault ?? undefined) : undefined,
    zone: entity.zone ?? undefined,
  }
}

/** Throws unless the object is ours and nothing is under way with it. */
export const refuseUnsettled = (engine: Engine, entity: Base): void => {
  refuseForeign(entity, engine.connection)
  const health = healthOf(entity, engine.now())
  if (health === 'gone') throw noSuch(entity.kind, entity.id)
  if (health !== 'ready') throw refusal('NotReady', `The ${entity.kind.replace('_', ' ')} is not ready.`)
}

/** An object that another one refers to; throws `not_found` if it is not there. */
export const referred = async <K extends Stored>(engine: Engine, kind: K, id: NativeId): Promise<Entities[K]> => {
  const found = await engine.state.lookup(kind, id)
  if (!found || !exists(found, engine.now())) throw noSuch(kind, id)
  if (found.goneAt !== null) throw refusal('WrongState', `The ${kind.replace('_', ' ')} is being removed.`)
  return found
}

/** Ids name what makes an object unique, so that of two creates at once only one can write its record. */
const stem = (engine: Engine, kind: Stored, mark: Mark): NativeId => {
  const unique = engine.settings.profile === 'unique' ? mark.resource : mark.token
  return `sbx-${SHORT[kind]}-${digest(`${mark.deployment}/${kind}/${unique}`)}`
}

/** The object that a mark stands for, if the cloud has it. */
const marked = async <K extends Stored>(engine: Engine, kind: K, mark: Mark): Promise<Entities[K] | null> => {
  const id = stem(engine, kind, mark)
  if (engine.settings.profile !== 'none') {
    const found = await engine.state.lookup(kind, id)
    return found?.mark?.token === mark.token ? found : null
  }
  const { items } = await engine.state.page(kind, 10, undefined, `${id}-`)
  return items.filter(({ mark: its }) => its?.token === mark.token).sort((a, b) => a.createdAt - b.createdAt)[0] ?? null
}

/** An object in the contract's words. */
const show = async <K extends Stored, Spec, S extends Seen>(
  engine: Engine,
  ways: Ways<K, Spec, S>,
  entity: Entities[K],
  lookup: Lookup = engine.state.lookup,
): Promise<S> => ways.view(entity, seenOf(engine, entity), lookup)

/** Throws unless an earlier create with this id was the same request. */
const refuseAnother = ({ settings }: Engine, entity: Base, asked: string, mark: Mark): void => {
  if (entity.mark?.token !== mark.token) throw refusal('NameTaken', 'An object of this UUID exists already.')
  if (settings.profile === 'token' && entity.asked !== asked) {
    throw refusal('IdempotentParameterMismatch', 'The token was used for another request.')
  }
}

/** The record of an object that is made now. */
const fresh = <K extends Stored, Spec, S extends Seen>(
  engine: Engine,
  { kind, readyMs }: Ways<K, Spec, S>,
  its: { id: NativeId; mark: Mark; asked: string; fault: string | null },
  own: Own<K>,
): Entities[K] => {
  const createdAt = engine.now()
  const times = { createdAt, readyAt: createdAt + readyMs, goneAt: null }
  return { kind, ...its, zone: null, ...times, ...own } as unknown as Entities[K]
}

const make = async <K extends Stored, Spec, S extends Seen>(
  engine: Engine,
  ways: Ways<K, Spec, S>,
  spec: Spec,
  mark: Mark,
  stillborn: boolean,
): Promise<S> => {
  const { state, settings } = engine
  const { kind } = ways
  const asked = digest(canonical(spec))
  const first = stem(engine, kind, mark)
  for (let copy = 1; ; copy++) {
    const id = settings.profile === 'none' ? `${first}-${copy}` : first
    const found = await state.get(kind, id)
    const earlier = found?.value
    // Of one that is gone and only still shown the UUID is free.
    const free = !earlier || (!exists(earlier, engine.now()) && earlier.mark?.token !== mark.token)
    if (!free && settings.profile !== 'none') {
      refuseAnother(engine, earlier, asked, mark)
      return show(engine, ways, earlier)
    }
    if (earlier && settings.profile === 'none') continue
    const own = await ways.draft(spec, id, state.key(kind, id))
    const fault = stillborn ? 'The cloud could not make it.' : null
    const entity = fresh(engine, ways, { id, mark, asked, fault }, own)
    if (await state.put(entity, found?.version ?? 0)) return show(engine, ways, entity)
    // Another call was faster with the same id: the same claims are its own now, and its object is the answer.
    if (settings.profile !== 'none') copy--
  }
}

const remove = async <K extends Stored, Spec, S extends Seen>(
  engine: Engine,
  ways: Ways<K, Spec, S>,
  id: NativeId,
  mark: Mark,
): Promise<void> => {
  const { state } = engine
  for (;;) {
    const found = await state.get(ways.kind, id)
    if (!found || !exists(found.value, engine.now())) return
    const { value: entity, version } = found
    refuseForeign(entity, engine.connection, mark)
    if (entity.goneAt !== null) return ways.release?.(entity, entity.goneAt)
    await ways.inUse?.(entity)
    const goneAt = engine.now() + (ways.removeMs ?? 0)
    if (!(await state.put({ ...entity, goneAt }, version))) continue
    await ways.release?.(entity, goneAt)
    return
  }
}

const remark = async (engine: Engine, kind: Stored, id: NativeId, mark: Mark | null): Promise<void> => {
  const found = await engine.state.lookup(kind, id)
  if (mark === null && (!found || !exists(found, engine.now()))) return
  await engine.state.change(kind, id, (entity) => {
    const next = remarked(entity, engine.connection, mark)
    return next === entity.mark ? entity : { ...entity, mark: next }
  })
}

/**
 * A realm from what is particular to its kind. Unlike the kit's `markedRealm`, which looks and then acts, it is the cloud
 * itself: it decides within one write whose an object is and whether it may change.
 */
export const realm = <K extends Stored, Spec, S extends Seen>(
  engine: Engine,
  ways: Ways<K, Spec, S>,
): Realm<Spec, S> => {
  const { kind, revise } = ways
  const { state, settings } = engine
  const update = async (id: NativeId, spec: Spec): Promise<S> => {
    const step = async (entity: Entities[K]): Promise<Entities[K]> => {
      refuseUnsettled(engine, entity)
      const next = (await revise?.(entity, spec)) ?? entity
      return canonical(next) === canonical(entity) ? entity : next
    }
    return show(engine, ways, await state.change(kind, id, step))
  }
  return asCalls<Spec, S>(engine, kind, settings.profile, {
    create: (spec, mark, stillborn) => make(engine, ways, spec, mark, stillborn),
    async find(mark) {
      const found = await marked(engine, kind, mark)
      return found && engine.visible(found.createdAt) ? show(engine, ways, found) : null
    },
    async get(id) {
      const found = await state.lookup(kind, id)
      return found && show(engine, ways, found)
    },
    async list(cursor) {
      const lookup = state.whole()
      const { items, last } = await state.page(kind, settings.page_size, cursor)
      const shown = items.filter(({ createdAt }) => engine.visible(createdAt))
      const seen = await Promise.all(shown.map((each) => show(engine, ways, each, lookup)))
      return { items: seen, next: last, complete: true }
    },
    ...(revise && { update }),
    remove: (id, mark) => remove(engine, ways, id, mark),
    async read(id) {
      const entity = await state.lookup(kind, id)
      if (!entity || !exists(entity, engine.now())) return null
      return reading((await ways.read?.(entity, state.lookup)) ?? (entity.spec as unknown as Spec))
    },
    mark: (id, mark) => remark(engine, kind, id, mark),
  })
}
