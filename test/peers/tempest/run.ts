import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Outcome } from '../suites/outcomes.ts'
import { finish, launch } from '../support/child.ts'
import { pythonWith } from '../support/python.ts'
import { WORKERS } from './accounts.ts'
import { type Event, outcomesOf } from './outcomes.ts'

export const VERSION = '47.0.0'
export const RELEASED = '2026-09-09'

const WORKING = ['--concurrency', String(WORKERS)]
const READER = fileURLToPath(new URL('results.py', import.meta.url))

/** What services bring for Tempest besides, by the beginning of the names of its tests. */
export const PLUGINS: Record<string, string> = {
  'neutron_tempest_plugin.': 'neutron-tempest-plugin==3.3.0',
  'keystone_tempest_plugin.': 'keystone-tempest-plugin==0.22.0',
  'cinder_tempest_plugin.': 'cinder-tempest-plugin==1.23.0',
  'glance_tempest_plugin.': 'glance-tempest-plugin==0.17.0',
}
const pluginsIn = (name: string): string[] => Object.keys(PLUGINS).filter((prefix) => name.includes(prefix))

/** @param named a name or a pattern of tests: whose they are is installed, and no more, so that others are not listed. */
const pythonOf = async (folder: string, named: string) => {
  const plugins = pluginsIn(named.replaceAll('\\', '')).map((prefix) => PLUGINS[prefix]!)
  const python = await pythonWith('tempest', [`tempest==${VERSION}`, ...plugins])
  return { ...python, env: { ...python.env, HOME: folder, PYTHONWARNINGS: 'ignore', LANG: 'C.UTF-8' } }
}

/** Every test of Tempest whose name a regular expression finds, `tempest.conf` being in `folder`. */
export const testsLike = async (folder: string, pattern: string): Promise<string[]> => {
  const { command, env } = await pythonOf(folder, pattern)
  // To list needs a place for results, which only a run makes by itself.
  const begun = 'from stestr import commands; commands.init_command()'
  await finish({ command, args: ['-c', begun], cwd: folder, env })
  const words = ['-m', 'tempest.cmd.main', 'run', '--config-file', 'tempest.conf', '--list-tests', '--regex', pattern]
  const said = await finish({ command, args: words, cwd: folder, env })
  return said
    .split('\n')
    .filter((line) => ['tempest.', ...Object.keys(PLUGINS)].some((prefix) => line.startsWith(prefix)))
}

/**
 * Runs the list of tests as `tempest.conf` in `folder` says; longer than `limitMs` it may not take.
 * @param entering words before its command
 */
export const runTempest = async (
  folder: string,
  listed: string[],
  limitMs: number,
  entering: readonly string[],
): Promise<Map<string, Outcome>> => {
  const { command: python, env } = await pythonOf(folder, listed.join(' '))
  const list = join(folder, 'list.txt')
  await writeFile(list, `${listed.join('\n')}\n`)
  const words = ['-m', 'tempest.cmd.main', 'run', '--config-file', 'tempest.conf', '--load-list', list, ...WORKING]
  const [command = '', ...args] = [...entering, python, ...words]
  const tempest = launch({
    command,
    args,
    cwd: folder,
    env,
    group: true,
    ends: true,
  })
  const timer = setTimeout(() => void tempest.stop(), limitMs)
  await new Promise((resolve) => tempest.process.on('close', resolve))
  clearTimeout(timer)
  await tempest.stop()
  // Into a file: of what a program says only so much is kept.
  await finish({ command: python, args: [READER], cwd: folder, env }).catch((error) => {
    throw new Error(`Tempest left no results (${error}); its last words:\n${tempest.tail(60)}`)
  })
  const written = await readFile(join(folder, 'results.jsonl'), 'utf8')
  const events = written
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): Event => JSON.parse(line))
  return outcomesOf(events, listed)
}
