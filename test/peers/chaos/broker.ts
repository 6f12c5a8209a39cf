import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SERVED } from '../../support/served.ts'
import { ROOT } from '../support/broker.ts'
import { answering, type Child, freePort, launch } from '../support/child.ts'

const SECRETS = {
  PLIMSOLL_ADMIN_PASSWORD: 'chaos-admin-password',
  PLIMSOLL_DEMO_PASSWORD: 'chaos-demo-password',
  PLIMSOLL_SECRET_KEY: '5b'.repeat(32),
}

/** So many kills come as soon as they are meant to, however slow the machine. */
const SHORT_LIVES = 4

/** The Node broker over one data folder and one port, which both outlive its processes. */
export class Victim {
  readonly url: string
  readonly folder: string
  readonly passwords = { admin: SECRETS.PLIMSOLL_ADMIN_PASSWORD, demo: SECRETS.PLIMSOLL_DEMO_PASSWORD }
  readonly #port: number
  #child: Child | null = null
  /** How long each start took, in milliseconds. */
  readonly #starts: number[] = []
  /** What earlier processes wrote. */
  #said = ''
  kills = 0

  private constructor(folder: string, port: number) {
    this.folder = folder
    this.#port = port
    this.url = `http://127.0.0.1:${port}`
  }

  /**
   * @param beside one whose database it shares: its folder is another one, and so is the lock that keeps a folder to one
   * process
   */
  static async make(beside?: Victim): Promise<Victim> {
    const folder = await mkdtemp(join(tmpdir(), 'plimsoll-chaos-'))
    const victim = new Victim(folder, await freePort())
    if (beside) await symlink(beside.file, victim.file)
    return victim
  }

  /** The database file. */
  get file(): string {
    return join(this.folder, 'plimsoll.db')
  }

  async start(): Promise<void> {
    const env = {
      ...SECRETS,
      PLIMSOLL_CRON_SECONDS: '5',
      HOST: '127.0.0.1',
      PORT: String(this.#port),
      PLIMSOLL_DATA: this.folder,
    }
    const from = Date.now()
    this.#child = launch({ command: process.execPath, args: SERVED, cwd: ROOT, env })
    await answering(this.#child, `${this.url}/healthz`)
    this.#starts.push(Date.now() - from)
  }

  /** The `n`-th life during some work, of so long; after a few longer where starting takes long, so that work is done in it. */
  life(ms: number, n: number): Promise<void> {
    const life = n < SHORT_LIVES ? ms : Math.max(ms, 2 * (this.#starts.at(-1) ?? 0))
    return new Promise((resolve) => setTimeout(resolve, life))
  }

  /**
   * What is promised within so long on a machine that has nothing else to do, which starts the broker within a second: longer
   * on this one by as much as that takes here.
   */
  within(ms: number): number {
    const starts = this.#starts.toSorted((a, b) => a - b)
    const usual = starts[Math.floor(starts.length / 2)] ?? 0
    return ms * Math.max(1, usual / 1_000)
  }

  /** As a power cut: nothing is finished, nothing is said. */
  async kill(): Promise<void> {
    if (!this.#child) return
    await this.#child.kill()
    this.#bury()
    this.kills++
  }

  /** Killed and started again as often as that, while the work goes on; runs at the end. Throws, too, if it does not start again. */
  async killedWhile(work: () => Promise<unknown>, everyMs: number): Promise<void> {
    let over = false
    const reaper = (async () => {
      for (let n = 0; !over; n++) {
        await this.life(everyMs, n)
        await this.kill()
        await this.start()
      }
    })()
    const working = work()
    try {
      // The work of a broker that does not come back has no end.
      await Promise.race([working, reaper.then(() => working)])
    } finally {
      over = true
      await reaper
    }
  }

  async stop(): Promise<void> {
    await this.#child?.stop()
    this.#bury()
  }

  #bury(): void {
    this.#said = (this.#said + (this.#child?.output() ?? '')).slice(-2_000_000)
    this.#child = null
  }

  /** Puts another database in the place of the one that is there. */
  async replaceFile(path: string): Promise<void> {
    for (const more of ['', '-wal', '-shm']) await rm(this.file + more, { force: true })
    await copyFile(path, this.file)
  }

  /** Lines of all processes' logs. */
  log(): string[] {
    return (this.#said + (this.#child?.output() ?? '')).split('\n')
  }

  async close(): Promise<void> {
    await this.stop()
    if (process.env.PEERS_KEEP) return console.log(`      the data folder stays: ${this.folder}`)
    await rm(this.folder, { recursive: true, force: true })
  }
}
