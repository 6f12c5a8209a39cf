import type { Locator, Page } from 'playwright-core'
import { lineOf, type Outcome } from '../suites/outcomes.ts'

/** A person before Skyline's console. */
export interface Seat {
  who: string
  page: Page
  outcomes: Map<string, Outcome>
}

const QUIET_MS = 6_000

/** Waits until nobody asks for anything for half a second. */
const settled = (page: Page): Promise<void> =>
  page.waitForLoadState('networkidle', { timeout: QUIET_MS }).catch(() => {})

/** Tries one thing; it has failed if it throws, if a service refuses what a page asks for, or if the console says so. */
const tries = async ({ who, page, outcomes }: Seat, test: string, run: () => Promise<unknown>): Promise<void> => {
  const from = Date.now()
  const faults: string[] = []
  const heard = async (response: { status(): number; url(): string; text(): Promise<string> }) => {
    const { pathname, search } = new URL(response.url())
    if (response.status() < 400 || OWN.test(pathname)) return
    faults.push(`${pathname}${search} answers ${response.status()}`)
  }
  const thrown = (error: Error) => faults.push(`a script throws ${error.message}`)
  page.on('response', heard)
  page.on('pageerror', thrown)
  try {
    await run()
    await settled(page)
    faults.push(...(await page.locator(WRONG).allInnerTexts()))
  } catch (error) {
    faults.push(String(error instanceof Error ? error.message : error))
  } finally {
    page.off('response', heard)
    page.off('pageerror', thrown)
  }
  const all = [...new Set(faults.map(lineOf))].filter((fault) => !/status code 403$/.test(fault) || faults.length > 1)
  const result = all.length ? 'failed' : 'passed'
  outcomes.set(`${who}: ${test}`, { result, ms: Date.now() - from, why: all.join(' | ') })
  if (process.env.PEERS_TELL) console.log(all.length ? `-- ${who}: ${test}: ${all.join(' | ')}` : `ok ${who}: ${test}`)
}

/** What a member asks in vain with Keystone too: roles in the system. */
const OWN = /\/v3\/system\/users\/\w+\/roles$/
const WRONG =
  '.ant-notification-notice-error, .ant-message-error, .ant-notification-notice-icon-error, .ant-result-error'
const GROUP = '.ant-menu-root > .ant-menu-submenu'

/** Opens each page that the menu of a home lists, the tabs of each, and the first thing of each list with its own tabs. A home without a menu has failed. */
export const openMenu = async (seat: Seat, home: string): Promise<void> => {
  const { page } = seat
  await tries(seat, `${home}`, async () => {
    await page.goto(home)
    await page.locator(GROUP).first().waitFor()
  })
  const groups = await page.locator(GROUP).count()
  for (let group = 0; group < groups; group++) {
    const menu = page.locator(GROUP).nth(group)
    const title = (await menu.locator('.ant-menu-submenu-title').first().textContent())?.trim() ?? ''
    const left = LEFT[title]
    if (left) {
      seat.outcomes.set(`${seat.who}: ${title}`, { result: 'skipped', ms: 0, why: left })
      continue
    }
    for (const item of await itemsOf(menu)) {
      const place = `${title} › ${item}`
      await tries(seat, place, async () => {
        await page.goto(home)
        await settled(page)
        await (await opened(page.locator(GROUP).nth(group)))
          .filter({ hasText: exactly(item) })
          .first()
          .click()
      })
      const list = page.url()
      await openTabs(seat, place)
      for (const look of [openForm, openFirst]) {
        await page.goto(list)
        await settled(page)
        await look(seat, place)
      }
    }
  }
}

/** What is not of the services of a cloud. */
const LEFT: Record<string, string> = {
  'Monitor Center': 'It asks a Prometheus of the operator’s, which its configuration names.',
}

/** Opens what makes another thing of a list: a page of steps, or a window. */
const openForm = async (seat: Seat, place: string): Promise<void> => {
  const button = seat.page.locator('.ant-btn-primary', { hasText: /Create|Allocate|Add|Import/ }).first()
  if (!(await button.count()) || !(await button.isEnabled())) return
  const name = (await button.textContent())?.trim()
  await tries(seat, `${place} › ${name}`, () => button.click({ timeout: QUIET_MS }))
}

const exactly = (text: string): RegExp => new RegExp(`^${text.replace(/[^\w ]/g, '.')}$`)

const opened = async (menu: Locator): Promise<Locator> => {
  const items = menu.locator('.ant-menu-item')
  if (!(await items.count()) || !(await items.first().isVisible()))
    await menu.locator('.ant-menu-submenu-title').first().click()
  await items.first().waitFor()
  return items
}

const itemsOf = async (menu: Locator): Promise<string[]> => (await opened(menu)).allInnerTexts()

const openTabs = async (seat: Seat, place: string): Promise<void> => {
  const tabs = seat.page.locator('.ant-tabs-tab')
  const names = await tabs.allInnerTexts()
  for (const [at, name] of names.entries())
    if (at) await tries(seat, `${place} › ${name}`, () => tabs.nth(at).click({ timeout: QUIET_MS }))
}

const openFirst = async (seat: Seat, place: string): Promise<void> => {
  const link = seat.page.locator('.ant-table-tbody td a[href*="/detail/"]').first()
  if (!(await link.count())) return
  await tries(seat, `${place} › one of them`, () => link.click({ timeout: QUIET_MS }))
  await openTabs(seat, `${place} › one of them`)
}
