/* What is asked of the clouds in a month: drawn once, the same for every way to place it. Times in minutes since its first Monday, 00:00. */

export const MINUTES_A_DAY = 1_440
export const DAYS = 30
const WEEK = 7 * MINUTES_A_DAY

/** A wish for one server: its vCPUs, and how long it runs once it has begun. */
export interface Arrival {
  at: number
  vcpus: number
  minutes: number
}

/** Numbers that a seed fixes, from 0 to 1. */
export const drawing = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

/** How much is asked for at a time, of the most: working days from eight to six, little at night and at the end of a week. */
const load = (at: number): number => {
  const hour = (at % MINUTES_A_DAY) / 60
  const weekend = at % WEEK >= 5 * MINUTES_A_DAY
  const day = hour >= 8 && hour < 18 ? 1 : hour >= 6 && hour < 22 ? 0.45 : 0.15
  return weekend ? 0.3 * day : day
}

const SIZES: [vcpus: number, share: number][] = [
  [1, 0.35],
  [2, 0.35],
  [4, 0.2],
  [8, 0.1],
]
const sizeAt = (drawn: number): number => {
  let sum = 0
  for (const [vcpus, share] of SIZES) {
    sum += share
    if (drawn < sum) return vcpus
  }
  return SIZES.at(-1)![0]
}

/** In the busiest minutes so many come; a run takes so long in the middle, and some take much longer. */
const A_MINUTE = 0.7
const TYPICAL = 35
const SPREAD = 0.9
/** Now and then somebody starts so many at once. */
const EVERY = 2 * MINUTES_A_DAY
const BURST = 24

/** All arrivals of a month, the earliest first. */
export const drawMonth = (seed: number): Arrival[] => {
  const draw = drawing(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw())
  const one = (at: number): Arrival => ({
    at,
    vcpus: sizeAt(draw()),
    minutes: Math.max(2, TYPICAL * Math.exp(SPREAD * normal())),
  })
  const next = (at: number, every: number) => at - every * Math.log(1 - draw())
  const arrivals: Arrival[] = []
  const end = DAYS * MINUTES_A_DAY
  for (let at = next(0, 1 / A_MINUTE); at < end; at = next(at, 1 / A_MINUTE))
    if (draw() < load(at)) arrivals.push(one(at))
  for (let at = next(0, EVERY); at < end; at = next(at, EVERY))
    for (let n = 0; n < BURST; n++) arrivals.push(one(at + n / 60))
  return arrivals.sort((a, b) => a.at - b.at)
}
