import { isRevised, type Revised, revisionIsNot, revisionOf } from '../../db/queries/network/revisions.ts'
import { guard } from '../broker/line/commit.ts'
import { Refused } from '../broker/line/refused.ts'
import { badRequestFor } from '../broker/network/network-refusal.ts'
import { Fault } from '../http/fault.ts'
import type { Operation } from '../http/operation.ts'

/* Extension revision-if-match: https://docs.openstack.org/api-ref/network/v2/#revisions */

const MARK = 'revision_number='

/** The revision to which a request ties its change; null: it ties it to none (neutron/api/api_common.py). */
const revisionAsked = (header: string | null): number | null => {
  const tags = (header ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, '').replace(/^"|"$/g, ''))
    .filter((tag) => tag.startsWith(MARK))
  if (tags.length > 1) throw badRequestFor('if-match', 'Multiple revision_number etags are not supported')
  const [tag] = tags
  if (tag === undefined) return null
  const number = tag.slice(MARK.length)
  if (!/^-?\d{1,15}$/.test(number))
    throw badRequestFor('if-match', 'Revision number etag must be in the format of revision_number=<int>')
  return Number(number)
}

const passed = (expected: number, current: number): Fault =>
  new Fault(412, `Constrained to ${expected}, but current revision is ${current}`, {
    type: 'RevisionNumberConstraintFailed',
  })

/** Where `PUT` and `DELETE` name a revision in `If-Match`, they change only what is still at it. */
export const heedingRevisions = (operation: Operation): Operation => {
  const [collection = '', id] = operation.path.split('/').slice(-2)
  if (!['PUT', 'DELETE'].includes(operation.method) || id !== ':id') return operation
  return {
    ...operation,
    handle: async (input) => {
      const expected = revisionAsked(input.request.headers.get('If-Match'))
      if (expected === null) return operation.handle(input)
      if (!isRevised(collection)) throw badRequestFor(collection, 'Revision matching not supported for this resource')
      const { context, params } = input
      const condition = guard(context, GUARD, revisionIsNot(collection, params.id!, expected))
      return operation.handle({ ...input, context: { ...context, conditions: [condition] } })
    },
    refuse: async (error, input) => {
      const stale = error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === GUARD
      if (!stale || !isRevised(collection)) return operation.refuse?.(error, input)
      const { context, params, request } = input
      const expected = revisionAsked(request.headers.get('If-Match'))!
      return passed(expected, await now(context.db, collection, params.id!, expected))
    },
  }
}

const GUARD = 'revision-number'

const now = async (db: Parameters<typeof revisionOf>[0], what: Revised, id: string, expected: number) =>
  (await revisionOf(db, what, id)) ?? expected
