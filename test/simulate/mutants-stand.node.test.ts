import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { mutants } from './mutants.ts'

it.each(mutants)('$rule It stands where it would be taken out', ({ file, replace }) => {
  const source = readFileSync(file, 'utf8')
  for (const [text] of replace) expect(source.split(text).length - 1, text).toBe(1)
})
