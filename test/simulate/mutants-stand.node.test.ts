import { expect, it } from 'vitest'
import { mutants } from './mutants.ts'
import { withoutRule } from './program.ts'

it.each(mutants)('$rule It stands where it would be taken out', (mutant) => {
  expect(() => withoutRule(mutant)).not.toThrow()
})
