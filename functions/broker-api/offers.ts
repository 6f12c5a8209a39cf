import { type FlavorRow, flavorNamed, readableFlavor } from '../../db/queries/compute/flavors.ts'
import { type OfferPage, type OfferRow, pageOfOffers } from '../../db/queries/money/offers.ts'
import { amountOf } from '../broker/line/amounts.ts'
import type { Context } from '../context.ts'
import { badRequest } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { pageRequest } from '../http/pagination.ts'
import { iso } from './lookup.ts'

/** What an hour costs in the deployment's currency, and as it was quoted where that is another one; null: nobody knows. */
const priceView = ({ amount, currency, source, asOf, rate, rateAsOf, hourly, base }: OfferRow) => {
  if (amount === null) return null
  const quoted = { amount: amountOf(amount), currency }
  const said = { per: 'hour', as_of: iso(asOf), source }
  // In a currency of which nobody knows what it is worth.
  if (hourly === null) return { amount: null, currency: base, ...said, quoted }
  return {
    amount: amountOf(hourly),
    currency: base,
    ...said,
    ...(currency === base ? {} : { quoted: { ...quoted, rate, rate_as_of: iso(rateAsOf) } }),
  }
}

const view = (row: OfferRow) => ({
  cloud: row.cloud,
  zone: `${row.cloud}.${row.zone}`,
  name: row.size,
  option: row.option,
  vcpus: row.vcpus,
  ram_mib: row.ramMib,
  disk_gib: row.diskGib,
  arch: row.arch,
  gpus: row.gpus,
  available: row.available === 1,
  /** What is free in its zone; null: the cloud does not say. */
  room: row.freeVcpus === null ? null : { vcpus: row.freeVcpus, ram_mib: row.freeRamMib },
  unpriced: row.hourly === null,
  price: priceView(row),
})

const markerOf = ({ cloud, zone, size, option }: OfferRow): string =>
  [`${cloud}.${zone}`, size, option].map(encodeURIComponent).join('/')

/** What was last on the page before, as `markerOf` wrote it. Clouds have no dot in their names. */
const afterIn = (marker: string): OfferPage['after'] => {
  const [place = '', size = '', option = ''] = marker.split('/').map((part) => {
    try {
      return decodeURIComponent(part)
    } catch {
      throw unknownMarker()
    }
  })
  const [, cloud = '', zone = ''] = /^([^.]*)\.(.*)$/s.exec(place) ?? []
  return { cloud, zone, size, option: optionIn(option) ?? unknown() }
}

const unknownMarker = () => badRequest('marker: must be one that an earlier page gave')
const unknown = (): never => {
  throw unknownMarker()
}

const optionIn = (option: string | undefined): OfferPage['option'] =>
  option === 'on-demand' || option === 'spot' ? option : undefined

const flavorIn = async ({ db, scope }: Context, named: string): Promise<FlavorRow> => {
  const flavor = (await readableFlavor(db, scope, named)) ?? (await flavorNamed(db, scope, named))
  if (!flavor) throw badRequest(`flavor: there is no flavor ${named}`)
  return flavor
}

export const offerOperations: Operation[] = [
  operation({
    name: 'offer.list',
    method: 'GET',
    path: '/v1/offers',
    who: 'reader',
    summary:
      "What can be bought on the project's clouds: each size in each zone, on demand or as spot, with its price per hour, who says so and when. Filters `cloud`, `zone`, `flavor` (those that meet it), `name` and `option`; `limit`, `marker`.",
    status: 200,
    handle: async ({ context, query }) => {
      const { limit, marker } = pageRequest(query)
      if (limit === 0) throw badRequest('limit: must be 1 or more')
      if (query.option && !optionIn(query.option)) throw badRequest('option: must be on-demand or spot')
      const page: OfferPage = {
        scope: context.scope,
        cloud: query.cloud || undefined,
        zone: query.zone || undefined,
        size: query.name || undefined,
        option: optionIn(query.option),
        flavor: query.flavor ? await flavorIn(context, query.flavor) : undefined,
        after: marker ? afterIn(marker) : undefined,
        limit,
      }
      const rows = await pageOfOffers(context.db, page)
      if (!rows) throw unknownMarker()
      const offers = rows.map(view)
      return { body: { offers, next: rows.length === limit ? markerOf(rows.at(-1)!) : null } }
    },
  }),
]
