import { ask, asker, askWhole } from '../api/ask.ts'
import { restartEvents } from '../api/events.ts'
import { asFault, Fault } from '../api/fault.ts'
import { notify } from '../parts/notice.tsx'
import { storeOf } from '../store.ts'
import { forgetSession, keepSession, keptSession, type Login } from './kept.ts'
import { type Identity, PasscodeWanted, type Scope } from './proof.ts'

/*
 * Who is logged in. The token is in this module's memory, and in a cookie that no script reads and no route but one takes
 * (docs/decisions): so a page that is loaded again, or in another tab, goes on. What somebody proved himself by stays in
 * memory alone, and renews the token before it ends.
 */

interface Named {
  id: string
  name: string
}
export interface Project extends Named {
  domain_id?: string
}
export interface Session {
  user: Named & { domain: Named }
  /** Null: the token is for no project. */
  project: (Named & { domain: Named }) | null
  roles: string[]
  /** Milliseconds since 1970. */
  expiresAt: number
  /** By an application credential: it is for one project. */
  bound: boolean
  /** The credential names what may be asked: for the rest every token is refused. */
  ruled: boolean
}

/** `ended`: the token is over, and somebody has to log in again where he was. */
export interface Door {
  phase: 'opening' | 'out' | 'in' | 'ended'
  session: Session | null
  /** Identity providers that lead a browser in. */
  logins: Login[]
  /** Why it could not be opened, or why the browser is not out of it for good. */
  fault: Fault | null
}

export const door = storeOf<Door>({ phase: 'opening', session: null, logins: [], fault: null })
const change = (change: Partial<Door>) => door.set({ ...door.get(), ...change })

/** Each has what those before it have. */
const ROLES = ['reader', 'member', 'manager', 'admin']

/** Whether the session has a role, for what is shown: the service decides by itself. */
export const has = (session: Session | null, role: 'reader' | 'member' | 'manager' | 'admin'): boolean => {
  const enough = ROLES.slice(ROLES.indexOf(role))
  return session?.roles.some((had) => enough.includes(had)) ?? false
}

interface TokenSaid {
  token: {
    user: Session['user']
    project?: NonNullable<Session['project']>
    roles?: Named[]
    expires_at: string
    application_credential?: { access_rules?: unknown[] }
  }
}

let token: string | null = null
/** By what the token is renewed, without asking; null: by nothing that is known here. */
let proof: Identity | null = null
let renewing: Promise<boolean> | null = null
let timer: ReturnType<typeof setTimeout> | undefined
/** Tokens that this tab was issued, which stand until they are revoked or over: when, in milliseconds since 1970. */
const issued = new Map<string, number>()
/** Counts departures: what was asked for before one is not taken after it. */
let departures = 0
/** Tells the other tabs of this browser that somebody left. */
const tabs = new BroadcastChannel('plimsoll')

/** So long before its end a token is renewed, in milliseconds. */
const BEFORE = 300_000
/** After so long a renewal that failed is tried again, in milliseconds. */
const ANEW = 30_000
/** So long is waited for each answer when somebody leaves, in milliseconds. */
const PATIENCE = 10_000

const sessionOf = ({ token: said }: TokenSaid): Session => ({
  user: said.user,
  project: said.project ?? null,
  roles: said.roles?.map(({ name }) => name) ?? [],
  expiresAt: Date.parse(said.expires_at),
  bound: said.application_credential !== undefined,
  ruled: Boolean(said.application_credential?.access_rules),
})

interface Issued {
  text: string
  said: TokenSaid
}

const issue = async (identity: Identity, scope: Scope | null, receipt?: string): Promise<Issued> => {
  const body = { auth: { identity, ...(scope ? { scope } : {}) } }
  const headers: Record<string, string> = receipt ? { 'Openstack-Auth-Receipt': receipt } : {}
  const told = await askWhole<TokenSaid>('identity', '/auth/tokens', { method: 'POST', body, headers, token: null })
  const text = told.headers.get('X-Subject-Token') ?? ''
  for (const [each, end] of issued) if (end < Date.now()) issued.delete(each)
  issued.set(text, Date.parse(told.body.token.expires_at))
  return { text, said: told.body }
}

