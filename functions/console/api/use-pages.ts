import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ask, type ServiceName } from './ask.ts'
import { asFault, type Fault } from './fault.ts'

export interface Pages<Row> {
  rows: Row[]
  fault: Fault | null
  asking: boolean
  /** Nothing more is behind the rows. */
  whole: boolean
  /** Asks for what is behind the rows, unless it is asked for already. */
  more: () => void
  /** Begins anew; what is there stays until the first answer. */
  again: () => void
  /** Puts a row in place of one that is there, or takes it away. */
  change: (id: string, row: Row | null) => void
}

interface Lists<Row> {
  service: ServiceName
  /** The path with its filters, without `limit` and `marker`. */
  path: string
  rowsIn: (body: unknown) => Row[]
  limit?: number
}

interface State<Row> {
  rows: Row[]
  fault: Fault | null
  asking: boolean
  whole: boolean
}

/** A list that a service gives by pages, each after the marker of the one before, as far as somebody looks. */
export const usePages = <Row extends { id: string }>({
  service,
  path,
  rowsIn,
  limit = 200,
}: Lists<Row>): Pages<Row> => {
  const [state, setState] = useState<State<Row>>({ rows: [], fault: null, asking: true, whole: false })
  const under = useRef<AbortController | null>(null)
  const latest = useRef(state)
  latest.current = state

  const fetchBehind = useCallback(
    (marker: string | null) => {
      under.current?.abort()
      const leaving = new AbortController()
      under.current = leaving
      setState((old) => ({ ...old, asking: true, fault: null }))
      const query = `${path.includes('?') ? '&' : '?'}limit=${limit}${marker ? `&marker=${encodeURIComponent(marker)}` : ''}`
      ask(service, path + query, { signal: leaving.signal }).then(
        (body) => {
          if (leaving.signal.aborted) return
          under.current = null
          const found = rowsIn(body)
          setState((old) => ({
            rows: marker ? [...old.rows, ...found] : found,
            fault: null,
            asking: false,
            whole: found.length < limit,
          }))
        },
        (error) => {
          if (leaving.signal.aborted) return
          under.current = null
          setState((old) => ({ ...old, fault: asFault(error), asking: false }))
        },
      )
    },
    [service, path, limit, rowsIn],
  )
  useEffect(() => {
    setState({ rows: [], fault: null, asking: true, whole: false })
    fetchBehind(null)
    return () => under.current?.abort()
  }, [fetchBehind])
  const more = useCallback(() => {
    const { rows, whole, fault } = latest.current
    const last = rows.at(-1)
    if (!whole && !fault && !under.current && last) fetchBehind(last.id)
  }, [fetchBehind])
  const again = useCallback(() => fetchBehind(null), [fetchBehind])
  const change = useCallback(
    (id: string, row: Row | null) =>
      setState((old) => ({
        ...old,
        rows: row ? old.rows.map((each) => (each.id === id ? row : each)) : old.rows.filter((each) => each.id !== id),
      })),
    [],
  )
  return { ...state, more, again, change }
}
