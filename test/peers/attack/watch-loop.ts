import { writeFileSync } from 'node:fs'

/**
 * Preloaded into a broker under attack: writes to `ATTACK_WATCH` the long turns of its event loop, in milliseconds of CPU
 * of its main thread, and its resident memory, in bytes. CPU, and not the clock: other programs may hold the machine.
 */
const LOOK_MS = 10
const WRITE_MS = 500
const LONG_MS = 50

/** A turn that began at `at`, in milliseconds since 1970. */
interface Turn {
  at: number
  held: number
}
export interface Seen {
  turns: Turn[]
  resident: number
}

const cpu = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

const path = process.env.ATTACK_WATCH
if (path) {
  const turns: Turn[] = []
  let before = cpu()
  setInterval(() => {
    const now = cpu()
    if (now - before > LONG_MS) turns.push({ at: Date.now() - (now - before), held: now - before })
    before = now
  }, LOOK_MS).unref()
  setInterval(() => {
    writeFileSync(path, JSON.stringify({ turns, resident: process.memoryUsage.rss() } satisfies Seen))
  }, WRITE_MS).unref()
}
