import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** As much of a source map, version 3, as is read here: https://tc39.es/ecma426/ */
export interface SourceMap {
  sources: string[]
  mappings: string
}
export interface Place {
  source: string
  line: number
  column: number
}

/** Places that stay known, so that an error that comes again and again is looked up once. */
const KNOWN = 1_000

/**
 * In a built program: stack traces name the sources. A map is read when a trace is written and forgotten again, since one
 * that is kept ready, as `--enable-source-maps` does it, takes more memory than the program itself.
 * @param root folder of the project, to which the paths are relative
 */
export const nameSources = (root: string): void => {
  if (!existsSync(`${fileURLToPath(import.meta.url)}.map`)) return
  const known = new Map<string, string>()
  Error.prepareStackTrace = (error, frames) => {
    const maps = new Map<string, SourceMap | null>()
    const named = (frame: NodeJS.CallSite): string => {
      const text = String(frame)
      const file = fileOf(frame)
      if (!file) return text
      const at = `${frame.getFileName()}:${frame.getLineNumber()}:${frame.getColumnNumber()}`
      let place = known.get(at)
      if (place === undefined) {
        if (!maps.has(file)) maps.set(file, mapOf(file))
        const map = maps.get(file)
        const found = map ? placeIn(map, frame.getLineNumber() ?? 0, frame.getColumnNumber() ?? 0) : null
        place = found ? `${relative(root, join(dirname(file), found.source))}:${found.line}:${found.column}` : at
        if (known.size >= KNOWN) known.clear()
        known.set(at, place)
      }
      return text.replace(at, place)
    }
    return [String(error), ...frames.map((frame) => `    at ${named(frame)}`)].join('\n')
  }
}

const fileOf = (frame: NodeJS.CallSite): string | null => {
  const name = frame.getFileName()
  return name?.startsWith('file:') ? fileURLToPath(name) : null
}

const mapOf = (file: string): SourceMap | null =>
  existsSync(`${file}.map`) ? (JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMap) : null

/**
 * Where something of a built file stands in the sources: the last mapping of its line at or before the column.
 * @param line,column from 1, as traces have them; those of the place are, too
 */
export const placeIn = ({ sources, mappings }: SourceMap, line: number, column: number): Place | null => {
  let found: Place | null = null
  // Every number but the first is the difference to the one before it, over all lines.
  let [source, sourceLine, sourceColumn] = [0, 1, 1]
  mappings.split(';', line).forEach((segments, index) => {
    let generated = 1
    for (const segment of segments ? segments.split(',') : []) {
      const [byColumns, bySources, byLines, byTheirColumns] = numbersIn(segment)
      generated += byColumns!
      source += bySources ?? 0
      sourceLine += byLines ?? 0
      sourceColumn += byTheirColumns ?? 0
      if (index === line - 1 && generated <= column && bySources !== undefined)
        found = { source: sources[source]!, line: sourceLine, column: sourceColumn }
    }
  })
  return found
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Numbers in Base64 VLQ: five bits a digit, the lowest first, a sixth says that there are more; the lowest bit of all is the sign. */
const numbersIn = (text: string): number[] => {
  const numbers: number[] = []
  let [value, shift] = [0, 0]
  for (const each of text) {
    const digit = DIGITS.indexOf(each)
    value |= (digit & 31) << shift
    shift += 5
    if (digit & 32) continue
    numbers.push(value & 1 ? -(value >> 1) : value >> 1)
    value = shift = 0
  }
  return numbers
}
