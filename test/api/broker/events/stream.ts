import type { Plimsoll } from '../../../support/harness.ts'

interface Event {
  id?: string
  event?: string
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into bodies freely
  data?: any
}

/** One reader of a stream: what it heard so far, as the lines of server-sent events say it. */
export interface Listener {
  status: number
  headers: Headers
  events: Event[]
  comments: number
  /** The last id, which it sends when it comes again. */
  last: string | undefined
  /** How it ended; null: it has not. */
  ended: 'closed' | 'broken' | null
  leave(): Promise<void>
}

/** Sleep that lasts until the test says so. */
export const sleeping = (plimsoll: Plimsoll) => {
  const asleep: (() => void)[] = []
  plimsoll.host.sleep = () => new Promise((resolve) => asleep.push(resolve))
  const rest = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0))
  }
  return {
    rest,
    /** Lets so many seconds pass, and whoever sleeps look in each. */
    pass: async (seconds = 1) => {
      for (let i = 0; i < seconds; i++) {
        plimsoll.clock.advance(1_000)
        for (const wake of asleep.splice(0)) wake()
        await rest()
      }
    },
    asleep: () => asleep.length,
    /** Whoever sleeps never wakes, as what a Worker was at when its reader left. */
    vanish: () => {
      asleep.splice(0)
    },
    /** Lets whoever sleeps look so many times, a second apart, without more ado between two looks than they need. */
    looks: async (count: number) => {
      for (let i = 0; i < count; i++) {
        plimsoll.clock.advance(1_000)
        for (const wake of asleep.splice(0)) wake()
        for (let turn = 0; turn < 200 && asleep.length === 0; turn++)
          await new Promise((resolve) => setTimeout(resolve, 0))
      }
    },
  }
}

/** Opens a stream; reads it as long as it lasts, unless `reads` says no. */
export const listenTo = async (
  plimsoll: Plimsoll,
  token: string,
  { query = '', last, reads = true }: { query?: string; last?: string | undefined; reads?: boolean } = {},
): Promise<Listener> => {
  const headers = {
    ...{ 'X-Auth-Token': token, Accept: 'text/event-stream' },
    ...(last === undefined ? {} : { 'Last-Event-ID': last }),
  }
  const request = new Request(`http://plimsoll.test/broker/v1/events/stream${query}`, { headers })
  const response = await plimsoll.app.fetch(request)
  const reader = response.body!.getReader()
  const listener: Listener = {
    status: response.status,
    headers: response.headers,
    events: [],
    comments: 0,
    last,
    ended: null,
    leave: () => reader.cancel(),
  }
  const decoder = new TextDecoder()
  let text = ''
  const take = (block: string) => {
    const event: Event = {}
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) listener.comments++
      else if (line.startsWith('id: ')) event.id = line.slice(4)
      else if (line.startsWith('event: ')) event.event = line.slice(7)
      else if (line.startsWith('data: ')) event.data = JSON.parse(line.slice(6))
    }
    listener.last = event.id ?? listener.last
    if (event.data) listener.events.push(event)
  }
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop()!
      if (response.status === 200) for (const block of blocks) take(block)
    }
  }
  if (reads)
    void read().then(
      () => {
        listener.ended = 'closed'
      },
      () => {
        listener.ended = 'broken'
      },
    )
  else
    reader.closed.then(
      () => {
        listener.ended = 'closed'
      },
      () => {
        listener.ended = 'broken'
      },
    )
  return listener
}
