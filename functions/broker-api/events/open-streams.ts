import type { Context } from '../../context.ts'
import { tooMany } from '../../http/fault.ts'

/** Streams of a project, of a user in all projects, and of a process. */
const MOST = { project: 10, user: 20, process: 200 }
/**
 * A stream that has not looked for so long is none, in milliseconds: on Workers a request may vanish with all that it would have
 * done yet, and what is behind its next `await` with it.
 */
const GONE = 60_000

/** A stream as it is counted. */
interface Counted {
  /** Says that it is still there. */
  alive(): void
  /** It is counted no more; may be said again. */
  done(): void
}

interface Stream {
  projectId: string
  userId: string
  aliveAt: number
}
const open = new WeakMap<object, Set<Stream>>()

/** Counts a stream as long as it is open. 429: there are too many. */
export const counted = ({ d1, now, caller }: Context, projectId: string): Counted => {
  const streams = open.get(d1) ?? new Set()
  open.set(d1, streams)
  for (const each of streams) if (each.aliveAt + GONE < now()) streams.delete(each)
  const userId = caller?.userId ?? ''
  const by = (name: 'projectId' | 'userId', id: string) => [...streams].filter((each) => each[name] === id).length
  const full = by('projectId', projectId) >= MOST.project || by('userId', userId) >= MOST.user
  if (full || streams.size >= MOST.process)
    throw tooMany(60, 'There are as many streams of events as this service has at a time.')
  const stream = { projectId, userId, aliveAt: now() }
  let over = false
  streams.add(stream)
  return {
    alive: () => {
      stream.aliveAt = now()
      if (!over) streams.add(stream)
    },
    done: () => {
      over = true
      streams.delete(stream)
    },
  }
}
