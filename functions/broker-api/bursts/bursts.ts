import * as z from 'zod'
import { BURST_STATES, burstById, burstsOf, type ShownBurst } from '../../../db/queries/bursts/bursts.ts'
import { membersOf } from '../../../db/queries/bursts/members.ts'
import { BurstRefused, changeBurst, createBurst, drainBurst } from '../../broker/burst/burst.ts'
import { reportOf } from '../../broker/burst/report.ts'
import { sentenceOf } from '../../broker/compute/foreseen/sentence.ts'
import { ServerRefused } from '../../broker/compute/server-refusal.ts'
import { Refused } from '../../broker/line/refused.ts'
import { badRequest, conflict, forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import {
  type BurstChanged,
  type BurstGiven,
  burstChanged,
  burstGiven,
  burstIn,
  changeIn,
  type ReportGiven,
  reportGiven,
} from './shape.ts'
import { burstView, memberView } from './view.ts'

const PATH = '/v1/bursts'
const ONE = `${PATH}/:id`
/** So many bursts, or members, are told at once. */
const MOST_BURSTS = 50
const MOST_MEMBERS = 200

const piece = {
  limit: z.coerce.number().int().min(1).max(MOST_MEMBERS).optional(),
  marker: z.string().max(64).optional(),
}
const listed = z.strictObject({
  ...piece,
  name: z.string().max(200).optional(),
  state: z.enum(BURST_STATES).optional(),
})
const paged = z.strictObject(piece)
type Listed = z.infer<typeof listed>
type Paged = z.infer<typeof paged>

const noBurst = (id: string) => notFound(`There is no burst ${id}.`)
const burstOf = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<ShownBurst> => {
  const burst = await burstById(context.db, context.scope, params.id!, context.now())
  if (!burst) throw noBurst(params.id!)
  return burst
}
const shown = async (input: Pick<Input, 'context' | 'params'>) => ({ body: { burst: burstView(await burstOf(input)) } })

const noMarker = () => badRequest('marker: must be one that an earlier page gave')

/** What is not there is named in the body; what may not be is told as servers are. */
const refuse: Operation['refuse'] = (error) => {
  if (error instanceof BurstRefused)
    return error.refusal.kind === 'no-flavor'
      ? badRequest('needs: no flavor on sale to the project is as large')
      : conflict(
          'Members cannot report: operators have not said under which origin guests find the broker (PLIMSOLL_PUBLIC_URL).',
        )
  if (error instanceof ServerRefused)
    return error.refusal.kind === 'hint' ? forbidden(sentenceOf(error.refusal)) : badRequest(sentenceOf(error.refusal))
  if (error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'burst-over')
    return conflict('The burst is over, or on its way: nothing of it is changed any more.')
  return error instanceof Refused && error.refusal.kind === 'quota' && error.refusal.resource === 'server_groups'
    ? forbidden('Quota exceeded, too many server groups.')
    : undefined
}

/** Many servers of one wish, as users ask for them. */
export const burstOperations: Operation[] = [
  operation<BurstGiven>({
    name: 'burst.create',
    method: 'POST',
    path: PATH,
    who: 'member',
    summary:
      'Asks for between `min` and `max` servers of one wish, the members of a burst: they are made after the answer, home first and elsewhere as the policy of the project says, all of `min` or none, and on up to `max` as there is room and money.',
    status: 202,
    body: burstGiven as unknown as z.ZodType<BurstGiven>,
    handle: async ({ context, body }) => {
      const projectId = context.caller?.projectId
      if (!projectId) throw conflict('The token is for no project.')
      return shown({ context, params: { id: await createBurst(context, projectId, burstIn(body, context.now())) } })
    },
    refuse,
  }),
  operation<unknown, Listed>({
    name: 'burst.list',
    method: 'GET',
    path: PATH,
    who: 'reader',
    summary: 'The bursts of the project, oldest first; filters `name` and `state`; `limit`, `marker`.',
    status: 200,
    query: listed,
    handle: async ({ context, query }) => {
      const limit = Math.min(MOST_BURSTS, query.limit ?? MOST_BURSTS)
      const rows = await burstsOf(context.db, context.scope, { ...query, limit }, context.now())
      if (!rows) throw noMarker()
      return { body: { bursts: rows.map(burstView), next: rows.length === limit ? rows.at(-1)!.id : null } }
    },
  }),
  operation({
    name: 'burst.show',
    method: 'GET',
    path: ONE,
    who: 'reader',
    summary:
      'A burst: how it stands (`pending`, `filling`, `running`, `draining`, `done`, `failed`) and why it has no more members, how many there are by status, cloud and report, what they cost so far and will.',
    status: 200,
    handle: shown,
  }),
  operation<BurstChanged>({
    name: 'burst.update',
    method: 'PATCH',
    path: ONE,
    who: 'member',
    summary:
      'Changes how many members a burst is to have, its budget or its deadline. Members that are too many go: first those that are done or do not run, then those elsewhere than at home.',
    status: 202,
    body: burstChanged as unknown as z.ZodType<BurstChanged>,
    handle: async (input) => {
      const { context, body } = input
      await changeBurst(context, await burstOf(input), changeIn(body, context.now()))
      return shown(input)
    },
    refuse,
  }),
  operation({
    name: 'burst.delete',
    method: 'DELETE',
    path: ONE,
    who: 'member',
    summary: 'Drains a burst: its members are deleted, then its server group. What it cost stays to be read.',
    status: 202,
    handle: async (input) => {
      await drainBurst(input.context, await burstOf(input))
      return shown(input)
    },
  }),
  operation<unknown, Paged>({
    name: 'burst-member.list',
    method: 'GET',
    path: `${ONE}/members`,
    who: 'reader',
    summary: 'The members that a burst has and had, oldest first, with what they reported; `limit`, `marker`.',
    status: 200,
    query: paged,
    handle: async ({ context: { db, scope }, params, query: { limit = MOST_MEMBERS, marker } }) => {
      const rows = await membersOf(db, { scope, burstId: params.id!, limit, marker })
      if (rows === 'no burst') throw noBurst(params.id!)
      if (rows === 'no marker') throw noMarker()
      return {
        body: { members: rows.map(memberView), next: rows.length === limit ? rows.at(-1)!.member.serverId : null },
      }
    },
  }),
  operation<ReportGiven>({
    name: 'report.create',
    method: 'POST',
    path: '/v1/reports/:word',
    who: 'public',
    summary:
      'A member of a burst says how it is, with the URL that its user data give it and no token: it can say nothing else. After `done` or `failed` there is no such URL.',
    status: 204,
    body: reportGiven,
    handle: async ({ context, params, body }) => {
      const told = await reportOf(context, params.word!, { reported: body.state, message: body.message ?? null })
      if (!told) throw notFound('The resource could not be found.')
      return {}
    },
  }),
]
