import type { Json } from '../../../adapters/contract.ts'
import type { CloudRow } from '../../../db/queries/clouds/clouds.ts'
import { boughtInAnother, putBook, type RateRow, replaceRates } from '../../../db/queries/money/books.ts'
import { applyBook } from '../../../db/queries/money/prices.ts'
import type { PriceBook } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { commit, guard } from '../line/commit.ts'

/**
 * What an operator asks for the sizes of a cloud, in place of what he said before; it holds at once. Where it says nothing,
 * what the cloud says is so.
 */
export const setPriceBook = ({ db, ...context }: Context, cloud: CloudRow, book: PriceBook): Promise<void> => {
  const entry = { action: 'price', kind: 'cloud', resourceId: cloud.id, detail: { book: book as unknown as Json } }
  return commit({ db, ...context }, entry, [putBook(db, cloud.id, book, context.now()), ...applyBook(db, cloud.id)])
}

/**
 * The currency of the deployment and what others are worth in it, in place of what was said before. Throws `Refused`
 * (`another-currency`) where it is to change after something was bought.
 */
export const setRates = (context: Context, base: string, others: Omit<RateRow, 'base'>[]): Promise<void> => {
  const rows = [
    { currency: base, rate: 1, base: true, asOf: context.now() },
    ...others.map((each) => ({ ...each, base: false })),
  ]
  const detail = { base, of: Object.fromEntries(others.map(({ currency, rate }) => [currency, rate])) }
  return commit(context, { action: 'rate', kind: 'deployment', resourceId: context.deployment.id, detail }, [
    guard(context, 'another-currency', boughtInAnother(base)),
    ...replaceRates(context.db, rows),
  ])
}
