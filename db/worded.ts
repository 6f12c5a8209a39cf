import { ready } from './prepared.ts'

/**
 * A statement for batches in SQL of our own, with `:name` for each value, all of which have to be given. Its rows are
 * objects of the columns' names and SQLite's values.
 */
export const worded = (text: string) => {
  const names: string[] = []
  const numbered = text.replace(/:([a-zA-Z][\w.]*)/g, (_, name: string) => {
    if (!names.includes(name)) names.push(name)
    return `?${names.indexOf(name) + 1}`
  })
  const rowsOf = (result: unknown) => (result as { results: unknown[] }).results
  return (values: Record<string, unknown>) => {
    const missing = names.find((name) => values[name] === undefined)
    if (missing) throw new Error(`the statement has no value for ${missing}`)
    return ready(
      numbered,
      names.map((name) => values[name]),
      rowsOf,
    )
  }
}
