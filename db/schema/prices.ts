import { index, integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { PartPrice, Price, PurchaseOption } from '../../adapters/contract.ts'
import { at, flag, json } from './columns.ts'

/** What an hour of a size costs. What has no row is unpriced, which is not free. */
export const prices = sqliteTable(
  'prices',
  {
    cloudId: text('cloud_id').notNull(),
    size: text('size').notNull(),
    option: text('option').$type<PurchaseOption>().notNull(),
    /** Empty: in every zone for which nothing else is said. */
    zone: text('zone').notNull().default(''),
    /** It is what the price book of the operator says, which stands above what the cloud says. */
    booked: flag('booked').notNull().default(false),
    /** Millionths of the currency. */
    amount: integer('amount').notNull(),
    /** The same of a server that is stopped; null: the same amount. */
    idle: integer('idle'),
    currency: text('currency').notNull(),
    asOf: at('as_of').notNull(),
    source: text('source').$type<Price['source']>().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.cloudId, t.size, t.option, t.zone, t.booked] }),
    index('prices_by_amount').on(t.cloudId, t.option, t.zone, t.currency, t.booked, t.amount),
  ],
)

/** What an hour of a GiB of disk, and of a public address, costs. What has no row is not counted, and listed as that. */
export const partPrices = sqliteTable(
  'part_prices',
  {
    cloudId: text('cloud_id').notNull(),
    what: text('what').$type<PartPrice['what']>().notNull(),
    /** Of a disk its type, by the name that volume types have; empty: each for which nothing else is said. */
    type: text('type').notNull().default(''),
    /** As in `prices`. */
    booked: flag('booked').notNull().default(false),
    /** Millionths of the currency, and parts of them: a GiB costs few. */
    amount: real('amount').notNull(),
    currency: text('currency').notNull(),
    asOf: at('as_of').notNull(),
    source: text('source').$type<Price['source']>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.cloudId, t.what, t.type, t.booked] })],
)

/** What an operator asks for an hour, in millionths of the currency. */
export interface PriceBook {
  currency: string
  /** By the name of a size. */
  sizes: Record<string, number>
  /** What other sizes cost by what they have; null: those are what the cloud says, or unpriced. */
  parts: { vcpu: number; ram_gib: number; disk_gib: number } | null
  /** Share of the price that a server costs while it is stopped, 0 to 1; its disk, where that has a price, counts whole. Absent: 1. */
  idle?: number
  /** Of a public address; absent: what the cloud says, or it is not counted. */
  address?: number
}

/** Price books of operators, one a cloud: they stand above what the cloud says. */
export const priceBooks = sqliteTable('price_books', {
  cloudId: text('cloud_id').primaryKey(),
  book: json<PriceBook>('book').notNull(),
  asOf: at('as_of').notNull(),
})

/** What one unit of a currency is worth in that of the deployment. What has no row cannot be compared: it is unpriced. */
export const rates = sqliteTable('rates', {
  currency: text('currency').primaryKey(),
  rate: real('rate').notNull(),
  /** It is the currency of the deployment, at 1. */
  base: flag('base').notNull().default(false),
  asOf: at('as_of').notNull(),
})
