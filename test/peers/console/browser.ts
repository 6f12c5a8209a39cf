import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { ROOT } from '../support/broker.ts'
import { slowness } from '../support/patiently.ts'

/** A window of Chromium, and what was seen of it from outside. */
export interface Window {
  page: Page
  context: BrowserContext
  /** What stands in the browser's log, and should not. */
  log: string[]
  /** Addresses that were asked, in order. */
  asked: string[]
  /** What was received of files, by their address: bytes, gzipped. */
  sizes: Map<string, number>
}

export const openWindow = async (browser: Browser, url: string): Promise<Window> => {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 1180, height: 760 },
    colorScheme: 'light',
    reducedMotion: 'reduce',
  })
  // While others want the processors, a browser takes as much longer.
  context.setDefaultTimeout(30_000 * slowness())
  const page = await context.newPage()
  const window: Window = { page, context, log: [], asked: [], sizes: new Map() }
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) window.log.push(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => window.log.push(error.message))
  page.on('dialog', (dialog) => {
    window.log.push(`a window of the browser's own: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => window.asked.push(request.url()))
  page.on('response', async (response) => {
    if (!/\/$|\/assets\//.test(new URL(response.url()).pathname)) return
    const body = await response.body().catch(() => null)
    if (body) window.sizes.set(response.url(), gzipSync(body).length)
  })
  return window
}

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

interface Violation {
  id: string
  nodes: { html: string; failureSummary?: string }[]
}

/** What axe-core finds wrong on the page as it is, by its light and by its dark colours. Nothing, or it throws. */
export const accessible = async ({ page }: Pick<Window, 'page'>): Promise<void> => {
  const known = await page.evaluate('typeof axe')
  // By the protocol of the browser: the policy of the page lets no script in beside its own.
  if (known === 'undefined') await page.evaluate(await readFile(AXE, 'utf8'))
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme })
    const { violations } = (await page.evaluate('axe.run()')) as { violations: Violation[] }
    const told = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('; ')}`,
    )
    assert.deepEqual(told, [], `${page.url()} in ${colorScheme}`)
  }
}

/** Where pictures of pages are: of the documentation, where they are asked for. */
export const picturesIn = (asked: boolean): string => join(ROOT, asked ? 'docs/console' : '.cache/console-pictures')

/** Takes a picture of what is in sight. */
export const picture = async ({ page }: Window, folder: string, name: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' })
}

/** Presses Tab until something of this name has the focus, which has to be seen. */
export const tabTo = async ({ page }: Window, name: RegExp): Promise<void> => {
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press('Tab')
    const focused = (await page.evaluate(FOCUSED)) as { name: string; outline: string } | null
    if (!focused || !name.test(focused.name)) continue
    assert.notEqual(focused.outline, 'none', `the focus on ${focused.name} is not seen`)
    return
  }
  assert.fail(`nothing named ${name} is reached by Tab`)
}

/** By what a person would call it: its label, else what is on it. */
const FOCUSED = `(() => {
  const at = document.activeElement
  if (!at || at === document.body) return null
  const label = at.labels?.[0]?.textContent
  const name = at.getAttribute('aria-label') ?? label ?? at.textContent ?? ''
  return { name: name.trim(), outline: getComputedStyle(at).outlineStyle }
})()`
