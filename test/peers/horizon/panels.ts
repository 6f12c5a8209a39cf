import { alertsOf, open, type Seat } from './seat.ts'

/** Opens every panel that Horizon lists beside, and counts those that it hides as skipped. Gives the paths of what it opened. */
export const openPanels = async (seat: Seat): Promise<string[]> => {
  const { page, dashboard, outcomes, who } = seat
  await page.goto(dashboard.url)
  const shown = await page.$$eval('a.openstack-panel', (found) => found.map((each) => each.getAttribute('href') ?? ''))
  const counted = { opened: 0, failed: 0, hidden: 0 }
  for (const panel of dashboard.registered) {
    const test = `panels: ${panel.dashboard} › ${panel.name}`
    // The settings of oneself are behind a name, and are listed nowhere.
    const listed = shown.includes(panel.path) || panel.path.startsWith('/settings/')
    if (listed) counted[(await seat.tries(test, () => open(seat, panel.path))) ? 'opened' : 'failed']++
    else {
      counted.hidden++
      const why = panel.needs.length ? `Horizon hides it: it needs ${panel.needs.join(', ')}` : 'Horizon hides it'
      outcomes.set(`${who}: ${test}`, { result: 'skipped', ms: 0, why })
    }
  }
  console.log(
    `${who}: ${counted.opened} panels opened, ${counted.failed} failed, ${counted.hidden} are hidden by Horizon`,
  )
  return shown
}

/** Paths below which nothing is only looked at. */
const LEFT = /^\/(auth|static|api|i18n|header)\/|^\/$|[?&]action=|%7B%7B/
const PLACE = /^\/(project|admin|identity|settings|ngdetails)\//
const ID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}|\b\d+\b/g
/** So deep that the tabs of what a panel links to are reached. */
const DEPTH = 3

/** Opens whatever is reached by links from there: each kind of page once, as one thing is like another. */
export const crawl = async (seat: Seat, from: readonly string[]): Promise<void> => {
  const { page, dashboard } = seat
  const seen = new Set<string>()
  let next = [...new Set(from)].map((path) => ({ path, kind: path }))
  for (const { kind } of next) seen.add(kind)
  for (let depth = 0; depth <= DEPTH && next.length; depth++) {
    const found: { path: string; kind: string }[] = []
    for (const { path, kind } of next) {
      const look = async (): Promise<string[]> => {
        const response = await page.request.get(dashboard.url + path, { maxRedirects: 3 })
        const text = await response.text()
        const html = /html/.test(response.headers()['content-type'] ?? '')
        for (const link of html ? linksOf(text, path) : []) {
          const kind = kindOf(link)
          if (seen.has(kind)) continue
          seen.add(kind)
          found.push({ path: link, kind })
        }
        if (!response.ok()) return [`it answers ${response.status()}`]
        return html ? alertsIn(text) : []
      }
      // Panels were opened already.
      if (depth === 0) await look()
      else if (path.startsWith('/ngdetails/')) await seat.tries(`pages: ${kind}`, () => open(seat, path))
      else await seat.tries(`pages: ${kind}`, look)
    }
    next = found
  }
  await alertsOf(page)
}

const kindOf = (path: string): string => path.replace(ID, ':id').replace(/=[^&]*:id[^&]*/g, '=:id')

const unescaped = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"')

/** Where the content of a page links to, not what is around each page. */
const linksOf = (html: string, base: string): string[] => {
  const content = html.slice(Math.max(0, html.indexOf('id="content_body"')))
  const links = [...content.matchAll(/\shref="([^"#]+)"/g)].map(
    ([, href]) => new URL(unescaped(href!), `http://x${base}`),
  )
  return links
    .filter(({ host, pathname, search }) => host === 'x' && PLACE.test(pathname) && !LEFT.test(pathname + search))
    .map(({ pathname, search }) => pathname + search)
}

/** What a page that is not in a browser says went wrong. */
const alertsIn = (html: string): string[] =>
  [
    ...html
      .replace(/<noscript>[\s\S]*?<\/noscript>/g, '')
      .matchAll(/<div class="[^"]*\balert-danger\b[^"]*"[^>]*>([\s\S]*?)<\/div>/g),
  ]
    .map(([, inner]) =>
      inner!
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter(Boolean)
