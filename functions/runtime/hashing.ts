import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { type Scrypt, scryptHere } from '../auth/password.ts'
import type { Log } from '../context.ts'

/**
 * How many passwords are hashed at a time: two, but always one less than there are processors. However nice it is, a hash
 * on every processor sweeps what a read needs out of all their caches, and holds a processor until the next tick.
 */
export const hashesAtOnce = (processors = availableParallelism()): number => Math.min(2, Math.max(1, processors - 1))

/** How long a process that has nothing to hash is kept, in milliseconds: it takes as much memory as a small program. */
const IDLE = 60_000

interface Job {
  id: number
  password: string
  salt: Uint8Array
  length: number
  cost: Parameters<Scrypt>[3]
}
interface Done {
  id: number
  key?: Uint8Array
  error?: string
}

/**
 * All of the program that hashes: it is handed over as text, and so refers to nothing outside of itself. It gives way to
 * whatever else wants a processor, and ends with the process that began it, not with the signals that this one gets.
 */
const program = (): void => {
  const { scrypt } = process.getBuiltinModule('node:crypto')
  const { constants, setPriority } = process.getBuiltinModule('node:os')
  // Before the threads are made that do the work: they inherit it.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  const answer = (done: Done) => process.connected && process.send!(done)
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})
  process.on('disconnect', () => process.exit())
  process.on('message', ({ id, password, salt, length, cost }: Job) => {
    try {
      scrypt(password, salt, length, { ...cost, maxmem: 64 * 1024 * 1024 }, (error, key) =>
        answer(error ? { id, error: error.message } : { id, key }),
      )
    } catch (error) {
      answer({ id, error: String(error) })
    }
  })
}

/**
 * Hashes in a process of their own, begun with the first one: what serves requests keeps its processor, its threads and,
 * as the other process gives every 16 MiB back when a hash is done, its memory. Where that process cannot be had, or ends
 * in the middle, the hash is made here, and the log says so.
 */
export const hashingProcess = (log: Log, idleMs = IDLE): Scrypt => {
  let running: Hasher | null = null
  return async (...given) => {
    try {
      running ??= begin(idleMs, (ended) => {
        if (running === ended) running = null
      })
      return await running.hash(...given)
    } catch (error) {
      log('warn', 'passwords are hashed without a process of their own', { error: String(error) })
      return scryptHere(...given)
    }
  }
}

interface Hasher {
  hash: Scrypt
}

const begin = (idleMs: number, onEnd: (ended: Hasher) => void): Hasher => {
  // glibc otherwise keeps the memory of the largest hash, for each of its threads. Nothing else is handed down: our own
  // environment has secrets.
  const { SystemRoot } = process.env
  const env = { MALLOC_MMAP_THRESHOLD_: String(2 ** 20), ...(SystemRoot ? { SystemRoot } : {}) }
  const child = spawn(process.execPath, ['-e', `(${program})()`], {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    windowsHide: true,
  })
  const waiting = new Map<number, (done: Done) => void>()
  let ids = 0
  let idle: NodeJS.Timeout | undefined
  const end = (reason: string) => {
    clearTimeout(idle)
    onEnd(hasher)
    if (child.connected) child.disconnect()
    for (const [id, done] of waiting) done({ id, error: reason })
  }
  const rest = () => {
    hold(child, false)
    idle = setTimeout(() => end('idle'), idleMs).unref()
  }
  child.on('message', (done: Done) => waiting.get(done.id)?.(done))
  child.on('error', (error) => end(error.message))
  child.on('exit', (code, signal) => end(`the process that hashes ended (${signal ?? code})`))

  const hasher: Hasher = {
    hash: (password, salt, length, cost) =>
      new Promise((resolve, reject) => {
        const id = ids++
        clearTimeout(idle)
        hold(child, true)
        waiting.set(id, ({ key, error }) => {
          waiting.delete(id)
          if (waiting.size === 0) rest()
          if (key) resolve(key)
          else reject(new Error(error))
        })
        const job: Job = { id, password, salt, length, cost }
        child.send(job, (error) => error && waiting.get(id)?.({ id, error: error.message }))
      }),
  }
  return hasher
}

/** Whether this process stays for the sake of the other. */
const hold = (child: ChildProcess, stays: boolean): void => {
  if (stays) {
    child.ref()
    child.channel?.ref()
  } else {
    child.unref()
    child.channel?.unref()
  }
}
