import { alertsOf, type Seat } from './seat.ts'

/** Values by the names of fields; a choice is told by its value, or by what its text begins with or holds. */
export type Fields = Record<string, string | boolean | string[]>

/** Opens a form, fills it, sends it, and gives what is wrong; it is right if Horizon says that it was a success. */
export const fill = async ({ page, dashboard }: Seat, path: string, fields: Fields): Promise<string[]> => {
  await page.goto(dashboard.url + path)
  const before = await alertsOf(page)
  const lacking = await page.evaluate<string | null>(`peers.fill(${JSON.stringify(fields)})`)
  if (lacking) return [`${lacking} (${new URL(page.url()).pathname})`]
  await page.waitForNavigation()
  return [...before, ...(await said(page))]
}

/** The link of a table's row that holds `text`, to where `ending` says. */
export const linkOf = async (
  { page, dashboard }: Seat,
  path: string,
  text: string,
  ending: string,
): Promise<string> => {
  await page.goto(dashboard.url + path)
  const links = await page.locator('tr', { hasText: text }).locator(`a[href$="${ending}"]`).all()
  const href = await links[0]?.getAttribute('href')
  if (!href) throw new Error(`${path} has no ${text} with a link to ${ending}`)
  return href
}

/** What Horizon does without a word. */
const QUIET = /__confirm__/

/** Presses a button of a table: `networks__delete__…`, or what begins with that where the rest is not told. */
export const press = async ({ page, dashboard }: Seat, path: string, value: string): Promise<string[]> => {
  await page.goto(dashboard.url + path)
  const lacking = await page.evaluate<string | null>(`peers.press(${JSON.stringify(value)})`)
  if (lacking) return [`${lacking} (${new URL(page.url()).pathname})`]
  await page.waitForNavigation()
  return QUIET.test(value) ? alertsOf(page) : said(page)
}

/** That it was done, or the one look at a secret. */
const RIGHT = '.alert-success, .alert-info, [name=auth_key], [name=app_cred_secret]'

const said = async (page: Seat['page']): Promise<string[]> => {
  await page.waitForLoadState()
  const wrong = await alertsOf(page)
  if (wrong.length) return wrong
  const right = await page.$$eval(RIGHT, (found) => found.length)
  return right ? [] : ['Horizon does not say that it was done']
}

/** Calls what a script of Horizon calls, as it does, from within a page. Gives the answer. */
export const call = async ({ page }: Seat, method: string, path: string, body?: unknown): Promise<unknown> => {
  const words = [method, `/api/${path}`, ...(body === undefined ? [] : [JSON.stringify(body)])]
  const { status, text } = await page.evaluate<{ status: number; text: string }>(
    `peers.call(...${JSON.stringify(words)})`,
  )
  if (status >= 300) throw new Error(`${method} /api/${path} answers ${status}: ${text}`)
  return text ? JSON.parse(text) : null
}
