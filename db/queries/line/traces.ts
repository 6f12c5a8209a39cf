import type { Kind } from '../../../adapters/contract.ts'
import { ready } from '../../prepared.ts'

/** Statement: what is due of these resources is due by a trace, a `traceparent`, until it is settled. Any number of ids. */
export const traceDue = (kind: Kind, ids: string[], traceparent: string) =>
  ready(
    `update bindings set trace = ? where kind = ? and resource_id in (select value from json_each(?)) and due_at is not null`,
    [traceparent, kind, JSON.stringify(ids)],
  )