/**
 * Goes on with a token.
 * @param departed how many had left when it was asked for
 */
const take = async ({ text, said }: Issued, departed: number): Promise<void> => {
  // Whoever left meanwhile did not know of this one.
  if (departed !== departures) return leave(false)
  const { phase, session: before } = door.get()
  const session = sessionOf(said)
  const isKept = await keepSession(text, AbortSignal.timeout(PATIENCE))
  // Somebody left meanwhile, here or in another tab, and what was kept after that is let go of again.
  if (departed !== departures) return leave(isKept)
  token = text
  renewInTime(session)
  change({ phase: 'in', session, fault: null })
  if (session.project?.id !== before?.project?.id) restartEvents()
  if (!isKept && phase !== 'in') notify('The browser keeps no session: a page that is loaded again asks you to log in.')
}

const renewInTime = ({ expiresAt }: Session): void => {
  const left = expiresAt - Date.now()
  // Of a token that lives shorter than that, the last fifth.
  renewAfter(left - Math.min(BEFORE, left / 5))
}
const renewAfter = (pause: number): void => {
  clearTimeout(timer)
  timer = setTimeout(() => void renew(), Math.min(Math.max(0, pause), 2 ** 31 - 1))
}

/** Another token in place of one that ends, by what is known; else, once it is over, somebody is asked. One at a time. */
const renew = (): Promise<boolean> => {
  renewing ??= renewed().finally(() => {
    renewing = null
  })
  return renewing
}
const renewed = async (): Promise<boolean> => {
  const { session } = door.get()
  if (!session) return false
  const departed = departures
  if (proof) {
    try {
      const scope = session.project && !session.bound ? { project: { id: session.project.id } } : null
      await take(await issue(proof, scope), departed)
      return departed === departures
    } catch (error) {
      if (departed !== departures) return false
      // What cannot be reached is tried again.
      if (error instanceof Fault && error.status !== 401) {
        renewAfter(ANEW)
        return false
      }
      proof = null
    }
  }
  const left = session.expiresAt - Date.now()
  clearTimeout(timer)
  if (left > 1_000) timer = setTimeout(() => change({ phase: 'ended' }), left)
  else change({ phase: 'ended' })
  return false
}

asker.token = () => token
asker.projectId = () => door.get().session?.project?.id ?? ''
asker.refused = async (used) => {
  const { session } = door.get()
  if (used !== token) return token !== null
  // What its rules do not name is refused to every token of the credential.
  if (session?.ruled && session.expiresAt > Date.now()) return false
  if (await renew()) return true
  if (door.get().phase === 'in') change({ phase: 'ended' })
  return false
}

/** A token for a project, where that by which somebody came in is for none: his first. */
const intoProject = async ({ text, said }: Issued): Promise<Issued> => {
  if (said.token.project) return { text, said }
  const { projects } = await ask<{ projects: Project[] }>('identity', '/auth/projects', { token: text })
  const [first] = projects
  if (!first) return { text, said }
  return issue({ methods: ['token'], token: { id: text } }, { project: { id: first.id } })
}

/** What the page begins with: the session that the browser kept, if there is one that stands. */
export const openSession = async (): Promise<void> => {
  change({ phase: 'opening', fault: null })
  const departed = departures
  try {
    const { session, logins } = await keptSession()
    change({ logins })
    if (!session) return change({ phase: 'out' })
    const headers = { 'X-Subject-Token': session.token, 'OpenStack-Identity-Access-Rules': '1' }
    const said = await ask<TokenSaid>('identity', '/auth/tokens', { headers, token: session.token })
    issued.set(session.token, Date.parse(said.token.expires_at))
    await take(await intoProject({ text: session.token, said }), departed)
  } catch (error) {
    const fault = asFault(error)
    // What was kept stands no longer; of anything else nothing is known yet.
    if (fault.status === 401 || fault.status === 404) change({ phase: 'out', session: null })
    else change({ fault })
  }
}

