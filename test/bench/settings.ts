/** Rounds whose median counts, and how long one turn of a load lasts. Ratios of one round tell which way it goes. */
export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
export const ROUND_MS = Number(process.env.BENCH_MS ?? 300)
/** Enough that neither side waits for the other. */
export const CONNECTIONS = 64
