import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fits } from '../../functions/auth/access-rules.ts'

/** keystonemiddleware's own translation into an expression, with what stands for itself taken literally. */
const expression = (pattern: string): RegExp => {
  const translated = pattern.replaceAll(/\{[^{}]*\}|\*\*|\*|[^{}*]|[{}]/g, (piece) =>
    piece === '**'
      ? '.*'
      : piece === '*' || piece.length > 1
        ? '[^/]+'
        : /[{}]/.test(piece)
          ? ''
          : piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  )
  return new RegExp(`^${translated}$`, 's')
}

test('a path fits a pattern as keystonemiddleware says', () => {
  const piece = fc.constantFrom('/', 'a', 'b', '.', '*', '**', '{x}', '{', '}', '(')
  const pattern = fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join('')}`)
  const path = fc
    .array(fc.constantFrom('/', 'a', 'b', '.', 'x', '('), { maxLength: 10 })
    .map((parts) => `/${parts.join('')}`)
  fc.assert(
    fc.property(pattern, path, (rule, asked) => fits(asked, rule) === expression(rule).test(asked)),
    { numRuns: 3_000 },
  )
})

test('no pattern goes back over a path: what would take an expression for ever is told', () => {
  const path = `/${'a'.repeat(8_000)}b`
  for (const pattern of [`/${'**a'.repeat(70)}`, `/${'*a'.repeat(110)}`, `/${'{x}a'.repeat(56)}`, '/**'.repeat(70)])
    expect(fits(path, pattern.slice(0, 225))).toBe(false)
})
