import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { patiently } from '../support/patiently.ts'
import { openWindow, tabTo } from './browser.ts'

interface Story {
  browser: Browser
  broker: Broker
  demo: Api
  step(title: string, run: () => Promise<unknown>): Promise<void>
}

/** The same without a mouse: nothing is reached but by keys, and where the focus is is seen. */
export const byKeyboard = async ({ browser, broker, demo, step }: Story): Promise<void> => {
  const window = await openWindow(browser, broker.url)
  const { page } = window
  const { keyboard } = page
  const title = (name: string) => page.getByRole('heading', { level: 1, name }).waitFor()
  const focused = () => page.evaluate('document.activeElement.textContent')

  await step('by keys alone: to log in', async () => {
    await page.goto('/')
    await page.getByLabel('User name').waitFor()
    // It is where one types.
    await keyboard.type('demo')
    await tabTo(window, /^Password$/)
    await keyboard.type(broker.passwords.demo)
    await keyboard.press('Enter')
    await title('Overview')
  })
  await step('by keys alone: to make a server', async () => {
    await tabTo(window, /^Servers$/)
    await keyboard.press('Enter')
    await title('Servers')
    assert.equal(await focused(), 'Servers', 'another page is told where it begins')
    await tabTo(window, /^New server$/)
    await keyboard.press('Enter')
    await title('New server')
    await tabTo(window, /^Name$/)
    await keyboard.type('keys-1')
    await tabTo(window, /^Flavor$/)
    // Keys choose among what is there by then.
    const tiny = page
      .getByLabel('Flavor', { exact: true })
      .locator('option')
      .filter({ hasText: /^m1\.tiny/ })
    await tiny.waitFor({ state: 'attached' })
    await keyboard.type('m1.tiny')
    await tabTo(window, /^Image$/)
    // The first that there is: what images are called is a cloud's option, and has changed by now.
    await page.getByLabel('Image', { exact: true }).locator('option').nth(1).waitFor({ state: 'attached' })
    await keyboard.press('ArrowDown')
    await page.getByLabel('net1').waitFor()
    await tabTo(window, /^net1$/)
    await keyboard.press('Space')
    await page.getByText(/per hour/).waitFor()
    await tabTo(window, /^Make it$/)
    await keyboard.press('Enter')
    await title('keys-1')
    await page.getByText('ACTIVE').waitFor()
  })
  await step('by keys alone: to read its console log', async () => {
    await tabTo(window, /^Console log$/)
    await keyboard.press('Enter')
    await page.getByLabel('Console log').getByText(/\S/).first().waitFor()
  })
  await step('by keys alone: to think better of it, and to delete it', async () => {
    const ask = async () => {
      await tabTo(window, /^Delete$/)
      await keyboard.press('Enter')
      await page.getByRole('dialog').waitFor()
    }
    await ask()
    await keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    // Browsers hide a window before they say that it is closed, which is when the focus is given back.
    const isBack = async () => assert.equal(await focused(), 'Delete', 'the focus is where it was before the window')
    await patiently(isBack, 2_000)
    await keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await tabTo(window, /^Delete$/)
    await keyboard.press('Enter')
    await title('Servers')
    await page.getByText('No server yet').waitFor()
    const { servers } = await demo.must('GET', '/compute/v2.1/servers')
    assert.deepEqual(servers, [])
    assert.deepEqual(window.log, [])
  })
  await window.context.close()
}
