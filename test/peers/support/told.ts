import { type Api, logIn } from './api.ts'
import { type Broker, type Runtime, type Settings, startBroker } from './broker.ts'
import type { Report } from './report.ts'

/** What a story that is told on one broker has at hand. */
interface Told {
  broker: Broker
  admin: Api
  demo: Api
  /** One sentence of the story: what it throws is reported, with the broker's last words beside, and the story goes on. */
  step(title: string, run: () => Promise<unknown>): Promise<void>
  /** Done at the end, whatever happens; what was begun last ends first. */
  ends: (() => unknown)[]
}

/** The pause between two rounds of a broker's loops, in milliseconds. */
const CRON_MS = 5_000

interface Telling {
  runtime: Runtime
  report: Report
  story: string
  setting: string
  settings?: Settings
}

/** Tells a story on a broker of its own; what it throws between its steps is reported as `setting`, which did not come about. */
export const told = async (
  { runtime, report, story, setting, settings }: Telling,
  tell: (told: Told) => Promise<void>,
): Promise<void> => {
  const ends: (() => unknown)[] = []
  let broker: Broker | null = null
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const fault = await run().then(
      () => null,
      (error) => String(error instanceof Error ? error.stack : error).slice(0, 3_000),
    )
    report.step(story, title, fault === null ? 'passed' : 'failed', Date.now() - from, fault ?? '')
    if (fault !== null) console.log(`last words of the broker of ${story}:\n${broker?.tail(20)}`)
  }
  try {
    const started = await startBroker(runtime, settings)
    broker = started
    ends.push(() => started.stop())
    const [admin, demo] = [await logIn(started, 'admin'), await logIn(started, 'demo')]
    await tell({ broker: started, admin, demo, step, ends })
  } catch (error) {
    report.step(story, setting, 'failed', 0, String(error))
    console.log(broker?.tail(20))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** Runs the loops of a broker again and again, until the story ends. */
export const inRounds = ({ broker, ends }: Pick<Told, 'broker' | 'ends'>): void => {
  const cron = setInterval(() => void broker.cron().catch(() => {}), CRON_MS)
  ends.push(() => clearInterval(cron))
}
