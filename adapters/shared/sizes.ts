import type { Json, Offer, Price, Surroundings } from '../contract.ts'

/** A size that the operator of a cloud sells which has none of its own. */
export interface SoldSize {
  name: string
  vcpus: number
  ramMiB: number
  /** Root disk; 0: as large as what it is made of. */
  diskGiB: number
  arch: Offer['arch']
  /** An hour of it; null: nobody says. */
  price: number | null
}

/** A whole number, of so many at least. */
export const isCount = (value: Json | undefined, least: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= least

/** What the operator asks for each size, wherever it is; nothing that may be taken back. */
export const soldPrices = ({
  options: { sizes, currency },
  surroundings,
}: {
  options: { sizes: SoldSize[]; currency: string }
  surroundings: Pick<Surroundings, 'now'>
}): Price[] =>
  sizes.flatMap(({ name: size, price: amount }) =>
    amount === null
      ? []
      : [{ size, zone: null, option: 'on-demand', amount, currency, asOf: surroundings.now(), source: 'operator' }],
  )
