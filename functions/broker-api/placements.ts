import { cloudById } from '../../db/queries/clouds/clouds.ts'
import { type PlacementRow, placementOf } from '../../db/queries/compute/placements.ts'
import { type ServerRow, serverById } from '../../db/queries/compute/servers.ts'
import type { Attempt, KeptExplanation } from '../broker/compute/place/explanation.ts'
import { effectOf } from '../broker/compute/place/hints.ts'
import { placesOf } from '../broker/compute/server-facts.ts'
import type { Context } from '../context.ts'
import { notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { iso } from './lookup.ts'

const UNKNOWN =
  'Nothing was kept of how it was placed: it was adopted where it ran, or made before explanations were kept.'

const whereIs = async ({ db }: Context, server: ServerRow) => {
  const { at } = placesOf(server)
  if (!server.cloudId) return null
  const cloud = await cloudById(db, server.cloudId)
  return { cloud: cloud?.name ?? server.cloudId, zone: server.zone, size: at?.native ?? null }
}

const hintView = ([name, value]: [string, unknown]) => {
  const effect = effectOf(name)
  return {
    name,
    value,
    effect: effect === null ? 'none' : 'kept',
    reason: effect ?? 'It was kept as it was sent, and no cloud of this broker knows it.',
  }
}

const view = (placement: PlacementRow) => {
  const { considered, omitted, ties, preferences } = placement.explanation as unknown as KeptExplanation
  return {
    decided_at: iso(placement.createdAt),
    considered: considered.map(({ cloud, zone, size, refused }) => ({
      cloud,
      zone,
      size,
      verdict: refused ? 'refused' : 'kept',
      rule: refused?.rule ?? null,
      reason: refused?.reason ?? null,
    })),
    omitted,
    ties,
    preferences,
    attempts: (placement.attempts as unknown as Attempt[]).map(({ at, ...attempt }) => ({ at: iso(at), ...attempt })),
    hints: Object.entries(placement.hints).map(hintView),
  }
}

export const placementOperations: Operation[] = [
  operation({
    name: 'placement.show',
    method: 'GET',
    path: '/v1/servers/:id/placement',
    who: 'reader',
    summary:
      'Why a server is where it is: what was considered, what refused the rest, what tied it, where it was tried, and which hints had no effect.',
    status: 200,
    handle: async ({ context, params }) => {
      const { id = '' } = params
      const server = await serverById(context.db, context.scope, id)
      if (!server) throw notFound(`There is no server ${id}.`)
      const placement = await placementOf(context.db, id)
      return {
        body: {
          placement: {
            server_id: id,
            at: await whereIs(context, server),
            filters: server.filters,
            ...(placement ? view(placement) : { unknown: UNKNOWN }),
          },
        },
      }
    },
  }),
]
