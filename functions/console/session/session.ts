import { ask, asker, askWhole } from '../api/ask.ts'
import { restartEvents } from '../api/events.ts'
import { Fault } from '../api/fault.ts'
import { storeOf } from '../store.ts'

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
}

export interface Login {
  identity_provider: string
  protocol: string
}
/** `ended`: the token is over, and somebody has to log in again where he was. */
export interface Door {
  phase: 'opening' | 'out' | 'in' | 'ended'
  session: Session | null
  /** Identity providers that lead a browser in. */
  logins: Login[]
}

export const door = storeOf<Door>({ phase: 'opening', session: null, logins: [] })
const change = (change: Partial<Door>) => door.set({ ...door.get(), ...change })

/** Each has what those before it have. */
const ROLES = ['reader', 'member', 'manager', 'admin']

/** Whether the session has a role, for what is shown: the service decides by itself. */
export const has = (session: Session | null, role: 'reader' | 'member' | 'manager' | 'admin'): boolean => {
  const enough = ROLES.slice(ROLES.indexOf(role))
  return session?.roles.some((had) => enough.includes(had)) ?? false
}

/** What proves who somebody is, as Keystone takes it. */
type Identity = { methods: string[] } & Record<string, unknown>
type Scope = { project: { id: string } } | { project: { name: string; domain: { name: string } } }

interface TokenSaid {
  token: {
    user: Session['user']
    project?: NonNullable<Session['project']>
    roles?: Named[]
    expires_at: string
    application_credential?: unknown
  }
}

let token: string | null = null
/** By what the token is renewed, without asking; null: by nothing that is known here. */
let proof: Identity | null = null
let renewing: Promise<boolean> | null = null
let timer: ReturnType<typeof setTimeout> | undefined

/** So long before its end a token is renewed, in milliseconds. */
const BEFORE = 300_000
/** A header that no page of another origin can send. */
const OURS = { 'X-Plimsoll-Console': '1' }

const sessionOf = ({ token: said }: TokenSaid): Session => ({
  user: said.user,
  project: said.project ?? null,
  roles: said.roles?.map(({ name }) => name) ?? [],
  expiresAt: Date.parse(said.expires_at),
  bound: said.application_credential !== undefined,
})

/** A receipt: what was proved is right, and a one-time password is wanted besides. */
export class PasscodeWanted extends Error {
  readonly receipt: string
  readonly userId: string
  constructor(receipt: string, userId: string) {
    super('A one-time password is wanted.')
    this.receipt = receipt
    this.userId = userId
  }
}

const issue = async (identity: Identity, scope: Scope | null, receipt?: string) => {
  const body = { auth: { identity, ...(scope ? { scope } : {}) } }
  const headers: Record<string, string> = receipt ? { 'Openstack-Auth-Receipt': receipt } : {}
  const told = await askWhole<TokenSaid>('identity', '/auth/tokens', { method: 'POST', body, headers, token: null })
  return { text: told.headers.get('X-Subject-Token') ?? '', said: told.body }
}

const take = async (text: string, said: TokenSaid, phase: Door['phase'] = 'in'): Promise<void> => {
  const before = door.get().session?.project?.id
  token = text
  const session = sessionOf(said)
  change({ phase, session })
  await ask('broker', '/session', { method: 'PUT', headers: OURS })
  renewInTime(session)
  if (session.project?.id !== before) restartEvents()
}

const renewInTime = ({ expiresAt }: Session): void => {
  clearTimeout(timer)
  const left = expiresAt - Date.now()
  // Of a token that lives shorter than that, the last fifth.
  timer = setTimeout(() => void renew(), Math.min(Math.max(0, left - Math.min(BEFORE, left / 5)), 2 ** 31 - 1))
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
  if (proof) {
    try {
      const scope = session.project && !session.bound ? { project: { id: session.project.id } } : null
      const { text, said } = await issue(proof, scope)
      await take(text, said)
      return true
    } catch (error) {
      // What cannot be reached is tried again, at the latest when the token is refused.
      if (error instanceof Fault && error.status !== 401) return false
      proof = null
    }
  }
  const left = session.expiresAt - Date.now()
  if (left > 1_000) timer = setTimeout(() => change({ phase: 'ended' }), left)
  else change({ phase: 'ended' })
  return false
}

