import { useEffect, useRef } from 'preact/hooks'
import { storeOf } from '../store.ts'
import { addressOf, asker } from './ask.ts'

/*
 * What happens to the things of the project, as it happens: one stream for all of the page, while a part of it listens. It is
 * read by `fetch`, since an `EventSource` sends no token.
 */

interface Event {
  type: string
  resource: { kind: string; id: string }
  data: Record<string, unknown>
}

/** Whether events come in, of which a page says so: null where nobody listens, or looks. */
export const live = storeOf<boolean | null>(null)

const listening = new Set<(event: Event) => void>()
let stream: AbortController | null = null
let last: string | null = null
/** Things happened of which nobody was told: whoever listens is to look anew. */
let missed = false
let leaving: ReturnType<typeof setTimeout> | undefined

/** So long a stream is kept at which nobody listens: from one page to the next, in milliseconds. */
const LINGERS = 3_000
/** Longest pause between two tries, in milliseconds. */
const LONGEST = 60_000

const open = async ({ signal }: AbortController): Promise<void> => {
  let pause = 500
  while (!signal.aborted) {
    const token = asker.token()
    let isRenewed = false
    try {
      if (token) {
        const headers = {
          Accept: 'text/event-stream',
          'X-Auth-Token': token,
          ...(last ? { 'Last-Event-ID': last } : {}),
        }
        const response = await fetch(addressOf('broker', '/events/stream'), { headers, signal })
        if (response.ok && response.body) {
          live.set(true)
          pause = 500
          catchUp()
          await read(response.body)
        } else await response.body?.cancel()
        if (response.status === 429) pause = LONGEST
        // What it knows of is gone: from now on.
        if (response.status === 400) {
          last = null
          missed = true
        }
        if (response.status === 401) isRenewed = await asker.refused(token)
      }
    } catch {
      // Whatever broke off is opened again.
    }
    if (signal.aborted) return
    live.set(false)
    catchUp()
    await new Promise((resolve) => setTimeout(resolve, isRenewed ? 0 : pause))
    pause = Math.min(pause * 2, LONGEST)
  }
}

const tell = (event: Event): void => {
  for (const heard of [...listening]) heard(event)
}

const catchUp = (): void => {
  if (missed) tell({ type: 'gap', resource: { kind: '', id: '' }, data: {} })
  missed = false
}

const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
  const reader = body
    .pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>)
    .getReader()
  let rest = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const parts = (rest + value).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) hear(part)
  }
}

const hear = (part: string): void => {
  let [type, data] = ['', '']
  for (const line of part.split('\n')) {
    if (line.startsWith('id: ')) last = line.slice(4)
    if (line.startsWith('event: ')) type = line.slice(7)
    if (line.startsWith('data: ')) data += line.slice(6)
  }
  if (!type || type === 'ready' || type === 'end') return
  const said = JSON.parse(data) as Partial<Event>
  const event: Event = { type, resource: said.resource ?? { kind: '', id: '' }, data: said.data ?? {} }
  tell(event)
}

/** Ends the stream. What happens from here on is not told: it is asked for by whoever listens again. */
const end = (): void => {
  stream?.abort()
  stream = null
  last = null
  live.set(null)
}

const begin = (): void => {
  if (stream || !listening.size || document.hidden) return
  stream = new AbortController()
  void open(stream)
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
