import { describe, expect, it } from 'vitest'
import { aws } from '../../../adapters/aws/index.ts'
import type { Json, Offer } from '../../../adapters/contract.ts'
import { connection, fake, list, refusal } from './fake.ts'

/**
 * A product as the price list gives it, shortened:
 * https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
 */
const product = (instanceType: string, USD: string, unit = 'Hrs') =>
  JSON.stringify({
    product: {
      productFamily: 'Compute Instance',
      attributes: {
        regionCode: 'us-east-1',
        servicecode: 'AmazonEC2',
        instanceType,
        tenancy: 'Shared',
        usagetype: `BoxUsage:${instanceType}`,
        capacitystatus: 'Used',
        operatingSystem: 'Linux',
        preInstalledSw: 'NA',
        operation: 'RunInstances',
      },
      sku: `SKU-${instanceType}`,
    },
    serviceCode: 'AmazonEC2',
    terms: {
      OnDemand: {
        [`SKU-${instanceType}.JRTCKXETXF`]: {
          priceDimensions: {
            [`SKU-${instanceType}.JRTCKXETXF.6YS6EN2CT7`]: {
              unit,
              endRange: 'Inf',
              description: `$${USD} per On Demand Linux ${instanceType} Instance Hour`,
              appliesTo: [],
              rateCode: `SKU-${instanceType}.JRTCKXETXF.6YS6EN2CT7`,
              beginRange: '0',
              pricePerUnit: { USD },
            },
          },
          sku: `SKU-${instanceType}`,
          effectiveDate: '2026-11-01T00:00:00Z',
          offerTermCode: 'JRTCKXETXF',
          termAttributes: {},
        },
      },
      Reserved: { ignored: { priceDimensions: { one: { unit: 'Hrs', pricePerUnit: { USD: '0.0001' } } } } },
    },
    version: '20261101000000',
    publicationDate: '2026-11-01T00:00:00Z',
  })

const offer = (name: string): Offer => ({
  name,
  vcpus: 2,
  ramMiB: 1024,
  diskGiB: 0,
  arch: 'x86_64',
  gpus: 0,
  zones: ['us-east-1a', 'us-east-1b'],
})
const sold = ['t3.micro', 'm5.large', 'x9.none'].map(offer)

interface Pages {
  [token: string]: { items: string[]; next?: string }
}
const spotPrice = (type: string, zone: string, price: string, at: string) =>
  `<instanceType>${type}</instanceType><productDescription>Linux/UNIX</productDescription><spotPrice>${price}</spotPrice><timestamp>${at}</timestamp><availabilityZone>${zone}</availabilityZone>`

/** EC2 that tells spot prices, and a price list of pages by their token; `down`: neither answers. */
const world = (
  pages: Pages,
  change: { options?: Record<string, Json>; endpoint?: string | null; region?: string } = {},
) => {
  const state = { down: false }
  const lists: { url: string; target: string; body: Record<string, unknown>; authorization: string }[] = []
  const made = fake(({ action, url, headers, body }) => {
    if (state.down) return new TypeError('no route')
    const target = headers.get('x-amz-target')
    if (target) {
      const asked = JSON.parse(String(body))
      lists.push({ url, target, body: asked, authorization: headers.get('authorization') ?? '' })
      const page = pages[asked.NextToken ?? '']
      return page
        ? Response.json({ FormatVersion: 'aws_v1', NextToken: page.next, PriceList: page.items })
        : Response.json({ __type: 'AccessDeniedException', Message: 'not authorized' }, { status: 400 })
    }
    if (action !== 'DescribeSpotPriceHistory') return refusal('UnauthorizedOperation', 403)
    return list('DescribeSpotPriceHistory', 'spotPriceHistorySet', [
      spotPrice('t3.micro', 'us-east-1a', '0.0031', '2026-11-02T00:00:00.000Z'),
      spotPrice('t3.micro', 'us-east-1a', '0.0050', '2026-11-01T00:00:00.000Z'),
      spotPrice('t3.micro', 'us-east-1f', '0.0001', '2026-11-02T00:00:00.000Z'),
      spotPrice('other.type', 'us-east-1a', '0.0001', '2026-11-02T00:00:00.000Z'),
    ])
  })
  const cloud = aws.connect(connection(change), made.surroundings)
  return { made, cloud, lists, state, prices: () => cloud.prices!(sold) }
}

