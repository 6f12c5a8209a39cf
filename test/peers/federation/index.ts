import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Client, installClient, type Said, startClient } from '../openstackclient/client.ts'
import { logIn } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { freePort, launch } from '../support/child.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { browse, formOf } from './browser.ts'
import { type Provider, startProvider } from './provider.ts'

const STORY = 'node × federation'
const DASHBOARD = 'http://dashboard.example.org/auth/websso/'
const AUTH = '/identity/v3/OS-FEDERATION/identity_providers/corp/protocols/openid/auth'
/** How much a clock may differ, and a second for what is over at once. */
const OVER_MS = 62_000
/** Longer than tokens that ended are believed by a process. */
const SOON_MS = 15_000

const remote = (...more: object[]) => [{ type: 'OIDC-preferred_username' }, { type: 'HTTP_OIDC_SUB' }, ...more]
const user = { name: '{0}', id: '{1}' }
/** Whoever is in a group that is called so here too. */
const RULES = [
  {
    local: [{ user, groups: '{2}', domain: { id: 'default' } }],
    remote: remote({ type: 'OIDC-groups', whitelist: ['ops'] }),
  },
]
const OTHERS = [{ local: [{ user }], remote: remote({ type: 'OIDC-groups', any_one_of: ['nobody'] }) }]

