import { CloudError, type CloudErrorCode } from '../../../adapters/errors.ts'
import { refOf } from '../../../db/queries/line/bindings.ts'
import { recordFailure } from '../clouds/clouds.ts'
import { NotConnected } from '../clouds/not-connected.ts'
import { POLICY_MOVED } from '../clouds/policy.ts'
import { MARK_GUARDS } from '../compute/place/marks.ts'
import { backoff, PATIENCE, STUBBORN, shownAt } from '../line/clockwork.ts'
import { Refused } from '../line/refused.ts'
import { untilStill } from '../line/until-still.ts'
import { BURST_MOVED, MONEY_GUARDS } from '../money/allowance.ts'
import { GROWTH_GUARDS } from '../network/pools/growth.ts'
import { untilFree } from '../network/port.ts'
import { NeedFailed } from './needs.ts'
import type { Next, Work } from './work.ts'

/** What an error means for the resource, and when to try again. The code of the error decides alone. */
export const recover = async (work: Work, thrown: unknown): Promise<Next> => {
  if (thrown instanceof Refused) throw thrown
  const { binding, context } = work
  if (thrown instanceof NeedFailed) return fail(work, thrown.error)
  if (!(thrown instanceof CloudError)) {
    // A defect of ours or of the database: nothing is concluded about the cloud.
    context.log('error', 'converge stumbled', {
      ...refOf(binding),
      error: thrown instanceof Error ? `${thrown.stack}\n${thrown.cause ?? ''}` : String(thrown),
    })
    return work.later(5_000, 60_000)
  }
  context.log('warn', 'cloud refused', {
    ...refOf(binding),
    phase: binding.phase,
    code: thrown.code,
    cloudCode: thrown.detail.cloudCode,
    message: thrown.detail.operatorMessage ?? thrown.message,
  })
  if (thrown.code === 'ambiguous') await recordFailure(context, binding.cloudId, thrown)
  const later = () => work.write(noted(work, thrown), [], { at: retryAt(work, thrown) })
  // Whatever was said, it was not said of this object's creation: an earlier call may still have made it.
  if (binding.phase === 'calling' && work.answer === null) return later()
  if (thrown instanceof NotConnected && binding.phase !== 'intent') return later()
  if (binding.want === 'absent') return later()

  const creating = binding.phase === 'intent' || binding.phase === 'calling'
  // Repeated calls are refused for reasons of today; what the first one did shows later, or never.
  if (creating && work.answer === 'repeated' && thrown.code !== 'throttled' && thrown.code !== 'ambiguous')
    return work.write(noted(work, thrown), [], {
      at: shownAt(binding.calledAt, work.realm.settleMs, context.aloneSince),
    })
  const nothingMade = creating && work.answer !== 'repeated' && work.answer !== 'polled'
  switch (thrown.code) {
    case 'ambiguous':
      return later()
    case 'throttled':
      return nothingMade ? startOver(work, thrown) : later()
    case 'conflict':
    case 'not_found':
      if (creating && work.now() - binding.createdAt > PATIENCE) return fail(work, thrown)
      if (!creating && work.now() - since(work, thrown) > STUBBORN) return fail(work, thrown)
      return nothingMade ? startOver(work, thrown) : later()
    case 'capacity':
      return (creating && (await moveOn(work, thrown))) || fail(work, thrown)
    case 'denied':
      return creating && !nothingMade ? later() : fail(work, thrown)
    case 'definitive':
      return fail(work, thrown)
  }
}

/** First and longest pause, in milliseconds. */
const PAUSES: Record<CloudErrorCode, [number, number]> = {
  ambiguous: [1_000, 60_000],
  throttled: [2_000, 60_000],
  conflict: [1_000, 30_000],
  not_found: [1_000, 30_000],
  capacity: [5_000, 60_000],
  denied: [30_000, 300_000],
  definitive: [30_000, 300_000],
}

const retryAt = (work: Work, { code, detail }: CloudError): number =>
  work.now() + (detail.retryAfterMs ?? backoff(work.binding.attempts, ...PAUSES[code]))

