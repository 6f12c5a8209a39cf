import type { Json, Mark, NativeId, Store } from '../contract.ts'
import { CALL_LOG, type LoggedCall } from './engine.ts'
import { CALLS, type Calls, type FaultRule, NO_CALLS } from './faults.ts'
import type { Entities, Entity, Stored } from './records/entities.ts'
import { State } from './records/state.ts'

/**
 * What happens to a cloud behind the back of those who are connected to it: others make and remove objects, and the
 * operator of the cloud sees every call. For tests, demonstrations and simulations.
 */
const open = (store: Store, cloud: string, account: string, now: () => number = () => 0): State =>
  new State(store, { cloud, account, now, tombstoneMs: Number.MAX_SAFE_INTEGER })

/** The latest calls, oldest first, as many as the option `log_calls` keeps. */
export const callLog = async (store: Store, cloudId: string): Promise<LoggedCall[]> => {
  const calls: LoggedCall[] = []
  let after: string | undefined
  do {
    const rows = await store.list(`${cloudId}/${CALL_LOG}`, 1000, after)
    calls.push(...rows.map(({ value }) => value as unknown as LoggedCall))
    after = rows.length === 1000 ? rows.at(-1)?.key : undefined
  } while (after !== undefined)
  return calls.sort((a, b) => a.n - b.n)
}

/** Adds fault rules to a running cloud; they come before those of its options. Replaces what was planted before. */
export const plantFaults = async (store: Store, cloudId: string, rules: FaultRule[]): Promise<void> => {
  await open(store, cloudId, 'main').amend(CALLS, NO_CALLS, (calls: Calls) => {
    calls.planted = rules
    calls.rules = {}
  })
}

/** Gives an object another owner: another mark, or none; with none, what holds it has none either. */
export const disown = async (
  store: Store,
  cloudId: string,
  kind: Stored,
  id: NativeId,
  mark: Mark | null,
  account = 'main',
) => {
  await open(store, cloudId, account).change(kind, id, (entity) => ({
    ...entity,
    mark,
    ...('hold' in entity && entity.hold && mark === null ? { hold: { ...entity.hold, mark } } : {}),
  }))
}

/** Puts an object there as if somebody else had made it. */
export const plant = async (store: Store, cloudId: string, entity: Entity, account = 'main'): Promise<boolean> =>
  open(store, cloudId, account).put(entity, 0)

/**
 * What the cloud does to a server by itself: another host alone is a move without a break, a boot alone a crash, both
 * together what high availability does when a host dies.
 */
export const move = async (
  store: Store,
  cloudId: string,
  id: NativeId,
  to: { host?: string; bootedAt?: number },
  account = 'main',
): Promise<void> => {
  const { host, bootedAt } = to
  await open(store, cloudId, account).change('server', id, (server) => ({
    ...server,
    ...(host === undefined ? {} : { host }),
    ...(bootedAt === undefined ? {} : { power: 'running', powerAt: bootedAt, bootAt: bootedAt, offAt: null }),
  }))
}

/** Changes a server that was bought as spot and is there. False: it is no such server. */
const changeSpot = async (
  store: Store,
  { cloudId, account = 'main' }: { cloudId: string; account: string | undefined },
  id: NativeId,
  set: Partial<Entities['server']>,
): Promise<boolean> => {
  let isSpot = false
  await open(store, cloudId, account).change('server', id, (server) => {
    isSpot = server.spec.option === 'spot' && server.goneAt === null
    return isSpot ? { ...server, ...set } : server
  })
  return isSpot
}

/**
 * The cloud takes a server back that was bought as spot, at that time (ms since 1970): it is gone, and says so for as long as
 * it shows what is gone. What it held is found free in time. False: it is no such server, or on its way already.
 */
export const reclaim = (store: Store, cloudId: string, id: NativeId, at: number, account?: string): Promise<boolean> =>
  changeSpot(store, { cloudId, account }, id, { goneAt: at, reclaimed: 'There is no spot capacity left.' })

/** The cloud says, at that time (ms since 1970), that it is about to take a server back that was bought as spot. False: it is no such server. */
export const announce = (store: Store, cloudId: string, id: NativeId, at: number, account?: string): Promise<boolean> =>
  changeSpot(store, { cloudId, account }, id, { announcedAt: at })

/** Makes an object vanish at once, with no word to anybody; what it held is found free in time. */
export const vanish = async (
  store: Store,
  cloudId: string,
  kind: Stored,
  id: NativeId,
  account = 'main',
): Promise<void> => {
  await store.delete(open(store, cloudId, account).key(kind, id))
}

/** Every object of a kind as the cloud itself remembers it, those already removed included. */
export const remembered = async <K extends Stored>(
  store: Store,
  cloudId: string,
  kind: K,
  account = 'main',
): Promise<Entities[K][]> => open(store, cloudId, account).all(kind)

/** One object as the cloud itself remembers it. */
export const recall = async <K extends Stored>(
  store: Store,
  cloudId: string,
  kind: K,
  id: NativeId,
  account = 'main',
) =>
  (await store.get(open(store, cloudId, account).key(kind, id)))?.value as unknown as Entities[K] | undefined as
    | (Entities[K] & Json)
    | undefined
