import { offersFor } from '../../db/queries/clouds/clouds.ts'
import { type Operation, operation } from '../http/operation.ts'

export const offerOperations: Operation[] = [
  operation({
    name: 'offer.list',
    method: 'GET',
    path: '/v1/offers',
    who: 'reader',
    summary:
      "What can be bought on the project's clouds right now; filters `cloud`, `name` and `zone`. Prices are per hour.",
    status: 200,
    handle: async ({ context, query }) => {
      const rows = await offersFor(context.db, {
        scope: context.scope,
        cloud: query.cloud || undefined,
        name: query.name || undefined,
      })
      const offers = rows.map(({ offer, cloud }) => ({
        cloud,
        name: offer.name,
        zones: offer.zones.map((zone) => `${cloud}.${zone}`),
        vcpus: offer.vcpus,
        ram_mib: offer.ramMib,
        disk_gib: offer.diskGib,
        arch: offer.arch,
        gpus: offer.gpus,
        price: offer.price === null ? null : { amount: offer.price, currency: offer.currency },
      }))
      return { body: { offers: offers.filter(({ zones }) => !query.zone || zones.includes(query.zone)) } }
    },
  }),
]