/** Users of a provider that is not ours, let in by the plugins that keystoneauth has for it. On Node. */
export const federation = async (report: Report): Promise<void> => {
  let failed = false
  let broker: Broker | undefined
  let client: Client | undefined
  const providers: Provider[] = []
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const fault = failed ? 'not tried' : await run().then(() => '', String)
    report.step(STORY, title, failed ? 'skipped' : fault ? 'failed' : 'passed', Date.now() - from, fault)
    if (fault && !failed) console.log(`last words of the broker of ${STORY}:\n${broker?.tail(20)}`)
    failed ||= fault !== ''
  }
  try {
    const port = await freePort()
    const issuer = `http://127.0.0.1:${port}`
    const own = { id: 'plimsoll', secret: randomBytes(24).toString('base64url') }
    const said = { idp: 'corp', issuer, audience: ['plimsoll'], client_id: own.id, client_secret: own.secret }
    broker = await startBroker('node', {
      PLIMSOLL_OIDC: JSON.stringify([{ ...said, scope: 'openid profile' }]),
      PLIMSOLL_OIDC_HOSTS: '127.0.0.1',
      PLIMSOLL_TRUSTED_DASHBOARDS: DASHBOARD,
    })
    const { url, folder } = broker
    const known = { ...own, redirect: `${url}/identity/v3/auth/OS-FEDERATION/redirect` }
    const provider = await startProvider(port, known)
    providers.push(provider)
    client = await startClient(broker)
    const { say } = client
    const admin = await logIn(broker, 'admin')
    const { projectId } = await logIn(broker, 'demo')

    const manage = async (words: string) => told(await say(['--os-cloud', 'plimsoll-admin', ...words.split(' ')]))
    /** Options of one of the plugins, scoped or not. */
    const as = (
      plugin: string,
      options: Record<string, string>,
      scope: Record<string, string> = { 'project-id': projectId },
    ) => {
      const where = { 'auth-url': `${url}/identity/v3`, 'identity-provider': 'corp', protocol: 'openid' }
      const all = { 'auth-type': plugin, ...where, ...scope, ...options }
      return Object.entries(all).map(([name, value]) => `--os-${name}=${value}`)
    }
    const { cli, discovery, password } = provider
    const ours = { 'client-id': cli.id, 'client-secret': cli.secret, 'discovery-endpoint': discovery }
    const byPassword = (username: string) => as('v3oidcpassword', { ...ours, username, password })
    const byToken = (token: string) => as('v3oidcaccesstoken', { 'access-token': token })
    /** What a member sees: a token for the project, its name, and its servers. */
    const looks = async (who: string[], name: string) => {
      const token = json(await say([...who, 'token', 'issue', '-f', 'json']))
      assert.equal(token.project_id, projectId)
      const { user: found } = (await admin.must('GET', `/identity/v3/users/${token.user_id}`)) as {
        user: { name: string }
      }
      assert.equal(found.name, name)
      const projects = json(await say([...who, 'project', 'list', '-f', 'json'])) as unknown as { Name: string }[]
      assert.deepEqual(
        projects.map((each) => each.Name),
        ['demo'],
      )
      told(await say([...who, 'server', 'list']))
      return token.id!
    }
    const enter = async (token: string) =>
      (await fetch(url + AUTH, { method: 'POST', headers: { Authorization: `Bearer ${token}` } })).status
    const serversOf = async (token: string) =>
      (await fetch(`${url}/compute/v2.1/servers`, { headers: { 'X-Auth-Token': token } })).status

    let short = ''
    let shortFrom = 0
    await step('an administrator says who is believed, by the client', async () => {
      for (const [name, rules] of Object.entries({ rules: RULES, others: OTHERS }))
        await writeFile(join(folder, `${name}.json`), JSON.stringify(rules))
      await manage('group create ops')
      await manage('role add --group ops --project demo member')
      await manage(`mapping create --rules ${join(folder, 'rules.json')} corp`)
      await manage(`identity provider create --remote-id ${issuer} corp`)
      await manage('federation protocol create --identity-provider corp --mapping corp openid')
      short = await provider.token('urn:broker:short')
      shortFrom = Date.now()
    })
    await step('v3oidcpassword: alice is let in and has what her group has', () => looks(byPassword('alice'), 'alice'))
    await step('bob, who is in no such group, has no project; nobody is let in by a wrong password', async () => {
      assert.match((await say([...byPassword('bob'), 'server', 'list'])).stderr, /HTTP 401/)
      const wrong = as('v3oidcpassword', { ...ours, username: 'alice', password: 'wrong' })
      assert.notEqual((await say([...wrong, 'token', 'issue'])).rc, 0)
    })
    await step('v3oidcclientcredentials: a program is let in as itself', () =>
      looks(as('v3oidcclientcredentials', { ...ours, 'openid-scope': 'profile' }), 'robot'),
    )
    await step('v3oidcaccesstoken: by a token that the provider signed', async () =>
      looks(byToken(await provider.token('urn:broker')), 'robot'),
    )
    await step('v3oidcaccesstoken: by one that the provider is asked about', async () =>
      looks(byToken(await provider.token('urn:broker:opaque', 'alice')), 'alice'),
    )
    await step('v3oidcdeviceauthz: alice says yes in a browser while the client waits', async () => {
      await installClient(folder)
      const options = as('v3oidcdeviceauthz', { ...ours, 'code-challenge-method': 'S256' })
      const args = [...options, 'token', 'issue', '-f', 'json']
      const waiting = launch({ command: join(folder, 'openstack'), args, cwd: folder, ends: true })
      const over = new Promise<number | null>((resolve) => waiting.process.on('close', resolve))
      const link = await patiently(async () => /please go to: (\S+)/.exec(waiting.output())![1]!, 20_000)
      await browse(link, { login: 'alice', password })
      assert.equal(await over, 0, waiting.tail())
      const [text] = /\{[^{}]*\}/.exec(waiting.output()) ?? []
      assert.equal(JSON.parse(text!).project_id, projectId)
    })
    await step('a dashboard is handed a token by the browser that logged in at the provider', async () => {
      const sso = `${url}/identity/v3/auth/OS-FEDERATION/identity_providers/corp/protocols/openid/websso`
      const page = await browse(
        `${sso}?origin=${encodeURIComponent(DASHBOARD)}`,
        { login: 'alice', password },
        DASHBOARD,
      )
      const form = formOf(page)
      assert.equal(form?.action.href, DASHBOARD)
      const token = as('v3token', { token: form!.fields.token! }).filter(
        (each) => !/identity-provider|protocol/.test(each),
      )
      told(await say([...token, 'server', 'list']))
    })
    await step('a token for somebody else, of another key, or touched is refused', async () => {
      const forger = await startProvider(await freePort(), known, issuer)
      providers.push(forger)
      const good = await provider.token('urn:broker')
      const [head, , signature] = good.split('.')
      const body = btoa(JSON.stringify({ ...JSON.parse(atob(good.split('.')[1]!)), sub: 'alice' })).replace(/=+$/, '')
      const wrong: Record<string, string> = {
        'for another': await provider.token('urn:other'),
        'for another, and asked about': await provider.token('urn:other:opaque', 'alice'),
        'of another key': await forger.token('urn:broker'),
        touched: [head, body, signature].join('.'),
        made: randomBytes(30).toString('base64url'),
      }
      for (const [what, token] of Object.entries(wrong)) assert.equal(await enter(token), 401, what)
      assert.match((await say([...byToken(wrong['of another key']!), 'token', 'issue'])).stderr, /HTTP 401/)
      assert.equal(await enter(good), 201)
    })
    await step('who leaves the group loses with the next login what it gave, and tokens that had it', async () => {
      const token = await looks(byPassword('alice'), 'alice')
      assert.equal(await serversOf(token), 200)
      provider.people.alice!.groups = ['staff']
      assert.notEqual((await say([...byPassword('alice'), 'server', 'list'])).rc, 0)
      await patiently(async () => assert.equal(await serversOf(token), 401), SOON_MS)
      provider.people.alice!.groups = ['ops']
      await looks(byPassword('alice'), 'alice')
    })
    await step('other rules count from the next login on', async () => {
      await manage(`mapping set --rules ${join(folder, 'others.json')} corp`)
      assert.match((await say([...byPassword('alice'), 'token', 'issue'])).stderr, /HTTP 401/)
      await manage(`mapping set --rules ${join(folder, 'rules.json')} corp`)
      await looks(byPassword('alice'), 'alice')
    })
    await step('a token that is over is refused', async () => {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, shortFrom + OVER_MS - Date.now())))
      assert.equal(await enter(short), 401)
    })
    await step('who is believed no more lets nobody in, and takes tokens with it', async () => {
      const token = await looks(byPassword('alice'), 'alice')
      await manage('identity provider set --disable corp')
      assert.match((await say([...byPassword('alice'), 'token', 'issue'])).stderr, /HTTP 403/)
      await patiently(async () => assert.equal(await serversOf(token), 401), SOON_MS)
    })
  } catch (error) {
    report.step(STORY, 'users of a provider', 'failed', 0, String(error))
  } finally {
    client?.stop()
    for (const each of providers) await each.stop()
    await broker?.stop()
  }
}

const told = (said: Said): string => {
  assert.equal(said.rc, 0, said.stderr)
  return said.stdout
}
const json = (said: Said): Record<string, string> => JSON.parse(told(said))
