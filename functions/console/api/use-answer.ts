import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ask, type ServiceName } from './ask.ts'
import { asFault, type Fault } from './fault.ts'

export interface Answer<T> {
  /** The last answer; null: there was none yet. */
  value: T | null
  fault: Fault | null
  asking: boolean
  /** Asks again, once what is asked is answered; what is there stays until the answer comes. */
  again: () => void
}

/**
 * What a service says at a path, asked when the part is drawn and when the path is another; null: nothing is asked.
 * @param every asked again after so many milliseconds, as long as somebody looks at the page
 */
export const useAnswer = <T>(service: ServiceName, path: string | null, every?: number): Answer<T> => {
  const [state, setState] = useState<Omit<Answer<T>, 'again'>>({ value: null, fault: null, asking: path !== null })
  const [turn, setTurn] = useState(0)
  const asked = useRef(path)
  const under = useRef({ asking: false, again: false })
  useEffect(() => {
    under.current = { asking: path !== null, again: false }
    if (path === null) return setState({ value: null, fault: null, asking: false })
    const leaving = new AbortController()
    // Of another path nothing is shown that this one did not say.
    const isOther = asked.current !== path
    asked.current = path
    const done = (next: (old: Omit<Answer<T>, 'again'>) => Omit<Answer<T>, 'again'>) => {
      if (leaving.signal.aborted) return
      const { again } = under.current
      under.current = { asking: false, again: false }
      setState(next)
      if (again) setTurn((old) => old + 1)
    }
    setState((old) => (isOther ? { value: null, fault: null, asking: true } : { ...old, asking: true }))
    ask<T>(service, path, { signal: leaving.signal }).then(
      (value) => done(() => ({ value, fault: null, asking: false })),
      (error) => done((old) => ({ ...old, fault: asFault(error), asking: false })),
    )
    return () => leaving.abort()
  }, [service, path, turn])
  // What is under way is not broken off: it may take longer than the pause between two of these.
  const again = useCallback(() => {
    if (under.current.asking) under.current.again = true
    else setTurn((old) => old + 1)
  }, [])
  useEffect(() => {
    if (!every || path === null) return
    const timer = setInterval(() => document.visibilityState === 'visible' && again(), every)
    return () => clearInterval(timer)
  }, [every, path, again])
  return { ...state, again }
}

/** Something that is done once at a time, and what became of it. */
export interface Doing {
  busy: boolean
  fault: Fault | null
  /** False: it failed, and `fault` says why. */
  run: (work: () => Promise<unknown>) => Promise<boolean>
}

/** For a button or a form: does what it is given, keeps the fault, and is busy meanwhile. */
export const useDoing = (): Doing => {
  const [state, setState] = useState<{ busy: boolean; fault: Fault | null }>({ busy: false, fault: null })
  const run = async (work: () => Promise<unknown>) => {
    setState({ busy: true, fault: null })
    try {
      await work()
      setState({ busy: false, fault: null })
      return true
    } catch (error) {
      setState({ busy: false, fault: asFault(error) })
      return false
    }
  }
  return { ...state, run }
}
