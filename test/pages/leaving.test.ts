import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Client, PASSWORD, type Plimsoll, startPlimsoll } from '../support/harness.ts'

/** What a page knows of its session (functions/console/session): its types are those of a browser. */
interface Session {
  door: { get(): { phase: string } }
  openSession(): Promise<void>
  logIn(given: { user: string; password: string; domain: string; project: string }): Promise<void>
  switchProject(id: string): Promise<void>
  logOut(): Promise<void>
}
const SESSION = '../../functions/console/session/session.ts'

/** Tabs of one browser: what one says, all others hear. */
class Channel {
  static all: Channel[] = []
  onmessage: ((message: { data: unknown }) => void) | null = null
  readonly #name: string
  constructor(name: string) {
    this.#name = name
    Channel.all.push(this)
  }
  postMessage(data: unknown): void {
    for (const each of Channel.all) if (each !== this && each.#name === this.#name) each.onmessage?.({ data })
  }
}

let plimsoll: Plimsoll
/** Every token that somebody was issued. */
let issued: Client[]
/** The cookie of the browser. */
let cookie: string
/** Holds the answers to what it fits back, until it is let go. */
let held: { fits: (method: string, path: string) => boolean; until: Promise<void>; came: () => void } | null
let keptAlive: string[]

beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  issued = []
  cookie = ''
  held = null
  keptAlive = []
  Channel.all = []
  // Tokens are renewed in time, which is that of the world here.
  vi.spyOn(Date, 'now').mockImplementation(() => plimsoll.clock.now)
  vi.stubGlobal('BroadcastChannel', Channel)
  vi.stubGlobal('document', { baseURI: 'http://plimsoll.test/', hidden: false, addEventListener: () => {} })
  const stored = new Map<string, string>()
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => stored.set(name, value),
  })
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const path = new URL(url).pathname
    const method = init.method ?? 'GET'
    if (init.keepalive) keptAlive.push(`${method} ${path}`)
    const headers = { ...(init.headers as Record<string, string>), Cookie: cookie }
    const body = typeof init.body === 'string' ? JSON.parse(init.body) : undefined
    const answer = await plimsoll.nobody.send(method, path, body, headers)
    const token = answer.headers.get('X-Subject-Token')
    if (token && method === 'POST') issued.push(plimsoll.bearer(token))
    cookie = answer.headers.get('Set-Cookie')?.split(';')[0] ?? cookie
    if (held?.fits(method, path)) {
      held.came()
      await held.until
    }
    return new Response(answer.status === 204 ? null : answer.text, { status: answer.status, headers: answer.headers })
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
})

const openTab = async (): Promise<Session> => {
  vi.resetModules()
  return (await import(/* @vite-ignore */ SESSION)) as Session
}
const hold = (fits: (method: string, path: string) => boolean) => {
  const [released, came] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  held = { fits, until: released.promise, came: came.resolve }
  return { came: came.promise, release: released.resolve }
}
const loggedIn = async () => {
  const tab = await openTab()
  await tab.logIn({ user: 'demo', password: PASSWORD, domain: 'Default', project: 'demo' })
  expect(tab.door.get().phase).toBe('in')
  return tab
}
const statuses = () => Promise.all(issued.map(async (who) => (await who.get('/identity/v3/auth/projects')).status))
const isOut = async (...tabs: Session[]) => {
  for (const tab of tabs) expect(tab.door.get().phase).toBe('out')
  expect(new Set(await statuses())).toEqual(new Set([401]))
  expect(cookie, 'the browser keeps nothing').toBe('plimsoll-console=')
}
const isLogin = (method: string, path: string) => method === 'POST' && path === '/identity/v3/auth/tokens'

test('who logs out is out in every tab, and what that asks is asked to its end', async () => {
  const one = await loggedIn()
  const other = await openTab()
  await other.openSession()
  expect(other.door.get().phase).toBe('in')
  await one.logOut()
  await vi.waitFor(() => isOut(one, other))
  expect(keptAlive).toEqual(expect.arrayContaining(['DELETE /identity/v3/auth/tokens', 'DELETE /broker/v1/session']))
})

test('who logs out while another project is on its way stays out, and its token is over', async () => {
  const tab = await loggedIn()
  const { came, release } = hold(isLogin)
  const going = tab.switchProject(plimsoll.projectId('demo'))
  await came
  await tab.logOut()
  release()
  await going
  expect(issued).toHaveLength(2)
  await isOut(tab)
})

test('a tab that is opened while somebody logs out in another one is out', async () => {
  const tab = await loggedIn()
  const opened = await openTab()
  const { came, release } = hold((method, path) => method === 'GET' && path === '/identity/v3/auth/tokens')
  const opening = opened.openSession()
  await came
  await tab.logOut()
  release()
  await opening
  await isOut(tab, opened)
})
