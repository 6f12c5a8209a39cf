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
  /** Asks for all that is there anew, once what is asked for came; it stays until then. */
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
  /** What is added to the query for what is behind a page; null: nothing is. Absent: the marker of its last row, if it is full. */
  nextIn?: (body: unknown, rows: Row[], limit: number) => string | null
}

interface State<Row> {
  rows: Row[]
  fault: Fault | null
  asking: boolean
  whole: boolean
  /** Added to the query for what is behind the rows. */
  next: string | null
}

const EMPTY = { rows: [], fault: null, asking: true, whole: false, next: null }

const behindLast = (_: unknown, rows: { id: string }[], limit: number): string | null => {
  const last = rows.at(-1)
  return last && rows.length >= limit ? `marker=${encodeURIComponent(last.id)}` : null
}

/** So many are asked for at a time where as many are there: what every service gives. */
const LARGEST = 1_000

/** A list that a service gives by pages, each after the marker of the one before, as far as somebody looks. */
export const usePages = <Row extends { id: string }>({
  service,
  path,
  rowsIn,
  limit = 200,
  nextIn = behindLast,
}: Lists<Row>): Pages<Row> => {
  const [state, setState] = useState<State<Row>>(EMPTY)
  const under = useRef<AbortController | null>(null)
  const once = useRef(false)
  const latest = useRef(state)
  latest.current = state

  const ofPage = useCallback(
    async (signal: AbortSignal, next: string | null, most: number) => {
      const query = `${path.includes('?') ? '&' : '?'}limit=${most}${next ? `&${next}` : ''}`
      const body = await ask(service, path + query, { signal })
      const found = rowsIn(body)
      return { found, next: nextIn(body, found, most) }
    },
    [service, path, rowsIn, nextIn],
  )
  /** All that is there, anew: somebody may have gone far down. */
  const fromTheTop = useCallback(
    async (signal: AbortSignal) => {
      const wanted = latest.current.rows.length
      const most = Math.max(limit, Math.min(wanted, LARGEST))
      let rows: Row[] = []
      let next: string | null = null
      for (;;) {
        const page: { found: Row[]; next: string | null } = await ofPage(signal, next, most)
        rows = rows.concat(page.found)
        next = page.next
        if (next === null || rows.length >= wanted) return { rows, next, whole: next === null }
      }
    },
    [ofPage, limit],
  )
  const work = useCallback(
    (doing: (signal: AbortSignal) => Promise<Pick<State<Row>, 'rows' | 'whole' | 'next'>>): void => {
      const leaving = new AbortController()
      under.current = leaving
      const done = (next: Partial<State<Row>>) => {
        if (leaving.signal.aborted) return
        under.current = null
        setState((old) => ({ ...old, ...next, asking: false }))
      }
      setState((old) => ({ ...old, asking: true, fault: null }))
      doing(leaving.signal).then(
        (said) => done({ ...said, fault: null }),
        (error) => done({ fault: asFault(error) }),
      )
    },
    [],
  )
  useEffect(() => {
    once.current = false
    latest.current = EMPTY
    setState(EMPTY)
    work(fromTheTop)
    return () => under.current?.abort()
  }, [work, fromTheTop])
  // What came while something was asked for is asked for once more after it: to break it off may be to break it off for ever.
  useEffect(() => {
    if (state.asking || !once.current) return
    once.current = false
    work(fromTheTop)
  }, [state.asking, work, fromTheTop])
  const more = useCallback(() => {
    const { whole, fault, next: behind } = latest.current
    if (whole || fault || under.current || !behind) return
    work(async (signal) => {
      const { found, next } = await ofPage(signal, behind, limit)
      return { rows: [...latest.current.rows, ...found], next, whole: next === null }
    })
  }, [work, ofPage, limit])
  const again = useCallback(() => {
    if (under.current) once.current = true
    else work(fromTheTop)
  }, [work, fromTheTop])
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
