import * as z from 'zod'
import { told } from '../../broker/notices/body.ts'
import { type Heard, lookBehind, markOf, type Place, stayTuned } from '../../broker/notices/reading.ts'
import type { Context } from '../../context.ts'
import { Fault } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { askedFor, placeAsked, projectAsked, typesAsked } from './asked.ts'
import { openStream } from './stream.ts'

const PATH = '/v1/events'
const MOST = 1000
const PAGE = 100
/** Before the first that was ever told. */
const BEGINNING: Place = { seq: 0, id: '' }

const page = z.strictObject({
  ...askedFor,
  after: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(MOST).optional(),
})
const stream = z.strictObject({ ...askedFor })

/** What is behind a place, and from now on, if nobody did until now, somebody listens. */
const hear = async (context: Context, project: string, from: Place, limit: number): Promise<Heard> => {
  const found = await lookBehind(context, project, from, limit)
  return (await stayTuned(context, project, found.until)) ? lookBehind(context, project, from, limit) : found
}

/** What happened to the things of a project, as it happens. */
export const eventOperations: Operation[] = [
  operation<unknown, z.infer<typeof page>>({
    name: 'event.list',
    method: 'GET',
    path: PATH,
    who: 'reader',
    summary:
      'What happened to the things of a project, oldest first, behind the place `after` that an earlier answer gave as `next`; `gap` says that something there is not known any more. Events are written from the first time on that somebody asks for them, and kept for a day. Administrators may name another `project_id`.',
    status: 200,
    query: page,
    handle: async ({ context, query: { after, limit = PAGE, ...query } }) => {
      const types = typesAsked(query.types)
      const from = after === undefined ? BEGINNING : placeAsked('after', after)
      const found = await hear(context, await projectAsked(context, query.project_id), from, limit)
      const events = found.notices.filter(({ type }) => types?.has(type) ?? true)
      return {
        body: { events: events.map(told), next: markOf(found.place), gap: after !== undefined && found.gap },
      }
    },
  }),
  operation<unknown, z.infer<typeof stream>>({
    name: 'event.stream',
    method: 'GET',
    path: `${PATH}/stream`,
    who: 'reader',
    summary:
      'The same as server-sent events, for clients that accept `text/event-stream` by name: from now on, or behind `Last-Event-ID`. It ends when the token does, and a client that comes again goes on where it was.',
    status: 200,
    query: stream,
    handle: async ({ context, query, request }) => {
      // Whoever follows a link, or looks at every path, is not held for hours.
      if (!/\btext\/event-stream\b/i.test(request.headers.get('Accept') ?? ''))
        throw new Fault(406, 'This is a stream of events: ask for it with Accept: text/event-stream.')
      const last = request.headers.get('Last-Event-ID')
      const from = last === null ? null : placeAsked('Last-Event-ID', last)
      const types = typesAsked(query.types)
      return openStream(context, { projectId: await projectAsked(context, query.project_id), from, types })
    },
  }),
]
