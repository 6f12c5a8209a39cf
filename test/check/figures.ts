import { globSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { documentedShare, ourFunctions } from './docstrings.ts'
import { circlesIn, floorsOf, importsOf } from './imports.ts'

const SOURCES = '{functions,adapters,db}/**/*.ts'

/** The files that a boot passes from route to adapter, as docs/architecture.md lists them. */
export const bootFiles = (): string[] => {
  const page = readFileSync('docs/architecture.md', 'utf8')
  const section = /^## A boot, file by file\n(.*?)(?=^## |$(?![\s\S]))/ms.exec(page)?.[1] ?? ''
  return [...section.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, path]) => path!)
}

/** The value that so many of a hundred do not exceed; `sorted` ascends. */
const quantile = (sorted: number[], percent: number): number =>
  sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0

/** What tells how the house stands, name and value, measured on the files as they are. */
export const figures = (): [name: string, value: string][] => {
  const imports = importsOf(SOURCES)
  const files = globSync(SOURCES)
  const lines = files.map((path) => readFileSync(path, 'utf8').trimEnd().split('\n').length).sort((a, b) => a - b)
  const folders = [...Map.groupBy(files, (path) => dirname(path))].map(([path, { length }]) => ({ path, length }))
  const largest = folders.reduce((most, each) => (each.length > most.length ? each : most))
  const long = lines.filter((count) => count > 300).length
  const exported = ourFunctions()
  const boot = bootFiles()
  const bootLines = boot.reduce((sum, path) => sum + readFileSync(path, 'utf8').trimEnd().split('\n').length, 0)
  return [
    ['files', String(files.length)],
    ['lines a file: median / p90 / most', [quantile(lines, 50), quantile(lines, 90), lines.at(-1)].join(' / ')],
    ['files over 300 lines', `${long} (${((100 * long) / files.length).toFixed(1)} %)`],
    ['largest folder', `${largest.path}: ${largest.length} files`],
    ['floors of functions/broker', String(floorsOf('functions/broker', imports))],
    ['floors of db/queries', String(floorsOf('db/queries', imports))],
    ['circles of imports, types included', String(circlesIn(imports).length)],
    ['files to open for a boot', `${boot.length}, of ${bootLines} lines`],
    ['exported functions with a docstring', `${documentedShare(exported).toFixed(1)} % of ${exported.length}`],
  ]
}
