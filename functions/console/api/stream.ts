import { addressOf, asker } from './ask.ts'

/** Something that happened to a thing of the project. */
export interface Event {
  type: string
  resource: { kind: string; id: string }
  data: Record<string, unknown>
}

/** Who reads a stream. */
interface Reader {
  /** The place behind which it goes on; null: from now on. */
  last: () => string | null
  /** Whether events come in now. */
  isLive: (live: boolean) => void
  /** The place where the stream is. */
  at: (place: string | null) => void
  /** What the place knew of is gone: something was missed. */
  missed: () => void
  tell: (event: Event) => void
}

/** Longest pause between two tries, in milliseconds. */
const LONGEST = 60_000

/**
 * Reads events until it is told to end: what breaks off is opened again, later each time it fails. Read by `fetch`, since an
 * `EventSource` sends no token.
 */
export const readStream = async (signal: AbortSignal, reader: Reader): Promise<void> => {
  let pause = 500
  while (!signal.aborted) {
    const token = asker.token()
    let isRenewed = false
    try {
      if (token) {
        const last = reader.last()
        const headers = {
          Accept: 'text/event-stream',
          'X-Auth-Token': token,
          ...(last ? { 'Last-Event-ID': last } : {}),
        }
        const response = await fetch(addressOf('broker', '/events/stream'), { headers, signal, cache: 'no-store' })
        if (response.ok && response.body) {
          reader.isLive(true)
          pause = 500
          await read(response.body, reader)
        } else await response.body?.cancel()
        if (response.status === 429) pause = LONGEST
        // What it knows of is gone: from now on.
        if (response.status === 400) {
          reader.at(null)
          reader.missed()
        }
        if (response.status === 401) isRenewed = await asker.refused(token)
      }
    } catch {
      // Whatever broke off is opened again.
    }
    if (signal.aborted) return
    reader.isLive(false)
    await new Promise((resolve) => setTimeout(resolve, isRenewed ? 0 : pause))
    pause = Math.min(pause * 2, LONGEST)
  }
}

const read = async (body: ReadableStream<Uint8Array>, reader: Reader): Promise<void> => {
  const lines = body
    .pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>)
    .getReader()
  let rest = ''
  for (;;) {
    const { value, done } = await lines.read()
    if (done) return
    const parts = (rest + value).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) hear(part, reader)
  }
}

const hear = (part: string, reader: Reader): void => {
  let [type, data] = ['', '']
  for (const line of part.split('\n')) {
    if (line.startsWith('id: ')) reader.at(line.slice(4))
    if (line.startsWith('event: ')) type = line.slice(7)
    if (line.startsWith('data: ')) data += line.slice(6)
  }
  if (!type || type === 'ready' || type === 'end') return
  const said = JSON.parse(data) as Partial<Event>
  reader.tell({ type, resource: said.resource ?? { kind: '', id: '' }, data: said.data ?? {} })
}
