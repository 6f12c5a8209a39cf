import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PersonName } from '../suites/ground.ts'
import { ALT_PASSWORD, EXTERNAL, FLAVOR, type Ground, IMAGE, layGround, NETWORK, PERSONS } from '../suites/ground.ts'
import { lineOf, type Outcome, tellOutcomes } from '../suites/outcomes.ts'
import { writeSuite } from '../suites/page.ts'
import { fill, type Vars } from '../support/match.ts'
import type { Report } from '../support/report.ts'
import { CLIENTS, type Cli, NEUTRON, type Said, startOldClient } from './client.ts'
import { knownOf } from './known.ts'
import { furnish } from './things.ts'

const ALL: Cli[] = [...(Object.keys(CLIENTS) as Cli[]), 'neutron']
const WAIT_MS = 40_000

/**
 * The command lines that services had before there was one for all: each command that their own help lists, once at least.
 *
 * @param turn null: all of them, and the page is written; else the client whose turn it is
 * @param part clients, with commas
 */
export const commands = async (report: Report, turn: number | null, part?: string): Promise<void> => {
  const asked = ALL.filter((name, i) => (turn === null ? !part || part.split(',').includes(name) : i === turn % 4))
  const ground = await layGround({ settings: { PLIMSOLL_IMPORT_HOSTS: '127.0.0.1' } })
  try {
    const outcomes = new Map<string, Outcome>()
    for (const cli of asked) for (const [test, outcome] of await play(cli, ground)) outcomes.set(test, outcome)
    ground.agreed(report, 'commands')
    tellOutcomes(report, 'commands', outcomes, knownOf)
    if (asked.length < ALL.length) return
    const refused = (await Promise.all(ALL.map(refusedOf))).flat()
    await writeSuite({
      title: 'nova, cinder, glance and neutron by their own command lines',
      about: `python-novaclient ${CLIENTS.nova}, python-cinderclient ${CLIENTS.cinder}, python-glanceclient ${CLIENTS.glance} and python-neutronclient ${NEUTRON} of PyPI, every command that their help lists and that is for what Plimsoll has a service for, by \`npm run peers -- commands\`. ${refused.length} of them the service refuses itself, as it comes or because there is no such thing, and they pass if they are refused with its status and in its words (\`test/peers/commands/*.txt\` says why of each): ${refused.map((name) => `\`${name}\``).join(', ')}.`,
      outcomes,
      groupOf: (test) => test.split(' ')[0]!,
      knownOf,
    })
  } finally {
    await ground.stop()
  }
}

/** A line of a list: who says what, what is kept of it, and whether it is waited for. */
interface Line {
  who: PersonName
  argv: string[]
  version: string | null
  /** Names of variables, and of the fields whose values they get. */
  keeps: [name: string, field: string][]
  until: string | null
  gone: boolean
  /** It is said again until it is not refused. */
  again: boolean
  /** The service itself refuses it, with that status (null: its client does, and asks nothing), and in these words. */
  refused: Refusal | null
}

interface Refusal {
  status: string | null
  words: string
}

const lineOfList = (text: string): Line => {
  const [, kept, rest = ''] = /^(?:([\w= -]+) <- )?(.*)$/.exec(text) ?? []
  const [, status, words, asked = ''] = /^(?:refused (\d{3} )?"([^"]+)": )?(.*)$/.exec(rest) ?? []
  const [, wait, gone, again, said = ''] = /^(?:wait ([\w-]+): |(gone: )|(again: ))?(.*)$/.exec(asked) ?? []
  const [, who = 'demo', version, line = ''] = /^(?:(admin|alt): )?(?:@([\d.]+) )?(.*)$/.exec(said) ?? []
  const keeps = (kept ?? '').split(' ').filter(Boolean)
  return {
    who: who as PersonName,
    argv: line.split(' '),
    version: version ?? null,
    keeps: keeps.map((each) => {
      const [name = '', field = 'id'] = each.split('=')
      return [name, field]
    }),
    until: wait ?? null,
    gone: gone !== undefined,
    again: again !== undefined,
    refused: words === undefined ? null : { status: status?.trim() ?? null, words },
  }
}

const linesOf = async (cli: Cli): Promise<Line[]> => {
  const text = await readFile(fileURLToPath(new URL(`${cli}.txt`, import.meta.url)), 'utf8')
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'))
  return lines.map(lineOfList)
}

/** Commands that their service refuses itself. */
const refusedOf = async (cli: Cli): Promise<string[]> =>
  (await linesOf(cli)).flatMap(({ refused, argv }) => (refused ? `${cli} ${argv[0]}` : []))

/** Plays a client's list. Each command counts once: one that is said again and refused then has failed. */
const play = async (cli: Cli, ground: Ground): Promise<Map<string, Outcome>> => {
  const lines = await linesOf(cli)
  const folder = ground.broker.folder
  const vars: Vars = { ...(await namesFor(ground, folder)), ...(await furnish(ground, cli)) }
  const client = await startOldClient(cli, folder)
  const outcomes = new Map<string, Outcome>()
  try {
    for (const line of lines) {
      const argv = line.argv.map((word) => fill(word, vars))
      const env = { ...environment(ground, line.who), OS_COMPUTE_API_VERSION: line.version ?? '2.latest' }
      const test = `${cli} ${line.argv[0]}`
      const said = await heard(() => client.say(argv, env), line)
      const fault = faultOf(said, line, vars)
      if (process.env.PEERS_TELL) console.log(fault ? `-- ${test}: ${fault.slice(0, 200)}` : `ok ${test} ${said.ms}`)
      if (fault) outcomes.set(test, { result: 'failed', ms: said.ms, why: lineOf(fault) })
      else if (!outcomes.has(test)) outcomes.set(test, { result: 'passed', ms: said.ms, why: '' })
      for (const [name, field] of line.keeps) {
        const value = fieldOf(said.stdout, field)
        if (value) vars[name] = value
      }
    }
  } finally {
    client.stop()
  }
  return outcomes
}

const heard = async (say: () => Promise<Said>, { until, gone, again }: Line): Promise<Said> => {
  // What never comes is waited for often: not for as much longer as the machine is busy.
  for (const over = Date.now() + WAIT_MS; ; await new Promise((resolve) => setTimeout(resolve, 500))) {
    const said = await say()
    const is = gone ? said.rc !== 0 : again ? said.rc === 0 : until === null || isOf(said, until)
    if (is || Date.now() > over) return said
    // What is in error does not become anything else.
    if (until !== null && until.toLowerCase() !== 'error' && isOf(said, 'error')) return said
  }
}

/** What a table says its status is; one that has no such line has the word somewhere. */
const isOf = ({ stdout }: Said, status: string): boolean =>
  (fieldOf(stdout, 'status') ?? stdout).toLowerCase().includes(status.toLowerCase())

const faultOf = (said: Said, { until, gone, refused }: Line, vars: Vars): string | null => {
  if (gone) return said.rc === 0 ? 'It is still there.' : null
  if (refused) return refusalFault(said, refused, vars)
  if (said.rc !== 0) return (said.stderr || said.stdout).trim().split('\n').slice(-3).join(' ') || `exit ${said.rc}`
  return until !== null && !isOf(said, until) ? `It did not become ${until}.` : null
}

const refusalFault = ({ rc, stdout, stderr }: Said, { status, words }: Refusal, vars: Vars): string | null => {
  const told = `${stderr} ${stdout}`.trim()
  if (rc === 0) return 'It is not refused.'
  const right = told.includes(fill(words, vars)) && (status === null || told.includes(`HTTP ${status}`))
  return right ? null : `It is refused otherwise: ${told}`
}

/** The value of a field: in a dictionary, in a table of one thing, or in the first row of one of many. */
const fieldOf = (text: string, field: string): string | null => {
  const inside = new RegExp(`'${field}': '([^']+)'`).exec(text)?.[1]
  if (inside) return inside
  const rows = text.split('\n').filter((line) => line.startsWith('|'))
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  const one = cells.find(([name]) => name?.toLowerCase() === field.toLowerCase())
  if (one?.length === 2 && cells[0]!.length === 2) return one[1]!
  const at = cells[0]?.findIndex((name) => name.toLowerCase().replaceAll(' ', '_') === field.toLowerCase()) ?? -1
  return at < 0 ? null : (cells[1]?.[at] ?? null)
}

