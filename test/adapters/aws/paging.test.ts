import { describe, expect, it } from 'vitest'
import { aws } from '../../../adapters/aws/index.ts'
import { allPages, onePage } from '../../../adapters/aws/wire/paging.ts'
import { type Asked, connection, fake, list, refusal } from './fake.ts'

const vpc = (n: number) => `<vpcId>vpc-${n}</vpcId><state>available</state><cidrBlock>10.${n}.0.0/16</cidrBlock>`
/** Seven VPCs, three a page. */
const paged = ({ params }: Asked) => {
  const from = Number(params.get('NextToken') ?? 0)
  const items = [0, 1, 2, 3, 4, 5, 6].slice(from, from + 3).map(vpc)
  return list('DescribeVpcs', 'vpcSet', items, from + 3 < 7 ? String(from + 3) : undefined)
}

describe('listings', () => {
  it('hand on the pages of the cloud, one call each', async () => {
    const cloud = fake(paged)
    const realm = aws.connect(connection(), cloud.surroundings).network!
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await realm.list(cursor)
      expect(page.complete).toBe(true)
      ids.push(...page.items.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== undefined)
    expect(ids).toEqual(['vpc-0', 'vpc-1', 'vpc-2', 'vpc-3', 'vpc-4', 'vpc-5', 'vpc-6'])
    expect(cloud.asked).toHaveLength(3)
    expect(cloud.asked.every(({ params }) => params.get('MaxResults') === '200')).toBe(true)
  })

  it('are incomplete when the cloud has forgotten the cursor', async () => {
    const cloud = fake(() => refusal('InvalidNextToken'))
    const realm = aws.connect(connection(), cloud.surroundings).network!
    expect(await realm.list('stale')).toEqual({ items: [], complete: false })
    await expect(realm.list()).rejects.toMatchObject({ code: 'definitive' })
  })

  it('throw when a page does not come', async () => {
    const cloud = fake(({ params }) =>
      params.has('NextToken') ? refusal('InternalError', 500) : paged({ params } as Asked),
    )
    const realm = aws.connect(connection(), cloud.surroundings).network!
    const { next } = await realm.list()
    await expect(realm.list(next)).rejects.toMatchObject({ code: 'ambiguous' })
  })

  it('are read to their end for a look-up', async () => {
    const mark = { deployment: 'd1', project: 'p', kind: 'network' as const, resource: 'r', token: 't', epoch: 0 }
    const cloud = fake(paged)
    const found = await aws.connect(connection(), cloud.surroundings).network!.find(mark, { name: 'n', cidrs: [] })
    expect(cloud.asked).toHaveLength(3)
    expect(found?.id).toBe('vpc-0')
    expect(cloud.asked[2]!.params.get('Filter.1.Name')).toBe('tag:plimsoll:token')
  })

  it('that never end conclude nothing', async () => {
    await expect(allPages(async () => ({ items: [1], NextToken: 'same' }))).rejects.toMatchObject({ code: 'ambiguous' })
    expect(await onePage(async () => ({ items: [1], NextToken: '' }))).toEqual({ items: [1], complete: true })
  })

  it('of the catalogue go through every query of the policy', async () => {
    const image = (id: string) =>
      `<imageId>${id}</imageId><imageState>available</imageState><architecture>x86_64</architecture>`
    const cloud = fake(({ params }) =>
      params.has('Owner.1')
        ? list(
            'DescribeImages',
            'imagesSet',
            [image(params.has('NextToken') ? 'ami-2' : 'ami-1')],
            params.has('NextToken') ? undefined : 'two',
          )
        : list('DescribeImages', 'imagesSet', [image('ami-3')]),
    )
    const options = { images: { owners: ['amazon'], names: ['al2023-*'], ids: ['ami-3'] } }
    const { image: realm } = aws.connect(connection({ options }), cloud.surroundings)
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await realm.catalog(cursor)
      ids.push(...page.items.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== undefined)
    expect(ids).toEqual(['ami-1', 'ami-2', 'ami-3'])
    expect(cloud.asked.map(({ params }) => params.get('Filter.2.Name'))).toEqual(['name', 'name', 'image-id'])
  })
})
