import type { Change } from '../contract.ts'
import type { Context } from './context.ts'
import type { HostOption } from './options.ts'
import { idOn } from './records/ids.ts'
import { reach } from './wire/host.ts'
import { GET_HOSTNAME, LIFE, LISTEN } from './wire/procedures.ts'
import type { Hear } from './wire/session.ts'
import { decode } from './wire/xdr.ts'

/** virDomainEventID: beginnings and ends of domains. */
const LIFECYCLE = 0
/** A line on which nothing happens is tried so often, so that a dead one is noticed. */
const TRIED_MS = 60_000
/** How soon a host is listened to again that was not heard any more. */
const AGAIN_MS = 5_000
/** Changes that nobody has taken yet; what is not told then the next sweep finds. */
const MOST_TOLD = 10_000

/** Listens to one host until the signal aborts or the line breaks, which it then throws; also where it is not let in in time. */
const listen = (context: Context, option: HostOption, signal: AbortSignal, hear: Hear): Promise<never> => {
  const giveUp = new AbortController()
  const late = setTimeout(() => giveUp.abort(), context.surroundings.timeoutMs)
  return reach(
    context,
    option,
    AbortSignal.any([signal, giveUp.signal]),
    async ({ call, ended }) => {
      await call(LISTEN, { event: LIFECYCLE, domain: null })
      clearTimeout(late)
      const broken = ended.then((error) => Promise.reject(error))
      for (;;) {
        await Promise.race([context.surroundings.sleep(TRIED_MS), broken])
        await Promise.race([call(GET_HOSTNAME, null), silence(context.surroundings.timeoutMs)])
      }
    },
    { hear },
  ).finally(() => clearTimeout(late))
}

const silence = (ms: number): Promise<never> =>
  new Promise((_, reject) =>
    AbortSignal.timeout(ms).addEventListener('abort', () => reject(new Error('the host says nothing any more'))),
  )

/**
 * Changes of domains as they happen, on every host, until the signal aborts. A host that is not heard is tried anew after a
 * pause, whatever the others do.
 */
export async function* watch(context: Context, signal: AbortSignal): AsyncGenerator<Change[]> {
  const stop = new AbortController()
  const ending = AbortSignal.any([signal, stop.signal])
  const over = new Promise<void>((resolve) => ending.addEventListener('abort', () => resolve()))
  let told = new Map<string, Change>()
  let wake = () => {}
  const keep = async (host: HostOption): Promise<void> => {
    const hear: Hear = (event, body) => {
      if (event !== LIFE.number) return
      const id = idOn(host, decode(LIFE.told, body).domain.uuid)
      if (told.size < MOST_TOLD) told.set(id, { kind: 'server', id })
      wake()
    }
    while (!ending.aborted) {
      await listen(context, host, ending, hear).catch(() => {})
      await Promise.race([context.surroundings.sleep(AGAIN_MS), over])
    }
  }
  const kept = context.options.hosts.map(keep)
  try {
    while (!ending.aborted) {
      const more = new Promise<void>((resolve) => {
        wake = resolve
      })
      if (!told.size) await Promise.race([more, over])
      const changes = [...told.values()]
      told = new Map()
      if (changes.length) yield changes
    }
  } finally {
    stop.abort()
    await Promise.all(kept)
  }
}