/** When the same was said first. */
const since = (work: Work, { code, message }: CloudError): number =>
  work.binding.error?.code === code && work.binding.error.message === message ? work.binding.error.at : work.now()

const noted = (work: Work, error: CloudError) => ({
  error: recorded(error, since(work, error)),
  attempts: work.binding.attempts + 1,
})

/** The call certainly did nothing: it is asked anew, with what is true by then. */
const startOver = (work: Work, error: CloudError): Promise<Next> =>
  work.write({ ...noted(work, error), phase: 'intent', frozen: null, task: null }, [], { at: retryAt(work, error) })

/**
 * The next place, with a new token: the old one stands for a request to the old place. Null: nowhere
 * left. A batch that is refused for what the server's networks would need there leaves nowhere either, and says so.
 */
const moveOn = async (work: Work, error: CloudError): Promise<Next | null> => {
  const { context, row, binding } = work
  if (!row) return null
  const anew = () => ({ phase: 'intent' as const, token: context.newId(), frozen: null, task: null })
  const attempt = async () => {
    const moved = await work.steps.elsewhere?.(context, row, binding, error)
    if (!moved) return null
    // Nothing was ever asked for with the new token: how often the old one was sent says nothing of what it makes.
    const fresh = { ...anew(), attempts: 0, error: recorded(error, work.now()) }
    return work.write({ ...fresh, ...moved.here }, moved.writes, { at: work.now() })
  }
  try {
    return await untilMoved(attempt)
  } catch (thrown) {
    const what = whyUnmoved(work, thrown)
    if (what === 'server-gone') return work.write(anew(), [], { at: work.now() })
    // Others were faster each time: they leave it room later.
    if (MOVED.includes(what) && work.now() - binding.createdAt <= PATIENCE)
      return work.write({ ...noted(work, error), ...anew() }, [], { at: retryAt(work, error) })
    return fail(work, new CloudError(error.code, `${error.message} ${stuck(what)}`, error.detail))
  }
}

/** Plans and writes a move, over again while others are faster. */
export const untilMoved = <T>(attempt: () => Promise<T>): Promise<T> => untilStill(MOVED, () => untilFree(attempt))

/** The guard that a move was refused by. Throws what says nothing of it: a lost fence, or a defect. */
export const whyUnmoved = ({ context, binding }: Work, thrown: unknown): string => {
  const what = thrown instanceof Refused ? whatOf(thrown) : 'fence'
  if (what === 'fence') throw thrown
  context.log('warn', 'nothing moved on', { ...refOf(binding), refused: what })
  return what
}

/** Why there is no other place, by the guard that refused the batch, as a sentence. */
export const stuck = (what: string): string =>
  what === 'quota' || what === 'pool-quota'
    ? 'A quota has no room for what its networks lack elsewhere.'
    : 'Elsewhere its networks cannot be, or not now.'

/** Guards, and unique indexes (`taken`), that say that somebody else was faster. */
export const MOVED = [
  ...GROWTH_GUARDS,
  ...MARK_GUARDS,
  ...MONEY_GUARDS,
  ...[POLICY_MOVED, BURST_MOVED, 'reach-moved', 'port-moved', 'taken'],
]

const whatOf = ({ refusal }: Refused): string => (refusal.kind === 'guard' ? refusal.what : refusal.kind)

/** Before it exists: the resource failed. Afterwards: the change failed, the object stays as it is. */
const fail = async (work: Work, error: CloudError): Promise<Next> => {
  const { binding } = work
  const exists = binding.phase === 'bound'
  return work.write(
    {
      error: recorded(error, work.now()),
      ...(exists ? { applied: binding.revision } : { phase: 'failed', task: null }),
    },
    work.blamed(error),
    'settled',
  )
}

/** An error as a binding remembers it: code, sentence for users, time (ms since 1970), and the cloud's own code if there is one. */
export const recorded = (error: CloudError, at: number) => ({
  code: error.code,
  message: error.message,
  at,
  ...(error.detail.cloudCode ? { cloudCode: error.detail.cloudCode } : {}),
})