describe('prices', () => {
  it('are those of the price list on demand, page by page, and what EC2 says of each zone as spot', async () => {
    const { prices, lists, made } = world({
      '': { items: [product('t3.micro', '0.0104000000'), product('a1.metal', '0.4')], next: 'two' },
      two: { items: [product('m5.large', '0.0960000000'), product('m5.large', '0.0000000000')] },
    })
    const asOf = made.surroundings.now()
    const listed = { zone: null, option: 'on-demand', idle: 0, currency: 'USD', asOf, source: 'provider' }
    expect(await prices()).toEqual([
      { ...listed, size: 't3.micro', amount: 0.0104 },
      { ...listed, size: 'm5.large', amount: 0.096 },
      { ...listed, size: 't3.micro', zone: 'us-east-1a', option: 'spot', amount: 0.0031 },
    ])
    expect(lists.map(({ url, target }) => [url, target])).toEqual(
      Array(2).fill(['https://api.pricing.us-east-1.amazonaws.com/', 'AWSPriceListService.GetProducts']),
    )
    const [history] = made.asked.filter(({ action }) => action === 'DescribeSpotPriceHistory')
    expect([1, 2, 3].map((n) => history!.params.get(`InstanceType.${n}`))).toEqual(sold.map(({ name }) => name))
    expect(lists[0]!.authorization).toContain('/us-east-1/pricing/aws4_request')
    expect(lists[0]!.body).toMatchObject({ ServiceCode: 'AmazonEC2', FormatVersion: 'aws_v1', MaxResults: 100 })
    expect(lists[0]!.body.Filters).toContainEqual({ Type: 'TERM_MATCH', Field: 'regionCode', Value: 'us-east-1' })
    expect(lists[0]!.body.Filters).toContainEqual({ Type: 'TERM_MATCH', Field: 'operatingSystem', Value: 'Linux' })
  })

  it('are in yuan as spot where AWS is paid in them', async () => {
    const { prices } = world({}, { region: 'cn-north-1' })
    expect((await prices()).map(({ option, currency }) => [option, currency])).toEqual([['spot', 'CNY']])
  })

  it('are asked for again after half a day, and stand with their date where nothing answers', async () => {
    const { prices, lists, made, state } = world({ '': { items: [product('t3.micro', '0.0104')] } })
    const asOf = made.surroundings.now()
    await prices()
    made.advance(3_600_000)
    await prices()
    expect(lists).toHaveLength(1)
    made.advance(12 * 3_600_000)
    state.down = true
    expect(await prices()).toMatchObject([{ size: 't3.micro', option: 'on-demand', amount: 0.0104, asOf }])
    state.down = false
    // Not at once.
    await prices()
    expect(lists).toHaveLength(1)
    made.advance(3_600_001)
    expect((await prices())[0]!.asOf).toBe(made.surroundings.now())
    expect(lists).toHaveLength(2)
  })

  it('are the operator’s where he says them, and nobody’s where the list may not be read', async () => {
    const { prices } = world({}, { options: { prices: { 'm5.large': 0.05 }, currency: 'EUR' } })
    expect((await prices()).filter(({ option }) => option === 'on-demand')).toMatchObject([
      { size: 'm5.large', amount: 0.05, currency: 'EUR', source: 'operator' },
    ])
  })

  it('are none of AWS for what only speaks its API, unless a list of its own is named', async () => {
    const pages = { '': { items: [product('t3.micro', '0.0104')] } }
    const other = world(pages, { endpoint: 'https://ec2.example.org/' })
    expect((await other.prices()).map(({ option }) => option)).toEqual(['spot'])
    expect(other.lists).toEqual([])
    const named = world(pages, {
      endpoint: 'https://ec2.example.org/',
      options: { price_list_endpoint: 'https://prices.example.org/' },
    })
    expect((await named.prices()).map(({ option }) => option)).toEqual(['on-demand', 'spot'])
    expect(named.lists[0]!.url).toBe('https://prices.example.org/')
  })

  it.each([
    ['no list', '{"PriceList": null}'],
    ['no JSON', '<html>'],
    ['products that are none', '{"PriceList": ["{"]}'],
  ])('are unpriced where the answer is %s', async (_, text) => {
    const made = fake(({ headers }) =>
      headers.get('x-amz-target') ? new Response(text) : list('DescribeSpotPriceHistory', 'spotPriceHistorySet', []),
    )
    expect(await aws.connect(connection(), made.surroundings).prices!(sold)).toEqual([])
  })
})

