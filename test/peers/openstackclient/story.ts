import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { type Expected, fill, mismatch, type Vars } from '../support/match.ts'
import { patience } from '../support/patiently.ts'
import type { Report, Result } from '../support/report.ts'
import type { Client, Said } from './client.ts'

/** What a story plays in. `vars` fill `{name}` in the words of a command. */
export interface World {
  broker: Broker
  client: Client
  admin: Api
  demo: Api
  vars: Vars
}

export interface Step {
  title: string
  /** Why it is not run. */
  skip?: string
  /** Throws what is wrong. */
  run(world: World): Promise<void>
}

type Words = string | string[]

/** A command whose JSON answer is looked at; `keep` stores fields of it as variables. */
export const ask = (words: Words, expected: Expected = () => true, keep: Record<string, string> = {}): Step => ({
  title: titleOf(words),
  run: async (world) => {
    const answer = await json(world, words)
    for (const [name, field] of Object.entries(keep))
      world.vars[name] = String((answer as Record<string, unknown>)[field])
    complain(mismatch(answer, expected, world.vars))
  },
})

/** A command of which only success is expected; `expected` looks at its text. */
export const tell = (words: Words, expected: RegExp | null = null): Step => ({
  title: titleOf(words),
  run: async (world) => {
    const said = await success(world, words)
    if (expected) complain(mismatch(said.stdout, expected, world.vars))
  },
})

/** Asks again and again, as a person would, until the answer is as expected. */
export const until = (words: Words, expected: Expected, seconds = 45): Step => ({
  title: `${titleOf(words)} … until ${describe(expected)}`,
  run: async (world) => {
    const isOver = patience(seconds * 1000)
    for (;;) {
      const fault = mismatch(await json(world, words), expected, world.vars)
      if (fault === null) return
      if (isOver()) throw new Error(`after ${seconds} s ${fault}`)
      await pause(700)
    }
  },
})

/** A command that finds nothing any more, within a while. */
export const gone = (words: Words, seconds = 45): Step => ({
  title: `${titleOf(words)} … until it is gone`,
  run: async (world) => {
    const isOver = patience(seconds * 1000)
    for (;;) {
      const said = await say(world, words, ['-f', 'json'])
      if (said.rc !== 0 && /no \w.* found|could not be found|not found|does not exist|404/i.test(said.stderr)) return
      if (isOver()) throw new Error(`after ${seconds} s still: ${said.stdout}${said.stderr}`.slice(0, 400))
      await pause(700)
    }
  },
})

/** A command that must be refused, in words that say why. */
export const refused = (words: Words, why: RegExp): Step => ({
  title: `${titleOf(words)} … is refused`,
  run: async (world) => {
    const said = await say(world, words)
    if (said.rc === 0) throw new Error(`it succeeded: ${said.stdout.slice(0, 200)}`)
    complain(mismatch(said.stderr, why, world.vars))
  },
})

/** Anything else that must hold at this point. */
export const look = (title: string, run: Step['run']): Step => ({ title, run })

export const skip = (words: Words, reason: string): Step => ({
  title: titleOf(words),
  skip: reason,
  run: async () => {},
})

/** Plays the steps in order; a failure does not end the story, so that one run shows all of them. False: some failed. */
export const play = async (
  name: string,
  steps: Step[],
  world: World,
  report: Report,
  limitMs: number,
): Promise<boolean> => {
  const isOver = patience(limitMs)
  let whole = true
  for (const step of steps) {
    const started = Date.now()
    const done = (result: Result, detail = '') => {
      whole &&= result !== 'failed'
      report.step(name, step.title, result, Date.now() - started, detail)
    }
    if (step.skip !== undefined) done('skipped', step.skip)
    else if (isOver()) done('failed', 'not run: the story has taken too long')
    else
      await step.run(world).then(
        () => done('passed'),
        (error) => done('failed', short(error)),
      )
  }
  return whole
}

const short = (error: unknown): string =>
  String(error instanceof Error ? error.message : error)
    .replace(/\s+/g, ' ')
    .slice(0, 600)

const split = (words: Words): string[] => (Array.isArray(words) ? words : words.split(' '))
const titleOf = (words: Words): string => split(words).join(' ')
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const describe = (expected: Expected): string =>
  typeof expected === 'function'
    ? 'as expected'
    : JSON.stringify(expected, (_, each) => (each instanceof RegExp ? String(each) : each))

/** Without `--os-cloud` it is user demo who speaks. */
const say = (world: World, words: Words, more: string[] = []): Promise<Said> => {
  const argv = split(words).map((word) => fill(word, world.vars))
  return world.client.say([...(argv.includes('--os-cloud') ? [] : ['--os-cloud', 'plimsoll']), ...argv, ...more])
}

const success = async (world: World, words: Words, more: string[] = []): Promise<Said> => {
  const said = await say(world, words, more)
  if (said.rc !== 0) throw new Error(`exit ${said.rc}: ${said.stderr.trim() || said.stdout.trim()}`)
  return said
}

const json = async (world: World, words: Words): Promise<unknown> => {
  const { stdout, stderr } = await success(world, words, ['-f', 'json'])
  try {
    return JSON.parse(stdout)
  } catch {
    throw new Error(`no JSON: ${stdout}${stderr}`)
  }
}

const complain = (fault: string | null): void => {
  if (fault !== null) throw new Error(fault)
}
