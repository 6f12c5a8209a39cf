/** Of one client libvirt works on five calls at once, unless it is told otherwise: more only wait. */
const AT_ONCE = 5

/** The same work on each of many things of a host, a few at a time, in their order. */
export const fewAtATime = async <T, R>(things: T[], work: (thing: T) => Promise<R>): Promise<R[]> => {
  const done: R[] = []
  const left = things.entries()
  const worker = async () => {
    for (const [turn, thing] of left) done[turn] = await work(thing)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return done
}
