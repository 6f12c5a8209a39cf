import { useEffect, useState } from 'preact/hooks'

/** A value that parts of the page look at, and are drawn anew when it is another. */
export interface Store<T> {
  get(): T
  set(value: T): void
  /** @returns what ends it */
  listen(heard: () => void): () => void
}

/** A store that begins with a value. */
export const storeOf = <T>(first: T): Store<T> => {
  let value = first
  const listening = new Set<() => void>()
  return {
    get: () => value,
    set: (next) => {
      value = next
      for (const heard of listening) heard()
    },
    listen: (heard) => {
      listening.add(heard)
      return () => listening.delete(heard)
    },
  }
}

/** The value of a store, as it is now. */
export const useStore = <T>(store: Store<T>): T => {
  const [value, set] = useState(store.get)
  useEffect(() => {
    const heard = () => set(() => store.get())
    heard()
    return store.listen(heard)
  }, [store])
  return value
}
