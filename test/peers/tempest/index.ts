import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { watchAgreement } from '../sandbox/agree.ts'
import { type Outcome, tellOutcomes } from '../suites/outcomes.ts'
import { type Api, logIn, logInAs } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { patience } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { type Account, accountsFile, letProjectsBegin, makeAccounts, makeOutside, removeNetworks } from './accounts.ts'
import { type CloudName, type Guests, STAGES, type Stage } from './clouds.ts'
import { configuration } from './configuration.ts'
import { keepOutcomes, writeDocument } from './document.ts'
import { knownOf, knownOn } from './known.ts'
import { nameOf } from './outcomes.ts'
import { runTempest, testsLike } from './run.ts'

const LISTS = { logins: 'logins.txt', interop: 'interop-compute.txt', more: 'more.txt' } as const
type Part = keyof typeof LISTS
/** What is run where nobody names parts. */
const USUAL: readonly Part[] = ['logins', 'interop']
const LIMIT_MS = 60 * 60_000
/** All classes of a service are many times what a list has. */
const LONG_LIMIT_MS = 4 * 60 * 60_000
const LEAK_MS = 90_000

/**
 * OpenStack's own integration tests: the interoperability guideline's list against a broker of its own for each cloud.
 * What is known to fail must fail, and what is not must pass.
 *
 * @param only clouds, with commas; undefined: all
 * @param page whether docs/conformance.md is written, of the last run of each cloud
 * @param parts of what is run where guests boot
 * @param pattern in place of parts: every test whose name this regular expression finds, in projects that Tempest makes
 */
export const tempest = async (
  report: Report,
  only: string | undefined,
  page: boolean,
  parts: readonly string[] = USUAL,
  pattern?: string,
): Promise<void> => {
  const whole = pattern === undefined && USUAL.every((part) => parts.includes(part))
  // The page is of the guideline's list: what is run beyond it is told, and kept nowhere.
  const listed = pattern === undefined && !parts.includes('more')
  const all = Object.keys(STAGES) as CloudName[]
  const asked = only?.split(',') ?? all
  const unknown = asked.filter((name) => !all.includes(name as CloudName))
  if (unknown.length) throw new Error(`there is no cloud ${unknown.join(', ')}; there are ${all.join(', ')}`)
  const clouds = all.filter((name) => asked.includes(name))
  for (const name of clouds) {
    const outcomes = await runOn(name, report, parts, pattern)
    tell(report, name, outcomes, whole, pattern !== undefined)
    if (listed) await keepOutcomes(name, outcomes, whole)
  }
  if (page && listed && !(await writeDocument())) console.log('docs/conformance.md waits for a run of every cloud')
}

const listOf = async (name: Part): Promise<string[]> => {
  const text = await readFile(fileURLToPath(new URL(LISTS[name], import.meta.url)), 'utf8')
  return text.split('\n').filter(Boolean)
}

/** The list of the guideline and, where guests boot, what needs those, which is then no part of the former. */
const runOn = async (
  name: CloudName,
  report: Report,
  parts: readonly string[],
  pattern: string | undefined,
): Promise<Map<string, Outcome>> => {
  const broker = await startBroker('node')
  let stage: Stage | undefined
  try {
    const admin = await logIn(broker, 'admin')
    const own = await STAGES[name](admin, broker)
    stage = own
    const accounts = await makeAccounts(broker, admin, own.cloud)
    const agreed = own.disagreements && watchAgreement(own.disagreements)
    const ended = async () => {
      agreed?.(report, `tempest × ${name}`)
      await removeNetworks(broker, accounts)
      await own.clear?.()
      await checkLeaks(name, broker, own, report)
    }
    const prepared = async (part: Part | 'matching', guests: Guests | null) => {
      // A folder that is named stays, with Tempest's own log.
      const folder = join(process.env.PEERS_TEMPEST ?? join(broker.folder, 'tempest'), part)
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'accounts.yaml'), accountsFile(accounts))
      const made = part === 'more' || part === 'matching'
      await writeFile(join(folder, 'tempest.conf'), await settings(broker, admin, accounts, own, guests, folder, made))
      return folder
    }
    const run = async (part: Part, listed: string[], guests: Guests | null) =>
      runTempest(await prepared(part, guests), listed, LIMIT_MS, own.guests?.entering ?? [])
    const runLike = async (like: string) => {
      await letProjectsBegin(admin, own.cloud)
      const folder = await prepared('matching', null)
      const listed = await testsLike(folder, like)
      return runTempest(folder, listed, LONG_LIMIT_MS, own.guests?.entering ?? [])
    }
    if (pattern !== undefined) {
      const outcomes = await runLike(pattern)
      await ended()
      return outcomes
    }
    const logins = own.guests ? await listOf('logins') : []
    const outcomes = new Map<string, Outcome>()
    if (own.guests && parts.includes('logins'))
      for (const [test, outcome] of await run('logins', logins, own.guests)) outcomes.set(test, outcome)
    const listed = (await listOf('interop')).filter((test) => !logins.map(nameOf).includes(nameOf(test)))
    if (parts.includes('more')) {
      await letProjectsBegin(admin, own.cloud)
      for (const [test, outcome] of await run('more', await listOf('more'), null)) outcomes.set(test, outcome)
    }
    if (parts.includes('interop'))
      for (const [test, outcome] of await run('interop', listed, null)) outcomes.set(test, outcome)
    await ended()
    return outcomes
  } finally {
    await stage?.close()
    await broker.stop()
  }
}

