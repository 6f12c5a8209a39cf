import * as z from 'zod'
import { isEntry, listEntries } from '../../../db/queries/line/journal.ts'
import { badRequest, forbidden } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { iso } from '../lookup.ts'

/* Who changed what, in the words of CADF (DMTF DSP0262) as far as it has any for it. */

const MOST = 1_000
const text = z.string().min(1).max(255).optional()
const time = z.iso.datetime({ offset: true }).optional()
const asked = z.strictObject({
  ...{ resource_id: text, project_id: text, user_id: text, request_id: text, kind: text, action: text },
  ...{ since: time, until: time },
  before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  limit: z.coerce.number().int().min(1).max(MOST).optional(),
})

type Row = Awaited<ReturnType<typeof listEntries>>[number]

const view = (row: Row) => ({
  id: row.id,
  event_time: iso(row.at),
  action: row.action,
  outcome: /[._]failed$/.test(row.action) ? 'failure' : 'success',
  // Who is nobody is the broker itself: its cron, and what it finds in clouds.
  initiator: { id: row.userId, project_id: row.projectId },
  target: { id: row.resourceId, type: row.kind },
  ...{ request_id: row.requestId, global_request_id: row.globalRequestId, detail: row.detail },
})

/** What the journal tells. */
export const journalOperations: Operation[] = [
  operation<unknown, z.infer<typeof asked>>({
    name: 'journal.list',
    method: 'GET',
    path: '/v1/journal',
    who: 'reader',
    summary:
      'Who changed what, newest first, `before` an entry: of the own project, for administrators of all or of `project_id`. Filters `resource_id`, `user_id`, `request_id` (or what a client called the whole operation), `since` and `until`; `kind` and `action` among the newest 10 000 of these. 100 entries, `limit` says otherwise.',
    status: 200,
    query: asked,
    handle: async ({ context: { db, caller }, query }) => {
      const { isAdmin, projectId } = caller!
      const { project_id: named, since, until, limit = 100 } = query
      if (!isAdmin && named !== undefined && named !== projectId)
        throw forbidden('The journal of another project is for administrators.')
      const [from, to] = [since, until].map((each) => (each === undefined ? undefined : Date.parse(each)))
      if (from !== undefined && to !== undefined && to < from) throw badRequest('until: must not be before since.')
      const rows = await listEntries(db, {
        ...{ resourceId: query.resource_id, userId: query.user_id, requestId: query.request_id },
        ...{ kind: query.kind, action: query.action, since: from, until: to, before: query.before },
        projectId: isAdmin ? named : projectId,
        limit,
      })
      // Behind nothing is nothing: whoever asks for it is told so once it made a difference.
      if (!rows.length && query.before !== undefined && !(await isEntry(db, query.before)))
        throw badRequest('before: there is no such entry.')
      return { body: { entries: rows.map(view) } }
    },
  }),
]
