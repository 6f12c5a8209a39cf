import type { Money } from '../../parts/words.ts'

/** A burst as `GET /broker/v1/bursts` shows it, as far as the console does. */
export interface Burst {
  id: string
  name: string
  state: string
  reason: string | null
  count: { min: number; max: number }
  members: {
    total: number
    statuses: Record<string, number>
    clouds: Record<string, number>
    reported: Record<string, number>
  }
  budget: Money | null
  deadline: string | null
  on_done: string
  cost: { hourly: Money; so_far: Money; projected: Money | null }
  created_at: string
  finished_at: string | null
  ended_at: string | null
}

export interface Member {
  server_id: string
  index: number
  name: string
  status: string
  cloud: string
  zone: string
  fault: string | null
  reported: string | null
  message: string | null
  leaving: string | null
  created_at: string
  ended_at: string | null
}

export const burstsIn = (body: unknown): Burst[] => (body as { bursts: Burst[] }).bursts

/** Counts by name, in words: `3 ACTIVE, 1 BUILD`. */
export const countsWords = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || 'none'
