import { useEffect, useRef } from 'preact/hooks'
import { storeOf } from '../store.ts'
import { asker } from './ask.ts'
import { type Event, readStream } from './stream.ts'

/*
 * What happens to the things of the project, as it happens: one stream for all tabs of the browser that work in it, while one of
 * them listens and is looked at. Whoever has the lock reads it and tells the others, with the place where it is, so that the
 * next one goes on there. Browsers keep locks for pages that came by https or from this machine: elsewhere each tab has its own.
 */

/** Whether events come in, of which a page says so: null where nobody listens, or looks. */
export const live = storeOf<boolean | null>(null)

/** What one tab tells the others that work in the same project. */
interface Word {
  project: string
  /** Whether it is live is asked of whoever reads. */
  asks?: true
  live?: boolean
  /** Where the stream is. */
  at?: string | null
  event?: Event
}

const tabs = globalThis.BroadcastChannel && new BroadcastChannel('plimsoll-events')
const listening = new Set<(event: Event) => void>()
/** Ends the wish of this tab to hear, and its reading if it reads for all. */
let wish: AbortController | null = null
let reads = false
let last: string | null = null
/** Things happened of which nobody was told: whoever listens is to look anew. */
let missed = false
let leaving: ReturnType<typeof setTimeout> | undefined

/** So long a stream is kept at which nobody listens: from one page to the next, in milliseconds. */
const LINGERS = 3_000

const say = (word: Omit<Word, 'project'>): void => tabs?.postMessage({ project: asker.projectId(), ...word })

const tell = (event: Event): void => {
  for (const heard of [...listening]) heard(event)
}

const GAP: Event = { type: 'gap', resource: { kind: '', id: '' }, data: {} }

const isLive = (now: boolean): void => {
  live.set(now)
  if (missed) tell(GAP)
  missed = false
}

/** Reads for every tab. */
const reader: Parameters<typeof readStream>[1] = {
  last: () => last,
  isLive: (now) => {
    isLive(now)
    say({ live: now })
  },
  at: (place) => {
    last = place
    say({ at: place })
  },
  missed: () => {
    missed = true
    say({ event: GAP })
  },
  tell: (event) => {
    tell(event)
    say({ event })
  },
}

const begin = (): void => {
  if (wish || !listening.size || document.hidden) return
  wish = new AbortController()
  const { signal } = wish
  const read = async () => {
    reads = true
    await readStream(signal, reader).finally(() => {
      reads = false
    })
  }
  if (!tabs || !navigator.locks) return void read()
  say({ asks: true })
  // Where another tab reads, this one waits for it to leave.
  navigator.locks.request(`plimsoll-events ${asker.projectId()}`, { signal }, read).catch(() => {})
}

/** Ends the stream. What happens from here on is not told: it is asked for by whoever listens again. */
const end = (): void => {
  wish?.abort()
  wish = null
  last = null
  live.set(null)
}

if (tabs)
  tabs.onmessage = ({ data }: MessageEvent<Word>) => {
    if (!wish || data.project !== asker.projectId()) return
    if (reads) {
      if (data.asks && live.get() !== null) say({ live: live.get()!, at: last })
      return
    }
    if (data.at !== undefined) last = data.at
    if (data.live !== undefined) isLive(data.live)
    if (data.event) tell(data.event)
  }

/** Begins anew, for another project. */
export const restartEvents = (): void => {
  end()
  begin()
}

/** A browser keeps few connections to a host, and a project has few streams: one at which nobody looks is let go of. */
globalThis.document?.addEventListener('visibilitychange', () => {
  if (document.hidden) return end()
  missed = listening.size > 0
  begin()
})

/** Hears every event, `gap` among them (something was missed), as long as the part is drawn. */
export const useEvents = (heard: (event: Event) => void): void => {
  const latest = useRef(heard)
  latest.current = heard
  useEffect(() => {
    const listen = (event: Event) => latest.current(event)
    listening.add(listen)
    clearTimeout(leaving)
    begin()
    return () => {
      listening.delete(listen)
      if (!listening.size) leaving = setTimeout(end, LINGERS)
    }
  }, [])
}

/** Calls back once after events of some kinds, however many come within so many milliseconds. */
export const useChanges = (kinds: string[], changed: () => void, quiet = 2_000): void => {
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null)
  useEffect(() => () => clearTimeout(timer.current ?? undefined), [])
  useEvents(({ type, resource }) => {
    if (type !== 'gap' && !kinds.includes(resource.kind)) return
    timer.current ??= setTimeout(() => {
      timer.current = null
      changed()
    }, quiet)
  })
}
