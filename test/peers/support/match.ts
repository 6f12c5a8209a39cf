export type Vars = Record<string, string>

/** Puts variables in the place of `{name}`. */
export const fill = (text: string, vars: Vars): string =>
  text.replace(/\{([a-z]\w*)\}/g, (all, name) => vars[name] ?? all)

/** What an answer must hold: a value, a pattern, a test, or an object of which every key must match. */
export type Expected =
  | string
  | number
  | boolean
  | null
  | RegExp
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came
  | ((actual: any, vars: Vars) => boolean)
  | Expected[]
  | { [key: string]: Expected }

/** Where `actual` first differs from what is expected; null if it does not. Texts and patterns may name variables. */
export const mismatch = (actual: unknown, expected: Expected, vars: Vars = {}, path = ''): string | null => {
  const differs = (wanted: string) => `${path || 'answer'} is ${short(actual)}, not ${wanted}`
  if (typeof expected === 'string') return actual === fill(expected, vars) ? null : differs(short(fill(expected, vars)))
  if (expected instanceof RegExp) {
    const pattern = new RegExp(fill(expected.source, vars), expected.flags)
    return pattern.test(String(actual)) ? null : differs(String(pattern))
  }
  if (typeof expected === 'function')
    return holds(expected, actual, vars) ? null : differs(`as expected by ${short(expected)}`)
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return differs(short(expected))
    return first(expected.map((each, i) => mismatch(actual[i], each, vars, `${path}[${i}]`)))
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null) return differs(short(expected))
    const fields = actual as Record<string, unknown>
    const inside = (key: string) => (path ? `${path}.${key}` : key)
    return first(Object.entries(expected).map(([key, each]) => mismatch(fields[key], each, vars, inside(key))))
  }
  return actual === expected ? null : differs(short(expected))
}

/** True for lists with an entry for each that is wanted. */
export const has = (...wanted: Expected[]) => {
  const test = (actual: unknown, vars: Vars): boolean =>
    Array.isArray(actual) && wanted.every((one) => actual.some((each) => mismatch(each, one, vars) === null))
  return Object.assign(test, { toString: () => `a list with ${JSON.stringify(wanted, shown)}` })
}

/** A test that stumbles over what it did not expect has not held. */
const holds = (test: (actual: unknown, vars: Vars) => boolean, actual: unknown, vars: Vars): boolean => {
  try {
    return test(actual, vars)
  } catch {
    return false
  }
}

const shown = (_: string, value: unknown) =>
  value instanceof RegExp || typeof value === 'function' ? String(value) : value

const first = (faults: (string | null)[]): string | null => faults.find((fault) => fault !== null) ?? null

const short = (value: unknown): string => {
  const text = typeof value === 'function' ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}
