import type { Connection, Mark } from '../contract.ts'
import { refusal } from './errors.ts'

type Marked = { mark: Mark | null; id: string; kind: string }

/** The mark, if this deployment wrote it. Marks of others are not shown. */
export const ours = (mark: Mark | null, { deployment }: Connection): Mark | undefined =>
  mark?.deployment === deployment ? mark : undefined

/** Throws unless the object is this deployment's and, where a mark is given, that very resource's. */
export const refuseForeign = (object: Marked, connection: Connection, mark?: Mark): void => {
  const own = ours(object.mark, connection)
  if (own && (!mark || own.resource === mark.resource)) return
  throw refusal('NotYours', 'The object on the cloud does not belong to this resource, so it is left alone.', {
    operatorMessage: `${object.kind} ${object.id} is marked ${object.mark ? JSON.stringify(object.mark) : 'by nobody'}`,
  })
}

/** The mark of an object after it was put on or (null) taken off. Throws if it has another one already. */
export const remarked = (object: Marked, connection: Connection, mark: Mark | null): Mark | null => {
  const own = ours(object.mark, connection)
  if (mark === null) return own ? null : object.mark
  if (object.mark !== null) refuseForeign(object, connection, mark)
  return object.mark ?? mark
}
