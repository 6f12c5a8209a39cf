import { CloudError } from '../../errors.ts'
import type { Context } from '../context.ts'

/*
 * A host that was not reached costs whoever asks it seconds, and of several hosts one that is dead is asked with the others
 * again and again. So it is left alone for a while: about as long as it has been silent.
 */

const SHORTEST_MS = 1_000
const LONGEST_MS = 30_000

type Around = Pick<Context, 'connection' | 'surroundings'>
const keyOf = ({ connection }: Around, host: string): string => `libvirt/silent/${connection.cloudId}/${host}`

/** The host was not reached. */
export const noteSilent = (context: Around, host: string): void => {
  const { cache, now } = context.surroundings
  const at = now()
  const since = (cache.get(keyOf(context, host))?.value as number | undefined) ?? at
  cache.set(keyOf(context, host), {
    value: since,
    until: at + Math.min(Math.max(at - since, SHORTEST_MS), LONGEST_MS),
  })
}

/** The host was reached, by whomever. */
export const noteHeard = (context: Around, host: string): void => {
  context.surroundings.cache.delete(keyOf(context, host))
}

/** One caller tries a silent host once its time is up, and the others wait for what comes of it. @throws `ambiguous` until then */
export const assertNotSilent = (context: Around, host: string): void => {
  const { cache, now, timeoutMs } = context.surroundings
  const known = cache.get(keyOf(context, host))
  if (!known) return
  if (known.until <= now()) {
    cache.set(keyOf(context, host), { ...known, until: now() + timeoutMs })
    return
  }
  throw new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
    operatorMessage: `Host ${host} has not answered since ${new Date(known.value as number).toISOString()}, and is left alone for a moment.`,
  })
}
