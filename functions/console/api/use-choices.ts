import { useState } from 'preact/hooks'
import type { ServiceName } from './ask.ts'
import type { Fault } from './fault.ts'
import { useAnswer } from './use-answer.ts'

/** So many of one thing a form lists, where its service gives lists by pages. */
const MOST = 500

/** What most lists are of. */
export interface Named {
  id: string
  name: string
}

/** What there is to choose from, as far as it is known. */
export interface Choices<T> {
  rows: T[]
  /** Why it is not known. */
  fault: Fault | null
  /** It is asked for: an empty list says nothing yet. */
  asking: boolean
  /** There may be more than are listed. */
  cut: boolean
  /** Asks anew; what is there stays until the answer comes. */
  again: () => void
  /** Looks for a name among all that there are, not only those that are listed; absent: the service does not. */
  seek?: ((word: string) => void) | undefined
  /** What is looked for. */
  word?: string
}

/**
 * What is added to a query for the things of a name; null: the service does not look for names there. Most look for the whole
 * name; Nova takes a pattern, so what somebody types is escaped.
 */
const seekingIn = (service: ServiceName, path: string, word: string): string | null => {
  if (service === 'broker' || service === 'identity') return null
  if (service !== 'compute') return `name=${encodeURIComponent(word)}`
  const pattern = word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return path.startsWith('/servers') ? `name=${encodeURIComponent(pattern)}` : null
}

/**
 * What a form lets somebody choose from: `useChoices<Network>('network', '/networks?router:external=true', 'networks')`.
 * @param path without a limit; null: nothing is asked
 * @param member of the body in which the list is
 * @param isWhole the service gives the list whole, and takes no limit
 */
export const useChoices = <T>(
  service: ServiceName,
  path: string | null,
  member: string,
  isWhole = false,
): Choices<T> => {
  const [word, seek] = useState('')
  const sought = isWhole || path === null ? null : seekingIn(service, path, word)
  const limit = `${path?.includes('?') ? '&' : '?'}limit=${MOST}${sought && word ? `&${sought}` : ''}`
  const answer = useAnswer<Record<string, T[]>>(service, path === null || isWhole ? path : path + limit)
  const rows = answer.value?.[member] ?? []
  return {
    rows,
    fault: answer.value ? null : answer.fault,
    asking: answer.asking && !answer.value,
    cut: !isWhole && rows.length >= MOST,
    again: answer.again,
    ...(sought === null ? {} : { seek, word }),
  }
}

/** Two lists as one, each row once by its id. */
export const bothOf = <T extends { id: string }>(one: Choices<T>, other: Choices<T>): Choices<T> => ({
  rows: [...one.rows, ...other.rows.filter(({ id }) => !one.rows.some((each) => each.id === id))],
  fault: one.fault ?? other.fault,
  asking: one.asking || other.asking,
  cut: one.cut || other.cut,
  again: () => {
    one.again()
    other.again()
  },
  ...(one.seek && other.seek
    ? {
        word: one.word ?? '',
        seek: (word) => {
          one.seek?.(word)
          other.seek?.(word)
        },
      }
    : {}),
})
