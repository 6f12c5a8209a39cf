import { type _InstanceType, DescribeSpotPriceHistoryCommand } from '@aws-sdk/client-ec2'
import type { Offer, Price } from '../contract.ts'
import { table } from '../table.ts'
import type { Context } from './context.ts'
import { type Amount, keptList, productIn, told } from './price-lists.ts'
import { allPages } from './wire/paging.ts'
import type { PriceList } from './wire/price-list.ts'

const SPOT_PAGE = 1_000
const MOST_NAMED = 100

/** Servers of Linux without other licences, on machines that are shared, as they are used. */
const ATTRIBUTES = { operatingSystem: 'Linux', tenancy: 'Shared', preInstalledSw: 'NA', capacitystatus: 'Used' }

/** By instance type: what an hour costs, in which currency. */
type Listed = Record<string, Amount>

/**
 * What types cost: on demand as the operator says, else as the price list of AWS does; as spot what EC2 says that they cost
 * now. An instance that is stopped costs nothing besides its disks
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Stop_Start.html). What neither answers to is unpriced until it does; a list that was read stands, with its date.
 * https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-an-offer.html
 */
export const prices = async (context: Context, sold: Offer[]): Promise<Price[]> => {
  const { options, surroundings } = context
  const now = surroundings.now()
  const list = await keptList(context, 'price-list', readList, {})
  const onDemand = sold.flatMap(({ name: size }): Price[] => {
    const said = options.prices[size]
    const base = { size, zone: null, option: 'on-demand' } as const
    if (said !== undefined)
      return [{ ...base, amount: said, idle: 0, currency: options.currency, asOf: now, source: 'operator' }]
    const [amount, currency] = list?.listed[size] ?? []
    return list && amount !== undefined && currency !== undefined
      ? [{ ...base, amount, idle: 0, currency, asOf: list.at, source: 'provider' }]
      : []
  })
  return [...onDemand, ...(await spot(context, sold))]
}

const readList = async (priceList: PriceList, regionCode: string): Promise<Listed> => {
  const found = await allPages(async ({ NextToken }) => {
    const { items, next } = await priceList.products('AmazonEC2', { ...ATTRIBUTES, regionCode }, NextToken)
    return { items: items.flatMap(priceIn), ...(next ? { NextToken: next } : {}) }
  })
  const listed: Listed = table()
  // Two prices of one type: what is counted with is not less than what is paid.
  for (const [type, price] of found) {
    if (price[0] > (Object.hasOwn(listed, type) ? listed[type]![0] : 0)) listed[type] = price
  }
  return listed
}

/** What an hour of a product costs; none: it says nothing, or nothing that is a price. */
const priceIn = (text: string): [type: string, Amount][] => {
  const { attributes, dearest } = productIn(text, /^Hrs$/)
  const type = attributes.instanceType
  return type && type !== '__proto__' && dearest ? [[type, dearest]] : []
}

/** What EC2 names no currency for is in that of its partition: in China (`aws-cn`) yuan are paid (https://www.amazonaws.cn/en/ec2/spot-instance/pricing/). */
const currencyIn = (region: string | null): string => (region?.startsWith('cn-') ? 'CNY' : 'USD')

/** What types cost now in each zone, where they are sold as what EC2 takes back. */
const spot = async (context: Context, sold: Offer[]): Promise<Price[]> => {
  const { ec2, connection, surroundings } = context
  const currency = currencyIn(connection.region)
  if (!sold.length) return []
  const zones = new Map(sold.map(({ name, zones }) => [name, zones]))
  const asOf = surroundings.now()
  // Since now: of each type in each zone the price that holds.
  const asked = { StartTime: new Date(asOf), ProductDescriptions: ['Linux/UNIX', 'Linux/UNIX (Amazon VPC)'] }
  // For more types than that the whole list is the shorter question.
  const InstanceTypes = sold.length <= MOST_NAMED ? sold.map(({ name }) => name as _InstanceType) : undefined
  try {
    const history = await allPages(async (paging) => {
      const answer = await ec2.send(new DescribeSpotPriceHistoryCommand({ ...asked, InstanceTypes, ...paging }))
      return { items: answer.SpotPriceHistory ?? [], NextToken: answer.NextToken }
    }, SPOT_PAGE)
    const newest = new Map<string, Price>()
    const older = (a: { Timestamp?: Date }, b: { Timestamp?: Date }) =>
      Number(a.Timestamp ?? 0) - Number(b.Timestamp ?? 0)
    for (const { InstanceType: size, AvailabilityZone: zone, SpotPrice } of history.toSorted(older)) {
      const amount = Number(SpotPrice)
      if (size && zone && amount > 0 && zones.get(size)?.includes(zone))
        newest.set(`${size}/${zone}`, {
          size,
          zone,
          option: 'spot',
          amount,
          idle: 0,
          currency,
          asOf,
          source: 'provider',
        })
    }
    return [...newest.values()]
  } catch (thrown) {
    told(context, 'spot prices', thrown)
    return []
  }
}
