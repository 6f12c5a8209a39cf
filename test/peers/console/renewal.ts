import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import { type Runtime, startBroker } from '../support/broker.ts'
import { accessible, openWindow } from './browser.ts'
import { logIn } from './mouse.ts'

/** Seconds that a token lives here. */
const LIFE = 10

/** On a broker whose tokens are short: a page that knows the password goes on, one that was loaded again asks for it. */
export const renewal = async (browser: Browser, runtime: Runtime): Promise<void> => {
  const broker = await startBroker(runtime, { PLIMSOLL_TOKEN_LIFETIME: String(LIFE) })
  try {
    const window = await openWindow(browser, broker.url)
    const { page } = window
    await page.goto('/')
    await logIn(window, 'demo', broker.passwords.demo)
    await page.waitForTimeout((LIFE + 2) * 1_000)
    await page.getByRole('link', { name: 'Servers', exact: true }).click()
    await page.getByText('No server yet').waitFor()
    await page.getByRole('link', { name: 'Make the first' }).click()
    await page.getByLabel('Name', { exact: true }).fill('kept')
    await page.reload()
    await page.getByLabel('Name', { exact: true }).fill('kept')
    const dialog = page.getByRole('dialog', { name: 'Your session is over' })
    await dialog.waitFor()
    await accessible(window)
    await dialog.getByLabel('Password', { exact: true }).fill(broker.passwords.demo)
    await dialog.getByRole('button', { name: 'Log in' }).click()
    await dialog.waitFor({ state: 'detached' })
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'kept', 'what was typed is there')
    assert.deepEqual(window.log, [])
    await window.context.close()
  } finally {
    await broker.stop()
  }
}
