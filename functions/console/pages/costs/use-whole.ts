import { useCallback, useEffect, useState } from 'preact/hooks'
import { ask, type ServiceName } from '../../api/ask.ts'
import { asFault, type Fault } from '../../api/fault.ts'
import type { Answer } from '../../api/use-answer.ts'

/** So many pages are asked for: what lies behind them is said to be left out. */
const MOST = 20

/** How pages of an answer become one. */
export interface Paged<T> {
  /** What is added to the query for the next page; null: there is none. */
  nextOf: (last: T, all: T) => string | null
  join: (all: T, page: T) => T
}

/** An answer that a service gives by pages, as one: sums of it are of all. `paged` stays the same. `cut`: there is more. */
export const useWhole = <T>(
  service: ServiceName,
  path: string | null,
  { nextOf, join }: Paged<T>,
): Answer<T> & { cut: boolean } => {
  const [state, setState] = useState<{ value: T | null; fault: Fault | null; asking: boolean; cut: boolean }>({
    value: null,
    fault: null,
    asking: path !== null,
    cut: false,
  })
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    setState({ value: null, fault: null, asking: path !== null, cut: false })
    if (path === null) return
    const leaving = new AbortController()
    const all = async () => {
      let value: T = await ask<T>(service, path, { signal: leaving.signal })
      let next = nextOf(value, value)
      for (let page = 1; next && page < MOST; page++) {
        const last: T = await ask<T>(service, `${path}&${next}`, { signal: leaving.signal })
        value = join(value, last)
        next = nextOf(last, value)
      }
      return { value, cut: next !== null }
    }
    all().then(
      (said) => leaving.signal.aborted || setState({ ...said, fault: null, asking: false }),
      (error) => leaving.signal.aborted || setState({ value: null, fault: asFault(error), asking: false, cut: false }),
    )
    return () => leaving.abort()
  }, [service, path, nextOf, join, turn])
  const again = useCallback(() => setTurn((old) => old + 1), [])
  return { ...state, again }
}
