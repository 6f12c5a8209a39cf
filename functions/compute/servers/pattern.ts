import { RE2JS } from 're2js'

/**
 * A regular expression of a stranger's, in the engine whose time grows with pattern times text and no faster: one of
 * JavaScript's own could be made to run for hours. Case does not matter, as in MySQL.
 */
export interface Matcher {
  matches(text: string): boolean
  /** About how many steps a text of that length takes at worst. */
  costs(text: string): number
}

/** Names have no more characters, so a longer pattern is about none of them. */
const LONGEST = 255
/** `a{1000}` is short and large: a pattern is measured as it is compiled. */
const LARGEST_PROGRAM = 1_200

/** Null: it is no pattern, one with look-around or back-references, which take more than linear time, or one too large. */
export const compile = (pattern: string): Matcher | null => {
  if (pattern.length > LONGEST) return null
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE)
    const size = compiled.programSize()
    if (size > LARGEST_PROGRAM) return null
    return { matches: (text) => compiled.test(text), costs: (text) => size * (text.length + 1) }
  } catch {
    return null
  }
}

/** Steps between two looks at what else there is to do: some milliseconds. */
const AT_A_TIME = 500_000

/** Judges rows by patterns, and lets others have the event loop in between. */
export const judging = () => {
  let spent = 0
  return async (matcher: Matcher, text: string): Promise<boolean> => {
    spent += matcher.costs(text)
    if (spent > AT_A_TIME) {
      spent = 0
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    return matcher.matches(text)
  }
}
