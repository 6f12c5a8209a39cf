import { execFileSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import type { Import } from './imports.ts'

/**
 * Where everything comes together: nearly every test reaches nearly every file through these, so a change is not
 * followed through them. That leaves what a change can break near it; the rest is for the whole suite.
 */
const TOGETHER = [
  /^functions\/(app|services|cron)\.ts$/,
  /^functions\/runtime\//,
  /^functions\/broker\/kinds\/index\.ts$/,
  /^adapters\/registry\.ts$/,
  /^test\/support\/harness\.ts$/,
]

/** Stories are told over HTTP and import nothing that they are about: a folder of sources and the folder of its stories. */
const STORIES: [sources: RegExp, stories: string][] = [
  [/^functions\/(identity|compute|network|block-storage|image)\//, 'test/api/$1/'],
  [/^functions\/broker-api\//, 'test/api/broker/'],
  [/^functions\/broker\//, 'test/broker/'],
  [/^functions\/(http|auth)\//, 'test/sweep/'],
  [/^functions\/runtime\//, 'test/runtime'],
  [/^db\/(migrations|cloud-state|schema)\//, 'test/migrations/'],
]

/** Files that differ from where this branch left the main one, new ones included; deleted ones are not among them. */
const changedFiles = (): string[] => {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).split('\n').filter(Boolean)
  const heads = ['origin/main', 'main'].filter((name) => {
    try {
      return git('rev-parse', '--verify', '--quiet', name).length > 0
    } catch {
      return false
    }
  })
  const base = heads[0] ? git('merge-base', heads[0], 'HEAD')[0]! : 'HEAD'
  return [...git('diff', '--name-only', base), ...git('ls-files', '--others', '--exclude-standard')].filter(existsSync)
}

/**
 * Test files that a change can break: those that import it, at however many removes, and the stories of the services
 * and rooms that do. Types are not followed: the type checker sees what they break.
 * @param changed paths of files, relative to the project
 * @param imports import lines of sources and tests
 * @param tests every test file
 */
export const affectedBy = (changed: string[], imports: Import[], tests: string[]): string[] => {
  const importers = Map.groupBy(
    imports.filter(({ type }) => !type),
    ({ to }) => to,
  )
  const reached = new Set<string>()
  const reach = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    if (TOGETHER.some((place) => place.test(file))) return
    for (const { from } of importers.get(file) ?? []) reach(from)
  }
  for (const file of changed) reach(file)
  const stories = [...reached].flatMap((file) =>
    STORIES.filter(([sources]) => sources.test(file)).map(([sources, folder]) =>
      file.replace(new RegExp(`${sources.source}.*`), folder),
    ),
  )
  return tests.filter((test) => reached.has(test) || stories.some((folder) => test.startsWith(folder)))
}

/** Tests that vitest runs and that this change can break. Simulations and their mutants take minutes: they are left to the suite. */
export const affectedTests = (imports: Import[]): string[] => {
  const tests = globSync('test/**/*.test.ts', { exclude: ['test/peers/**', 'test/bench/**', 'test/simulate/**'] })
  return affectedBy(changedFiles(), imports, tests)
}
