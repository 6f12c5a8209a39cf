/* What a change says nothing of is written by none: somebody else may have set it since it was read. */

/** The columns that a change names: those that are not `undefined`. */
export const named = <Row extends object>(
  change: {
    [Column in keyof Row]?: Row[Column] | undefined
  },
): Partial<Row> => Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<Row>

/** Properties with others beside them; undefined where none are given. */
export const extended = <Properties extends object>(had: Properties, given: Properties): Properties | undefined =>
  Object.keys(given).length ? { ...had, ...given } : undefined

/** A text that may be taken away, which leaves it empty; undefined: nothing is said of it. */
export const textOf = (said: string | null | undefined): string | undefined => (said === null ? '' : said)
