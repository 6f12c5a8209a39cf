import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { posix } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compileFunction } from 'node:vm'
import { transform } from 'esbuild'
import type { Mutant } from './mutants.ts'

type Exports = Record<string, unknown>
type Body = (module: { exports: Exports }, require: (name: string) => unknown, url: string) => void

/** Paths of our own files are from the root of the project. */
const ALIASES: Record<string, string> = { '#adapters': 'adapters/loaded.ts' }
const pathOf = (name: string, from: string): string | null =>
  name.startsWith('.') ? posix.join(posix.dirname(from), name) : (ALIASES[name] ?? null)
const packages = createRequire(pathToFileURL('package.json'))

const compile = async (path: string, source: string): Promise<{ body: Body; imports: string[] }> => {
  const { code } = await transform(source, {
    loader: path.endsWith('.json') ? 'json' : 'ts',
    format: 'cjs',
    target: 'node24',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__url' },
  })
  const names = [...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name!)
  return {
    body: compileFunction(code, ['module', 'require', '__url'], { filename: path }) as Body,
    imports: names.flatMap((name) => pathOf(name, path) ?? []),
  }
}

const bodies = new Map<string, Promise<{ body: Body; imports: string[] }>>()
const bodyOf = (path: string) => {
  const body = bodies.get(path) ?? compile(path, readFileSync(path, 'utf8'))
  bodies.set(path, body)
  return body
}

const reach = async (path: string, reached: Map<string, Body>): Promise<void> => {
  if (reached.has(path)) return
  reached.set(path, () => {})
  const { body, imports } = await bodyOf(path)
  reached.set(path, body)
  await Promise.all(imports.map((each) => reach(each, reached)))
}

/** A file without one of its rules. Throws if the rule does not stand there exactly once. */
export const withoutRule = ({ file, replace }: Pick<Mutant, 'file' | 'replace'>): string =>
  replace.reduce(
    (source, [text, by]) => {
      const count = source.split(text).length - 1
      if (count !== 1) throw new Error(`${file} has ${count} times: ${text}`)
      return source.replace(text, () => by)
    },
    readFileSync(file, 'utf8'),
  )

/** A file, and all that reach it by their imports. */
const above = async (file: string, paths: Iterable<string>): Promise<Set<string>> => {
  const importers = new Map<string, string[]>()
  for (const path of paths)
    for (const each of (await bodyOf(path)).imports) importers.set(each, [...(importers.get(each) ?? []), path])
  const found = new Set([file])
  for (const each of found) for (const path of importers.get(each) ?? []) found.add(path)
  return found
}

type Loaded = Map<string, { exports: Exports }>
/** What no mutant is within, loaded once for all of them: their worlds have nothing in common but it. */
const common: Loaded = new Map()

/**
 * The program, and whatever plays with it, as modules that are nobody else's, with nothing left in them from before. If a
 * mutant is named, one rule is taken out, and what cannot know of it is shared with other mutants. What is compiled is
 * compiled once for all; packages are shared. Answers how a file of it is imported.
 * @param entries paths of what will be imported
 */
export const programOf = async (entries: string[], mutant?: Mutant): Promise<<T>(path: string) => T> => {
  const reached = new Map<string, Body>()
  await Promise.all(entries.map((path) => reach(path, reached)))
  if (mutant) {
    if (!reached.has(mutant.file)) throw new Error(`nothing imports ${mutant.file}`)
    reached.set(mutant.file, (await compile(mutant.file, withoutRule(mutant))).body)
  }
  const own: Loaded = new Map()
  const changed = mutant && (await above(mutant.file, reached.keys()))
  const load = (path: string): Exports => {
    const loaded = changed && !changed.has(path) ? common : own
    const known = loaded.get(path)
    if (known) return known.exports
    const module = { exports: {} }
    loaded.set(path, module)
    const ours = (name: string) => pathOf(name, path)
    reached.get(path)!(module, (name) => (ours(name) ? load(ours(name)!) : packages(name)), pathToFileURL(path).href)
    return module.exports
  }
  return <T>(path: string) => load(path) as T
}
