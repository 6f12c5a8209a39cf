import type { Json } from '../../../../adapters/contract.ts'
import type { Place } from '../server-facts.ts'

/* Why a server is where it is: told while it is decided, kept with the server, and read by people alone. */

/** A rule, by its name, and what it says of one case, as a sentence. */
export interface Because {
  rule: string
  reason: string
}

/** A cloud, or a zone of one, that was weighed: kept with the size that would do there, or refused by the first rule that did. */
export interface Considered {
  cloud: string
  /** Null: of the whole cloud. */
  zone: string | null
  size: string | null
  refused: Because | null
}

/** What binds a server to a place: nothing chose it, something was there already. */
export interface Tie extends Because {
  /** Names of clouds, or `<cloud>.<zone>`. */
  to: string[]
}

export interface Explanation {
  /** What was kept comes first, best first; then what was refused. */
  considered: Considered[]
  ties: Tie[]
  /** What put one kept place before another. */
  preferences: Because[]
}

/** One place that a server was sent to. */
export interface Attempt {
  /** Milliseconds since 1970. */
  at: number
  cloud: string
  zone: string
  size: string
  /** Why it left the place before this one, in the words of that cloud; null: it is the first. */
  after: { code: string; message: string } | null
}

/** What is kept of one server. More was considered than anybody reads, where clouds have hundreds of zones. */
const MOST_CONSIDERED = 40
const MOST_TIES = 20
export const MOST_ATTEMPTS = 32
const LONGEST_REASON = 300

const short = <B extends Because>(because: B): B => ({ ...because, reason: because.reason.slice(0, LONGEST_REASON) })

/** As a row keeps it: `omitted` counts what was considered besides. */
export type KeptExplanation = Explanation & { omitted: number }

/** An explanation in bounded size. */
export const explanationJson = ({ considered, ties, preferences }: Explanation): Json => {
  const kept: KeptExplanation = {
    considered: considered
      .slice(0, MOST_CONSIDERED)
      .map((each) => ({ ...each, refused: each.refused && short(each.refused) })),
    omitted: Math.max(0, considered.length - MOST_CONSIDERED),
    ties: ties.slice(0, MOST_TIES).map(short),
    preferences: preferences.slice(0, MOST_TIES).map(short),
  }
  return kept as unknown as Json
}

/** An attempt at a place, as a row keeps it. */
export const attemptJson = (
  { zone, native }: Pick<Place, 'zone' | 'native'>,
  cloud: string,
  at: number,
  after: Attempt['after'] = null,
): Json => {
  const attempt: Attempt = { at, cloud, zone, size: native, after }
  return attempt as unknown as Json
}
