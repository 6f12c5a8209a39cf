import { forgetRefused, refusedBy } from '../../db/queries/clouds/refused-offers.ts'
import { commit } from '../broker/line/commit.ts'
import { type Operation, operation } from '../http/operation.ts'
import { cloudNamed, iso, noCloud } from './lookup.ts'

const PATH = '/v1/clouds/:name/refused-offers'
/** More than this is counted in no cloud's zones at a time, but for one that refuses everything. */
const MOST = 1_000

/** What clouds would not sell, and are not asked for again for a while. */
export const refusedOfferOperations: Operation[] = [
  operation({
    name: 'refused-offer.list',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary:
      'What a cloud refused lately, by zone, size and purchase option, and until when no server is sent there for it; 1000 at most.',
    status: 200,
    handle: async ({ context, params }) => {
      const { name = '' } = params
      const rows = await refusedBy(context.db, name, context.now(), MOST)
      if (!rows) throw noCloud(name)
      return {
        body: {
          refused_offers: rows.map(({ zone, size, option, projectId, shortage, words, at, until }) => ({
            zone: `${name}.${zone}`,
            size,
            option,
            project_id: projectId || null,
            shortage,
            reason: words,
            at: iso(at),
            until: iso(until),
          })),
        },
      }
    },
  }),
  operation({
    name: 'refused-offer.forget',
    method: 'DELETE',
    path: PATH,
    who: 'admin',
    summary:
      'Forgets what a cloud refused: after its limits were raised, or machines were added, it is asked again at once.',
    status: 204,
    handle: async ({ context, params }) => {
      const { id } = await cloudNamed(context, params.name!)
      const entry = { action: 'forget', kind: 'cloud', resourceId: id, detail: { refused_offers: true } }
      await commit(context, entry, [forgetRefused(context.db, id)])
      return { body: undefined }
    },
  }),
]
