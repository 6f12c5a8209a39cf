import { availableParallelism, loadavg } from 'node:os'

const STEP_MS = 300

/** How much slower than alone a program is while more than one wants each processor of the machine; 1 at least. */
export const slowness = (): number => Math.max(1, loadavg()[0]! / availableParallelism())

/**
 * Begins to wait for so long, in milliseconds, and tells whether that is over. It is longer while more than one program wants
 * each processor of the machine: by as much as what is waited for is slower then.
 */
export const patience = (ms: number): (() => boolean) => {
  const from = Date.now()
  return () => Date.now() - from > ms * slowness()
}

/** Looks again while it throws, for so long by `patience`; then throws what it threw last. `hopeless` errors are thrown at once. */
export const patiently = async <T>(
  look: () => Promise<T>,
  ms: number,
  hopeless: (error: unknown) => boolean = () => false,
): Promise<T> => {
  for (const isOver = patience(ms); ; await new Promise((resolve) => setTimeout(resolve, STEP_MS))) {
    try {
      return await look()
    } catch (error) {
      if (hopeless(error) || isOver()) throw error
    }
  }
}

/** Pauses between tries to have something from elsewhere, in milliseconds. */
const PAUSES_MS = [5_000, 30_000]

/**
 * Has something that is elsewhere, which may fail for a while: tries again after a pause, and says in the end how often it
 * tried. `hopeless` errors are thrown at once.
 * @param what is had, for the error
 */
export const fetched = async <T>(
  what: string,
  have: () => Promise<T>,
  hopeless: (error: unknown) => boolean = () => false,
): Promise<T> => {
  for (let tries = 0; ; tries++) {
    try {
      return await have()
    } catch (error) {
      const pause = PAUSES_MS[tries]
      if (hopeless(error)) throw error
      if (pause === undefined) throw new Error(`${what} could not be had, ${tries + 1} times:\n${error}`)
      console.log(`      ${what} could not be had, once more in ${pause / 1000} s`)
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}
