import type { Json } from '../../contract.ts'
import { asCloudError, CloudError, type CloudErrorCode } from '../../errors.ts'
import type { Context } from '../context.ts'

/**
 * Work that one process has to do from its beginning to its end, because no other could go on with it: bytes on their
 * way, or a call that answers when everything is done. The others see in the store that it is being done.
 */
interface Running {
  /** Until when the holder is believed to be alive, in milliseconds since 1970; past: no process does it. */
  until: number
  attempts: number
  /** How much is done, 0 to 1, when the holder showed itself. */
  share?: number
  fault: { code: CloudErrorCode; message: string; operatorMessage: string } | null
}

/** A holder shows itself this often, and is believed dead after so long: longer than a connection may stand still. */
const SHOWN_MS = 30_000
const DEAD_MS = 360_000
/** A time that no holder could write now is of a clock that has since been set back. */
const holds = (until: number, now: number): boolean => until > now && until <= now + 2 * DEAD_MS
/** Small work is done within one call. */
const PATIENCE_MS = 3_000
const ATTEMPTS = 4
const FORGOTTEN_MS = 24 * 3_600_000
/** Errors that another attempt does not mend. */
const FINAL: CloudErrorCode[] = ['definitive', 'denied', 'capacity']

const keyOf = ({ storePrefix }: Context, what: string): string => `${storePrefix}/hold/${what}`

/**
 * Whether a process does the work now.
 * @throws what it ended with, once, if no other attempt would help
 */
export const isRunning = async (context: Context, what: string): Promise<boolean> =>
  (await runningShare(context, what)) !== null

/**
 * How much of work is done that a process does now, as far as it has said; null: none does.
 * @throws what it ended with, once, if no other attempt would help
 */
export const runningShare = async (context: Context, what: string): Promise<number | null> => {
  const { store, now } = context.surroundings
  const row = await store.get(keyOf(context, what))
  if (!row) return null
  const { until, attempts, share, fault } = row.value as unknown as Running
  if (holds(until, now())) return share ?? 0
  const final = fault !== null && FINAL.includes(fault.code)
  if (!final && attempts < ATTEMPTS) return null
  await store.delete(keyOf(context, what), row.version)
  const { message = 'The cloud broke off again and again.', operatorMessage = 'its holder died' } = fault ?? {}
  throw new CloudError(final ? fault.code : 'definitive', message, { operatorMessage })
}

/**
 * Begins the work unless a process does it already. On Node it goes on behind the call that began it; on Workers nothing
 * outlives its invocation, so there the call lasts as long as the work, and the invocation's limits are the work's.
 * @param work calls `alive` as it goes along, with how much is done where it knows, which throws once another process has taken over
 */
export const runExclusively = async (
  context: Context,
  what: string,
  work: (alive: (share?: number) => Promise<void>) => Promise<void>,
): Promise<void> => {
  const { store, now, sleep, log, runtime } = context.surroundings
  const key = keyOf(context, what)
  await forgetOld(context)
  const row = await store.get(key)
  const before = row?.value as unknown as Running | undefined
  if (before && holds(before.until, now())) return
  const attempts = (before?.attempts ?? 0) + 1
  let version = row?.version ?? 0
  const put = async (state: Running): Promise<boolean> => {
    const written = await store.put(key, state as unknown as Json, version)
    if (written) version++
    return written
  }
  if (!(await put({ until: now() + DEAD_MS, attempts, fault: null }))) return
  let shown = now()
  const alive = async (share?: number): Promise<void> => {
    if (Math.abs(now() - shown) < SHOWN_MS) return
    shown = now()
    if (!(await put({ until: now() + DEAD_MS, attempts, ...(share === undefined ? {} : { share }), fault: null })))
      throw new CloudError('ambiguous', 'Somebody else has taken over.')
  }
  const ended = async (thrown: unknown): Promise<void> => {
    const { code, message, detail } = asCloudError(thrown)
    log('warn', 'work that was held has ended early', { what, code, message: detail.operatorMessage ?? message })
    await put({ until: now(), attempts, fault: { code, message, operatorMessage: detail.operatorMessage ?? '' } })
  }
  const running = work(alive)
    .then(() => store.delete(key, version), ended)
    .catch((thrown: unknown) => log('error', 'the end of work that was held is not written down', { what, thrown }))
  await (runtime === 'workers' ? running : Promise.race([running, sleep(PATIENCE_MS)]))
}

/** Work that was given up leaves a row behind. */
const forgetOld = async (context: Context): Promise<void> => {
  const { store, now } = context.surroundings
  for (const { key, value, version } of await store.list(keyOf(context, ''), 100))
    if ((value as unknown as Running).until < now() - FORGOTTEN_MS) await store.delete(key, version)
}