const environment = ({ broker }: Ground, who: PersonName): Record<string, string> => ({
  OS_AUTH_URL: `${broker.url}/identity/v3`,
  OS_USERNAME: PERSONS[who].name,
  OS_PASSWORD: { ...broker.passwords, alt: ALT_PASSWORD }[who],
  OS_PROJECT_NAME: PERSONS[who].project,
  OS_USER_DOMAIN_ID: 'default',
  OS_PROJECT_DOMAIN_ID: 'default',
  OS_REGION_NAME: 'RegionOne',
  OS_IDENTITY_API_VERSION: '3',
})

const namesFor = async ({ admin, demo, ids }: Ground, folder: string): Promise<Vars> => {
  const path = `/network/v2.0/networks?name=${NETWORK}&project_id=${demo.projectId}`
  const [network] = (await demo.must('GET', path)).networks
  const { projects } = await admin.must('GET', `/identity/v3/projects?name=${PERSONS.alt.project}`)
  const file = join(folder, 'data')
  await writeFile(file, new Uint8Array(4096))
  return {
    project: demo.projectId,
    adminproject: admin.projectId,
    altproject: projects[0].id,
    image: IMAGE,
    imageid: ids.image,
    flavor: FLAVOR,
    flavor2: 'm1.resize',
    net: network.id,
    external: EXTERNAL,
    file,
    download: join(folder, 'downloaded'),
    nobody: '11111111-1111-4111-8111-111111111111',
  }
}
