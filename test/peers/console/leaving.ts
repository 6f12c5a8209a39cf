import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import type { Broker } from '../support/broker.ts'
import { patiently } from '../support/patiently.ts'
import { accessible, openWindow } from './browser.ts'
import { logIn } from './mouse.ts'

const SESSION = '**/broker/v1/session'

/** Logs out in one of two tabs, first while the broker cannot be told, and is out in both. */
export const leaving = async (browser: Browser, broker: Broker): Promise<void> => {
  const window = await openWindow(browser, broker.url)
  const { page, context } = window
  await page.goto('/')
  await logIn(window, 'demo', broker.passwords.demo)
  const other = await context.newPage()
  await other.goto('/#/servers')
  await other.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()
  const token = await tokenOf(other)

  const isForgotten = (method: string) => method === 'DELETE'
  await page.route(SESSION, (route) => (isForgotten(route.request().method()) ? route.abort() : route.continue()))
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByText('You are not logged out for good').waitFor()
  await accessible(window)
  await other.getByLabel('User name').waitFor()
  await page.unroute(SESSION)
  await page.getByRole('button', { name: 'Log out again' }).click()
  await page.getByRole('alert').waitFor({ state: 'detached' })
  await other.reload()
  await other.getByLabel('User name').waitFor()
  assert.equal(await statusOf(broker, token), 401, 'the token is over')
  await context.close()
}

/** Is out where the page is left in the moment of it, with nobody there to hear the answer. */
export const leavingAtOnce = async (browser: Browser, broker: Broker): Promise<void> => {
  const window = await openWindow(browser, broker.url)
  const { page, context } = window
  await page.goto('/')
  await logIn(window, 'demo', broker.passwords.demo)
  await page.goto('/#/servers')
  const token = await tokenOf(page)
  assert.equal(await statusOf(broker, token), 200)
  await page.getByRole('button', { name: 'Log out' }).waitFor()
  // In one breath: by the next one the page is gone.
  const button = `[...document.querySelectorAll('button')].find((each) => each.textContent === 'Log out')`
  await page.evaluate(`${button}.click(); location.href = '/livez'`)
  await page.waitForURL('**/livez')
  await patiently(async () => assert.equal(await statusOf(broker, token), 401, 'the token is over'), 10_000)
  await page.goto('/')
  await page.getByLabel('User name').waitFor()
  assert.deepEqual(await context.cookies(`${broker.url}/broker/v1/session`), [])
  await context.close()
}

/** What the broker says at once to a read by a token. */
const statusOf = async (broker: Broker, token: string): Promise<number> => {
  const { status } = await fetch(`${broker.url}/compute/v2.1/servers`, { headers: { 'X-Auth-Token': token } })
  return status
}

/** The token by which a page asks. */
const tokenOf = async (page: Page): Promise<string> => {
  const asked = page.waitForRequest(/\/compute\/v2\.1\/servers/)
  await page.reload()
  return (await (await asked).headerValue('X-Auth-Token')) ?? ''
}

/** Says why a page cannot be drawn, in its place, and goes on with the next. */
export const undrawable = async (browser: Browser, broker: Broker): Promise<void> => {
  const window = await openWindow(browser, broker.url)
  const { page } = window
  await page.goto('/')
  await logIn(window, 'demo', broker.passwords.demo)
  await page.route('**/network/v2.0/networks/strange', (route) => route.fulfill({ json: {} }))
  await page.goto('/#/networks/strange')
  await page.getByRole('alert').first().waitFor()
  await page.getByRole('link', { name: 'Servers', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()
  // Links that nobody made.
  for (const [link, title] of [
    ['/#/networks/..', 'There is no such page'],
    ['/#/costs?month=x', 'Costs'],
  ] as const) {
    await page.goto(link)
    await page.getByRole('heading', { level: 1, name: title }).waitFor()
    assert.equal(await page.getByRole('alert').count(), 0)
  }
  await window.context.close()
}

/** A window stays until what it does is done, and one that has to be answered until it is. */
export const windows = async (browser: Browser, broker: Broker): Promise<void> => {
  const window = await openWindow(browser, broker.url)
  const { page } = window
  await page.goto('/')
  await logIn(window, 'demo', broker.passwords.demo)
  await page.goto('/#/access')
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  await page.route('**/os-keypairs', async (route) => {
    if (route.request().method() === 'POST') await held
    await route.continue()
  })
  await page.getByRole('button', { name: 'New key pair' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name', { exact: true }).fill('held')
  await dialog.getByLabel('Name', { exact: true }).press('Enter')
  const cancel = dialog.getByRole('button', { name: 'Cancel' })
  await page.waitForFunction('document.querySelector("dialog button[disabled]")')
  assert.ok(await cancel.isDisabled())
  // Browsers close it at the second time, and it is opened again.
  const stays = async () => {
    for (let i = 0; i < 3; i++) {
      await page.keyboard.press('Escape')
      await dialog.waitFor()
    }
  }
  await stays()
  release()
  await dialog.getByText('It is shown now, and never again').waitFor()
  await stays()
  await dialog.getByText('It is shown now, and never again').waitFor()
  await window.context.close()
}
