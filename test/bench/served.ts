import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SECRET_KEY } from './world.ts'

/** What a process has used so far. */
interface Use {
  /** Origins of the program, and of the bare route beside it. */
  urls: [program: string, bare: string]
  /** Microseconds of CPU. */
  cpu: number
  /** Bytes of resident memory. */
  rss: number
}

/** Flags of Node that `npm start` gives. */
export const FLAGS: string[] = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  .scripts.start.split(' ')
  .filter((word: string) => word.startsWith('--'))
/** Nothing comes round by itself while something is measured: clouds know nothing of copies. */
const NEVER = String(86_400)

/** The program over a data folder, in a process of its own, and the bare route in the same. */
export const startServed = async (folder: string, env: Record<string, string> = {}) => {
  const { BENCH_PROF: profiles } = process.env
  const child = fork(fileURLToPath(new URL('./serve.ts', import.meta.url)), {
    env: {
      ...process.env,
      ...{ PLIMSOLL_DATA: folder, PLIMSOLL_SECRET_KEY: SECRET_KEY, PLIMSOLL_CRON_SECONDS: NEVER, ...env },
    },
    execArgv: [...FLAGS, ...(profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [])],
    // What it says to whoever starts it is for nobody here; what goes wrong is.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the process that is measured has ended with ${code}`)
  })
  // Nobody may be asking it when it ends.
  ended.catch(() => {})
  const tell = async (what: { answer: unknown } | 'use'): Promise<Use> => {
    const heard = new Promise<Use>((resolve) => child.once('message', (use) => resolve(use as Use)))
    child.send(what)
    return Promise.race([heard, ended])
  }
  return {
    /** Lets the bare route answer this. */
    answer: (answer: unknown) => tell({ answer }),
    use: () => tell('use'),
    stop: () => child.disconnect(),
  }
}
