import type { AccessRule } from '../../db/queries/identity/application-credentials.ts'

/** A request as rules see it. */
export interface Asked {
  /** Types of the service in the catalogue, of which a rule names one. */
  types: string[]
  method: string
  /** Below the origin, as it was routed. */
  path: string
}

/**
 * Whether one of the rules lets a request pass. A rule's path is one below the root of its service, as documentation
 * writes it (`/v2.1/servers`), or the whole of it, as a service sees it that knows its root (`/compute/v2.1/servers`).
 * A token may be looked up whatever the rules are. keystonemiddleware/auth_token, `validate_allowed_request`.
 */
export const isAllowed = (rules: AccessRule[], { types, method, path }: Asked): boolean =>
  (types.includes('identity') && method === 'GET' && path.endsWith('/v3/auth/tokens')) ||
  rules.some(
    (rule) =>
      rule.method === method &&
      types.includes(rule.service) &&
      [path, path.replace(/^\/[^/]*/, '')].some((each) => fits(each, rule.path)),
  )

/** What a pattern is made of: a name in braces or `*` for a part of a path, `**` for any number of parts, and what stands for itself. */
const PIECE = /\{[^{}]*\}|\*\*|\*|[^{}*]+/g

/**
 * Whether a path is one of a pattern. It goes along both once with all that is possible so far, so that no pattern makes
 * it go back: time is the product of their lengths.
 */
export const fits = (path: string, pattern: string): boolean => {
  let ends = new Set([0])
  for (const piece of pattern.match(PIECE) ?? []) {
    const literal = !/[{*]/.test(piece[0]!)
    ends = literal ? afterText(path, ends, piece) : afterPart(path, ends, piece === '**')
    if (ends.size === 0) return false
  }
  return ends.has(path.length)
}

const afterText = (path: string, ends: Set<number>, text: string): Set<number> =>
  new Set([...ends].filter((end) => path.startsWith(text, end)).map((end) => end + text.length))

/** `**` is anything, even nothing; the others are at least one character, and no slash. */
const afterPart = (path: string, ends: Set<number>, whole: boolean): Set<number> => {
  if (whole) {
    const first = Math.min(...ends)
    return new Set(Array.from({ length: path.length - first + 1 }, (_, i) => first + i))
  }
  const after = new Set<number>()
  let within = false
  for (let i = 0; i < path.length; i++) {
    within = (within || ends.has(i)) && path[i] !== '/'
    if (within) after.add(i + 1)
  }
  return after
}
