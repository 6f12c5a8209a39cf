import * as z from 'zod'
import { allRates, bookNamed, type RateRow } from '../../db/queries/money/books.ts'
import type { PriceBook } from '../../db/schema/index.ts'
import { setPriceBook, setRates } from '../broker/clouds/price-book.ts'
import { amountOf, microsOf } from '../broker/line/amounts.ts'
import type { Context } from '../context.ts'
import { dictionary } from '../http/dictionary.ts'
import { badRequest } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { cloudNamed, iso, noCloud } from './lookup.ts'
import { currency, price } from './policy-shape.ts'

const MOST_SIZES = 5_000
const MOST_CURRENCIES = 200

const bookGiven = z.strictObject({
  prices: z.strictObject({
    currency,
    sizes: dictionary(z.string().min(1).max(255), price)
      .refine((all) => Object.keys(all).length <= MOST_SIZES, `has more than ${MOST_SIZES} keys`)
      .optional(),
    parts: z.strictObject({ vcpu: price, ram_gib: price, disk_gib: price.optional() }).nullable().optional(),
    idle: z.number().min(0).max(1).optional(),
    address: price.optional(),
  }),
})
type BookGiven = z.infer<typeof bookGiven>

const bookIn = ({ prices: { currency, sizes = {}, parts, idle, address } }: BookGiven): PriceBook => ({
  currency,
  sizes: Object.fromEntries(Object.entries(sizes).map(([name, each]) => [name, microsOf(each)!])),
  parts: parts
    ? { vcpu: microsOf(parts.vcpu)!, ram_gib: microsOf(parts.ram_gib)!, disk_gib: microsOf(parts.disk_gib ?? 0)! }
    : null,
  ...(idle === undefined ? {} : { idle }),
  ...(address === undefined ? {} : { address: microsOf(address)! }),
})

const amounts = (micros: Record<string, number>): Record<string, string> =>
  Object.fromEntries(Object.entries(micros).map(([name, each]) => [name, amountOf(each)]))

const showBook = async ({ db }: Context, name: string) => {
  const found = await bookNamed(db, name)
  if (!found) throw noCloud(name)
  const { kept } = found
  const { currency, sizes, parts, idle, address }: Partial<PriceBook> = kept?.book ?? {}
  const prices = {
    currency: currency ?? null,
    per: 'hour',
    sizes: amounts(sizes ?? {}),
    parts: parts ? amounts(parts) : null,
    ...(idle === undefined ? {} : { idle }),
    ...(address === undefined ? {} : { address: amountOf(address) }),
    as_of: iso(kept?.asOf ?? null),
  }
  return { body: { prices } }
}

const ratesGiven = z.strictObject({
  rates: z.strictObject({
    currency,
    of: dictionary(
      currency,
      z.strictObject({
        rate: z.number().min(1e-6).max(1e6),
        as_of: z.iso.datetime({ offset: true }).optional(),
      }),
    )
      .refine((all) => Object.keys(all).length <= MOST_CURRENCIES, `has more than ${MOST_CURRENCIES} keys`)
      .optional(),
  }),
})

const showRates = (rows: RateRow[]) => ({
  body: {
    rates: {
      currency: rows.find(({ base }) => base)?.currency ?? null,
      of: Object.fromEntries(
        rows.filter(({ base }) => !base).map(({ currency, rate, asOf }) => [currency, { rate, as_of: iso(asOf) }]),
      ),
    },
  },
})

const BOOK = '/v1/clouds/:name/prices'
const RATES = '/v1/rates'

/** What operators ask for what their clouds sell, and what currencies are worth. */
export const priceOperations: Operation[] = [
  operation({
    name: 'price.get',
    method: 'GET',
    path: BOOK,
    who: 'admin',
    summary: 'What the operator asks for an hour of the sizes of a cloud.',
    status: 200,
    handle: ({ context, params }) => showBook(context, params.name!),
  }),
  operation<BookGiven>({
    name: 'price.put',
    method: 'PUT',
    path: BOOK,
    who: 'admin',
    summary:
      'Says what an hour of the sizes of a cloud costs on demand, by name or else, without GPUs, by vCPUs, GiB of memory and GiB of disk, in place of what was said before; of a server that is stopped only the share `idle` of it, and its disk; volumes cost what their GiB of disk do, public addresses `address`. It stands above what the cloud says; what neither prices is unpriced, and not free.',
    status: 200,
    body: bookGiven as unknown as z.ZodType<BookGiven>,
    handle: async ({ context, params, body }) => {
      const cloud = await cloudNamed(context, params.name!)
      await setPriceBook(context, cloud, bookIn(body))
      return showBook(context, cloud.name)
    },
  }),
  operation({
    name: 'rate.list',
    method: 'GET',
    path: RATES,
    who: 'reader',
    summary: 'The currency of the deployment, and what a unit of others is worth in it.',
    status: 200,
    handle: async ({ context }) => showRates(await allRates(context.db)),
  }),
  operation({
    name: 'rate.put',
    method: 'PUT',
    path: RATES,
    who: 'admin',
    summary:
      'Says in which currency the deployment counts, and what a unit of others is worth in it, in place of what was said before. Prices in a currency without a rate are unpriced. The currency stays once something was bought.',
    status: 200,
    body: ratesGiven,
    handle: async ({ context, body: { rates } }) => {
      const others = Object.entries(rates.of ?? {})
      if (others.some(([name]) => name === rates.currency))
        throw badRequest(`rates.of: ${rates.currency} is the currency of the deployment, and is worth 1.`)
      const now = context.now()
      await setRates(
        context,
        rates.currency,
        others.map(([currency, { rate, as_of }]) => ({ currency, rate, asOf: as_of ? Date.parse(as_of) : now })),
      )
      return showRates(await allRates(context.db))
    },
  }),
]
