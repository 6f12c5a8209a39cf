import { Fault } from './fault.ts'

/* Names and values as lines, where a form has no field for each: `role_arn = arn:aws:iam::…`. */

/** What JSON says, as a text does; undefined: it is none. */
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a line says behind its `=`: JSON where it is any, else the text itself, as is a number of which digits would be lost. */
const valueIn = (text: string): unknown => {
  const value = parsed(text)
  const isLost = typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER && String(value) !== text
  return value === undefined || isLost ? text : value
}

/** Boxes keep no break of lines but their own, and blanks at the ends are nobody's. */
const isPlain = (text: string): boolean => text === text.trim() && !/[\r\n]/.test(text)

/** A value as a line has it: a text as it stands, unless it would be taken for something else; anything else as JSON. */
const shown = (value: unknown): string =>
  typeof value === 'string' && isPlain(value) && valueIn(value) === value ? value : JSON.stringify(value)

/** A name as a line has it: as JSON where it is empty, begins as JSON does, or would not be read as it stands. */
const named = (name: string): string => (/^[^"=][^=]*$/.test(name) && isPlain(name) ? name : JSON.stringify(name))

/** Names with their values, a line each; what is undefined is not said. */
export const linesOf = (said: Record<string, unknown>): string =>
  Object.entries(said)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${named(name)} = ${shown(value)}`)
    .join('\n')

/** A name as JSON has it, up to the `=` behind it. */
const QUOTED = /^("(?:[^"\\]|\\.)*")\s*=/

/** @throws Fault the line is no name with a value */
const pairIn = (line: string): [name: string, value: string] => {
  const [head, quoted] = QUOTED.exec(line) ?? []
  const at = head ? head.length - 1 : line.startsWith('"') ? -1 : line.indexOf('=')
  const name = quoted ? parsed(quoted) : line.slice(0, Math.max(at, 0)).trim()
  if (typeof name !== 'string' || (!name && !quoted)) throw new Fault(0, `No name = value: ${line}`)
  return [name, line.slice(at + 1).trim()]
}

/** What lines say, each value as it stands behind its `=`. @throws Fault which line is no name with a value, or has a name again */
export const pairsIn = (text: string): [name: string, value: string][] => {
  const pairs = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map(pairIn)
  const names = new Set<string>()
  for (const [name] of pairs) {
    if (names.has(name)) throw new Fault(0, `Said twice: ${name}`)
    names.add(name)
  }
  return pairs
}

/** What lines say; empty ones say nothing. @throws Fault which line is no name with a value, or has a name again */
export const inLines = (text: string): Record<string, unknown> =>
  Object.fromEntries(pairsIn(text).map(([name, value]) => [name, valueIn(value)]))

/** The same where every value is a text, as amounts are: as they stand, without quotes. @throws Fault as `inLines` */
export const textsIn = (text: string): Record<string, string> =>
  Object.fromEntries(
    pairsIn(text).map(([name, value]) => {
      const said = parsed(value)
      return [name, typeof said === 'string' ? said : value]
    }),
  )

/** The same where every value is a number. @throws Fault as `inLines`, or which is no number */
export const numbersIn = (text: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries(inLines(text)).map(([name, value]) => {
      if (typeof value !== 'number') throw new Fault(0, `No number: ${linesOf({ [name]: value })}`)
      return [name, value]
    }),
  )

/** Words by commas, or blanks. */
export const wordsIn = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean)
