import type { Mark, NativeId, Realm, Seen } from '../../contract.ts'
import type { About, Engine } from '../engine.ts'

type Same = 'find' | 'get' | 'list' | 'update' | 'remove' | 'read' | 'mark'

/** What the members of a realm do, once it is their turn. */
export interface Effects<Spec, S extends Seen> extends Pick<Realm<Spec, S>, Same> {
  /** @param stillborn what is made shall end as failed */
  create(spec: Spec, mark: Mark, stillborn: boolean): Promise<S>
}

/** Where something is made and of which size, by what is asked for. */
const whereOf = (spec: unknown): Pick<About, 'zone' | 'size'> => {
  const { zone, size } = spec as { zone?: unknown; size?: { native?: unknown } }
  return {
    ...(typeof zone === 'string' ? { zone } : {}),
    ...(typeof size?.native === 'string' ? { size: size.native } : {}),
  }
}

/** A realm whose every member is a call of the cloud: it takes its time, goes wrong as the rules want it, and is logged. */
export const asCalls = <Spec, S extends Seen>(
  engine: Engine,
  kind: string,
  once: Realm<Spec, S>['once'],
  effects: Effects<Spec, S>,
): Realm<Spec, S> => {
  const { create, find, get, list, update, remove, read, mark } = effects
  return {
    once,
    settleMs: engine.settings.visibility_delay_ms,
    create: (spec, its) =>
      engine.call(`${kind}.create`, { mark: its, ...whereOf(spec) }, (stillborn) => create(spec, its, stillborn)),
    find: (its, spec) => engine.call(`${kind}.find`, { mark: its }, () => find(its, spec)),
    get: (id) => engine.call(`${kind}.get`, { id }, () => get(id)),
    list: (cursor) => engine.call(`${kind}.list`, {}, () => list(cursor)),
    remove: (id, its) => engine.call(`${kind}.remove`, { id, mark: its }, () => remove(id, its)),
    ...(update && {
      update: (id: NativeId, spec: Spec) => engine.call(`${kind}.update`, { id }, () => update(id, spec)),
    }),
    ...(read && { read: (id: NativeId) => engine.call(`${kind}.read`, { id }, () => read(id)) }),
    ...(mark && {
      mark: (id: NativeId, its: Mark | null) =>
        engine.call(`${kind}.mark`, { id, ...(its && { mark: its }) }, () => mark(id, its)),
    }),
  }
}
