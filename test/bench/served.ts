import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { HOST } from './listening.ts'
import { SECRET_KEY } from './world.ts'

/** What a process says of itself. */
interface Told {
  port: number
  /** Microseconds of CPU so far. */
  cpu: number
  /** Bytes of resident memory. */
  rss: number
}

/** What was used so far. */
interface Use {
  /** Origins of the program, and of the bare route. */
  urls: [program: string, bare: string]
  /** Microseconds of CPU, of both: what is not asked uses none. */
  cpu: number
  /** Bytes of resident memory of the program. */
  rss: number
}

/** Flags of Node that `npm start` gives. */
export const FLAGS: string[] = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  .scripts.start.split(' ')
  .filter((word: string) => word.startsWith('--'))
/** Nothing comes round by itself while something is measured: clouds know nothing of copies. */
const NEVER = String(86_400)

/** A process that answers every message by what it has used. */
const start = (script: string, env: Record<string, string> = {}) => {
  const { BENCH_PROF: profiles } = process.env
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), {
    env: { ...process.env, ...env },
    execArgv: [...FLAGS, ...(profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [])],
    // What it says to whoever starts it is for nobody here; what goes wrong is.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the process that is measured has ended with ${code}`)
  })
  // Nobody may be asking it when it ends.
  ended.catch(() => {})
  const tell = async (what: { answer: unknown } | 'use'): Promise<Told> => {
    const heard = new Promise<Told>((resolve) => child.once('message', (told) => resolve(told as Told)))
    child.send(what)
    return Promise.race([heard, ended])
  }
  return { tell, stop: () => child.disconnect() }
}

/** The program over a data folder, and the bare route, each in a process of its own. */
export const startServed = async (folder: string, env: Record<string, string> = {}) => {
  const own = { PLIMSOLL_DATA: folder, PLIMSOLL_SECRET_KEY: SECRET_KEY, PLIMSOLL_CRON_SECONDS: NEVER }
  const program = start('./serve.ts', { ...own, ...env })
  const bare = start('./serve-bare.ts')
  const use = async (what: { answer: unknown } | 'use' = 'use'): Promise<Use> => {
    const [served, beside] = [await program.tell('use'), await bare.tell(what)]
    const urls: Use['urls'] = [`http://${HOST}:${served.port}`, `http://${HOST}:${beside.port}`]
    return { urls, cpu: served.cpu + beside.cpu, rss: served.rss }
  }
  return {
    /** Lets the bare route answer this. */
    answer: (answer: unknown) => use({ answer }),
    use: () => use(),
    stop: () => {
      program.stop()
      bare.stop()
    },
  }
}
