const STEP_MS = 300

/** Looks again while it throws, for so long; then throws what it threw last. `hopeless` errors are thrown at once. */
export const patiently = async <T>(
  look: () => Promise<T>,
  ms: number,
  hopeless: (error: unknown) => boolean = () => false,
): Promise<T> => {
  for (const until = Date.now() + ms; ; await new Promise((resolve) => setTimeout(resolve, STEP_MS))) {
    try {
      return await look()
    } catch (error) {
      if (hopeless(error) || Date.now() > until) throw error
    }
  }
}
