/** What waits for a turn, by whose it is: everybody's oldest goes once before anybody's next. */
export const openTurns = <T>() => {
  // In the order of their turns.
  const waiting = new Map<string, T[]>()
  return {
    add(whose: string, item: T): void {
      waiting.set(whose, [...(waiting.get(whose) ?? []), item])
    },
    next(): T | undefined {
      const [first] = waiting
      if (!first) return undefined
      const [whose, [item, ...later]] = first
      waiting.delete(whose)
      if (later.length) waiting.set(whose, later)
      return item
    },
  }
}
