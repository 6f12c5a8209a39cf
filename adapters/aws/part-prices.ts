import type { PartPrice } from '../contract.ts'
import type { Context } from './context.ts'
import { type Amount, keptList, productIn } from './price-lists.ts'
import { sizedTypes } from './storage/volume.ts'
import { allPages } from './wire/paging.ts'
import type { PriceList } from './wire/price-list.ts'

/** AWS reckons a month of storage as thirty days (https://aws.amazon.com/ebs/pricing/). */
const HOURS = 30 * 24

/** Services and attributes by which the list is asked. Public addresses are of VPC, and in no family. */
const VOLUMES = ['AmazonEC2', { productFamily: 'Storage' }] as const
const ADDRESSES = ['AmazonVPC', { group: 'VPCPublicIPv4Address' }] as const
/** The same is asked for one that is used and one that is not; blocks of one's own cost something else. */
const OF_ONE = /PublicIPv4:(InUse|Idle)Address$/

interface Listed {
  /** An hour of a GiB, by type. */
  disks: Record<string, Amount>
  /** An hour; null: nobody says. */
  address: Amount | null
}
const NOTHING: Listed = { disks: {}, address: null }

/**
 * What a GiB of a volume costs by its type, and a public address, as the price list of AWS says. Types that are paid for by their
 * operations too (`io1`, `io2`) are left out: nothing above the line knows how many those are. What a snapshot keeps no call tells, so it has no price either.
 * https://docs.aws.amazon.com/vpc/latest/userguide/vpc-ip-addressing.html (public IPv4 addresses are charged, used or not)
 */
export const partPrices = async (context: Context): Promise<PartPrice[]> => {
  const list = await keptList(context, 'part-prices', read, NOTHING)
  if (!list) return []
  const { disks, address } = list.listed
  const price = (what: PartPrice['what'], type: string | null, [amount, currency]: Amount): PartPrice => {
    return { what, type, amount, currency, asOf: list.at, source: 'provider' }
  }
  const typed = sizedTypes.flatMap((type) => (Object.hasOwn(disks, type) ? [price('disk', type, disks[type]!)] : []))
  const own = typed.filter(({ type }) => type === context.options.volumeType).map((each) => ({ ...each, type: null }))
  return [...own, ...typed, ...(address ? [price('address', null, address)] : [])]
}

const read = async (priceList: PriceList, regionCode: string): Promise<Listed> => {
  const asked = (service: string, attributes: Record<string, string>) =>
    allPages(async ({ NextToken }) => {
      const { items, next } = await priceList.products(service, { ...attributes, regionCode }, NextToken)
      return { items, ...(next ? { NextToken: next } : {}) }
    })
  const listed: Listed = { disks: {}, address: null }
  for (const text of await asked(...VOLUMES)) {
    const { attributes, dearest } = productIn(text, /^GB-(Mo|month)$/i)
    const type = attributes.volumeApiName ?? ''
    if (!dearest || !sizedTypes.includes(type as never)) continue
    const hourly: Amount = [dearest[0] / HOURS, dearest[1]]
    if (hourly[0] > (listed.disks[type]?.[0] ?? 0)) listed.disks[type] = hourly
  }
  for (const text of await asked(...ADDRESSES)) {
    const { attributes, dearest } = productIn(text, /^(Hrs|hours?)$/i)
    if (dearest && OF_ONE.test(attributes.usagetype ?? '') && dearest[0] > (listed.address?.[0] ?? 0))
      listed.address = dearest
  }
  return listed
}
