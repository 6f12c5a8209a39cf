/* Names and values as lines, where a form has no field for each: `role_arn = arn:aws:iam::…`. */

/** A value as a line has it: a text as it stands, unless it would be taken for something else; anything else as JSON. */
const shown = (value: unknown): string =>
  typeof value === 'string' && valueIn(value) === value ? value : JSON.stringify(value)

/** What a line says behind its `=`: JSON where it is any, else the text itself. */
const valueIn = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Names with their values, a line each. */
export const linesOf = (said: Record<string, unknown>): string =>
  Object.entries(said)
    .map(([name, value]) => `${name} = ${shown(value)}`)
    .join('\n')

/** What lines say; empty ones say nothing. */
export const inLines = (text: string): Record<string, unknown> =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf('=')
      return at > 0 ? [[line.slice(0, at).trim(), valueIn(line.slice(at + 1).trim())]] : []
    }),
  )

/** The same where every value is a text, as amounts are. */
export const textsIn = (text: string): Record<string, string> =>
  Object.fromEntries(Object.entries(inLines(text)).map(([name, value]) => [name, String(value)]))

/** Words by commas, or blanks. */
export const wordsIn = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean)
