import { cloudsFor, offersOn } from '../../db/queries/clouds/clouds.ts'
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
      const clouds = (await cloudsFor(context.db, context.scope)).filter(
        ({ name, enabled }) => enabled && (!query.cloud || name === query.cloud),
      )
      const rows = await offersOn(
        context.db,
        clouds.map(({ id }) => id),
      )
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
      const wanted = offers.filter(
        ({ name, zones }) => (!query.name || name === query.name) && (!query.zone || zones.includes(query.zone)),
      )
      return { body: { offers: wanted } }
    },
  }),
]
