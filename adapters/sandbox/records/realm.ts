import { type Mark, type NativeId, type Realm, reading, type Seen } from '../../contract.ts'
import { type Engine, healthOf } from '../engine.ts'
import { noSuch, refusal } from '../errors.ts'
import { ours, refuseForeign, remarked } from '../marks.ts'
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

/** A realm from what is particular to its kind. */
export const realm = <K extends Stored, Spec, S extends Seen>(
  engine: Engine,
  ways: Ways<K, Spec, S>,
): Realm<Spec, S> => {
  const { kind } = ways
  const { state, settings } = engine
  const show = async (entity: Entities[K], lookup: Lookup = state.lookup): Promise<S> =>
    ways.view(entity, seenOf(engine, entity), lookup)

  /** What an earlier create with this id made, if it was the same request. */
  const again = (entity: Entities[K], asked: string, mark: Mark): Promise<S> => {
    if (entity.mark?.token !== mark.token) throw refusal('NameTaken', 'An object of this UUID exists already.')
    if (settings.profile === 'token' && entity.asked !== asked) {
      throw refusal('IdempotentParameterMismatch', 'The token was used for another request.')
    }
    return show(entity)
  }

  const make = async (spec: Spec, mark: Mark, stillborn: boolean): Promise<S> => {
    const asked = digest(canonical(spec))
    const first = stem(engine, kind, mark)
    for (let copy = 1; ; copy++) {
      const id = settings.profile === 'none' ? `${first}-${copy}` : first
      const earlier = (await state.get(kind, id))?.value
      if (earlier && settings.profile !== 'none') return again(earlier, asked, mark)
      if (earlier) continue
      const own = await ways.draft(spec, id, state.key(kind, id))
      const createdAt = engine.now()
      const fault = stillborn ? 'The cloud could not make it.' : null
      const base = {
        kind,
        id,
        mark,
        asked,
        zone: null,
        createdAt,
        readyAt: createdAt + ways.readyMs,
        fault,
        goneAt: null,
      }
      const entity = { ...base, ...own } as unknown as Entities[K]
      if (await state.put(entity, 0)) return show(entity)
      // Somebody was faster with the same id: the same claims are his now, and his object is the answer.
      if (settings.profile !== 'none') copy--
    }
  }

  const remove = async (id: NativeId, mark: Mark): Promise<void> => {
    for (;;) {
      const found = await state.get(kind, id)
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

  const read = async (id: NativeId) => {
    const entity = await state.lookup(kind, id)
    if (!entity || !exists(entity, engine.now())) return null
    return reading((await ways.read?.(entity, state.lookup)) ?? (entity.spec as unknown as Spec))
  }

  const mark = async (id: NativeId, mark: Mark | null): Promise<void> => {
    const found = await state.lookup(kind, id)
    if (mark === null && (!found || !exists(found, engine.now()))) return
    await state.change(kind, id, (entity) => {
      const next = remarked(entity, engine.connection, mark)
      return next === entity.mark ? entity : { ...entity, mark: next }
    })
  }

  const { revise } = ways
  const update = async (id: NativeId, spec: Spec): Promise<S> => {
    const step = async (entity: Entities[K]): Promise<Entities[K]> => {
      refuseUnsettled(engine, entity)
      const next = (await revise?.(entity, spec)) ?? entity
      return canonical(next) === canonical(entity) ? entity : next
    }
    return show(await state.change(kind, id, step))
  }

  return {
    once: settings.profile,
    settleMs: settings.visibility_delay_ms,
    create: (spec, mark) => engine.call(`${kind}.create`, { mark }, (stillborn) => make(spec, mark, stillborn)),
    find: (mark) =>
      engine.call(`${kind}.find`, { mark }, async () => {
        const found = await marked(engine, kind, mark)
        return found && engine.visible(found.createdAt) ? show(found) : null
      }),
    get: (id) =>
      engine.call(`${kind}.get`, { id }, async () => {
        const found = await state.lookup(kind, id)
        return found && show(found)
      }),
    list: (cursor) =>
      engine.call(`${kind}.list`, {}, async () => {
        const lookup = state.whole()
        const { items, last } = await state.page(kind, settings.page_size, cursor)
        const shown = items.filter(({ createdAt }) => engine.visible(createdAt))
        return { items: await Promise.all(shown.map((each) => show(each, lookup))), next: last, complete: true }
      }),
    ...(revise && {
      update: (id: NativeId, spec: Spec) => engine.call(`${kind}.update`, { id }, () => update(id, spec)),
    }),
    remove: (id, mark) => engine.call(`${kind}.remove`, { id, mark }, () => remove(id, mark)),
    read: (id) => engine.call(`${kind}.read`, { id }, () => read(id)),
    mark: (id, its) => engine.call(`${kind}.mark`, { id, ...(its && { mark: its }) }, () => mark(id, its)),
  }
}