export interface PasswordGiven {
  user: string
  password: string
  domain: string
  /** By name, in the same domain; empty: one's own. */
  project: string
}

const enter = async (identity: Identity, scope: Scope | null, renewable: boolean, receipt?: string): Promise<void> => {
  const departed = departures
  const found = await intoProject(await issue(identity, scope, receipt))
  proof = renewable ? identity : null
  await take(found, departed)
}

/** Logs in by a password. @throws Fault; PasscodeWanted */
export const logIn = async ({ user, password, domain, project }: PasswordGiven): Promise<void> => {
  const named = { name: user, domain: { name: domain }, password }
  const scope = project ? { project: { name: project, domain: { name: domain } } } : null
  await withReceipt(scope, () => enter({ methods: ['password'], password: { user: named } }, scope, true))
}

/** The second half of a login: a one-time password, with the receipt for the first. */
export const logInByPasscode = (wanted: PasscodeWanted, passcode: string): Promise<void> =>
  enter({ methods: ['totp'], totp: { user: { id: wanted.userId, passcode } } }, wanted.scope, false, wanted.receipt)

/** Logs in by an application credential. */
export const logInBySecret = (id: string, secret: string): Promise<void> =>
  enter({ methods: ['application_credential'], application_credential: { id, secret } }, null, true)

/** Of a 401 that is half a login, what is needed for the other half. */
const withReceipt = async (scope: Scope | null, work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof Fault && error.receipt)
      throw new PasscodeWanted(error.receipt.text, error.receipt.userId, scope)
    throw error
  }
}

/** The projects that the user may work in. */
export const projectsOf = async (): Promise<Project[]> =>
  (await ask<{ projects: Project[] }>('identity', '/auth/projects')).projects

/** Works in another project from here on, by the token that is there. */
export const switchProject = async (id: string): Promise<void> => {
  const identity = proof && !door.get().session?.bound ? proof : { methods: ['token'], token: { id: token } }
  const departed = departures
  await take(await issue(identity, { project: { id } }), departed)
}

const revoke = async (text: string): Promise<void> => {
  const asked = {
    headers: { 'X-Subject-Token': text },
    token: text,
    signal: AbortSignal.timeout(PATIENCE),
    keepalive: true,
  }
  try {
    await ask('identity', '/auth/tokens', { ...asked, method: 'DELETE' })
  } catch (error) {
    // It is over already.
    if (!(error instanceof Fault && (error.status === 401 || error.status === 404))) throw error
  }
  issued.delete(text)
}

/**
 * Forgets here by what somebody was known, and revokes each token that this tab was issued.
 * @param isKept the browser keeps one of them, to be let go of
 */
const leave = async (isKept: boolean): Promise<void> => {
  departures++
  clearTimeout(timer)
  token = null
  proof = null
  const work = [...issued.keys()].map(revoke)
  if (isKept) work.push(forgetSession(AbortSignal.timeout(PATIENCE)))
  const failed = (await Promise.allSettled(work)).find((each) => each.status === 'rejected')
  const why = failed && `You are not logged out for good: ${asFault(failed.reason).message}`
  change({ phase: 'out', session: null, fault: why ? new Fault(asFault(failed.reason).status, why) : null })
  restartEvents()
}

/** Logs out, in every tab. What of it failed is the fault of the door: it is done again by the same. */
export const logOut = async (): Promise<void> => {
  tabs.postMessage('left')
  await leave(true)
}
tabs.onmessage = () => {
  if (door.get().phase !== 'out') void leave(false)
}
