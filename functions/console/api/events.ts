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

/** Whether events come in: a page that is not live says so. */
export const live = storeOf(false)

const listening = new Set<(event: Event) => void>()
let stream: AbortController | null = null
let last: string | null = null

/** Longest pause between two tries, in milliseconds. */
const LONGEST = 60_000

const open = async (leaving: AbortController): Promise<void> => {
  let pause = 500
  while (!leaving.signal.aborted) {
    const token = asker.token()
    try {
      if (token) {
        const headers = {
          Accept: 'text/event-stream',
          'X-Auth-Token': token,
          ...(last ? { 'Last-Event-ID': last } : {}),
        }
        const response = await fetch(addressOf('broker', '/events/stream'), { headers, signal: leaving.signal })
        if (response.ok && response.body) {
          live.set(true)
          pause = 500
          await read(response.body)
        } else await response.body?.cancel()
        if (response.status === 429) pause = LONGEST
        // What it knows of is gone: from now on.
        if (response.status === 400) last = null
      }
    } catch {
      // Whatever broke off is opened again.
    }
    live.set(false)
    if (leaving.signal.aborted) return
    await new Promise((resolve) => setTimeout(resolve, pause))
    pause = Math.min(pause * 2, LONGEST)
  }
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
  for (const heard of [...listening]) heard(event)
}

/** Begins anew, for another project. */
export const restartEvents = (): void => {
  stream?.abort()
  stream = null
  last = null
  live.set(false)
  if (listening.size) begin()
}

const begin = (): void => {
  stream = new AbortController()
  void open(stream)
}

/** Hears every event, `gap` among them (something was missed), as long as the part is drawn. */
export const useEvents = (heard: (event: Event) => void): void => {
  const latest = useRef(heard)
  latest.current = heard
  useEffect(() => {
    const listen = (event: Event) => latest.current(event)
    listening.add(listen)
    if (!stream) begin()
    return () => {
      listening.delete(listen)
      if (listening.size) return
      stream?.abort()
      stream = null
      live.set(false)
    }
  }, [])
}

/** Calls back once after events of some kinds, however many come at a time. */
export const useChanges = (kinds: string[], changed: () => void, quiet = 250): void => {
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null)
  useEvents(({ type, resource }) => {
    if (type !== 'gap' && !kinds.includes(resource.kind)) return
    timer.current ??= setTimeout(() => {
      timer.current = null
      changed()
    }, quiet)
  })
}
