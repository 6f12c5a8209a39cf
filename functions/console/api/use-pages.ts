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
}

interface State<Row> {
  rows: Row[]
  fault: Fault | null
  asking: boolean
  whole: boolean
}

/** So many are asked for at a time where as many are there: what every service gives. */
const LARGEST = 1_000

/** A list that a service gives by pages, each after the marker of the one before, as far as somebody looks. */
export const usePages = <Row extends { id: string }>({
  service,
  path,
  rowsIn,
  limit = 200,
}: Lists<Row>): Pages<Row> => {
  const [state, setState] = useState<State<Row>>({ rows: [], fault: null, asking: true, whole: false })
  const under = useRef<AbortController | null>(null)
  const once = useRef(false)
  const latest = useRef(state)
  latest.current = state

  const ofPage = useCallback(
    async (signal: AbortSignal, marker: string | undefined, most: number) => {
      const query = `${path.includes('?') ? '&' : '?'}limit=${most}${marker ? `&marker=${encodeURIComponent(marker)}` : ''}`
      return rowsIn(await ask(service, path + query, { signal }))
    },
    [service, path, rowsIn],
  )
  /** All that is there, anew: somebody may have gone far down. */
  const fromTheTop = useCallback(
    async (signal: AbortSignal) => {
      const wanted = latest.current.rows.length
      const most = Math.max(limit, Math.min(wanted, LARGEST))
      let rows: Row[] = []
      for (;;) {
        const found = await ofPage(signal, rows.at(-1)?.id, most)
        rows = rows.concat(found)
        if (found.length < most) return { rows, whole: true }
        if (rows.length >= wanted) return { rows, whole: false }
      }
    },
    [ofPage, limit],
  )
  const work = useCallback((doing: (signal: AbortSignal) => Promise<Pick<State<Row>, 'rows' | 'whole'>>): void => {
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
  }, [])
  useEffect(() => {
    once.current = false
    const empty = { rows: [], fault: null, asking: true, whole: false }
    latest.current = empty
    setState(empty)
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
    const { rows, whole, fault } = latest.current
    const last = rows.at(-1)
    if (whole || fault || under.current || !last) return
    work(async (signal) => {
      const found = await ofPage(signal, last.id, limit)
      return { rows: [...latest.current.rows, ...found], whole: found.length < limit }
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
