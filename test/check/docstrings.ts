import { globSync, readFileSync } from 'node:fs'

/** A function that a file hands to others. */
export interface Exported {
  path: string
  name: string
  /** A docstring stands directly above. */
  documented: boolean
}

const START = /^export (?:async )?function\*? *(\w+)|^export const (\w+)(?:: [^\n]*?)? = (?:async )?(?:<[^\n]*?>)?\(/gm

/** Whether the bracket at `open` closes before an arrow, which makes it the arguments of a function. */
const isArrow = (text: string, open: number): boolean => {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(' || text[at] === '{' || text[at] === '[') depth++
    if (text[at] === ')' || text[at] === '}' || text[at] === ']') depth--
    if (depth === 0)
      return /^\)(?:: [^\n]+?)? =>/.test(text.slice(at, at + 400)) || /^\): \{[^}]*\} =>/.test(text.slice(at, at + 400))
  }
  return false
}

/** Exported functions in a text, and whether each has a docstring. Brackets within strings of arguments are not foreseen. */
export const exportedFunctions = (path: string, text: string): Exported[] =>
  [...text.matchAll(START)]
    .filter((match) => match[1] !== undefined || isArrow(text, match.index + match[0].length - 1))
    .map((match) => ({
      path,
      name: (match[1] ?? match[2])!,
      documented: /\*\/\n$/.test(text.slice(0, match.index)),
    }))

/** Exported functions of everything that runs in production. */
export const ourFunctions = (): Exported[] =>
  globSync('{functions,adapters,db}/**/*.{ts,tsx}').flatMap((path) =>
    exportedFunctions(path.replaceAll('\\', '/'), readFileSync(path, 'utf8')),
  )

/** How many of a hundred exported functions have a docstring. */
export const documentedShare = (all: Exported[]): number =>
  all.length ? (100 * all.filter(({ documented }) => documented).length) / all.length : 0
