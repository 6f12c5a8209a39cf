import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { logIn } from '../support/api.ts'
import { type Broker, RUNTIMES, type Runtime, startBroker } from '../support/broker.ts'
import { patience } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { startClient } from './client.ts'
import { credentials } from './steps/credentials.ts'
import { image } from './steps/image.ts'
import { network } from './steps/network.ts'
import { readonly } from './steps/readonly.ts'
import { farewell, server } from './steps/server.ts'
import { volume } from './steps/volume.ts'
import { look, play, type Step, tell, type World } from './story.ts'

/** What the story needs to know of the cloud that it is played on. */
export interface Stage {
  /** Variables that the words use: cloud, zone, image, flavor, bigger, external. */
  vars: Record<string, string>
  /** Looks at the cloud itself at the moments that the story names. */
  seen(moment: string): Step[]
  /** What on the cloud still carries our mark. */
  leftovers(): Promise<string[]>
}

/** Longest that one story may take. */
const LIMIT_MS = 8 * 60_000
const CRON_MS = 5_000
const LAST_WORDS = Number(process.env.PEERS_LOG ?? 20)

/**
 * Plays a story of the OpenStack client on both runtimes, side by side: each mostly waits. Without a `tale` of its own the
 * cloud can do everything.
 */
export const playStory = async (
  cloud: string,
  report: Report,
  setUp: (world: World) => Promise<Stage>,
  tale: (seen: Stage['seen']) => Step[] = everything,
): Promise<void> => {
  await Promise.all(RUNTIMES.map((runtime) => playOn(runtime, cloud, report, setUp, tale)))
}

const everything = (seen: Stage['seen']): Step[] => [
  ...readonly,
  ...credentials,
  ...network,
  ...server(seen),
  ...volume(seen),
  ...image('raw/bare'),
  ...farewell(seen),
]

const playOn = async (
  runtime: Runtime,
  cloud: string,
  report: Report,
  setUp: (world: World) => Promise<Stage>,
  tale: (seen: Stage['seen']) => Step[],
): Promise<void> => {
  const name = `${runtime} × ${cloud}`
  const started = Date.now()
  let broker: Broker | undefined
  try {
    broker = await startBroker(runtime)
    report.step(name, 'the broker starts', 'passed', Date.now() - started)
    await withCron(broker, () => tellStory(name, broker!, report, setUp, tale))
    await end(name, broker, report)
  } catch (error) {
    report.step(name, 'the broker and its cloud are set up', 'failed', Date.now() - started, String(error))
  } finally {
    await broker?.stop()
  }
}

/** A broker that is asked to end does so by itself, and with success. */
const end = async (name: string, broker: Broker, report: Report): Promise<void> => {
  const started = Date.now()
  const code = await broker.stop()
  const clean = code === 0 || broker.runtime === 'workerd'
  report.step(name, 'the broker ends', clean ? 'passed' : 'failed', Date.now() - started, clean ? '' : `exit ${code}`)
}

const tellStory = async (
  name: string,
  broker: Broker,
  report: Report,
  setUp: (world: World) => Promise<Stage>,
  tale: (seen: Stage['seen']) => Step[],
) => {
  const client = await startClient(broker)
  try {
    const world: World = {
      broker,
      client,
      admin: await logIn(broker, 'admin'),
      demo: await logIn(broker, 'demo'),
      vars: { public_key: newKey(broker.folder) },
    }
    const stage = await setUp(world)
    Object.assign(world.vars, stage.vars)
    const whole = await play(name, story(stage, tale), world, report, LIMIT_MS)
    if (!whole) console.log(`last words of the broker of ${name}:\n${broker.tail(LAST_WORDS)}`)
  } finally {
    client.stop()
  }
}

const story = ({ seen, leftovers }: Stage, tale: (seen: Stage['seen']) => Step[]): Step[] => [
  ...tale(seen),
  look('nothing with our mark is left on the cloud', async ({ broker }) => {
    const isOver = patience(45_000)
    for (;;) {
      await broker.cron()
      const left = await leftovers()
      if (!left.length) return
      if (isOver()) throw new Error(`still there: ${left.join(', ')}`)
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }),
  tell('token revoke {token}'),
  look('the revoked token opens nothing any more', async ({ broker, vars }) => {
    const { status } = await fetch(`${broker.url}/compute/v2.1/flavors`, { headers: { 'X-Auth-Token': vars.token! } })
    if (status !== 401) throw new Error(`it is answered with ${status}`)
  }),
]

/** A pair of its own per run, of which only the public half is kept: https://www.rfc-editor.org/rfc/rfc8709#section-4 */
const newKey = (folder: string): string => {
  const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  const blob = Buffer.concat([field(Buffer.from('ssh-ed25519')), field(Buffer.from(x!, 'base64url'))])
  const path = join(folder, 'key.pub')
  writeFileSync(path, `ssh-ed25519 ${blob.toString('base64')} peers\n`)
  return path
}

/** The minutely cron, more often: what a person would wait for, a test does not. */
const withCron = async <T>(broker: Broker, work: () => Promise<T>): Promise<T> => {
  const timer = setInterval(() => void broker.cron().catch(() => {}), CRON_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
