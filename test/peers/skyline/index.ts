import { layGround } from '../suites/ground.ts'
import { knownBy, type Outcome, tellOutcomes } from '../suites/outcomes.ts'
import { writeSuite } from '../suites/page.ts'
import { openBrowser } from '../support/browser.ts'
import { lackOf } from '../support/debian.ts'
import type { Report } from '../support/report.ts'
import { SKYLINE, startSkyline } from './console.ts'
import { furnish } from './furnish.ts'
import { FAULTS } from './known.ts'
import { openMenu } from './pages.ts'

const HOMES = { demo: ['/base/overview'], admin: ['/base/overview', '/base/overview-admin'] } as const

/**
 * OpenStack's dashboard Skyline, unmodified, in a real browser: a member and an administrator open every page of its menus.
 *
 * @param turn null: both, and the page is written; else one of the two, by turns
 */
export const skyline = async (report: Report, turn: number | null, part?: string): Promise<void> => {
  const lack = await lackOf('chromium', 'chromium')
  if (lack) return report.step('skyline', 'Chromium', 'skipped', 0, lack)
  const ground = await layGround()
  try {
    const browser = await openBrowser()
    ground.ends.push(() => browser.close())
    await furnish(ground)
    const place = await startSkyline(ground.broker, ground.admin)
    ground.ends.push(() => place.stop())
    const outcomes = new Map<string, Outcome>()
    for (const who of ['demo', 'admin'] as const) {
      if (part ? part !== who : turn !== null && (turn % 2 === 0) !== (who === 'demo')) continue
      const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, baseURL: place.url })
      context.setDefaultTimeout(PAGE_MS)
      // Its own language is another one.
      await context.addInitScript("localStorage.setItem('lang', JSON.stringify({ value: 'en' }))")
      const page = await context.newPage()
      const seat = { who, page, outcomes }
      // Its form asks for domains, which its server tells nobody who has not logged in yet (9.0.0): what the form would send.
      const data = { region: 'RegionOne', domain: 'Default', username: who, password: ground.broker.passwords[who] }
      const login = await context.request.post('/api/openstack/skyline/api/v1/login', { data })
      if (!login.ok()) throw new Error(`${who} cannot log in to Skyline: ${await login.text()}`)
      for (const home of HOMES[who]) await openMenu(seat, home)
      const opened = [...outcomes.keys()].filter((test) => test.startsWith(`${who}: `)).length
      if (opened < LEAST) throw new Error(`${who} opened ${opened} of at least ${LEAST} pages: menus have not come.`)
      await context.close()
    }
    const knownOf = knownBy(FAULTS)
    tellOutcomes(report, 'skyline', outcomes, knownOf)
    ground.agreed(report, 'skyline')
    if (turn === null && !part)
      await writeSuite({
        title: 'Skyline',
        about: `[skyline-apiserver](https://pypi.org/project/skyline-apiserver/${SKYLINE}/) and [skyline-console](https://pypi.org/project/skyline-console/${SKYLINE}/) ${SKYLINE}, in Chromium, by \`npm run peers -- skyline\`: each page of its menus, the tabs of each, what it makes things with, and one thing of each list. A page has failed if a service refuses what it asks for. It is logged in to by its API: its form asks for domains before there is a token, and its own server refuses that.`,
        outcomes,
        groupOf: (test) => test.split(' › ')[0]!,
        knownOf,
      })
  } finally {
    await ground.stop()
  }
}

const PAGE_MS = 20_000
/** So many pages a person opens, or menus did not come. */
const LEAST = 30
