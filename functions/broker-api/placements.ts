import * as z from 'zod'
import { type PlacedServer, type PlacementRow, placedServer } from '../../db/queries/compute/placements.ts'
import { sentenceOf } from '../broker/compute/foreseen/sentence.ts'
import { ruleFault } from '../broker/compute/metadata-rules.ts'
import type { Attempt, Explanation, KeptExplanation } from '../broker/compute/place/explanation.ts'
import { foresee, type Wanted } from '../broker/compute/place/foresee.ts'
import { effectOf, REACH } from '../broker/compute/place/hints.ts'
import { type Place, placesOf } from '../broker/compute/server-facts.ts'
import { amountOf } from '../broker/line/amounts.ts'
import { dictionary } from '../http/dictionary.ts'
import { badRequest, conflict, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { iso } from './lookup.ts'

const UNKNOWN =
  'Nothing was kept of how it was placed: it was adopted where it ran, or made before explanations were kept.'

const whereIs = ({ cloudId, cloud, zone, places }: PlacedServer) =>
  cloudId && { cloud: cloud ?? cloudId, zone, size: placesOf({ places }).at?.native ?? null }

/** Of a server that is out and may come home: what became of that; null: nothing did yet, or it is there. */
const homecomingView = ({ move, moveTo }: PlacedServer) => {
  // Of one that stood in for another machine nothing is left to be said.
  if (!move || (move.state === 'staying' && move.reason === null)) return null
  return {
    state: move.state,
    reason: move.reason,
    /** Where its other machine is. */
    beside: move.cloudId && { cloud: moveTo ?? move.cloudId, zone: placeIn(move)?.zone, size: placeIn(move)?.native },
    ready_at: move.readyAt === null ? null : iso(move.readyAt),
    due_at: iso(move.dueAt),
  }
}
const placeIn = ({ place }: NonNullable<PlacedServer['move']>) => place as unknown as Place | null

const hintView = ([name, value]: [string, unknown]) => {
  const effect = effectOf(name)
  return {
    name,
    value,
    effect: effect === null ? 'none' : 'kept',
    reason: effect ?? 'It was kept as it was sent, and no cloud of this broker knows it.',
  }
}

const explained = ({ considered, ties, preferences }: Explanation) => ({
  considered: considered.map(({ cloud, zone, size, refused }) => ({
    cloud,
    zone,
    size,
    verdict: refused ? 'refused' : 'kept',
    rule: refused?.rule ?? null,
    reason: refused?.reason ?? null,
  })),
  ties,
  preferences,
})

const view = (placement: PlacementRow) => {
  const { omitted, ...explanation } = placement.explanation as unknown as KeptExplanation
  return {
    decided_at: iso(placement.createdAt),
    ...explained(explanation),
    omitted,
    attempts: (placement.attempts as unknown as Attempt[]).map(({ at, ...attempt }) => ({ at: iso(at), ...attempt })),
    hints: Object.entries(placement.hints).map(hintView),
  }
}

const id = z.string().min(1).max(255)
const MOST_SERVERS = 1_000

const asked = z.strictObject({
  placement: z.strictObject({
    flavor: id,
    image: id,
    networks: z.union([z.array(id).max(64), z.literal('none')]).optional(),
    availability_zone: id.optional(),
    security_groups: z.array(id).max(64).optional(),
    server_group: id.optional(),
    metadata: dictionary(z.string().min(1).max(255), z.string().max(255)).optional(),
    tags: z.array(z.string().min(1).max(60)).max(50).optional(),
    count: z.int().min(1).max(MOST_SERVERS).optional(),
    reach: z.literal('routed').optional(),
  }),
})
type Asked = z.infer<typeof asked>

const wantedIn = ({ placement: asked }: Asked): Wanted => {
  const misspelt = Object.entries(asked.metadata ?? {}).flatMap(([key, value]) => ruleFault(key, value) ?? [])
  if (misspelt.length) throw badRequest(misspelt.join(' '))
  const { networks, count = 1 } = asked
  return {
    flavorId: asked.flavor,
    imageId: asked.image,
    ...(networks && { nics: networks === 'none' ? [] : networks.map((networkId) => ({ networkId, fixedIp: null })) }),
    zone: asked.availability_zone ?? null,
    securityGroups: asked.security_groups ?? null,
    groupId: asked.server_group ?? null,
    metadata: asked.metadata ?? {},
    tags: asked.tags ?? [],
    minCount: count,
    maxCount: count,
    hints: { ...(asked.server_group && { group: asked.server_group }), ...(asked.reach && { [REACH]: asked.reach }) },
  }
}

/** Where it would be, and for how much an hour; unpriced is null, and not free. */
const placeView = ({ cloud, zone }: { cloud: string; zone: string | null }, { native, option, hourly }: Place) => ({
  cloud,
  zone,
  size: native,
  option,
  hourly: hourly === null ? null : amountOf(hourly),
})

export const placementOperations: Operation[] = [
  operation<Asked>({
    name: 'placement.foresee',
    method: 'POST',
    path: '/v1/placements',
    who: 'member',
    summary:
      'What would become of a server that is asked for now: where it would be sent, for how much, in which order the rest would be tried, and what refuses others. Nothing is made, and quotas are not looked at.',
    status: 200,
    body: asked as unknown as z.ZodType<Asked>,
    handle: async ({ context, body }) => {
      const projectId = context.caller?.projectId
      if (!projectId) throw conflict('The token is for no project.')
      const foreseen = await foresee(context, projectId, wantedIn(body))
      if (foreseen.outcome === 'refused') {
        const { refusal } = foreseen
        return { body: { placement: { outcome: 'refused', rule: refusal.kind, reason: sentenceOf(refusal) } } }
      }
      const { explanation } = foreseen
      const placed =
        foreseen.outcome === 'nowhere'
          ? { outcome: 'nowhere', reason: foreseen.reason, places: [] }
          : {
              outcome: 'placed',
              filters: foreseen.filters,
              // What was kept comes first there, in the same order.
              places: foreseen.places.map((place, i) => placeView(explanation.considered[i]!, place)),
            }
      return { body: { placement: { ...placed, ...explained(explanation) } } }
    },
  }),
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
      const server = await placedServer(context.db, context.scope, id)
      if (!server) throw notFound(`There is no server ${id}.`)
      const { placement } = server
      return {
        body: {
          placement: {
            server_id: id,
            at: whereIs(server),
            filters: server.filters,
            ...(placement ? view(placement) : { unknown: UNKNOWN }),
            homecoming: homecomingView(server),
          },
        },
      }
    },
  }),
]