/** A product of storage or of public addresses, shortened as `product` is. */
const part = (attributes: Record<string, string>, unit: string, USD: string, productFamily?: string) =>
  JSON.stringify({
    product: { ...(productFamily ? { productFamily } : {}), attributes, sku: 'ONE' },
    terms: { OnDemand: { ONE: { priceDimensions: { ONE: { unit, pricePerUnit: { USD } } } } } },
  })
const storage = (volumeApiName: string, USD: string, unit = 'GB-Mo') =>
  part({ volumeApiName, usagetype: `EBS:VolumeUsage.${volumeApiName}` }, unit, USD, 'Storage')
const publicAddress = (usagetype: string, USD: string) => part({ group: 'VPCPublicIPv4Address', usagetype }, 'Hrs', USD)

describe('prices of disks and public addresses', () => {
  const lists: { service: string; filters: { Field: string; Value: string }[] }[] = []
  const clouded = (answers: Record<string, string[]>, options: Record<string, Json> = {}) => {
    lists.length = 0
    const made = fake(({ headers, body }) => {
      if (!headers.get('x-amz-target')) return refusal('UnauthorizedOperation', 403)
      const { ServiceCode: service, Filters: filters } = JSON.parse(String(body))
      lists.push({ service, filters })
      return answers[service]
        ? Response.json({ PriceList: answers[service] })
        : Response.json({ __type: 'AccessDeniedException' }, { status: 400 })
    })
    return { made, cloud: aws.connect(connection({ options }), made.surroundings) }
  }
  const EBS = [
    storage('gp3', '0.0800000000'),
    storage('gp3', '3.0000000000', 'IOPS-Mo'),
    storage('io2', '0.1250000000'),
    storage('st1', '0.0450000000'),
  ]
  const IPV4 = [
    publicAddress('USE1-PublicIPv4:InUseAddress', '0.0050000000'),
    publicAddress('USE1-PublicIPv4:IdleAddress', '0.0050000000'),
    publicAddress('USE1-PublicIPv4:ContiguousBlock', '0.0080000000'),
  ]

  it('are those of the price list, an hour of a month of thirty days, and of the type that is made where none is asked for', async () => {
    const { cloud, made } = clouded({ AmazonEC2: EBS, AmazonVPC: IPV4 })
    const said = { currency: 'USD', asOf: made.surroundings.now(), source: 'provider' }
    expect(await cloud.partPrices!()).toEqual([
      { ...said, what: 'disk', type: null, amount: 0.08 / 720 },
      { ...said, what: 'disk', type: 'gp3', amount: 0.08 / 720 },
      { ...said, what: 'disk', type: 'st1', amount: 0.045 / 720 },
      { ...said, what: 'address', type: null, amount: 0.005 },
    ])
    expect(lists.map(({ service }) => service)).toEqual(['AmazonEC2', 'AmazonVPC'])
    expect(lists[0]!.filters).toContainEqual({ Type: 'TERM_MATCH', Field: 'productFamily', Value: 'Storage' })
    expect(lists[1]!.filters).toContainEqual({ Type: 'TERM_MATCH', Field: 'group', Value: 'VPCPublicIPv4Address' })
    expect(lists[1]!.filters).toContainEqual({ Type: 'TERM_MATCH', Field: 'regionCode', Value: 'us-east-1' })
    await cloud.partPrices!()
    expect(lists).toHaveLength(2)
  })

  it('are of another type where the operator has volumes made of that', async () => {
    const { cloud } = clouded({ AmazonEC2: EBS, AmazonVPC: IPV4 }, { volume_type: 'st1' })
    expect((await cloud.partPrices!()).find(({ what, type }) => what === 'disk' && type === null)).toMatchObject({
      amount: 0.045 / 720,
    })
  })

  it('are nobody’s where the list may not be read, or says nothing of them', async () => {
    expect(await clouded({}).cloud.partPrices!()).toEqual([])
    const { cloud } = clouded({ AmazonEC2: [storage('gp3', '0.0000000000')], AmazonVPC: [] })
    expect(await cloud.partPrices!()).toEqual([])
  })
})
