import { BEYOND_ACCOUNT, type CloudError, type Shortage } from '../errors.ts'
import { refusal } from './errors.ts'
import { canonical, dice, digest } from './records/hash.ts'
import type { State } from './records/state.ts'

/**
 * What can go wrong on purpose.
 *
 * | fault              | effect happens | the caller sees                                                   |
 * |--------------------|----------------|-------------------------------------------------------------------|
 * | throttled … definitive | no         | that error                                                        |
 * | ambiguous_before   | no             | no answer                                                         |
 * | lost_answer        | yes            | no answer                                                         |
 * | crash              | yes            | `SandboxCrash`: the caller itself died                            |
 * | slow               | yes            | the answer after `delay_ms`; none if that is beyond the deadline  |
 * | fails_later        | yes            | a fresh object that ends as failed                                |
 * | truncated_list     | -              | every second item, and `complete: false`                          |
 * | lying_list         | -              | every second item, as if that were all                            |
 */
export const FAULTS = [
  'throttled',
  'capacity',
  'conflict',
  'not_found',
  'denied',
  'definitive',
  'ambiguous_before',
  'lost_answer',
  'crash',
  'slow',
  'fails_later',
  'truncated_list',
  'lying_list',
] as const
export type Fault = (typeof FAULTS)[number]

/** A rule as data, so that a run can be repeated from its options alone. */
export interface FaultRule {
  /** `server.create`, or with stars: `*.create`, `server.*`. */
  method: string
  fault: Fault
  /** Only where this is made in that zone, or of that size. */
  zone?: string
  size?: string
  /** Of a matching call; 1 if left out. */
  probability?: number
  /** Strikes at most that often. */
  count?: number
  /** Lets that many matching calls pass first. */
  after?: number
  /** Another seed, another sequence of strikes. */
  seed?: number
  delay_ms?: number
  retry_after_ms?: number
  /** Of `capacity`: what there is too little of; a machine if left out. */
  shortage?: Shortage
  message?: string
}

/** Counters of the cloud: calls so far, rules added from outside, and per rule the calls matched and struck. */
export interface Calls {
  n: number
  planted: FaultRule[]
  rules: Record<string, { matched: number; struck: number }>
}
export const NO_CALLS: Calls = { n: 0, planted: [], rules: {} }
export const CALLS = 'calls'

export interface Turn {
  n: number
  rule: FaultRule | null
}

const globs = new Map<string, RegExp>()

/** Whether a rule's method names a call, with `*` for anything. */
export const matches = (glob: string, method: string): boolean => {
  if (!glob.includes('*')) return glob === method
  let pattern = globs.get(glob)
  if (!pattern) {
    const text = glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
    pattern = new RegExp(`^${text}$`)
    globs.set(glob, pattern)
  }
  return pattern.test(method)
}

/** What is asked of the cloud; of what is made, where and of which size. */
export interface Called {
  method: string
  zone?: string | undefined
  size?: string | undefined
}

const isMeant = (rule: FaultRule, { method, zone, size }: Called): boolean =>
  matches(rule.method, method) && (rule.zone ?? zone) === zone && (rule.size ?? size) === size

/** The first rule that strikes; every matching rule before it has counted the call. */
const strike = (called: Called, rules: FaultRule[], calls: Calls): FaultRule | null => {
  for (const rule of rules) {
    if (!isMeant(rule, called)) continue
    const name = digest(canonical(rule))
    const tally = calls.rules[name] ?? { matched: 0, struck: 0 }
    calls.rules[name] = tally
    tally.matched++
    if (tally.matched <= (rule.after ?? 0) || tally.struck >= (rule.count ?? Number.POSITIVE_INFINITY)) continue
    if (dice(`${rule.seed ?? 0}:${name}:${tally.matched}`) >= (rule.probability ?? 1)) continue
    tally.struck++
    return rule
  }
  return null
}

/** Counts a call and decides what goes wrong with it. Nothing is written where nobody would read it. */
export const nextTurn = async (state: State, called: Called, own: FaultRule[], logged: boolean): Promise<Turn> => {
  if (!logged) {
    const found = await state.store.get(`${state.cloud}/${CALLS}`)
    const rules = own.concat((found?.value as unknown as Calls | undefined)?.planted ?? [])
    if (!rules.some((rule) => isMeant(rule, called))) return { n: 0, rule: null }
  }
  return state.amend(CALLS, NO_CALLS, (calls) => {
    calls.n++
    return { n: calls.n, rule: strike(called, calls.planted.concat(own), calls) }
  })
}

const BEFORE = {
  throttled: ['RequestLimitExceeded', 'The cloud asks to slow down.'],
  capacity: ['NoRoom', 'The cloud has not enough room left.'],
  conflict: ['WrongState', 'Something stands in the way for now.'],
  not_found: ['NoSuchObject', 'The cloud has no such object.'],
  denied: ['Unauthorized', 'The cloud does not allow this.'],
  definitive: ['InvalidValue', 'The cloud refuses this request.'],
  ambiguous_before: ['NoAnswer', 'The cloud did not answer in time.'],
} as const

const SHORTAGES = {
  'no-capacity': BEFORE.capacity,
  'account-limit': ['AccountLimitExceeded', BEYOND_ACCOUNT],
  unsupported: ['NotSoldHere', 'The size is not available in this zone.'],
} as const satisfies Record<Shortage, unknown>
export const SHORTAGE_NAMES = Object.keys(SHORTAGES)

/** The error of a fault that strikes before the effect, or null if the effect takes place. */
export const errorBefore = (rule: FaultRule | null): CloudError | null => {
  if (!rule || !(rule.fault in BEFORE)) return null
  const [code, message] =
    rule.fault === 'capacity' ? SHORTAGES[rule.shortage ?? 'no-capacity'] : BEFORE[rule.fault as keyof typeof BEFORE]
  const wait = rule.fault === 'throttled' ? { retryAfterMs: rule.retry_after_ms ?? 1000 } : {}
  return refusal(code, rule.message ?? message, { operatorMessage: `fault rule ${JSON.stringify(rule)}`, ...wait })
}

/** A listing as a fault leaves it. */
export const truncate = <T>(result: T, rule: FaultRule | null): T => {
  if (rule?.fault !== 'truncated_list' && rule?.fault !== 'lying_list') return result
  const page = result as { items?: unknown[]; complete?: boolean }
  if (!Array.isArray(page?.items)) return result
  const items = page.items.filter((_, index) => index % 2 === 1)
  return { ...page, items, complete: rule.fault === 'lying_list' && page.complete } as T
}
