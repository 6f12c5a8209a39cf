import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logIn } from '../support/api.ts'
import { type Broker, ROOT, startBroker } from '../support/broker.ts'
import { launch } from '../support/child.ts'
import { pythonWith } from '../support/python.ts'
import type { Report } from '../support/report.ts'

/** https://schemathesis.readthedocs.io: reads a document, and asks for everything in it, rightly and wrongly. */
const REQUIREMENTS = ['schemathesis==4.32.5']

/** Services by the name of their document, with the microversions that are asked in; `''`: there are none. */
const SERVICES: Record<string, string[]> = {
  identity: [''],
  compute: ['2.96', '2.1'],
  volume: ['3.70', '3.0'],
  image: [''],
  network: [''],
  placement: ['1.39', '1.0'],
  broker: [''],
}
const PEOPLE = ['demo', 'admin'] as const

/** No answer of 5xx but a plain 501 or 503; statuses, media types and bodies as the document says. */
const CHECKS = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance'
const SETTINGS = `warnings = false

[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "501", "503"]
`
/** How long a part of the day takes at most, in seconds. */
const PART_S = 150

interface Round {
  service: string
  who: (typeof PEOPLE)[number]
  version: string
}

/** Every document as a member and as an administrator; `day`: one service as one of them. */
const roundsOf = (day: number | null, part: string | undefined): Round[] => {
  const all = Object.entries(SERVICES)
    .filter(([service]) => part === undefined || service === part)
    .flatMap(([service, versions]) =>
      versions.flatMap((version) => PEOPLE.map((who): Round => ({ service, who, version }))),
    )
  return day === null ? all : [all[day % all.length]!]
}

/** What Schemathesis found, without the requests by which it did: the log has them. */
const foundIn = (said: string): string => {
  const lines = said
    .split('\n')
    .filter((line) => /^_{3,} |^- ST\d+|^ {4}Received|^E |test cases|Errors?:|🚫|❌/i.test(line))
  return lines.slice(0, 60).join('\n')
}

const play = async (broker: Broker, folder: string, { service, who, version }: Round, seconds: number | null) => {
  const { token } = await logIn(broker, who)
  const python = await pythonWith('schemathesis', REQUIREMENTS)
  const document = `${broker.url}/${service}/openapi.json${version ? `?microversion=${version}` : ''}`
  const spoken = version ? ['-H', `OpenStack-API-Version: ${service} ${version}`] : []
  // What a day asks is the same each time, so that it fails for a change alone; the whole looks for what nobody knows yet.
  const bounds =
    seconds === null
      ? ['--phases', 'examples,coverage,fuzzing', '-n', '30']
      : ['--phases', 'examples,coverage', '--max-time', String(seconds), '--generation-deterministic']
  const child = launch({
    command: python.command,
    args: [
      ...['-m', 'schemathesis.cli', 'run', document, '--url', broker.url, '-H', `X-Auth-Token: ${token}`, ...spoken],
      ...['--checks', CHECKS, '--continue-on-failure', '--no-shrink'],
      ...['--workers', '1', '--suppress-health-check', 'all', '--request-timeout', '30', ...bounds],
    ],
    cwd: folder,
    env: {
      ...python.env,
      SCHEMATHESIS_HOOKS: 'hooks',
      PYTHONPATH: [join(ROOT, 'test/peers/schemathesis'), python.env.PYTHONPATH].filter(Boolean).join(':'),
      NO_COLOR: '1',
    },
    ends: true,
    all: true,
  })
  const code = await new Promise((resolve) => child.process.on('close', resolve))
  if (code !== 0) throw new Error(child.output())
}

/**
 * Schemathesis on the documents that services give of themselves, by the embedded cloud on Node. Each round has a broker
 * of its own: whoever may do everything deletes what others need.
 *
 * @param day null: whole
 * @param part one service alone
 */
export const schemathesis = async (report: Report, day: number | null, part?: string): Promise<void> => {
  for (const round of roundsOf(day, part)) {
    const began = Date.now()
    const title = `${round.service} ${round.version} as ${round.who}`.replace('  ', ' ')
    const folder = await mkdtemp(join(tmpdir(), 'schemathesis-'))
    await writeFile(join(folder, 'schemathesis.toml'), SETTINGS)
    const broker = await startBroker('node')
    try {
      await play(broker, folder, round, day === null ? null : PART_S)
      report.step('schemathesis', title, 'passed', Date.now() - began)
    } catch (error) {
      report.step('schemathesis', title, 'failed', Date.now() - began, foundIn(String(error)))
    } finally {
      await broker.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
