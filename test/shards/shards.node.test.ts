import { describe, expect, test } from 'vitest'
import { play } from './play.ts'
import type { Fault } from './router.ts'

/** What docs/scale.md says of projects that are spread over several databases. */
describe('projects over several databases', () => {
  test('lose nothing, have nothing twice and are never read as they were, while they are moved', async () => {
    for (let seed = 1; seed <= 150; seed++)
      await play(seed).catch((error) => {
        throw new Error(`seed ${seed}: ${error.message}`)
      })
  })

  const faults: Record<Fault, RegExp> = {
    'writes do not look where the project is': /rows|value|strangers|read/,
    'reads do not look where the project is': /a read of/,
    'a move does not close': /rows|value|read/,
    'a move forgets what was written meanwhile': /rows|value|read/,
    'movers are not fenced': /./,
    'sweeps do not look where the project is': /orphans/,
    'pages do not count projects': /a list/,
  }
  test.each(Object.entries(faults))('are not safe if %s', async (fault, said) => {
    const found = async (): Promise<string> => {
      for (let seed = 1; seed <= 400; seed++) {
        const broken = await play(seed, fault as Fault).then(
          () => null,
          (error) => error as Error,
        )
        if (broken) return broken.message
      }
      return ''
    }
    expect(await found()).toMatch(said)
  })
})
