import { useEffect, useRef } from 'preact/hooks'

/** So often is asked again, in milliseconds. */
const EVERY = 3_000

/** Asks again as long as something is under way, of which no event tells, and somebody looks at the page. */
export const useUntil = (isUnderWay: boolean, again: () => void): void => {
  const latest = useRef(again)
  latest.current = again
  useEffect(() => {
    if (!isUnderWay) return
    const timer = setInterval(() => document.visibilityState === 'visible' && latest.current(), EVERY)
    return () => clearInterval(timer)
  }, [isUnderWay])
}
