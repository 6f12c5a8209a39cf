import { readFileSync, writeFileSync } from 'node:fs'
import type { Reduced, Shape } from './reduce.ts'
import type { Told } from './side.ts'

/** What is compared: a story of each service, in `stories/`, and what the services answered, in `recorded/`. */
export const STORIES = ['identity', 'image', 'network', 'volume', 'compute'] as const
export type StoryName = (typeof STORIES)[number]

const at = (path: string) => new URL(path, import.meta.url)

export const storyOf = (name: StoryName): string => readFileSync(at(`stories/${name}.txt`), 'utf8')

/** Headers and bodies are written once each, as many answers share them. */
interface File {
  /** Names and versions of what was recorded. */
  of: string
  headers: Record<string, string>[]
  bodies: Shape[]
  /** By the line: status, type, place among the headers and the bodies. */
  answers: Record<string, [status: number, type: string | null, headers: number, body: number]>
}

export const readRecording = (name: StoryName): { of: string; told: Told } => {
  const file = JSON.parse(readFileSync(at(`recorded/${name}.json`), 'utf8')) as File
  const told: Told = new Map()
  for (const [line, [status, type, headers, body]] of Object.entries(file.answers))
    told.set(line, { status, type, headers: file.headers[headers]!, body: file.bodies[body]! })
  return { of: file.of, told }
}

/** A line a header, a body, an answer: what changes from recording to recording is seen. */
export const writeRecording = (name: StoryName, of: string, told: Told): void => {
  const headers = placesIn<Reduced['headers']>()
  const bodies = placesIn<Shape>()
  const answers = [...told].map(
    ([line, { status, type, headers: heads, body }]) =>
      `    ${JSON.stringify(line)}: ${JSON.stringify([status, type, headers.of(heads), bodies.of(body)])}`,
  )
  const list = (values: unknown[]) => `[\n${values.map((value) => `    ${JSON.stringify(value)}`).join(',\n')}\n  ]`
  const parts = [
    `"of": ${JSON.stringify(of)}`,
    `"headers": ${list(headers.values)}`,
    `"bodies": ${list(bodies.values)}`,
    `"answers": {\n${answers.join(',\n')}\n  }`,
  ]
  writeFileSync(at(`recorded/${name}.json`), `{\n  ${parts.join(',\n  ')}\n}\n`)
}

const placesIn = <T>() => {
  const values: T[] = []
  const places = new Map<string, number>()
  return {
    values,
    of: (value: T): number => {
      const text = JSON.stringify(value)
      const place = places.get(text) ?? values.push(value) - 1
      places.set(text, place)
      return place
    },
  }
}
