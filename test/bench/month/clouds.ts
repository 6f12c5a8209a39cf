import { DAYS, drawing, MINUTES_A_DAY } from './arrivals.ts'

/** A cloud as it is played. */
export interface PlayedCloud {
  name: string
  /** vCPUs that it has, or that the account may have. */
  room: number
  /** What a vCPU costs for an hour in micros: at home all the time, elsewhere while it is used. */
  hourly: number
  owned: boolean
  /** Minutes until a server that was asked for runs. */
  boot: number
  /** When it has none of a size, in minutes of the month. */
  shortages: { from: number; until: number; vcpus: number }[]
}

/** Sizes that each of them sells. */
export const SOLD = [1, 2, 4, 8]

/** Shortages of an hour or two, more often of large sizes, by day. */
const drawShortages = (seed: number): PlayedCloud['shortages'] => {
  const draw = drawing(seed)
  return Array.from({ length: DAYS }, (_, day) => {
    const from = (day + 0.3 + 0.4 * draw()) * MINUTES_A_DAY
    return { from, until: from + 40 + 120 * draw(), vcpus: SOLD[Math.floor(2 + 2 * draw())]! }
  })
}

/** A home that is owned, a cloud that is cheap and sometimes short of something, and one that is dear and is not. */
export const drawClouds = (seed: number): PlayedCloud[] => [
  { name: 'home', room: 64, hourly: 12_000, owned: true, boot: 0.5, shortages: [] },
  { name: 'near', room: 96, hourly: 34_000, owned: false, boot: 1.5, shortages: drawShortages(seed + 1) },
  { name: 'far', room: 4_000, hourly: 52_000, owned: false, boot: 2.5, shortages: [] },
]
