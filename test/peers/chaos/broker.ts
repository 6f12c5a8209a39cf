import { copyFile, mkdtemp, rm } from 'node:fs/promises'
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

/** The Node broker over one data folder and one port, which both outlive its processes. */
export class Victim {
  readonly url: string
  readonly folder: string
  readonly passwords = { admin: SECRETS.PLIMSOLL_ADMIN_PASSWORD, demo: SECRETS.PLIMSOLL_DEMO_PASSWORD }
  readonly #port: number
  #child: Child | null = null
  /** What earlier processes wrote. */
  #said = ''
  kills = 0

  private constructor(folder: string, port: number) {
    this.folder = folder
    this.#port = port
    this.url = `http://127.0.0.1:${port}`
  }

  static async make(): Promise<Victim> {
    return new Victim(await mkdtemp(join(tmpdir(), 'plimsoll-chaos-')), await freePort())
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
    this.#child = launch({ command: process.execPath, args: SERVED, cwd: ROOT, env })
    await answering(this.#child, `${this.url}/healthz`)
  }

  /** As a power cut: nothing is finished, nothing is said. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child) return
    const ended = new Promise((resolve) => child.process.once('close', resolve))
    child.process.kill('SIGKILL')
    await ended
    await this.#bury()
    this.kills++
  }

  /** Killed and started again as often as that, while the work goes on; runs at the end. */
  async killedWhile(work: () => Promise<unknown>, everyMs: number): Promise<void> {
    let over = false
    const reaper = (async () => {
      while (!over) {
        await new Promise((resolve) => setTimeout(resolve, everyMs))
        await this.kill()
        await this.start()
      }
    })()
    try {
      await work()
    } finally {
      over = true
      await reaper
    }
  }

  async stop(): Promise<void> {
    await this.#child?.stop()
    await this.#bury()
  }

  async #bury(): Promise<void> {
    this.#said = (this.#said + (this.#child?.output() ?? '')).slice(-2_000_000)
    await this.#child?.stop()
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
