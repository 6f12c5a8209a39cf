import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import type { Broker } from '../support/broker.ts'
import { accessible, openWindow, picture, type Window } from './browser.ts'
import { logIn } from './mouse.ts'

interface Story {
  browser: Browser
  broker: Broker
  folder: string
  step(title: string, run: () => Promise<unknown>): Promise<void>
}

const fileOf = (...names: (string | null)[]): string =>
  names.map((name) => (name ?? '').toLowerCase().replace(/\W+/g, '-')).join('-')

/** Looks at a page once it says what it asked for. */
const look = async (window: Window, href: string, folder: string, file: string): Promise<void> => {
  const { page } = window
  await page.goto(`/${href}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page
    .getByText(/^(Asking|Opening)…$/)
    .first()
    .waitFor({ state: 'detached' })
  await accessible(window)
  await picture(window, folder, file)
}

/** Every page of the menu and every part of each, as an administrator: for everybody, and without a word in the browser's log. */
export const everyPage = async ({ browser, broker, folder, step }: Story): Promise<void> => {
  const window = await openWindow(browser, broker.url)
  const { page } = window
  const linksOf = async (name: string | RegExp) => {
    const links = await page.getByRole('navigation', { name }).getByRole('link').all()
    return Promise.all(
      links.map(async (link) => [await link.textContent(), (await link.getAttribute('href')) ?? ''] as const),
    )
  }
  await step('whoever administrates sees every page, and each is for everybody', async () => {
    await page.goto('/')
    await logIn(window, 'admin', broker.passwords.admin)
    const pages = await linksOf('Pages')
    assert.ok(pages.length > 10, `${pages.length} pages`)
    for (const [name, href] of pages) {
      await look(window, href, folder, fileOf('admin', name))
      for (const [part, to] of (await linksOf(/^Parts of/)).slice(1))
        await look(window, to, folder, fileOf('admin', name, part))
    }
    for (const href of ['#/clouds/register', '#/clouds/sandbox'])
      await look(window, href, folder, fileOf('admin', href.slice(2)))
    assert.deepEqual(window.log, [])
  })
  await step('a cloud is registered by the form of its type, checked, and forgotten', async () => {
    await page.goto('/#/clouds/register')
    await page.getByLabel('Name', { exact: true }).fill('lab')
    await page.getByLabel('Type', { exact: true }).selectOption('sandbox')
    await page.getByText(/^Options of sandbox/).click()
    await page.getByLabel('build_ms', { exact: true }).fill('5')
    await page.getByText('"build_ms":5').waitFor()
    await page.getByRole('button', { name: 'Register it' }).click()
    await page.getByRole('heading', { level: 1, name: 'lab' }).waitFor()
    await page.getByRole('button', { name: 'Check it now' }).click()
    await page.getByText('Clock is off by').waitFor()
    await accessible(window)
    await page.getByRole('button', { name: 'Forget', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click()
    await page.getByRole('heading', { level: 1, name: 'Clouds' }).waitFor()
    assert.deepEqual(window.log, [])
  })
  await window.context.close()
}