asker.token = () => token
asker.projectId = () => door.get().session?.project?.id ?? ''
asker.refused = async () => {
  if (await renew()) return true
  if (door.get().phase === 'in') change({ phase: 'ended' })
  return false
}

/** A token for a project, where that by which somebody came in is for none: the one that he used last, else his first. */
const intoProject = async (text: string, said: TokenSaid) => {
  if (said.token.project) return { text, said }
  const { projects } = await ask<{ projects: Project[] }>('identity', '/auth/projects', { token: text })
  const [first] = projects
  if (!first) return { text, said }
  return issue({ methods: ['token'], token: { id: text } }, { project: { id: first.id } })
}

/** What the page begins with: the session that the browser kept, if there is one that stands. */
export const openSession = async (): Promise<void> => {
  try {
    const { session, logins } = await ask<{ session: { token: string } | null; logins: Login[] }>(
      'broker',
      '/session',
      {
        headers: OURS,
        token: null,
      },
    )
    change({ logins })
    if (!session) return change({ phase: 'out' })
    const headers = { 'X-Subject-Token': session.token, 'OpenStack-Identity-Access-Rules': '1' }
    const said = await ask<TokenSaid>('identity', '/auth/tokens', { headers, token: session.token })
    const found = await intoProject(session.token, said)
    await take(found.text, found.said)
  } catch {
    change({ phase: 'out', session: null })
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
  const first = await issue(identity, scope, receipt)
  const { text, said } = await intoProject(first.text, first.said)
  proof = renewable ? identity : null
  await take(text, said)
}

/** Logs in by a password. @throws Fault; PasscodeWanted */
export const logIn = async ({ user, password, domain, project }: PasswordGiven): Promise<void> => {
  const named = { name: user, domain: { name: domain }, password }
  const scope = project ? { project: { name: project, domain: { name: domain } } } : null
  await withReceipt(() => enter({ methods: ['password'], password: { user: named } }, scope, true))
}

/** The second half of a login: a one-time password, with the receipt for the first. */
export const logInByPasscode = (wanted: PasscodeWanted, passcode: string): Promise<void> =>
  enter({ methods: ['totp'], totp: { user: { id: wanted.userId, passcode } } }, null, false, wanted.receipt)

/** Logs in by an application credential. */
export const logInBySecret = (id: string, secret: string): Promise<void> =>
  enter({ methods: ['application_credential'], application_credential: { id, secret } }, null, true)

/** Of a 401 that is half a login, what is needed for the other half. */
const withReceipt = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof Fault && error.receipt) throw new PasscodeWanted(error.receipt.text, error.receipt.userId)
    throw error
  }
}

/** Where a browser goes to be let in by an identity provider, and comes back from with the cookie. */
export const loginAddress = ({ identity_provider: idp, protocol }: Login): string => {
  const here = new URL('.', document.baseURI.replace(/#.*$/, '')).href
  const path = `identity/v3/auth/OS-FEDERATION/identity_providers/${encodeURIComponent(idp)}/protocols/${encodeURIComponent(protocol)}/websso`
  return `${here}${path}?origin=${encodeURIComponent(here)}`
}

/** The projects that the user may work in. */
export const projectsOf = async (): Promise<Project[]> =>
  (await ask<{ projects: Project[] }>('identity', '/auth/projects')).projects

/** Works in another project from here on, by the token that is there. */
export const switchProject = async (id: string): Promise<void> => {
  const identity = proof && !door.get().session?.bound ? proof : { methods: ['token'], token: { id: token } }
  const { text, said } = await issue(identity, { project: { id } })
  await take(text, said)
}

/** Revokes the token, and forgets it here and in the browser. */
export const logOut = async (): Promise<void> => {
  clearTimeout(timer)
  const old = token
  if (old)
    await ask('identity', '/auth/tokens', { method: 'DELETE', headers: { 'X-Subject-Token': old }, token: old }).catch(
      () => {},
    )
  await ask('broker', '/session', { method: 'DELETE', headers: OURS, token: null }).catch(() => {})
  token = null
  proof = null
  change({ phase: 'out', session: null })
  restartEvents()
}