const checkLeaks = async (name: CloudName, broker: Broker, stage: Stage, report: Report): Promise<void> => {
  const started = Date.now()
  const isOver = patience(LEAK_MS)
  const ended = (result: 'passed' | 'failed', detail = '') =>
    report.step(`tempest × ${name}`, 'nothing with our mark is left on the cloud', result, Date.now() - started, detail)
  for (;;) {
    await broker.cron()
    const left = await stage.leftovers()
    if (!left.length) return ended('passed')
    if (isOver()) return ended('failed', left.join(', '))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

/**
 * Ids of the catalogue's names, as Tempest's own member sees them.
 * @param made whether Tempest makes projects of its own
 */
const settings = async (
  broker: Broker,
  admin: Api,
  accounts: Account[],
  stage: Stage,
  guests: Guests | null,
  folder: string,
  made: boolean,
): Promise<string> => {
  await inventory(admin, broker, stage.cloud)
  const member = await logInAs(broker, accounts.find(({ roles }) => roles.includes('member'))!)
  const idOf = async (path: string, collection: string, name: string): Promise<string> => {
    const found = (await member.must('GET', path))[collection].find((each: { name: string }) => each.name === name)
    if (!found) throw new Error(`there is no ${name} in ${path}`)
    return found.id
  }
  const { networks } = await member.must('GET', '/network/v2.0/networks?router:external=True')
  const { extensions } = await member.must('GET', '/network/v2.0/extensions')
  const { 'import-methods': ways } = await member.must('GET', '/image/v2/info/import')
  const described = await member.must('GET', '/broker/v1/capabilities')
  const { capabilities, limits } = described.clouds.find(({ cloud }: { cloud: string }) => cloud === stage.cloud)
  const able = new Set(Object.keys(capabilities).filter((each) => capabilities[each].available))
  return configuration({
    url: broker.url,
    folder,
    image: await idOf('/image/v2/images', 'images', guests?.image ?? stage.image),
    otherImage: await idOf('/image/v2/images', 'images', stage.otherImage),
    flavor: await idOf('/compute/v2.1/flavors', 'flavors', stage.flavor),
    otherFlavor: await idOf('/compute/v2.1/flavors', 'flavors', stage.otherFlavor),
    publicNetwork: made && able.has('network.external') ? await makeOutside(broker, accounts) : (networks[0] ?? null),
    extensions: extensions.map(({ alias }: { alias: string }) => alias),
    imports: ways.value.length > 0,
    capabilities: able,
    ipv6: made && limits.subnet.prefixes[6] !== undefined,
    guests,
    admin: made ? broker.passwords.admin : null,
  })
}

const inventory = async (admin: Api, broker: Broker, cloud: string): Promise<void> => {
  for (const isOver = patience(60_000); !isOver(); ) {
    await broker.cron()
    if ((await admin.must('GET', `/broker/v1/clouds/${cloud}`)).cloud.inventory_at) return
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  throw new Error(`the inventory of ${cloud} was not taken within 60 s`)
}

/** Tells them, and what is known of tests that are not there. `unlisted`: what was asked for by a pattern may be for another cloud. */
const tell = (
  report: Report,
  cloud: CloudName,
  outcomes: Map<string, Outcome>,
  whole: boolean,
  unlisted: boolean,
): void => {
  const story = `tempest × ${cloud}`
  tellOutcomes(report, story, outcomes, (test) => knownOf(cloud, test), { skips: unlisted })
  const heard = new Set([...outcomes.keys()].map((test) => knownOf(cloud, test)))
  for (const known of whole ? knownOn(cloud) : [])
    if (!heard.has(known)) report.step(story, known.test, 'failed', 0, 'it is known, but not in the list')
}
