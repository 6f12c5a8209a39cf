import { type Ground, layGround } from '../suites/ground.ts'
import { knownBy, type Outcome, tellOutcomes } from '../suites/outcomes.ts'
import { writeSuite } from '../suites/page.ts'
import { openBrowser } from '../support/browser.ts'
import { lackOf } from '../support/debian.ts'
import type { Report } from '../support/report.ts'
import { HORIZON, startHorizon } from './dashboard.ts'
import { FAULTS } from './known.ts'
import { makesThings } from './member/make.ts'
import { unmakesThings } from './member/unmake.ts'
import { operates } from './operator/operate.ts'
import { retires } from './operator/retire.ts'
import { crawl, openPanels } from './panels.ts'
import { type Seat, takeSeat } from './seat.ts'
import { tellAs } from './story.ts'

/** So many things a person does, or panels did not come. */
const LEAST = 100

/**
 * OpenStack's dashboard Horizon, unmodified, before a real browser: a member and an administrator open every panel that it lists
 * for them and whatever those link to, and fill its forms.
 *
 * @param turn null: both, and the page is written; else one of the two, by turns
 */
export const horizon = async (report: Report, turn: number | null, part?: string): Promise<void> => {
  const lack = await lackOf('chromium', 'chromium')
  if (lack) return report.step('horizon', 'Chromium', 'skipped', 0, lack)
  const ground = await layGround({ drawn: true })
  try {
    const browser = await openBrowser()
    ground.ends.push(() => browser.close())
    const outcomes = new Map<string, Outcome>()
    const dashboard = await startHorizon(ground.broker.url)
    ground.ends.push(() => dashboard.child.stop())
    await ruleTheDomain(ground)
    for (const [who, tell] of [
      ['demo', asMember],
      ['admin', asOperator],
    ] as const) {
      if (part ? part !== who : turn !== null && (turn % 2 === 0) !== (who === 'demo')) continue
      const context = await browser.newContext()
      await context.addInitScript({ path: new URL('./inside.js', import.meta.url).pathname })
      const seat = await takeSeat(context, dashboard, { who, name: who, password: ground.broker.passwords[who] })
      await tell(seat, ground)
      if (seat.outcomes.size < LEAST)
        throw new Error(`${who} did ${seat.outcomes.size} of at least ${LEAST} things: panels have not come.`)
      for (const each of seat.outcomes) outcomes.set(...each)
      await context.close()
    }
    const knownOf = knownBy(FAULTS)
    tellOutcomes(report, 'horizon', outcomes, knownOf)
    ground.agreed(report, 'horizon')
    if (turn === null && !part)
      await writeSuite({
        title: 'Horizon',
        about: `[Horizon](https://pypi.org/project/horizon/${HORIZON}/) ${HORIZON}, OpenStack’s dashboard, in Chromium, by \`npm run peers -- horizon\`: each panel that it lists for a member and for an administrator, each kind of page that those link to, and its forms;`,
        outcomes,
        groupOf: (test) => test.split(' ').slice(0, 2).join(' ').replace(/:$/, ''),
        knownOf,
      })
  } finally {
    await ground.stop()
  }
}

const asMember = async (seat: Seat, ground: Ground): Promise<void> => {
  const teller = tellAs(seat, ground.demo)
  await goesOn(seat, 'makes what the panels are to show', () => makesThings(teller, ground))
  await crawl(seat, await openPanels(seat))
  await goesOn(seat, 'takes it away again', () => unmakesThings(teller))
}

const asOperator = async (seat: Seat, ground: Ground): Promise<void> => {
  const teller = tellAs(seat, ground.admin)
  await goesOn(seat, 'makes what the panels are to show', () => operates(teller, ground))
  await crawl(seat, await openPanels(seat))
  await goesOn(seat, 'takes it away again', () => retires(teller))
}

/** What a story cannot go on without has failed; the panels are opened all the same. */
const goesOn = async (seat: Seat, title: string, run: () => Promise<void>): Promise<void> => {
  await run().catch((error) => seat.tries(`forms: ${title}`, () => Promise.reject(error)))
}

/** Horizon shows domains to whom it gets a token of a domain for: as DevStack has it. */
const ruleTheDomain = async ({ admin }: Ground): Promise<void> => {
  const { roles } = await admin.must('GET', '/identity/v3/roles?name=admin')
  await admin.must('PUT', `/identity/v3/domains/default/users/${admin.userId}/roles/${roles[0].id}`)
}
