import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { mutants } from './mutants.ts'

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const run = promisify(execFile)

/** What each scenario finds, in a process of its own; with a rule taken out if one is named. */
const play = async (scenarios: string[], mutant?: number): Promise<Record<string, string[]>> => {
  const mutated = mutant === undefined ? [] : ['--import', here('./mutate.ts')]
  const args = ['--disable-warning=ExperimentalWarning', ...mutated, here('./play.ts'), ...scenarios]
  const { stdout } = await run(process.execPath, args, { env: { ...process.env, MUTANT: String(mutant) } })
  return JSON.parse(stdout)
}

describe('a safety rule taken out of the program', () => {
  it('is missed by nobody while it is there', async () => {
    for (const [name, found] of Object.entries(await play([]))) expect(found, name).toEqual([])
  }, 60_000)

  it.concurrent.each(mutants.map(({ rule, scenario }, number) => ({ rule, scenario, number })))(
    '$rule',
    async ({ scenario, number }) => {
      const found = (await play([scenario], number))[scenario]!
      expect(found.filter((what) => what.startsWith('threw'))).toEqual([])
      expect(found).not.toEqual([])
    },
    60_000,
  )
})
