import type { Json } from '../contract.ts'
import { asCloudError } from '../errors.ts'
import type { Context } from './context.ts'
import type { PriceList } from './wire/price-list.ts'

/* What is read from the price list of AWS, kept as it was read: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-an-offer.html */

/** So long a list is good: it changes a few times a year. After a failure it is asked for again so soon. In milliseconds. */
const LIST_MS = 12 * 3_600_000
const RETRY_MS = 3_600_000

/** What a unit costs, in which currency. */
export type Amount = [amount: number, currency: string]

/** What a list says, and when it did. */
interface Kept<Listed> {
  at: number
  /** Until then it is not asked for again. */
  until: number
  listed: Listed
}

/** Why something is unpriced is for the operator to know: nothing else depends on it. */
export const told = ({ connection, surroundings }: Context, what: string, thrown: unknown): void => {
  const { code, message, detail } = asCloudError(thrown)
  const said = detail.operatorMessage ?? message
  surroundings.log('warn', `${what} not read`, { cloud: connection.name, code, message: said })
}

/** What was read of the list for a region, read anew when that is old; `none` where it never was. Null: there is no list. */
export const keptList = async <Listed>(
  context: Context,
  name: string,
  read: (priceList: PriceList, regionCode: string) => Promise<Listed>,
  none: Listed,
): Promise<Kept<Listed> | null> => {
  const { priceList, connection, options, surroundings } = context
  const { store, now } = surroundings
  if (!priceList) return null
  const key = `aws/${name}/${options.priceListEndpoint ?? ''}/${connection.region}`
  const found = await store.get(key)
  const kept = found ? (found.value as unknown as Kept<Listed>) : null
  if (kept && kept.until > now()) return kept
  const anew = async (): Promise<Kept<Listed>> => {
    try {
      return { at: now(), until: now() + LIST_MS, listed: await read(priceList, connection.region ?? '') }
    } catch (thrown) {
      told(context, name.replace('-', ' '), thrown)
      return { at: kept?.at ?? now(), until: now() + RETRY_MS, listed: kept?.listed ?? none }
    }
  }
  const fresh = await anew()
  // Whoever was faster wrote the same.
  await store.put(key, fresh as unknown as Json, found?.version ?? 0)
  return fresh
}

interface Product {
  product?: { attributes?: Record<string, string> }
  terms?: {
    OnDemand?: Record<
      string,
      { priceDimensions?: Record<string, { unit?: string; pricePerUnit?: Record<string, string> }> }
    >
  }
}

/**
 * A product of the list: what it says of itself, and the dearest that it asks on demand for a unit; undefined: nothing that is a price.
 * @param text JSON, in the list's own format
 */
export const productIn = (
  text: string,
  unit: RegExp,
): { attributes: Record<string, string>; dearest: Amount | undefined } => {
  const { product, terms } = JSON.parse(text) as Product
  const amounts = Object.values(terms?.OnDemand ?? {})
    .flatMap(({ priceDimensions }) => Object.values(priceDimensions ?? {}))
    .filter((each) => unit.test(each.unit ?? ''))
    .flatMap(({ pricePerUnit }) => Object.entries(pricePerUnit ?? {}))
    .map(([currency, amount]): Amount => [Number(amount), currency])
    .filter(([amount]) => amount > 0)
  return { attributes: product?.attributes ?? {}, dearest: amounts.toSorted(([a], [b]) => b - a)[0] }
}
