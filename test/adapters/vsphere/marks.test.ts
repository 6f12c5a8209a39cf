import { describe, expect, it } from 'vitest'
import { KINDS, type Mark } from '../../../adapters/contract.ts'
import { readMark, writeMark } from '../../../adapters/shared/mark-line.ts'
import { assertOurs, mustRemark } from '../../../adapters/shared/marks.ts'
import { KEY, ourMark, plainName, tokenIn, tokenName, withMark } from '../../../adapters/vsphere/marks.ts'

const uuid = '0f0e0d0c-0b0a-4908-8706-050403020100'
const mark: Mark = {
  deployment: uuid,
  project: uuid,
  kind: 'security_group',
  resource: uuid,
  token: uuid,
  epoch: 29_000_000,
}

describe('marks', () => {
  it.each(KINDS)('of %s read as they were written, in a description of a port group', (kind) => {
    const text = writeMark({ ...mark, kind })
    expect(readMark(text)).toEqual({ ...mark, kind })
    expect(text.length).toBeLessThanOrEqual(255)
    expect(readMark(writeMark({ ...mark, project: '' }))?.project).toBe('')
  })

  it.each([
    undefined,
    '',
    'plimsoll',
    'plimsoll a b c d e 1',
    `plimsoll ${uuid} p server r t x`,
    'our plimsoll d p server r t 1',
  ])('are not in %j', (text) => {
    expect(readMark(text)).toBeUndefined()
  })

  it('are added to words and taken away again', () => {
    for (const words of ['', 'notes', 'two\nlines']) {
      const with_ = withMark(words, mark)
      expect(readMark(with_)).toEqual(mark)
      expect(withMark(with_, null)).toBe(words)
      expect(withMark(with_, mark)).toBe(with_)
    }
  })

  it('of another deployment are none of ours', () => {
    expect(ourMark(writeMark(mark), 'another')).toBeUndefined()
    for (const found of [
      undefined,
      { ...mark, deployment: 'another' },
      { ...mark, resource: 'r2' },
      { ...mark, kind: 'port' as const },
    ])
      expect(() => assertOurs(found, mark.deployment, mark)).toThrow('does not carry our mark')
    assertOurs(mark, mark.deployment, { ...mark, token: 'another attempt' })
  })

  it('are put on what has none, and never over another', () => {
    const remark = (found: Mark | undefined) => mustRemark(found, mark.deployment, mark)
    expect([remark(undefined), remark(mark)]).toEqual([true, false])
    expect(() => remark({ ...mark, resource: 'r2' })).toThrow()
    expect(() => remark({ ...mark, deployment: 'another' })).toThrow()
  })

  it('are taken off what is ours, and off nothing else', () => {
    const taken = (found: Mark | undefined) => mustRemark(found, mark.deployment, null)
    expect([undefined, mark, { ...mark, deployment: 'another' }].map(taken)).toEqual([false, true, false])
  })

  it('are not where a guest can write', () => {
    for (const key of Object.values(KEY)) expect(key).not.toMatch(/^guestinfo\./)
  })
})

describe('names', () => {
  it('end in the token and fit into 80 characters', () => {
    for (const name of ['web', 'a/b\\c%d', '', 'x'.repeat(200)]) {
      const made = tokenName(name, uuid)
      expect(made.length).toBeLessThanOrEqual(80)
      expect(made).not.toMatch(/[%/\\]/)
      expect(tokenIn(made)).toBe(uuid)
    }
    expect(plainName(tokenName('web', uuid))).toBe('web')
    expect([plainName('web (1)'), tokenIn('web (1)')]).toEqual(['web (1)', undefined])
  })
})
