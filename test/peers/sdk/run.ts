import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lineOf, type Outcome, raised } from '../suites/outcomes.ts'
import { finish, launch } from '../support/child.ts'
import { type Python, pythonWith } from '../support/python.ts'
import type { Event } from '../tempest/outcomes.ts'

export const VERSION = '4.22.0'
/** What its own tests need besides it (`test` among the dependency groups of its pyproject.toml). */
const BESIDE = [
  'ddt==1.7.2',
  'fixtures==4.3.2',
  'jsonschema==4.26.0',
  'oslo.config==10.7.0',
  'oslotest==6.1.1',
  'python-subunit==1.4.6',
  'requests-mock==1.12.1',
  'statsd==4.0.1',
  'stestr==4.2.1',
  'testscenarios==0.7.0',
  'testtools==2.9.1',
]
const TESTS = 'openstack/tests/functional'
const READER = fileURLToPath(new URL('../tempest/results.py', import.meta.url))
const WORKERS = '2'
const TEST_S = '180'
const WAIT_S = '90'

/** openstacksdk with its own tests: its package brings them. */
export const openstacksdk = (): Promise<Python> => pythonWith('sdk', [`openstacksdk==${VERSION}`, ...BESIDE])

/**
 * Runs the functional tests of one service in `folder`, which becomes theirs.
 * @param clouds a `clouds.yaml` with the names that the tests know
 */
export const runService = async (
  python: Python,
  service: string,
  folder: string,
  clouds: string,
): Promise<Map<string, Outcome>> => {
  await mkdir(folder, { recursive: true })
  // Tests of images upload a file of the folder that they are run in: one of its source's root.
  await writeFile(join(folder, 'CONTRIBUTING.rst'), 'Contributing\n============\n')
  const env = {
    ...python.env,
    HOME: folder,
    LANG: 'C.UTF-8',
    PYTHONWARNINGS: 'ignore',
    OS_CLIENT_CONFIG_FILE: clouds,
    OS_TEST_TIMEOUT: TEST_S,
    OPENSTACKSDK_FUNC_TEST_TIMEOUT: WAIT_S,
    OPENSTACKSDK_EXAMPLE_CONFIG_KEY: 'functional',
    OS_LOG_CAPTURE: 'true',
    OS_STDOUT_CAPTURE: 'true',
    OS_STDERR_CAPTURE: 'true',
  }
  const { command } = python
  const asked = 'import openstack, pathlib; print(pathlib.Path(openstack.__file__).parent.parent)'
  const root = (await finish({ command, args: ['-c', asked], env })).trim()
  const stestr = ['-m', 'stestr.cli', '--test-path', join(root, TESTS, service), '--top-dir', root]
  await finish({ command, args: [...stestr, 'init'], cwd: folder, env })
  const run = launch({ command, args: [...stestr, 'run', '--concurrency', WORKERS], cwd: folder, env, ends: true })
  await new Promise((resolve) => run.process.on('close', resolve))
  await finish({ command, args: [READER], cwd: folder, env }).catch((error) => {
    throw new Error(`${service}: no results (${error}); last words:\n${run.tail(60)}`)
  })
  const written = await readFile(join(folder, 'results.jsonl'), 'utf8')
  const events = written
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): Event => JSON.parse(line))
  return new Map(events.map((event) => [nameOf(event.test), outcomeOf(event)]))
}

/** `service.module.Class.test`, without versions. */
const nameOf = (test: string): string => test.replace('openstack.tests.functional.', '').replace(/\.v\d\./, '.')

const outcomeOf = ({ status, seconds, details }: Event): Outcome => {
  const result = status === 'success' ? 'passed' : status === 'skip' ? 'skipped' : 'failed'
  const why = result === 'passed' ? '' : lineOf(result === 'skipped' ? details : raised(details))
  return { result, ms: seconds * 1_000, why }
}
