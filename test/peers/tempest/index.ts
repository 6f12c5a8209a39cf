import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Api, logIn, logInAs } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { patience } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { type Account, accountsFile, letProjectsBegin, makeAccounts, removeNetworks } from './accounts.ts'
import { type CloudName, type Guests, STAGES, type Stage } from './clouds.ts'
import { configuration } from './configuration.ts'
import { count, keepOutcomes, writeDocument } from './document.ts'
import { knownOf, knownOn } from './known.ts'
import { nameOf, type Outcome } from './outcomes.ts'
import { runTempest } from './run.ts'

const LISTS = { logins: 'logins.txt', interop: 'interop-compute.txt', more: 'more.txt' } as const
/** What is run where nobody names parts. */
const USUAL: readonly Part[] = ['logins', 'interop']
type Part = keyof typeof LISTS
const LIMIT_MS = 60 * 60_000
const LEAK_MS = 90_000

/**
 * OpenStack's own integration tests: the interoperability guideline's list against a broker of its own for each cloud.
 * What is known to fail must fail, and what is not must pass.
 *
 * @param only clouds, with commas; undefined: all
 * @param page whether docs/conformance.md is written, of the last run of each cloud
 * @param parts of what is run where guests boot
 */
export const tempest = async (
  report: Report,
  only: string | undefined,
  page: boolean,
  parts: readonly string[] = USUAL,
): Promise<void> => {
  const whole = USUAL.every((part) => parts.includes(part))
  // The page is of the guideline's list: what is run beyond it is told, and kept nowhere.
  const listed = !parts.includes('more')
  const all = Object.keys(STAGES) as CloudName[]
  const asked = only?.split(',') ?? all
  const unknown = asked.filter((name) => !all.includes(name as CloudName))
  if (unknown.length) throw new Error(`there is no cloud ${unknown.join(', ')}; there are ${all.join(', ')}`)
  const clouds = all.filter((name) => asked.includes(name))
  for (const name of clouds) {
    const outcomes = await runOn(name, report, parts)
    tell(report, name, outcomes, whole)
    if (listed) await keepOutcomes(name, outcomes, whole)
  }
  if (page && listed && !(await writeDocument())) console.log('docs/conformance.md waits for a run of every cloud')
}

const listOf = async (name: Part): Promise<string[]> => {
  const text = await readFile(fileURLToPath(new URL(LISTS[name], import.meta.url)), 'utf8')
  return text.split('\n').filter(Boolean)
}

/** The list of the guideline and, where guests boot, what needs those, which is then no part of the former. */
const runOn = async (name: CloudName, report: Report, parts: readonly string[]): Promise<Map<string, Outcome>> => {
  const broker = await startBroker('node')
  let stage: Stage | undefined
  try {
    const admin = await logIn(broker, 'admin')
    const own = await STAGES[name](admin, broker)
    stage = own
    const accounts = await makeAccounts(broker, admin, own.cloud)
    const run = async (part: Part, listed: string[], guests: Guests | null) => {
      // A folder that is named stays, with Tempest's own log.
      const folder = join(process.env.PEERS_TEMPEST ?? join(broker.folder, 'tempest'), part)
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'accounts.yaml'), accountsFile(accounts))
      await writeFile(join(folder, 'tempest.conf'), await settings(broker, admin, accounts, own, guests, folder, part))
      return runTempest(folder, listed, LIMIT_MS, own.guests?.entering ?? [])
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
    await removeNetworks(broker, accounts)
    await own.clear?.()
    await checkLeaks(name, broker, own, report)
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

/** Ids of the catalogue's names, as Tempest's own member sees them. */
const settings = async (
  broker: Broker,
  admin: Api,
  accounts: Account[],
  stage: Stage,
  guests: Guests | null,
  folder: string,
  part: Part,
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
  const { capabilities } = described.clouds.find(({ cloud }: { cloud: string }) => cloud === stage.cloud)
  return configuration({
    url: broker.url,
    folder,
    image: await idOf('/image/v2/images', 'images', guests?.image ?? stage.image),
    otherImage: await idOf('/image/v2/images', 'images', stage.otherImage),
    flavor: await idOf('/compute/v2.1/flavors', 'flavors', stage.flavor),
    otherFlavor: await idOf('/compute/v2.1/flavors', 'flavors', stage.otherFlavor),
    publicNetwork: networks[0]?.id ?? null,
    extensions: extensions.map(({ alias }: { alias: string }) => alias),
    imports: ways.value.length > 0,
    capabilities: new Set(Object.keys(capabilities).filter((each) => capabilities[each].available)),
    guests,
    admin: part === 'more' ? broker.passwords.admin : null,
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

/** Counts what is as expected as passed or (with the reason) skipped, and everything else as failed. */
const tell = (report: Report, cloud: CloudName, outcomes: Map<string, Outcome>, whole: boolean): void => {
  const story = `tempest × ${cloud}`
  const unused = new Set(knownOn(cloud))
  for (const [test, { result, ms, why }] of outcomes) {
    const known = knownOf(cloud, test)
    if (known) unused.delete(known)
    const expected = known?.result ?? 'passed'
    if (result !== expected)
      report.step(story, test, 'failed', ms, known ? `${result}, but known as ${expected} ${why}` : `${result}: ${why}`)
    else if (known) report.step(story, test, 'skipped', ms, `${result === 'failed' ? 'FAILS' : 'skips'}: ${known.why}`)
    else report.step(story, test, 'passed', ms)
  }
  for (const { test } of whole ? unused : []) report.step(story, test, 'failed', 0, 'it is known, but not in the list')
  const [passed, failed, skipped] = (['passed', 'failed', 'skipped'] as const).map((each) =>
    count(outcomes.values(), each),
  )
  console.log(`${story}: ${passed} passed, ${failed} failed, ${skipped} skipped`)
}
