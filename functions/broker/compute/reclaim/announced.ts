import type { Reclaim } from '../../../../adapters/contract.ts'
import { insertCloudsWordOnce } from '../../../../db/queries/compute/server-actions.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Binding } from '../../../../db/queries/line/bindings.ts'
import type { Context } from '../../../context.ts'
import type { Write } from '../../line/commit.ts'
import { sizeBought } from '../place/refusals.ts'
import { placesOf } from '../server-facts.ts'

/**
 * An announcement, that its cloud is going to take the machine of a server back, is told, once of each machine, and nothing is done.
 * The machine runs until it is gone, and may be let live after all.
 */
export const reclaimAnnounced = (
  { db, newId, now }: Context,
  server: ServerRow,
  { cloudId, zone }: Binding,
  { words }: Reclaim,
): Write => {
  const { at } = placesOf(server)
  const said = `.${server.zone ?? zone} is going to take back ${at ? sizeBought(at) : 'it'}: ${words.slice(0, 300)}`
  return insertCloudsWordOnce(
    db,
    {
      ...{ serverId: server.id, projectId: server.projectId, userId: '', requestId: `req-${newId()}` },
      ...{ action: 'reclaim_announced', state: 'done', cloudId, said, now: now() },
    },
    server.launchedAt ?? server.createdAt,
  )
}
