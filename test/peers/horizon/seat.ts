import type { BrowserContext, Page } from 'playwright-core'
import type { Outcome } from '../suites/outcomes.ts'
import { lineOf } from '../suites/outcomes.ts'
import { type Dashboard, faultsSince } from './dashboard.ts'

/** A person before Horizon, and how whatever they tried came out. */
export interface Seat {
  who: string
  page: Page
  dashboard: Dashboard
  outcomes: Map<string, Outcome>
  /** Tries one thing, which has failed if it throws, or gives faults, or Horizon writes of one meanwhile. */
  tries(test: string, run: () => Promise<string[] | undefined>): Promise<boolean>
}

interface Person {
  who: string
  name: string
  password: string
}

/** Longest that a page may take. */
const PAGE_MS = 30_000

/** Takes a seat, by the form that Horizon asks for a password with. */
export const takeSeat = async (
  context: BrowserContext,
  dashboard: Dashboard,
  { who, name, password }: Person,
): Promise<Seat> => {
  context.setDefaultTimeout(PAGE_MS)
  const page = await context.newPage()
  const outcomes = new Map<string, Outcome>()
  const seat: Seat = { who, page, dashboard, outcomes, tries: (test, run) => tries(seat, `${who}: ${test}`, run) }
  await seat.tries('forms: log in', async () => {
    await page.goto(`${dashboard.url}/auth/login/`)
    await page.fill('[name=domain]', 'Default')
    await page.fill('[name=username]', name)
    await page.fill('[name=password]', password)
    await Promise.all([page.waitForNavigation(), page.click('[type=submit]')])
    const wrong = await alertsOf(page)
    return page.url().includes('/auth/login') ? [...wrong, 'it asks again'] : wrong
  })
  return seat
}

const tries = async (seat: Seat, test: string, run: () => Promise<string[] | undefined>): Promise<boolean> => {
  const [from, wrote] = [Date.now(), seat.dashboard.child.output().length]
  const faults = await run().then(
    (given) => given ?? [],
    (error) => [String(error instanceof Error ? error.message : error)],
  )
  const all = [...new Set([...faults, ...faultsSince(seat.dashboard, wrote)].map(lineOf))]
  const ms = Date.now() - from
  seat.outcomes.set(test, { result: all.length ? 'failed' : 'passed', ms, why: all.join(' | ') })
  if (process.env.PEERS_TELL) console.log(all.length ? `-- ${test}: ${all.join(' | ')}` : `ok ${test} ${ms}`)
  return all.length === 0
}

/** What a page says went wrong. */
export const alertsOf = (page: Page): Promise<string[]> =>
  page.$$eval('.alert-danger, .messages .alert-warning, .errorlist, .has-error .help-block', (found) =>
    found.map((each) => (each.textContent ?? '').replace(/\s+/g, ' ').trim()).filter(Boolean),
  )

/** Opens a page and waits for what its scripts ask for; gives what went wrong with either. */
export const open = async ({ page, dashboard }: Seat, path: string): Promise<string[]> => {
  const faults: string[] = []
  const heard = (response: { status(): number; url(): string }) => {
    const { pathname } = new URL(response.url())
    if (response.status() >= 400 && !QUIET.test(pathname)) faults.push(`${pathname} answers ${response.status()}`)
  }
  const thrown = (error: Error) => faults.push(`a script throws ${error.message}`)
  page.on('response', heard)
  page.on('pageerror', thrown)
  try {
    await page.goto(dashboard.url + path)
    // Rows of what is changing are asked for again and again.
    await page.waitForLoadState('networkidle', { timeout: QUIET_MS }).catch(() => {})
    return [...faults, ...(await alertsOf(page))]
  } finally {
    page.off('response', heard)
    page.off('pageerror', thrown)
  }
}
const QUIET_MS = 4_000
/** Whose an image is, a page of images asks of Keystone, which tells members of their own projects alone; it shows no name then. */
const QUIET = /^\/static\/|^\/api\/keystone\/projects\//
