import { describe, expect, it } from 'vitest'
import { filtersFor, METADATA_ITEMS, markFrom, OWN_KEYS, tagsFor } from '../../../adapters/aws/marks.ts'
import type { Mark } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { assertOurs } from '../../../adapters/shared/marks.ts'

const mark: Mark = { deployment: 'd1', project: 'p1', kind: 'server', resource: 'r1', token: 't1', epoch: 7 }

describe('the mark as tags', () => {
  it('comes back as it went out', () => {
    expect(markFrom(tagsFor(mark, 'web'), 'd1')).toEqual(mark)
    expect(tagsFor(mark, 'web')[0]).toEqual({ Key: 'Name', Value: 'web' })
  })

  it('names the user of a keypair, and of nothing else', () => {
    const his: Mark = { ...mark, kind: 'keypair', user: 'u1' }
    expect(markFrom(tagsFor(his, 'my key'), 'd1')).toEqual(his)
    expect(OWN_KEYS).toContainEqual({ Key: 'plimsoll:user' })
    expect(tagsFor(mark, 'web').some(({ Key }) => Key === 'plimsoll:user')).toBe(false)
  })

  it('is none of ours in another deployment, and none at all when any part is missing or nonsense', () => {
    const tags = tagsFor(mark, 'web')
    expect(markFrom(tags, 'd2')).toBeUndefined()
    expect(markFrom(undefined, 'd1')).toBeUndefined()
    for (const { Key } of tags.slice(1)) {
      expect(
        markFrom(
          tags.filter((tag) => tag.Key !== Key),
          'd1',
        ),
        Key,
      ).toBeUndefined()
    }
    const bent = (key: string, Value: string) => tags.map((tag) => (tag.Key === key ? { ...tag, Value } : tag))
    expect(markFrom(bent('plimsoll:kind', 'spaceship'), 'd1')).toBeUndefined()
    expect(markFrom(bent('plimsoll:epoch', '-1'), 'd1')).toBeUndefined()
  })

  it('cannot be forged through metadata', () => {
    const forged = tagsFor(mark, 'web', { 'plimsoll:project': 'p2', Name: 'other' })
    expect(markFrom(forged, 'd1')).toEqual(mark)
    expect(forged.filter((tag) => tag.Key === 'Name')).toHaveLength(1)
  })

  it('is what a look-up asks for', () => {
    expect(filtersFor(mark)).toEqual([
      { Name: 'tag:plimsoll:token', Values: ['t1'] },
      { Name: 'tag:plimsoll:kind', Values: ['server'] },
      { Name: 'tag:plimsoll:deployment', Values: ['d1'] },
    ])
  })

  it('says what an object is for that only helps to make a server', () => {
    const helper = { ...mark, kind: 'snapshot', for: 'server' } as const
    expect(markFrom(tagsFor(helper, 'web'), mark.deployment)).toEqual(helper)
    expect(markFrom(tagsFor(mark, 'web'), mark.deployment)).toEqual(mark)
  })

  it('leaves room for 40 metadata items and refuses what does not fit', () => {
    const items = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']))
    expect(METADATA_ITEMS).toBe(40)
    expect(tagsFor(mark, 'web', items(40))).toHaveLength(47)
    for (const metadata of [items(42), { ['k'.repeat(120)]: 'v' }, { k: 'v'.repeat(257) }]) {
      expect(() => tagsFor(mark, 'web', metadata)).toThrow(CloudError)
    }
    expect(tagsFor(mark, 'web', { ['k'.repeat(119)]: 'v'.repeat(256) })).toHaveLength(8)
  })

  it('guards: only the same resource of the same deployment may be removed', () => {
    const found = markFrom(tagsFor(mark, 'web'), 'd1')
    expect(() => assertOurs(found, 'd1', mark)).not.toThrow()
    expect(() => assertOurs(found, 'd1', { ...mark, token: 'another attempt' })).not.toThrow()
    expect(() => assertOurs(markFrom(tagsFor(mark, 'web'), 'd2'), 'd2', mark)).toThrow(/mark/)
    expect(() => assertOurs(found, 'd1', { ...mark, resource: 'r2' })).toThrow(/mark/)
    expect(() => assertOurs(found, 'd1', { ...mark, kind: 'volume' })).toThrow(/mark/)
    expect(() => assertOurs(markFrom([], 'd1'), 'd1')).toThrow(/mark/)
  })
})
