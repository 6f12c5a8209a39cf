import type { Connection, Mark, NativeId, Outcome, Page, Reading, Realm, Seen } from '../contract.ts'
import { assertOurs, mustRemark } from './marks.ts'
import { gone, unlessGone } from './refusals.ts'

/** How things of one kind are looked at on a cloud that keeps a mark with each. `N` is the cloud's own record of one. */
export interface Records<Spec, S extends Seen, N> {
  /** Null: there is none. */
  raw(id: NativeId): Promise<N | null>
  /** The mark that it carries: this deployment's or, where the cloud tells it, another's. */
  markOf(native: N): Mark | undefined
  /** The record in the contract's words. */
  one(native: N): S | Promise<S>
  find(mark: Mark, spec: Spec): Promise<S | null>
  list(cursor?: string, since?: number): Promise<Page<S>>
  /** Writes a mark onto it or (null) takes it off; asked only where that changes something. Absent: it cannot be. */
  remark?(native: N, mark: Mark | null): Promise<void>
}

/** What is particular to one kind: everything else about a thing with a mark is the same on all clouds. */
export interface Ways<Spec, S extends Seen, N>
  extends Pick<Realm<Spec, S>, 'once' | 'settleMs' | 'recorded' | 'create' | 'poll'> {
  /** @throws `definitive` for what the cloud cannot make; asked before a creation and before a change. */
  check?(spec: Spec): void | Promise<void>
  /** Makes one of ours match the spec. */
  update?(native: N, spec: Spec): Promise<Outcome<S>>
  /** Removes one of ours; that it is gone meanwhile is what was wanted. @throws `conflict` while it is in use */
  remove(native: N, mark: Mark): Promise<void>
  /** Removes what may be left of one that is gone itself. */
  removeRest?(mark: Mark): Promise<void>
  /** The spec that stands for it, whoever made it; null: what shows of it is a tombstone. */
  read?(native: N): Reading<Spec> | null | Promise<Reading<Spec> | null>
}

/**
 * A realm of things that carry a mark. Whatever changes or removes one looks first whose it is.
 * @param connection whose deployment is meant by "ours"
 * @throws `not_found` for a change of what is absent, `definitive` for one of what is not ours
 */
export const markedRealm = <Spec, S extends Seen, N>(
  { deployment }: Pick<Connection, 'deployment'>,
  records: Records<Spec, S, N>,
  { check, update, read, poll, ...ways }: Ways<Spec, S, N>,
): Realm<Spec, S> => {
  const { raw, markOf, one, remark } = records
  return {
    once: ways.once,
    settleMs: ways.settleMs,
    ...(ways.recorded && { recorded: ways.recorded }),
    find: records.find,
    list: records.list,
    async get(id) {
      const native = await raw(id)
      return native && one(native)
    },
    async create(spec, mark) {
      await check?.(spec)
      return ways.create(spec, mark)
    },
    async remove(id, mark) {
      const native = await raw(id)
      if (!native) return ways.removeRest?.(mark)
      assertOurs(markOf(native), deployment, mark)
      await unlessGone(() => ways.remove(native, mark))
    },
    ...(poll && { poll }),
    ...(update && {
      async update(id: NativeId, spec: Spec) {
        await check?.(spec)
        const native = await raw(id)
        if (!native) throw gone(id)
        assertOurs(markOf(native), deployment)
        return update(native, spec)
      },
    }),
    ...(read && {
      async read(id: NativeId) {
        const native = await raw(id)
        return native && read(native)
      },
    }),
    ...(remark && {
      async mark(id: NativeId, mark: Mark | null) {
        const native = await raw(id)
        if (!native && mark) throw gone(id)
        if (native && mustRemark(markOf(native), deployment, mark)) await remark(native, mark)
      },
    }),
  }
}

/**
 * A realm in which some things are lent to the project: nothing about them is changed, and their removal leaves them.
 * @param lent what a change of one answers with instead
 */
export const exceptLent = <Spec, S extends Seen>(
  realm: Realm<Spec, S>,
  isLent: (id: NativeId) => boolean | Promise<boolean>,
  lent: (id: NativeId, spec: Spec) => Promise<S>,
): Realm<Spec, S> => ({
  ...realm,
  update: async (id, spec) => ((await isLent(id)) ? lent(id, spec) : realm.update!(id, spec)),
  async remove(id, mark) {
    if (!(await isLent(id))) await realm.remove(id, mark)
  },
})
