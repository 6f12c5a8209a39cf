/**
 * An object that is looked up by what strangers send, or that keeps what they named: it has its own entries and no
 * other, so that `constructor` and `__proto__` are words like any other. A literal would answer to them.
 */
export const table = <T>(entries: Record<string, T> = {}): Record<string, T> =>
  Object.assign(Object.create(null) as Record<string, T>, entries)

/** The entry of that name, if the object itself has it: for objects whose keys are known to the compiler. */
export const own = <T extends object>(of: T, name: string): T[keyof T] | undefined =>
  Object.hasOwn(of, name) ? of[name as keyof T] : undefined
