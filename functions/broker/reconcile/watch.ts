import type { Change, Cloud, Kind, NativeId } from '../../../adapters/contract.ts'
import { asCloudError } from '../../../adapters/errors.ts'
import { markChanged } from '../../../db/queries/line/reconcile.ts'
import type { Context } from '../../context.ts'
import { backoff } from '../line/clockwork.ts'
import { driveSoon } from '../line/commit.ts'
import { heardAccounts } from './reconcile.ts'

/** How often the list of clouds is read again, in milliseconds: what happens on a new one before is found by its sweep alone. */
const REREAD = 5_000
/** Changes that come so close together are one look. */
const GATHER = 250
/** So many changes wait for a look; the sweep finds the others. */
const MOST = 1_000
/** A watch that lasted so long has not failed, however it ended. */
const SOUND = 60_000

type Watched = Pick<Cloud, 'watch'>
/** Cloud accounts by a name that stays the same. */
type Find = (context: Context) => Promise<Map<string, { cloudId: string; cloud: Watched }>>

/**
 * Listens to every cloud account that tells of changes, for as long as the process lives: what changed is due at once, and
 * converge looks at it. It only makes things faster; whatever is missed here the next sweep finds. For runtimes whose
 * process stays. Gives the way to stop it.
 */
export const watchClouds = (context: () => Context, find: Find = heardAccounts): (() => Promise<void>) => {
  const ending = new AbortController()
  const running = new Map<string, { stop: AbortController; done: Promise<void> }>()
  /** As they were read last: credentials may have changed since a watch began. */
  let latest: Awaited<ReturnType<Find>> = new Map()

  const reread = async () => {
    latest = await find(context())
    for (const [key, { stop }] of running) if (!latest.get(key)?.cloud.watch) stop.abort()
    for (const [key, { cloud }] of latest) {
      if (!cloud.watch || running.has(key)) continue
      const stop = new AbortController()
      const signal = AbortSignal.any([stop.signal, ending.signal])
      const done = watchAccount(context, () => latest.get(key), signal).finally(() => running.delete(key))
      running.set(key, { stop, done })
    }
  }
  const keeping = (async () => {
    while (!ending.signal.aborted) {
      await reread().catch((error) => context().log('error', 'clouds cannot be watched', { error: String(error) }))
      await pause(context(), REREAD, ending.signal)
    }
  })()
  return async () => {
    ending.abort()
    await keeping
    await Promise.all([...running.values()].map(({ done }) => done))
  }
}

/** Watches one account until the signal aborts, anew after every failure. */
const watchAccount = async (
  context: () => Context,
  account: () => { cloudId: string; cloud: Watched } | undefined,
  signal: AbortSignal,
): Promise<void> => {
  const gathered = new Gathered(context, signal)
  for (let failures = 0; !signal.aborted; ) {
    const { now, log } = context()
    const { cloudId, cloud } = account() ?? { cloudId: '', cloud: {} }
    const began = now()
    try {
      for await (const changes of cloud.watch?.(signal) ?? []) gathered.add(cloudId, changes)
    } catch (thrown) {
      const error = asCloudError(thrown)
      const message = error.detail.operatorMessage ?? error.message
      if (!signal.aborted) log('warn', 'a cloud is not watched for a while', { cloudId, code: error.code, message })
    }
    failures = now() - began >= SOUND ? 0 : failures + 1
    if (!signal.aborted) await pause(context(), backoff(failures, 1_000, 60_000), signal)
  }
  await gathered.flushed
}

/** Changes of one account on their way to converge. */
class Gathered {
  readonly #context: () => Context
  readonly #signal: AbortSignal
  readonly #waiting = new Map<string, { cloudId: string; kind: Kind; ids: Set<NativeId> }>()
  /** What is under way is done. */
  flushed: Promise<void> = Promise.resolve()
  #due = false

  constructor(context: () => Context, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
  }

  add(cloudId: string, changes: Change[]): void {
    for (const { kind, id } of changes) {
      const key = `${cloudId}/${kind}`
      const group = this.#waiting.get(key) ?? { cloudId, kind, ids: new Set() }
      if (group.ids.size < MOST) group.ids.add(id)
      this.#waiting.set(key, group)
    }
    if (this.#due || this.#waiting.size === 0) return
    this.#due = true
    this.flushed = pause(this.#context(), GATHER, this.#signal).then(() => this.#flush())
  }

  async #flush(): Promise<void> {
    const groups = [...this.#waiting.values()]
    this.#waiting.clear()
    this.#due = false
    if (this.#signal.aborted) return
    const context = this.#context()
    try {
      for (const { cloudId, kind, ids } of groups)
        driveSoon(context, await markChanged(context.db, cloudId, kind, [...ids], context.now()))
    } catch (error) {
      context.log('error', 'changes were not noted', { error: String(error) })
    }
  }
}

const pause = async (context: Context, ms: number, signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return
  let wake = () => {}
  const aborted = new Promise<void>((resolve) => {
    wake = resolve
  })
  signal.addEventListener('abort', wake, { once: true })
  await Promise.race([context.sleep(ms), aborted])
  signal.removeEventListener('abort', wake)
}
