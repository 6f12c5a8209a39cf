import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import type { Broker } from '../support/broker.ts'
import { openWindow } from './browser.ts'
import { logIn } from './mouse.ts'

const MANY = 10_000

/** A server as the list shows it; the browser is handed as many as are wanted in place of the broker's. */
const serverAt = (i: number) => ({
  id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
  name: `server-${i}`,
  status: i % 7 ? 'ACTIVE' : 'ERROR',
  created: '2026-01-01T00:00:00Z',
  updated: '2026-01-01T00:00:00Z',
  metadata: {},
  tags: [],
  flavor: { original_name: 'm1.tiny', vcpus: 1, ram: 512, disk: 1 },
  addresses: { net1: [{ addr: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 'OS-EXT-IPS:type': 'fixed' }] },
  'OS-EXT-AZ:availability_zone': 'sandbox.a',
  'OS-EXT-STS:task_state': null,
})

/** A list of ten thousand, which the browser scrolls to its end: by pages, with few rows drawn, and without a pause that is felt. */
export const many = async ({
  browser,
  broker,
  step,
}: {
  browser: Browser
  broker: Broker
  step(title: string, run: () => Promise<unknown>): Promise<void>
}): Promise<void> => {
  await step('ten thousand servers scroll to their end, with few rows drawn', async () => {
    const window = await openWindow(browser, broker.url)
    const { page } = window
    const markers: string[] = []
    await page.route(/\/servers\/detail\?.*sort_key=/, async (route) => {
      const query = new URL(route.request().url()).searchParams
      const marker = query.get('marker')
      if (marker) markers.push(marker)
      const from = marker ? Number(marker.slice(-12)) + 1 : 0
      const count = Math.min(Number(query.get('limit')), MANY - from)
      await route.fulfill({ json: { servers: Array.from({ length: count }, (_, i) => serverAt(from + i)) } })
    })
    await page.goto('/')
    await logIn(window, 'demo', broker.passwords.demo)
    await page.goto('/#/servers')
    await page.getByRole('link', { name: 'server-0', exact: true }).waitFor()
    const { longest, rows } = (await page.evaluate(SCROLL)) as { longest: number; rows: number }
    await page.getByRole('link', { name: `server-${MANY - 1}`, exact: true }).waitFor()
    console.log(
      `      ${broker.runtime}: ${MANY} servers in ${markers.length + 1} pages, ${rows} rows drawn at most, a frame took ${Math.round(longest)} ms at most`,
    )
    assert.equal(new Set(markers).size, markers.length, 'a page was asked for twice')
    assert.ok(rows < 120, `${rows} rows are drawn`)
    await window.context.close()
  })
}

/** To the end, and at each step how many rows are drawn and how long the browser took to draw. */
const SCROLL = `(async () => {
  const box = document.querySelector('.table')
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
  let [longest, rows, still] = [0, 0, 0]
  while (still < 60) {
    const before = box.scrollTop
    const from = performance.now()
    box.scrollTop += 4000
    await frame()
    await frame()
    longest = Math.max(longest, performance.now() - from)
    rows = Math.max(rows, box.querySelectorAll('tbody tr').length)
    if (box.scrollTop === before) { still++; await new Promise((resolve) => setTimeout(resolve, 20)) } else still = 0
  }
  return { longest, rows }
})()`
